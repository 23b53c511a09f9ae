"""What writes and reads do to cells that are not written, as a user of a chip sees it."""

import numpy as np
import pytest

from twinbar.host.cells.bias_record import BiasRecord
from twinbar.host.cells.chip import Chip
from twinbar.hw.errors import ConfigError

ROWS, COLUMNS = 3, 4
ALIKE = {"array.grid_bits": 14, "device.variation": False, "device.without": ("cycle_to_cycle", "relaxation")}
"""Cells that do not differ, and pulses that do not scatter."""


def pulsed(volts: float, scheme: str = "transistor", record: str = "set") -> Chip:
    """Give one cell a pulse of 1 us; all cells are as they were formed, at 1.5 uS in a window of 1 to 40 uS."""
    chip = Chip("neurram", ROWS, COLUMNS, settings={**ALIKE, "array.bias_scheme": scheme})
    line = "bit_line" if record == "set" else "source_line"
    bias = BiasRecord(**{line: chip.ramp(volts)}, word_line=chip.ramp(3.0), width_cycles=chip.pulse_cycles(1e-6))
    chip.disarm()
    chip.set_record(record, bias)
    chip.arm("write")
    chip.pulse(record, 1, 1)
    return chip


def change(chip: Chip) -> np.ndarray:
    return chip.conductance()[0] - formed_s()


def formed_s() -> float:
    return float(Chip("neurram", ROWS, COLUMNS, settings=ALIKE).conductance()[0, 0, 0])


CROSS = np.array([[0, 1, 0, 0], [1, 0, 1, 1], [0, 1, 0, 0]], bool)
"""Cells that share a row or a column with the pulsed one."""


@pytest.mark.parametrize(("scheme", "parts"), [("half", 2), ("third", 3)])
def test_others_move_as_by_a_pulse_of_a_part_of_the_voltage(scheme: str, parts: int) -> None:
    volts = 3.9  # thresholds are 1 V
    moved = change(pulsed(volts, scheme))
    own = change(pulsed(volts / parts))[1, 1]
    assert own > 0
    assert moved[CROSS] == pytest.approx(np.full(5, own), rel=0.01, abs=0)
    corners = moved[::2, [0, 2, 3]]
    back = change(pulsed(volts / 3, record="reset"))[1, 1] if scheme == "third" else 0.0
    assert corners == pytest.approx(np.full((2, 3), back), rel=0.01, abs=0)
    assert moved[1, 1] == pytest.approx(change(pulsed(volts))[1, 1], rel=1e-9, abs=0)


def test_others_see_the_opposite_sign_in_the_third_scheme() -> None:
    moved = change(pulsed(3.9, "third", "reset"))
    up, down = (change(pulsed(1.3, record=record))[1, 1] for record in ("set", "reset"))
    assert up > 0 > down
    assert moved[::2, [0, 2, 3]] == pytest.approx(np.full((2, 3), up), rel=0.01, abs=0)
    assert moved[CROSS] == pytest.approx(np.full(5, down), rel=0.01, abs=0)


def test_with_transistors_nothing_else_moves() -> None:
    moved = change(pulsed(3.9))
    moved[1, 1] = 0
    assert not moved.any()


@pytest.mark.parametrize(("scheme", "others"), [("half", 5 / 4), ("third", 11 / 9)])
def test_others_are_heated(scheme: str, others: float) -> None:
    # At 1.6 V, and all cells alike at G: V^2 G t times 1 / 4 for each of 5 cells, or 1 / 9 for each of 11. Half of it
    # is below the threshold, so that they do not move.
    heat = [pulsed(1.6, each).cost["energy_breakdown_j"]["cell_set"] for each in ("transistor", scheme)]
    assert heat[1] - heat[0] == pytest.approx(others * 1.6**2 * formed_s() * 1e-6, rel=5e-3, abs=0)


