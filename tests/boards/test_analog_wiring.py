"""What the simulated front end is for a board: settling, scales, ranges, what is driven, and where each pin is."""

import math
import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomli_w

from twinbar.boards.analog.front_end_figures import find_figures
from twinbar.boards.core_of_board import core_of
from twinbar.boards.known_boards import find
from twinbar.boards.wiring import find_wiring
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.host.board.board_crossbar import settling_times, use_of
from twinbar.host.board.front_end_name import values_of
from twinbar.host.cells.conductance import ConductanceScale
from twinbar.host.experiment.config import ExperimentConfig
from twinbar.host.experiment.resolved_crossbar import build_crossbar
from twinbar.host.virtual.virtual_array import array_of
from twinbar.hw.errors import ConfigError
from twinbar.hw.link.front_end_number import front_end_number
from twinbar.hw.parts.analog_scale import AnalogScale
from twinbar.hw.parts.assembly import SerialParts

NAME = "icebreaker-reference"
CLOCK_HZ = find("icebreaker").clock_hz


def parts_of(name: str = NAME) -> SerialParts:
    parts = find_wiring(name).serial_parts(CLOCK_HZ)
    assert parts is not None
    return parts


def resolved(preset: str, **changes: Any) -> CrossbarConfig:
    parts = parts_of()
    keys = {"device.preset": preset, "array.front_end": NAME, "array.rows": 16, "array.columns": 16}
    keys |= {"timing.clock_hz": CLOCK_HZ, **use_of(parts), **settling_times(parts, 16, 1)}
    return build_crossbar(ExperimentConfig().merge(keys | changes))


@pytest.fixture
def content() -> dict[str, Any]:
    """The wiring as a user would write it."""
    return tomllib.loads((resources.files("twinbar.boards.wirings") / f"{NAME}.toml").read_text(encoding="utf-8"))


def of_file(content: dict[str, Any], folder: Path) -> SerialParts:
    file = folder / "mine.toml"
    file.write_text(tomli_w.dumps(content))
    return parts_of(str(file))


def test_registers_cover_what_was_simulated() -> None:
    # 12 cycles are a microsecond. DAC 7 us and its amplifier 5.948; TIA 4.64 and the filters of a Pmod AD1 3.7; between
    # groups of columns that, the switches' 0.1 and the word line's 1.373.
    assert settling_times(parts_of(), 16, 1) == {
        "timing.settle_drive": 156,
        "timing.settle_read": 101,
        "timing.settle_multiply": 101,
        "timing.select": 118,
    }
    assert resolved("chip").warnings == ()
    (warning,) = resolved("chip", **{"timing.settle_drive": 84}).warnings
    assert (
        warning == "timing.settle_drive is 84 cycles, but AD5628 with its amplifier takes 12948 ns to settle: give 156"
    )


def test_codes_stand_for_the_volts_of_the_drives() -> None:
    config = resolved("chip")
    # 2 V of 5 V, whatever full scale the preset would have chosen.
    assert config.cells.volts_to_code(2.0) == round(2.0 / 5.0 * 4096)
    scale = parts_of().scale
    assert scale is not None
    assert config.read_volts_to_code(0.3) == round(0.3 / 0.498 * 4096)
    with pytest.raises(ConfigError, match=r"^0.6 V is beyond the read drive, which goes from 0 to 0.4979 V$"):
        config.read_volts_to_code(0.6)
    # A code is 1/256 of 3.3 V behind 238.1 kOhm.
    assert ConductanceScale.of(config).current_per_code_a == pytest.approx(3.3 / 256 / 238.1e3, rel=1.5e-3)
    # 0.2 V of 0.498 V, and 3 V of 5 V.
    assert scale.read_codes(12) == (1645, 0, 2458)
    with pytest.raises(ConfigError, match=r"is beyond the write drive, which goes from 0 to 4.999 V"):
        resolved("epiram")


@pytest.mark.parametrize(
    ("preset", "number"),
    # Gmax, with 15 % to spare: 10, 20 and 225 uS; the ranges end at 16.8, 67.2, 268 and 1060 uS.
    [("ideal", 0), ("chip", 1), ("milo-hfo2", 2)],
)
def test_cells_are_read_in_the_range_that_holds_them(preset: str, number: int) -> None:
    config, scale = resolved(preset), parts_of().scale
    assert scale is not None
    assert config.read_range_code & 3 == number
    full_s = config.array.read_range * config.cells.g_max_s
    assert full_s == pytest.approx(scale.full_scale_s[number] * 255 / 256, rel=1.2e-3)
    assert config.read_series_ohm == scale.series_ohm[number]


