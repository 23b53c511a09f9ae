"""The reference front end: its table is what ngspice finds, and what a calculation by hand gives; parts are listed."""

import csv
import math
import re
from importlib import resources
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from twinbar.boards.analog import circuit_bench
from twinbar.boards.analog.circuit_bench import circuit, run_bench
from twinbar.boards.analog.front_end_figures import FrontEndFigures, find_figures
from twinbar.boards.analog.front_end_measurement import measure
from twinbar.hw.errors import ConfigError, ToolMissingError

FOLDER = resources.files("twinbar.boards.analog")
BENCHES = ("read_path", "write_path", "limiter", "interlock")
STORED = find_figures("front_end")


def numbers(figures: Any, place: str = "") -> dict[str, float]:
    """All figures of a table by their place in it."""
    if isinstance(figures, dict):
        return {key: value for name in figures for key, value in numbers(figures[name], f"{place}.{name}").items()}
    if isinstance(figures, list):
        return {key: value for n, each in enumerate(figures) for key, value in numbers(each, f"{place}.{n}").items()}
    return {} if isinstance(figures, str) else {place: figures}


@pytest.fixture(scope="module")
def simulated() -> FrontEndFigures:
    return measure()


@pytest.mark.ngspice
def test_the_stored_table_is_what_the_circuits_do(simulated: FrontEndFigures) -> None:
    found, stored = numbers(simulated.model_dump()), numbers(STORED.model_dump())
    assert found.keys() == stored.keys()
    for place, value in found.items():
        # Figures are stored with four digits; times, and the peaks of what leaks, depend on where a simulator steps.
        assert value == pytest.approx(stored[place], rel=0.02, abs=5e-5 if place.startswith(".interlock") else 0), place


@pytest.mark.ngspice
def test_a_cell_sees_no_more_than_a_read_unless_everything_permits_a_pulse(simulated: FrontEndFigures) -> None:
    lock = simulated.interlock
    assert lock.without_relay_v < 1e-3
    assert lock.with_relay_v < 1e-3
    assert lock.read_and_gate_v < 0.21  # 0.2 V is what the bench reads with
    assert lock.stop_ns < 50
    # What all this was measured against: nothing in the way, the same pins and codes give a pulse.
    signals = run_bench("interlock", {"k1": 0, "t_end": 8})["tran"]
    assert signals[-1, 1] > 4.5


@pytest.mark.ngspice
def test_a_set_of_more_than_the_limit_trips_and_one_of_less_does_not() -> None:
    # 5 uS to 20 uS: 60 uA at 3 V, below the limit of 100 uA.
    assert run_bench("limiter", {"after": 20e-6})["tran"][-1, 3] < 0.1
    assert run_bench("limiter", {"after": 200e-6})["tran"][-1, 3] > 3.2


def test_transimpedance_pedestal_and_series_resistance_by_hand() -> None:
    # Inverter: 95.3k / 10k. Pedestal: 3.3 V * 1k / 349k, of which the inverter makes 1 + 9.53.
    for each in STORED.reading.ranges:
        assert each.transimpedance_ohm == pytest.approx(9.53 * (each.feedback_ohm + 85), rel=2e-3)
        assert each.offset_v == pytest.approx(10.53 * 3.3 / 349, rel=2e-3)
        # Two switches on each side of the cell, 2.5 Ohm each; in the most sensitive range 1 Ohm is 1.6e-5 of a reading.
        assert each.series_ohm == pytest.approx(10, abs=1.5)
    assert STORED.reading.drive_full_scale_v == pytest.approx(2.5 * 10 / 50.2, rel=1e-3)


def test_settling_by_hand() -> None:
    # A TIA with GBW f and C at its input comes to rest with sqrt(f / (2 pi R C)): 280 pF of lines, 43 pF of a switch.
    for each in STORED.reading.ranges:
        resonance_hz = math.sqrt(10e6 / (2 * math.pi * each.feedback_ohm * 323e-12))
        slowest = max(1 / (2 * math.pi * resonance_hz), each.feedback_ohm * each.feedback_f)
        # To 1/512, between critically damped without the other poles (6.2 time constants) and the read drive's 2 us.
        assert 2 * slowest < each.settle_us * 1e-6 < 6.2 * slowest + 2.5e-6
    # 150 Ohm and 6.8 nF; a step of 3 V, half of 5 V / 256 left.
    assert STORED.writing.drive_settle_us == pytest.approx(1.02 * math.log(3 * 512 / 5), rel=0.1)