def test_the_figure_is_said_before_anything_is_written() -> None:
    quiet = Chip("taox-hfox", ROWS, COLUMNS, settings={"array.bias_scheme": "half", "device.without": "access"}).config
    assert quiet is not None
    assert not any("bias_scheme" in warning for warning in quiet.warnings)
    loud = Chip("neurram", 8, 8, settings={"array.bias_scheme": "half"}).config
    assert loud is not None
    # Ramps up to 4 V, a threshold of 1 V, the nominal 2 and 2.5 V: expm1(1 / 0.5) / expm1(1 / 0.5), and
    # expm1(1 / 0.6) / expm1(1.5 / 0.6) = 4.294 / 11.18.
    (warning,) = (each for each in loud.warnings if "bias_scheme" in each)
    assert "a SET moves 14 other cells by up to 1 of a step at 2 V, a RESET by up to 0.38 at 2 V" in warning
    unknown = Chip("ideal", ROWS, COLUMNS, settings={"array.bias_scheme": "third"}).config
    assert unknown is not None
    assert any("the 11 other cells that see 1/3 of a pulse are heated" in each for each in unknown.warnings)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"device.preset": "umass-hfo2", "array.bias_scheme": "half"}, "has a transistor .*take another preset"),
        ({"device.preset": "taox-hfox", "array.bias_scheme": "third"}, "device.without = 'access'"),
        ({"array.bias_scheme": "half", "array.front_end": "icebreaker"}, "array.front_end = 'direct'"),
        ({"device.effects": "read-disturb", "array.front_end": "icebreaker"}, "read_disturb. needs a direct front end"),
        ({"device.preset": "chip", "array.bias_scheme": "half", "array.front_end": "emulated"}, "its array is passive"),
        ({"device.preset": "chip", "device.effects": "read-disturb", "array.front_end": "emulated"}, "reads move it"),
        (
            {"array.bias_scheme": "quarter"},
            r"array\.bias_scheme is .quarter.; it must be one of transistor",
        ),
    ],
)
def test_what_cannot_be_is_refused(settings: dict[str, object], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        Chip(settings={"array.rows": 8, "array.columns": 8, **settings})


def disturbed(effect: str = "read-disturb") -> Chip:
    return Chip("taox-hfox", 4, 4, settings={"device.effects": (effect,), "timing.clock_hz": 20e6})


def test_reads_show_after_a_while(tmp_path) -> None:
    fast = tmp_path / "fast.toml"
    number = '{{ value = {}, unit = "{}", certainty = "assumed", note = "a test" }}'
    fast.write_text(
        'name = "fast"\ntitle = "fast"\n[read_disturb]\ntowards = "high"\n'
        f"time_constant = {number.format(1, 'ms')}\nvoltage = {number.format(0.5, 'V')}\n"
        f"scale = {number.format(1, 'V')}\n"
    )
    chip = disturbed(str(fast))
    before = chip.conductance()[0]
    for _ in range(100):
        chip.read(0, 1)
    assert (chip.conductance()[0] == before).all()
    chip.wait(1)
    moved = chip.conductance()[0] - before
    assert moved[0, 1] > 0
    moved[0, 1] = 0
    assert not moved.any()
    # A product with row 2 alone drives all of its cells, and no others.
    chip.multiply(np.array([[0, 0, 15, 0]] * 50))
    chip.wait(1)
    again = chip.conductance()[0] - before - moved
    assert (again[2] > 0).all()
    assert not again[[1, 3]].any()


@pytest.mark.parametrize(
    ("seconds", "sentence"),
    [
        (-1, "must be a number that is not negative"),
        (float("nan"), "must be a number that is not negative"),
        ("1", "seconds is '1'"),
        (1e30, r"cells age for less than 4\.295e\+09 s where array.tick_s is 1"),
    ],
)
def test_no_time_that_cannot_pass(seconds, sentence: str) -> None:
    chip = Chip("ibm-pcm", 4, 4)
    with pytest.raises(ConfigError, match=sentence):
        chip.wait(seconds)


def test_waiting_cells_drift() -> None:
    chip = Chip("ibm-pcm", 8, 8, settings={"device.without": ("relaxation",)})
    chip.write_conductance(20e-6)
    before = chip.conductance().mean()
    chip.wait(1e4)
    # Of cells at 0.8 Gmax, nu is 0.049 in the mean, and the reference time 20 s: 500^-0.049 = 0.737.
    assert chip.conductance().mean() / before == pytest.approx(0.737, abs=0.05)
