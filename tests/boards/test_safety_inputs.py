"""Inputs that stop the controller: by default an open pin stops it, and a wiring says what is otherwise."""

from pathlib import Path
from typing import Any

import pytest
import tomli_w
from cores import core_of

from twinbar.boards.known_boards import boards, find
from twinbar.boards.placement import sockets_of
from twinbar.boards.top import Design, design
from twinbar.boards.wiring import SAFETY_INPUTS, find_wiring
from twinbar.hw.errors import ConfigError


def wired(name: str, folder: Path, inputs: dict[str, Any]) -> Design:
    board = find(name)
    content = find_wiring(board.wiring).model_dump(mode="json") | {"inputs": inputs}
    for plug in content["modules"]:
        plug["pins"] = {str(number): where for number, where in plug["pins"].items()}
    (folder / "mine.toml").write_text(tomli_w.dumps(content))
    wiring = find_wiring(str(folder / "mine.toml"))
    sizes = {} if wiring.front_end == "direct" else {"rows": 8, "columns": 8}
    return design(board, core_of(board, wiring, **sizes), wiring)


@pytest.mark.parametrize("name", boards())
def test_an_open_pin_stops_by_default(name: str) -> None:
    board = find(name)
    wiring = find_wiring(board.wiring)
    made = design(board, core_of(board, wiring), wiring)
    for pin, where in made.placement.places.items():
        resource = made.platform.resources[f"front_{pin.replace('.', '_')}", 0]
        pulled_up = {"PULLUP": 1}.items() <= resource.attrs.items()
        pulled_up |= "UP" in (resource.attrs.get("PULLMODE"), resource.attrs.get("PULL_MODE"))
        assert pulled_up == (pin in SAFETY_INPUTS), (pin, where)
        if pin in SAFETY_INPUTS:
            assert not resource.ios[0].invert
    assert {"compliance"} <= made.placement.places.keys() & set(SAFETY_INPUTS)


def test_the_pull_is_in_the_constraints_and_in_the_netlist(tmp_path: Path) -> None:
    made = wired("colorlight-i5", tmp_path, {"compliance": {"active": "low"}})
    files = made.platform.prepare(made.top(), "board").files
    assert 'IOBUF PORT "front_compliance_0__io" IO_TYPE=LVCMOS33 PULLMODE=DOWN;' in files["board.lpf"]
    assert made.platform.resources["front_compliance", 0].ios[0].invert
    made = wired("icebreaker", tmp_path, {})
    netlist = made.platform.prepare(made.top(), "board").files["board.il"]
    (cell,) = [part for part in netlist.split("cell \\SB_IO")[1:] if "\\front_compliance_0__io" in part.split("end")[0]]
    assert "parameter \\PULLUP 1" in cell.split("connect")[0]


def test_what_the_pins_of_an_ice40_cannot_do(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match="compliance would be pulled down, and the pins of an iCE40UP5K have pull-ups"
    ):
        wired("icebreaker", tmp_path, {"compliance": {"active": "low"}})
    made = wired("icebreaker", tmp_path, {"compliance": {"active": "low", "pull": "none"}})
    resource = made.platform.resources["front_compliance", 0]
    assert resource.ios[0].invert
    assert "PULLUP" not in resource.attrs


def test_only_inputs_that_stop_have_a_pull(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"inputs.*read_enable"):
        wired("icebreaker", tmp_path, {"read_enable": {"active": "low"}})


@pytest.mark.parametrize("pin", ["stop", "fault"])
def test_an_input_that_is_nowhere_is_not_described(pin: str, tmp_path: Path) -> None:
    """The iCEBreaker's wiring has no `stop`, and fixes `fault`: a stop that is not wired must not look like one."""
    with pytest.raises(ConfigError, match=rf"\[inputs.{pin}\] says how {pin} is wired, and {pin} has no place"):
        wired("icebreaker", tmp_path, {pin: {"active": "low", "pull": "none"}})


def test_the_connectors_of_the_colorlight_i5() -> None:
    """Pins 1 to 4 and 7 to 10 of two Pmods, read off i5_extboard_v1.2_pinout.png: P3 beside its pin 1, and P4."""
    sockets = sockets_of(find("colorlight-i5").make_platform())
    for connector, upper, lower in (
        ("pmod_0", "C17 B18 B20 F20", "A18 A19 B19 D20"),
        ("pmod_1", "H4 G3 F1 F2", "H3 F3 E4 E1"),
    ):
        assert [sockets[f"{connector}:{pin}"] for pin in (1, 2, 3, 4)] == upper.split()
        assert [sockets[f"{connector}:{pin}"] for pin in (7, 8, 9, 10)] == lower.split()


def test_the_pll_is_set_as_the_tools_of_its_maker_set_it(tmp_path: Path) -> None:
    made = wired("colorlight-i5", tmp_path, {})
    netlist = made.platform.prepare(made.top(), "board").files["board.il"]
    before = netlist[: netlist.index("cell \\EHXPLLL")].rsplit("end", 1)[-1]
    for name, value in {
        "ICP_CURRENT": "12",
        "LPF_RESISTOR": "8",
        "MFG_ENABLE_FILTEROPAMP": "1",
        "MFG_GMCREF_SEL": "2",
    }.items():
        assert f'attribute \\{name} "{value}"' in before


def test_switches_are_opened_at_the_level_of_their_pin(tmp_path: Path) -> None:
    """The output enable of a 74HC595 opens its switches high (the pull-up's level); the reset of an ADG714, low."""
    board = find("icebreaker")
    wiring = find_wiring(board.wiring)
    ((plug, kind),) = [(plug, kind) for plug, kind in wiring.plugged() if kind.bus == "switches"]
    loose = {kind.signal(pin, plug.first): plug.place(number) for pin, number in kind.pins.items()}
    for part, low in ((kind.part, False), ("ADG714", True)):
        other = wiring.model_copy(
            update={
                "modules": [module for module in wiring.modules if module is not plug],
                "parts": {"switches": part},
                "pins": wiring.pins | loose,
            }
        )
        made = design(board, core_of(board, other, rows=8, columns=8), other)
        assert made.platform.resources["front_switches_open", 0].ios[0].invert == low


def test_a_wiring_without_a_stop_is_refused_where_the_board_has_no_button() -> None:
    board = find("colorlight-i5")
    wiring = find_wiring(board.wiring)
    without = wiring.model_copy(update={"pins": {pin: at for pin, at in wiring.pins.items() if pin != "stop"}})
    with pytest.raises(ConfigError, match=r"has no emergency stop, and colorlight-i5 has no button .* `stop` a pin"):
        design(board, core_of(board, without), without)
    said = without.model_copy(update={"fixed": without.fixed | {"stop": 0}})
    assert design(board, core_of(board, said), said).placement.fixed["stop"] == 0