def test_write_path_and_limiter_by_hand() -> None:
    # Some 250 pF of line share the charge of 6.8 nF, and 100 uS draw 0.28 mA through 150 Ohm and four switches.
    assert STORED.writing.set_v == pytest.approx(3 * 6.8 / 7.05 * (1 - 160 * 100e-6), rel=0.02)
    # 4.99 kOhm, and 255 codes of 2.5 V; the mirror loses its base currents.
    assert STORED.limiter.ampere_per_code == pytest.approx(2.5 / 255 / 4990, rel=0.03)
    # The lines' 240 pF, a changeover's 42 pF and a diode's 20 pF charged by what a cell at 3 V loses.
    assert STORED.limiter.overshoot_c == pytest.approx(302e-12 * 2.9, rel=0.2)


def subcircuits() -> dict[str, dict[str, str]]:
    """Resistors and capacitors of the library's blocks, by block and name."""
    text = (FOLDER / "front_end.lib").read_text(encoding="utf-8")
    blocks = re.findall(r"^\.subckt (\w+)[^\n]*\n(.*?)^\.ends", text, re.MULTILINE | re.DOTALL)
    return {name: dict(re.findall(r"^([RC]\w+) \w+ \w+ ([\d.]+\w*)$", body, re.MULTILINE)) for name, body in blocks}


PARASITIC = {
    *("read_amplifier.Cadc", "compliance.Cl", "compliance.Cd", "steering.Cb", "steering.Cs"),
    *("column.Cb", "column.Cs", "word_line.Cw"),
    *(f"interlock.{name}" for name in ("Cenabled", "Rlow", "Clow", "Rand", "Cand", "Carm")),
}
"""Lines, inputs and delays: no parts."""
PARTS = {"opa192", "pole", "adg736", "adg604", "tlv3501"}


def bill() -> list[dict[str, str]]:
    lines = (FOLDER / "front_end_bom.csv").read_text(encoding="utf-8").splitlines()
    assert "none has been built" in lines[0]
    return list(csv.DictReader(lines[1:]))


def test_the_bill_has_every_value_of_the_circuits() -> None:
    listed = {(row["deck"], row["value"]) for row in bill() if "." in row["deck"]}
    drawn = {
        (f"{block}.{name}", value)
        for block, elements in subcircuits().items()
        if block not in PARTS
        for name, value in elements.items()
        if f"{block}.{name}" not in PARASITIC
    }
    ranges = {
        (f"read_amplifier.{name}", value)
        for name, values in (("Rf", "100k 24.9k 6.19k 1.5k"), ("Cf", "12p 22p 47p 150p"))
        for value in values.split()
    }
    assert listed == drawn | ranges
    scale = {"k": 1e3, "p": 1e-12}
    spelled = {value: float(value[:-1]) * scale[value[-1]] for _, value in ranges}
    simulated_with = {value for each in STORED.reading.ranges for value in (each.feedback_ohm, each.feedback_f)}
    assert sorted(spelled.values()) == pytest.approx(sorted(simulated_with))


def test_the_bill_counts_its_designators_and_names_every_model() -> None:
    rows = bill()
    for row in rows:
        first, _, last = row["designators"].partition("-")
        places = [int(re.sub(r"\D", "", name)) for name in (first, last or first)]
        assert places[1] - places[0] + 1 == int(row["quantity"]), row
    for kind, names in groupby(sorted(row["designators"] for row in rows), key=lambda name: re.sub(r"\d.*", "", name)):
        ends = sorted(tuple(int(number) for number in re.findall(r"\d+", name)) for name in names)
        assert [end[0] for end in ends] == [1, *(end[-1] + 1 for end in ends[:-1])], kind
    assert {*PARTS, "bcm847", "bcm857", "bat54"} <= {row["deck"] for row in rows}


def test_nothing_has_been_built_is_said_wherever_figures_are() -> None:
    for name in ("front_end.lib", "front_end.toml", "front_end_bom.csv", "dummy_load.csv"):
        assert re.search("none has been built|nothing of it has been built", (FOLDER / name).read_text(), re.IGNORECASE)


@pytest.mark.parametrize("bench", BENCHES)
def test_a_bench_runs_by_itself_and_refuses_other_parameters(bench: str) -> None:
    assert ".include front_end.lib" in circuit(bench)
    with pytest.raises(ConfigError, match=rf"^the bench {bench} has no parameter 'volts'; it has "):
        circuit(bench, {"volts": 1})


def test_without_ngspice_one_sentence_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(circuit_bench, "locate", lambda name: None)
    with pytest.raises(ToolMissingError, match=r"^ngspice is missing; `apt-get install ngspice` brings it$"):
        run_bench("read_path")


def test_a_front_end_that_does_not_exist() -> None:
    with pytest.raises(ConfigError, match=r"^there is no analog front end 'mine'; choose one of"):
        find_figures("mine")
