"""Wiring files: what is wrong with one is said in one sentence."""

from pathlib import Path
from typing import Any

import pytest
import tomli_w
from cores import core_of

from twinbar.boards.board_definition import BoardDefinition
from twinbar.boards.core_of_board import core_of as build_core
from twinbar.boards.known_boards import find
from twinbar.boards.top import Design, design
from twinbar.boards.wiring import find_wiring
from twinbar.hw.errors import ConfigError, ParameterError

BOARD = find("icebreaker")


@pytest.fixture
def content() -> dict[str, Any]:
    """The wiring of the iCEBreaker, as a user would write it."""
    return find_wiring("icebreaker").model_dump(mode="json")


def made(content: dict[str, Any], folder: Path, board: BoardDefinition = BOARD, **sizes: Any) -> Design:
    file = folder / "mine.toml"
    for plug in content["modules"]:
        plug["pins"] = {str(number): where for number, where in plug["pins"].items()}
    file.write_text(tomli_w.dumps(content))
    wiring = find_wiring(str(file))
    return design(board, core_of(board, wiring, **sizes), wiring)


def refused(content: dict[str, Any], folder: Path, sentence: str, **sizes: Any) -> None:
    with pytest.raises(ConfigError) as error:
        made(content, folder, **sizes)
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_of_the_user_is_like_one_of_ours(content: dict[str, Any], tmp_path: Path) -> None:
    ours = find_wiring("icebreaker")
    assert made(content, tmp_path).placement == design(BOARD, core_of(BOARD, ours), ours).placement


def test_a_pin_that_is_given_twice(content: dict[str, Any], tmp_path: Path) -> None:
    content["pins"]["compliance"] = "pmod_2:8"
    refused(content, tmp_path, "pmod_2:8 is given twice, for write_gate and for compliance; change one of them")


def test_a_pin_of_a_module_that_is_given_twice(content: dict[str, Any], tmp_path: Path) -> None:
    content["pins"]["stop"] = "pmod_0:4"
    refused(content, tmp_path, "pmod_0:4 is given twice, for dac.clock and for stop")


def test_two_modules_on_one_connector(content: dict[str, Any], tmp_path: Path) -> None:
    content["modules"][1]["connector"] = "pmod_0"
    refused(content, tmp_path, "pmod_0:1 is given twice, for dac.select_n.0 and for adc.select_n.0")


def test_unknown_connectors_pins_and_signals(content: dict[str, Any], tmp_path: Path) -> None:
    content["pins"]["write_gate"] = "pmod_7:1"
    refused(content, tmp_path, "the board has no connector 'pmod_7'; it has pmod_0, pmod_1, pmod_2")
    content["pins"]["write_gate"] = "pmod_2:5"
    refused(content, tmp_path, "the connector pmod_2 has no pin '5' that can be used")
    content["pins"] |= {"write_gate": "pmod_1:8", "write_gat": "pmod_1:9"}
    refused(content, tmp_path, "the front end has no pin 'write_gat'; did you mean 'write_gate'?")


def test_a_pin_that_the_board_uses_itself(tmp_path: Path) -> None:
    content = find_wiring("icesugar").model_dump(mode="json")
    content["pins"]["write_gate"] = "pmod_0:2"
    with pytest.raises(ConfigError, match="write_gate is wired to pmod_0:2, which is uart 0 of the board"):
        made(content, tmp_path, find("icesugar"))


def test_a_missing_signal(content: dict[str, Any], tmp_path: Path) -> None:
    del content["pins"]["read_enable"]
    refused(
        content, tmp_path, "read_enable of the front end has no place; wire it under [pins], or name it in `unused`"
    )
    content["unused"].append("read_enable")
    made(content, tmp_path)
    content["fixed"] = {}
    refused(content, tmp_path, "fault of the front end has no place; wire it under [pins], or fix its level under [fix")


def test_inputs_and_outputs_are_told_apart(content: dict[str, Any], tmp_path: Path) -> None:
    content["fixed"]["read_enable"] = 0
    refused(content, tmp_path, "read_enable is driven by the FPGA and cannot be fixed")
    del content["fixed"]["read_enable"]
    content["unused"].append("fault")
    refused(content, tmp_path, "fault is an input and needs a level; give it one under [fixed]")


def test_a_pin_with_a_place_that_is_unused(content: dict[str, Any], tmp_path: Path) -> None:
    content["unused"].append("write_gate")
    refused(content, tmp_path, "write_gate has a place, pmod_2:8, and is unused too; keep one")


def test_more_channels_than_the_converters_have(content: dict[str, Any], tmp_path: Path) -> None:
    refused(content, tmp_path, "adc.inputs.2 of the front end has no place (2 pins have none)", adc_channels=4)
    second = {**content["modules"][1], "connector": "", "first": 2}
    second["pins"] = {"1": "pmod_0:7", "2": "pmod_0:8", "3": "pmod_0:9", "4": "pmod_0:10"}
    content["modules"].append(second)
    places = made(content, tmp_path, adc_channels=4).placement.places
    assert places["adc.inputs.3"] == ["pmod_0:9"]
    assert places["adc.clock"] == ["pmod_1:4", "pmod_0:10"]