def test_products_take_the_range_that_holds_them() -> None:
    config = resolved("chip")
    grid = (1 << config.array.grid_bits) / 20e-6
    # The largest sum of 16 rows is 320 uS, and 2 mS are more than any range holds.
    numbers = [config.range_code(siemens * grid) & 3 for siemens in (10e-6, 16.7e-6, 17e-6, 67.3e-6, 320e-6, 2e-3)]
    assert numbers == [0, 0, 1, 2, 3, 3]
    # What codes are worth follows the range, not what was asked for.
    assert config.adc_range(20e-6 * grid) == config.adc_range(60e-6 * grid)
    ratio = config.adc_range(60e-6 * grid).codes_per_grid / config.adc_range(200e-6 * grid).codes_per_grid
    assert ratio == pytest.approx((6190 + 85) ** -1 * (24900 + 85), rel=3e-3)


def test_a_part_of_the_cells_can_be_read_more_finely() -> None:
    # Half of 20 uS fits range 0; what is beyond its end reads as its end.
    config = resolved("chip", **{"array.read_range": 0.5})
    assert config.read_range_code & 3 == 0
    assert ConductanceScale.of(config).siemens_per_code == pytest.approx(17.3e-6 / 256, rel=2e-3)


def test_cells_that_no_range_holds_are_refused(content: dict[str, Any], tmp_path: Path) -> None:
    # At 0.49 V and with amplifiers of twice the gain the ranges end at 3.4, 13.7, 54.7 and 216 uS.
    content["reads"]["bit_line_v"] = 0.49
    figures = find_figures("front_end").model_dump()
    for each in figures["reading"]["ranges"]:
        each["transimpedance_ohm"] *= 2
    table = tmp_path / "doubled.toml"
    table.write_text(tomli_w.dumps(figures))
    content["analog"] = str(table)
    of_file(content, tmp_path)
    keys = {"array.front_end": str(tmp_path / "mine.toml")}
    with pytest.raises(
        ConfigError, match=r"^preset .* has cells of up to 0.000225 S, and the read amplifier of array.fr"
    ):
        resolved("milo-hfo2", **keys)
    assert resolved("chip", **keys).read_range_code & 3 == 2
    scale = AnalogScale(5, 0.5, 0.2, 3, (17e-6, 69e-6), (0.03, 0.03), (10, 10), 10e-6, 2e-6)
    assert [scale.range_for(siemens) for siemens in (1e-6, 60e-6, 1e-3)] == [0, 1, 1]
    with pytest.raises(ConfigError, match=r"^reads.bit_line_v is 0.6 V; the drive goes from 0 to 0.5 V$"):
        AnalogScale(5, 0.5, 0.6, 3, (17e-6,), (0.03,), (10,), 10e-6, 2e-6)


def test_a_read_of_more_volts_measures_less(content: dict[str, Any], tmp_path: Path) -> None:
    content["reads"]["bit_line_v"] = 0.4
    halved, whole = of_file(content, tmp_path).scale, parts_of().scale
    assert halved is not None
    assert whole is not None
    np.testing.assert_allclose(np.array(whole.full_scale_s) / np.array(halved.full_scale_s), 2)
    content["reads"]["bit_line_v"] = 0.5
    with pytest.raises(ConfigError, match=r"^reads.bit_line_v is 0.5 V; the drive goes from 0 to 0.498 V$"):
        of_file(content, tmp_path)


def test_figures_and_reads_go_together(content: dict[str, Any], tmp_path: Path) -> None:
    reads = content.pop("reads")
    with pytest.raises(ConfigError, match=r"say together what codes stand for; give \[reads\] too$"):
        of_file(content, tmp_path)
    del content["analog"]
    assert of_file(content, tmp_path).scale is None
    with pytest.raises(ConfigError, match=r"say together what codes stand for; give `analog` too$"):
        of_file(content | {"reads": reads}, tmp_path)


def test_a_virtual_board_takes_codes_for_the_volts_that_its_host_means() -> None:
    behind = array_of(core_of(find("icebreaker"), find_wiring(NAME)), None, {"device.preset": "chip"})
    assert behind.cells.volts_to_code(2.0) == round(2.0 / 5.0 * 4096)
    assert (behind.registers, behind.read_range_code) == (resolved("chip").registers, resolved("chip").read_range_code)


def test_a_limit_in_amperes_is_a_code_that_passes_no_more() -> None:
    scale = AnalogScale(5, 0.5, 0.2, 3, (17e-6,), (0.03,), (10,), 10e-6, 2e-6)
    # 10 uA and 45 times 2 uA are 100 uA.
    assert [scale.limit_code(ampere) for ampere in (10e-6, 100e-6, 101.9e-6, 520e-6)] == [0, 45, 45, 255]
    for beyond in (9e-6, 523e-6, -1.0, math.nan, math.inf):
        with pytest.raises(ConfigError, match=r"cannot be set; the limiter goes from 1e-05 to 0.00052 A$"):
            scale.limit_code(beyond)


def test_a_board_with_these_parts_is_recognised() -> None:
    """The number that a board gives of its front end is that of this wiring and of no other."""
    assert values_of(front_end_number(parts_of()), CLOCK_HZ) == [NAME]
