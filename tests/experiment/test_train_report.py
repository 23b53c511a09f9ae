"""What a run tells of itself: every key of the interface, and figures that agree with one another."""

import csv
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from twinbar.emulator.ledger.energy_table import load_energy_table
from twinbar.hw.actions import ACTIONS
from twinbar.hw.timing import PHASES

IMAGES = 600
WEIGHTS = 64 * 32 + 32 * 10

COUNT = {"set": int, "reset": int}
SPENT = {"write": float, "forward": float, "link": float, "total": float}
FIGURES: dict[str, Any] = {
    "weights": int,
    "cells": int,
    "weight_updates": int,
    "updates_per_weight": float,
    "update_elimination": float,
    "cell_writes": int,
    "write_elimination": float,
    "failed_writes": int,
    "pulses": COUNT,
    "verify_reads": int,
    "cycles": dict.fromkeys(SPENT, int),
    "seconds": SPENT,
    "energy_j": SPENT | {"static": float},
    "energy_breakdown_j": {"cell_set": float, "adc_verify": float},
    "host_seconds": float,
}
"""The keys that users and scripts rely on, with their types."""
EPOCH = FIGURES | {"epoch": int, "steps": int, "train_loss": float, "test_accuracy": float, "twin_test_accuracy": float}


def has_keys(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    for key, kind in wanted.items():
        if isinstance(kind, dict):
            has_keys(found[key], kind)
        else:
            assert type(found[key]) is kind, f"{key} is {found[key]!r}"


POLICIES = ["siamese", "closed-loop", "closed-loop-analog"]


@pytest.fixture(params=POLICIES)
def run(request: pytest.FixtureRequest, train_run: Callable[..., Any]) -> Any:
    return train_run({"policy.name": request.param})


def test_every_key_is_there_with_its_type(run: Any) -> None:
    report = run.report
    assert report["schema"] == 1
    assert isinstance(report["config"], dict)
    assert isinstance(report["environment"], dict)
    assert [epoch["epoch"] for epoch in report["epochs"]] == [1, 2, 3]
    for epoch in report["epochs"]:
        has_keys(epoch, EPOCH)
    has_keys(report["totals"], FIGURES | {"steps": int})
    has_keys(report["initialization"], FIGURES)
    has_keys(report["wear"], {"max_pulses_per_cell": int, "mean_pulses_per_cell": float})


def test_the_file_is_the_report(run: Any) -> None:
    assert json.loads((run.folder / "report.json").read_text()) == run.report


def test_eliminations_are_relative_to_a_write_per_optimizer_step(run: Any) -> None:
    for part in [*run.report["epochs"], run.report["totals"]]:
        assert part["weights"] == WEIGHTS
        assert part["cells"] == 2 * WEIGHTS
        assert part["updates_per_weight"] == part["weight_updates"] / WEIGHTS
        assert part["update_elimination"] == 1 - part["weight_updates"] / (WEIGHTS * part["steps"])
        assert part["write_elimination"] == 1 - part["cell_writes"] / (2 * WEIGHTS * part["steps"])
    assert [epoch["steps"] for epoch in run.report["epochs"]] == [math.ceil(IMAGES / 20)] * 3


def test_parts_sum_to_totals(run: Any) -> None:
    clock_hz = run.report["config"]["timing"]["clock_hz"]
    for part in [*run.report["epochs"], run.report["totals"], run.report["initialization"]]:
        cycles, energy = part["cycles"], part["energy_j"]
        assert cycles["total"] == cycles["write"] + cycles["forward"] + cycles["link"]
        assert part["seconds"] == {name: count / clock_hz for name, count in cycles.items()}
        crossbar = energy["write"] + energy["forward"] + energy["link"] + energy["static"]
        assert energy["total"] == pytest.approx(crossbar, rel=1e-12, abs=0)
        assert sum(part["energy_breakdown_j"].values()) == pytest.approx(crossbar + energy["host"], rel=1e-12, abs=0)
        assert part["cell_writes"] == part["actions"]["write_ok"] + part["actions"]["write_failed"]
        assert part["failed_writes"] == part["actions"]["write_failed"]
        assert part["pulses"] == {name: part["actions"][f"pulse_{name}"] for name in ("set", "reset")}
        assert min(energy[account] for account in ("write", "forward", "link", "static")) > 0


def test_the_totals_are_the_sums_of_the_epochs(run: Any) -> None:
    epochs, totals = run.report["epochs"], run.report["totals"]
    for key in ("steps", "weight_updates", "cell_writes", "failed_writes", "verify_reads"):
        assert totals[key] == sum(epoch[key] for epoch in epochs)
    for key in ("pulses", "cycles", "actions"):
        for name, value in totals[key].items():
            assert value == sum(epoch[key][name] for epoch in epochs)
    for key in ("seconds", "energy_j", "energy_breakdown_j"):
        for name, value in totals[key].items():
            assert value == pytest.approx(sum(epoch[key][name] for epoch in epochs), rel=1e-12, abs=0)
    for kind, phases in totals["phase_cycles"].items():
        assert set(phases) == set(PHASES)
        for name, value in phases.items():
            assert value == sum(epoch["phase_cycles"][kind][name] for epoch in epochs)
    assert totals["host_seconds"] == pytest.approx(sum(epoch["host_seconds"] for epoch in epochs))
    # Comparisons are named where the front ends can compare, digital functions where there are chains.
    assert set(totals["actions"]) == set(ACTIONS) - {"compare", "requantize", "transferred_word"}


def test_energy_is_counts_times_the_table(run: Any) -> None:
    config = run.report["config"]
    table = load_energy_table(config["engine"]["energy_table"])
    totals = run.report["totals"]
    assert config["array"]["inputs"] == "dac"
    from twinbar.hw.actions import Action

    def joules(action: Action) -> float:
        unit = table.energy_j(action, config["array"]["adc_bits"], config["array"]["input_bits"])
        return totals["actions"][action.name.lower()] * unit

    breakdown = totals["energy_breakdown_j"]
    assert breakdown["adc_verify"] == pytest.approx(joules(Action.CONVERT_VERIFY), rel=1e-12, abs=0)
    assert breakdown["adc_forward"] == pytest.approx(joules(Action.CONVERT_FORWARD), rel=1e-12, abs=0)
    assert breakdown["row_drive"] == pytest.approx(joules(Action.ROW_DRIVE), rel=1e-12, abs=0)


def test_wear_is_every_pulse_since_the_first_programming(run: Any) -> None:
    report = run.report
    pulses = sum(sum(part["pulses"].values()) for part in (report["initialization"], report["totals"]))
    wear = report["wear"]
    assert wear["total_pulses"] == pulses
    assert wear["mean_pulses_per_cell"] == pytest.approx(pulses / (2 * WEIGHTS))
    assert wear["mean_pulses_per_cell"] < wear["max_pulses_per_cell"] <= pulses
    arrays = np.load(run.folder / "arrays.npz")
    assert arrays["pulses"][arrays["mapped"]].sum() == pulses
    assert arrays["pulses"].max() == wear["max_pulses_per_cell"]


def test_the_files_of_the_folder_tell_the_same(run: Any) -> None:
    report, folder = run.report, run.folder
    with (folder / "steps.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["step"]) for row in rows] == list(range(1, report["totals"]["steps"] + 1))
    for epoch in report["epochs"]:
        mine = [row for row in rows if int(row["epoch"]) == epoch["epoch"]]
        for column, value in {
            "weight_updates": epoch["weight_updates"],
            "cell_writes": epoch["cell_writes"],
            "failed_writes": epoch["failed_writes"],
            "pulses_set": epoch["pulses"]["set"],
            "pulses_reset": epoch["pulses"]["reset"],
            "verify_reads": epoch["verify_reads"],
            "write_cycles": epoch["cycles"]["write"],
            "forward_cycles": epoch["cycles"]["forward"],
        }.items():
            assert sum(int(row[column]) for row in mine) == value, column
        assert sum(float(row["write_energy_j"]) for row in mine) == pytest.approx(
            epoch["energy_j"]["write"], rel=1e-6, abs=0
        )
        assert sum(float(row["loss"]) for row in mine) / len(mine) == pytest.approx(epoch["train_loss"])
    with (folder / "metrics.csv").open() as file:
        assert len(list(csv.DictReader(file))) == len(report["epochs"])


def test_the_arrays_of_the_folder_hold_every_cell(run: Any) -> None:
    arrays = np.load(run.folder / "arrays.npz")
    tiles = run.report["tiles"]
    shape = (tiles, 32, 32)
    for name in ("pulses", "conductance_s", "mapped", "target_level"):
        assert arrays[name].shape == shape, name
    assert len(arrays["tile_names"]) == tiles
    assert arrays["mapped"].sum() == 2 * WEIGHTS
    assert ((arrays["target_level"] >= 0) == arrays["mapped"]).all()
    levels_s = arrays["levels_s"]
    held = arrays["conductance_s"][arrays["mapped"]]
    wanted = levels_s[arrays["target_level"][arrays["mapped"]]]
    # Read noise (3 % of the conductance) decides how well a closed loop can place a cell.
    assert np.abs(held - wanted).mean() < 0.05 * levels_s[-1]


def test_levels_are_named_per_cell_and_per_weight(train_run: Callable[..., Any]) -> None:
    report = train_run({"policy.name": "siamese"}).report
    assert (report["levels_per_cell"], report["weight_values"]) == (16, 31)


def test_a_run_is_a_function_of_its_configuration(train_run: Callable[..., Any]) -> None:
    first = train_run({"policy.name": "siamese"}).report
    # Not the same key of the session's memory, but the same configuration: 3 is the default of the quick runs.
    again = train_run({"policy.name": "siamese", "training.epochs": 3}).report
    assert timeless(again) == timeless(first)
    other = train_run({"policy.name": "siamese", "engine.seed": 1}).report
    assert timeless(other)["epochs"] != timeless(first)["epochs"]


def timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: timeless(item) for key, item in value.items() if key not in ("host_seconds", "environment")}
    return [timeless(item) for item in value] if isinstance(value, list) else value


def test_float_reports_software_alone(train_run: Callable[..., Any]) -> None:
    run = train_run({"policy.name": "float"})
    for epoch in run.report["epochs"]:
        assert epoch["test_accuracy"] == epoch["twin_test_accuracy"]
        assert epoch["weights"] == WEIGHTS
        assert "energy_j" not in epoch
    assert "wear" not in run.report
    assert not Path(run.folder / "arrays.npz").exists()