def test_a_part_without_a_driver(content: dict[str, Any], tmp_path: Path) -> None:
    content["modules"] = content["modules"][1:]
    refused(content, tmp_path, "no part is on the bus dac; plug a module onto it, or name its part under [parts]")
    content["parts"] = {"dac": "TLV5618"}
    refused(
        content,
        tmp_path,
        "there is no driver for 'TLV5618' on the bus dac; there is one for AD5593R, AD5628, AD5686R, ",
    )
    content["modules"].append({"module": "pmod-xyz", "connector": "pmod_0", "pins": {}})
    refused(content, tmp_path, "there is no module 'pmod-xyz'; choose one of hc595-chains, pmod-ad1, pmod-da4")


def test_an_output_for_which_no_chip_is_selected(content: dict[str, Any], tmp_path: Path) -> None:
    content["outputs"][0]["chip"] = 1
    refused(content, tmp_path, "dac.select_n.1 of the front end has no place")


def test_a_module_without_place(content: dict[str, Any], tmp_path: Path) -> None:
    content["modules"][0]["connector"] = ""
    refused(content, tmp_path, "the module pmod-da4 has no place; give it a `connector`, or `pins`")
    content["modules"][0]["pins"] = {"1": "pmod_0:1", "2": "pmod_0:2"}
    refused(content, tmp_path, "pin 4 of the module pmod-da4 has no place; name it in its `pins`")


def test_the_wrong_board(content: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is for icebreaker, not for icesugar"):
        made(content, tmp_path, find("icesugar"))


def test_a_direct_front_end_without_room(tmp_path: Path) -> None:
    content = find_wiring("ice40-hx8k-b-evn").model_dump(mode="json")
    board = find("ice40-hx8k-b-evn")
    made(content, tmp_path, board)
    with pytest.raises(ConfigError, match=r"codes\.bit_line has 8 places; this front end has 10 bits of it"):
        made(content, tmp_path, board, dac_bits=10)
    content["modules"] = [{"module": "pmod-da4", "connector": "j_1", "pins": {}}]
    with pytest.raises(ConfigError, match="a direct front end has no modules"):
        made(content, tmp_path, board)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("boards = [", "is not TOML"),
        (
            'title = "x"\nboards = []\nfront_end = "serial"\nrow = 3\n',
            "there is no key 'row'; docs/boards.md",
        ),
        ('title = "x"\nboards = []\nfront_end = "pigeon"\n', "front_end: input should be 'serial' or 'direct'"),
        ('boards = []\nfront_end = "serial"\n', "title: field required"),
    ],
)
def test_a_file_that_is_none(text: str, sentence: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as error:
        find_wiring(str(file))
    assert sentence in str(error.value)
    with pytest.raises(ConfigError, match=r"nowhere\.toml cannot be read: No such file"):
        find_wiring(str(tmp_path / "nowhere.toml"))
    with pytest.raises(ConfigError, match="there is no wiring 'nowhere'; choose one of colorlight-i5, "):
        find_wiring("nowhere")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[limits]\npulse_us = inf", "limits.pulse_us: input should be a finite number"),
        ("[limits]\npulse_us = true", "limits.pulse_us: input should be a valid number"),
        ("[limits]\npulses = true", "limits.pulses: input should be a valid integer"),
        ('[limits]\nword_line = "2500"', "limits.word_line: input should be a valid integer"),
        ("[limits]\nbit_line = 4096", "limits.bit_line: input should be less than or equal to 4095"),
        ("[limits]\nbitline = 3000", "there is no key 'limits.bitline'; docs/boards.md lists them"),
        ("power_up_us = inf", "power_up_us: input should be a finite number"),
        ("input_settle_us = inf", "input_settle_us: input should be a finite number"),
        ("skew_ns = inf", "skew_ns: input should be a finite number"),
        ("round_trip_ns = inf", "round_trip_ns: input should be a finite number"),
    ],
)
def test_limits_and_times_that_are_no_numbers(text: str, sentence: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(f'title = "x"\nboards = []\nfront_end = "serial"\n{text}\n')
    with pytest.raises(ConfigError) as error:
        find_wiring(str(file))
    assert sentence in str(error.value)


def test_a_size_that_cannot_be_is_named_as_it_was_given(content: dict[str, Any], tmp_path: Path) -> None:
    content["geometry"] |= {"columns": 6, "adc_channels": 2}
    file = tmp_path / "mine.toml"
    for plug in content["modules"]:
        plug["pins"] = {str(number): where for number, where in plug["pins"].items()}
    file.write_text(tomli_w.dumps(content))
    wiring = find_wiring(str(file))
    with pytest.raises(ConfigError, match=r"^geometry\.adc_channels of the wiring '.*' is 2; it must be a power"):
        build_core(BOARD, wiring)
    with pytest.raises(ParameterError, match="is 7; it must be even") as refused:
        build_core(BOARD, wiring, columns=7)
    assert refused.value.name == "columns"
