"""Synthetic run folders with the files, sizes and proportions of real ones."""

import csv
import itertools
import json
from collections.abc import Callable, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from twinbar.host.report.page import build_report

CLOCK_HZ = 100e6
PJ = 1e-12
# Energies per action of an integrated macro, in picojoules; the same orders of magnitude as the built-in tables.
ACTION_PJ = {
    "cell_set": 0.7,
    "cell_reset": 0.6,
    "cell_verify": 0.02,
    "pulse_lines": 0.26,
    "adc_verify": 6.5,
    "drive": 7.2,
    "select": 1.3,
    "write_logic": 1.1,
    "cell_forward": 0.01,
    "adc_forward": 6.5,
    "row_drive": 0.8,
    "input_step": 0.4,
    "shift_add": 0.2,
    "commands": 1.0,
    "responses": 1.0,
    "twin_memory": 128.0,
}
ACCOUNTS = {
    "write": ("cell_set", "cell_reset", "cell_verify", "pulse_lines", "adc_verify", "drive", "select", "write_logic"),
    "forward": ("cell_forward", "adc_forward", "row_drive", "input_step", "shift_add"),
    "link": ("commands", "responses"),
    "host": ("twin_memory",),
    "static": ("static_controller", "static_adc"),
}
SUMMED = ("steps", "weight_updates", "cell_writes", "failed_writes", "verify_reads", "host_seconds")
NESTED = ("pulses", "cycles", "seconds", "energy_j", "energy_breakdown_j")


def account(weight_updates: int, writes: int, images: int, steps: int, weights: int, layers: Sequence[int]) -> dict:
    """Return counts, cycles and energies of a period, consistent with one another."""
    sets, resets = int(3.4 * writes), int(3.1 * writes)
    if writes > 2 * weights * 0.5 * steps:  # every cell at every step: most are where they should be
        sets, resets = int(0.05 * writes), int(0.046 * writes)
    reads = writes + sets + resets
    conversions = images * 2 * sum(layers[1:]) * -(-layers[0] // 128)
    cycles = {
        "write": reads * 33 // 6 + (sets + resets) * 9 // 6,
        "forward": conversions * 17 // 20,
        "link": writes // 9,
    }
    cycles["total"] = sum(cycles.values())
    seconds = {name: count / CLOCK_HZ for name, count in cycles.items()}
    counts = {
        "cell_set": sets,
        "cell_reset": resets,
        "cell_verify": reads,
        "pulse_lines": sets + resets,
        "adc_verify": reads,
        "drive": (sets + resets) // 2,
        "select": writes,
        "write_logic": writes,
        "cell_forward": images * 2 * weights,
        "adc_forward": conversions,
        "row_drive": images * sum(layers[:-1]) * 4,
        "input_step": images * 30,
        "shift_add": conversions,
        "commands": writes,
        "responses": writes,
        "twin_memory": 3 * weights * steps,
    }
    breakdown = {name: count * ACTION_PJ[name] * PJ for name, count in counts.items()}
    breakdown |= {"static_controller": 1.2e-3 * seconds["total"], "static_adc": 2e-3 * seconds["total"]}
    energy = {name: sum(breakdown[part] for part in inside) for name, inside in ACCOUNTS.items()}
    energy["total"] = sum(value for name, value in energy.items() if name != "host")
    energy["total_with_host"] = energy["total"] + energy["host"]
    return {
        "steps": steps,
        "weight_updates": weight_updates,
        "cell_writes": writes,
        "failed_writes": writes // 400,
        "pulses": {"set": sets, "reset": resets},
        "verify_reads": reads,
        "cycles": cycles,
        "seconds": seconds,
        "energy_j": energy,
        "energy_breakdown_j": breakdown,
        "energy_uncertainty_j": {
            name: {"independent": [0.6 * value, 1.8 * value], "worst_case": [0.4 * value, 2.6 * value]}
            for name, value in energy.items()
        },
        "host_seconds": 2.1 + steps * 0.004,
    }


def summed(epochs: list[dict]) -> dict:
    """Add epochs up, as the trainer does for ``totals``."""
    totals: dict[str, Any] = {name: sum(epoch[name] for epoch in epochs) for name in SUMMED if name in epochs[0]}
    for name in NESTED:
        if name in epochs[0]:
            totals[name] = {key: sum(epoch[name][key] for epoch in epochs) for key in epochs[0][name]}
    return totals


def tiles_of(layers: Sequence[int], side: int) -> tuple[list[str], list[tuple[int, int]]]:
    """Return the names of the tiles and the used rows and columns of each."""
    names, used = [], []
    for number, (inputs, outputs) in enumerate(itertools.pairwise(layers)):
        for row in range(-(-inputs // side)):
            for column in range(-(-2 * outputs // side)):
                names.append(f"layers.{number} r{row} c{column}")
                used.append((min(side, inputs - row * side), min(side, 2 * outputs - column * side)))
    return names, used


def make_arrays(
    path: Path, layers: Sequence[int], side: int, levels: int, rng: np.random.Generator
) -> dict[str, float]:
    """Write ``arrays.npz``; gives the wear that belongs to it."""
    names, used = tiles_of(layers, side)
    shape = (len(names), side, side)
    mapped = np.zeros(shape, np.bool_)
    for tile, (rows, columns) in enumerate(used):
        mapped[tile, :rows, :columns] = True
    levels_s = np.linspace(3.2e-6, 32e-6, levels)
    target = np.where(rng.random(shape) < 0.5, 0, np.minimum(rng.geometric(0.25, shape), levels - 1)).astype(np.int16)
    target[~mapped] = -1
    step = (levels_s[-1] - levels_s[0]) / (levels - 1)
    conductance = levels_s[np.maximum(target, 0)] + rng.normal(0, 0.17 * step, shape)
    stuck = rng.random(shape)
    conductance = np.where(stuck < 0.004, levels_s[0] * 0.8, np.where(stuck > 0.998, levels_s[-1] * 1.1, conductance))
    activity = rng.lognormal(0, 1.2, (len(names), side, 1)) * np.where(rng.random(shape) < 0.1, 0, 1)
    pulses = np.where(mapped, rng.poisson(9 * activity), 0).astype(np.uint32)
    pulses[stuck < 0.004] = 800
    pulses[~mapped] = 0
    np.savez_compressed(
        path,
        pulses=pulses,
        conductance_s=conductance.astype(np.float32),
        mapped=mapped,
        levels_s=levels_s,
        target_level=target,
        tile_names=np.array(names),
    )
    held = pulses[mapped]
    return {"max_pulses_per_cell": int(held.max()), "mean_pulses_per_cell": float(held.mean())}


def config_of(policy: str, layers: Sequence[int], levels: int, epochs: int, batch_size: int) -> dict[str, Any]:
    return {
        "data": {"name": "mnist", "limit": None},
        "model": {"kind": "mlp", "hidden": list(layers[1:-1]), "bias": False},
        "device": {"preset": "taox-hfox", "levels": levels, "variation": True},
        "policy": {"name": policy, "threshold": 1.0},
        "training": {"epochs": epochs, "batch_size": batch_size, "lr": 0.05},
        "engine": {"name": "fast", "energy_table": "macro-65nm", "seed": 7},
    }


def make_run(
    folder: Path,
    policy: str = "siamese",
    *,
    epochs: int = 2,
    steps: int = 40,
    layers: Sequence[int] = (96, 40, 10),
    side: int = 32,
    levels: int = 16,
    seed: int = 1,
    **extra: Any,
) -> dict[str, Any]:
    """Write a run folder and give its report; ``extra`` replaces keys of the report."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    batch = 64
    weights = sum(a * b for a, b in itertools.pairwise(layers))
    report: dict[str, Any] = {
        "schema": 1,
        "config": config_of(policy, layers, levels, epochs, batch),
        "environment": {"python": "3.11.7", "numpy": "2.4.6", "torch": "2.13.0+cpu", "cpu": "2 cores"},
        "policy": policy,
        "device": "taox-hfox",
        "levels_per_cell": levels,
        "weight_values": 2 * levels - 1,
        "layer_sizes": list(layers),
        "warnings": [],
        "epochs": [],
    }
    on_crossbar = policy != "float"
    lines = []
    for epoch in range(1, epochs + 1):
        progress = (epoch - 1 + np.arange(steps) / steps) / epochs
        loss = 0.05 + 2.2 * np.exp(-9 * progress) * rng.lognormal(0, 0.2, steps)
        rate = {"siamese": 1.1e-3, "closed-loop": 6e-3, "closed-loop-analog": 7e-3, "float": 0.0}[policy]
        updates = rng.poisson(weights * rate * np.cos(progress * np.pi / 2) ** 4 + 0.02 * on_crossbar, steps)
        writes = np.full(steps, 2 * weights) if policy.startswith("closed") else (1.35 * updates).astype(int)
        accuracy = 0.982 - 0.03 * np.exp(-1.1 * epoch) - (0.012 if policy == "siamese" else 0.002) / epoch
        line = {
            "epoch": epoch,
            "steps": steps,
            "train_loss": float(loss.mean()),
            "test_accuracy": float(round(accuracy, 4)),
            "twin_test_accuracy": float(round(accuracy - 0.02 / epoch**2, 4)),
        }
        if on_crossbar:
            spent = account(int(updates.sum()), int(writes.sum()), steps * batch, steps, weights, layers)
            cells = 2 * weights
            line |= spent | {
                "agreement": 0.985,
                "weights": weights,
                "cells": cells,
                "updates_per_weight": spent["weight_updates"] / weights,
                "update_elimination": 1 - spent["weight_updates"] / (weights * steps),
                "write_elimination": 1 - spent["cell_writes"] / (cells * steps),
            }
        else:
            line |= {"weights": weights, "host_seconds": 1.2}
        report["epochs"].append(line)
        for index in range(steps):
            number = (epoch - 1) * steps + index + 1
            step = {"step": number, "epoch": epoch, "loss": float(loss[index])}
            if on_crossbar:
                step |= {"weight_updates": int(updates[index]), "cell_writes": int(writes[index])}
                step |= {"pulses_set": int(3.4 * writes[index]), "write_energy_j": float(6e-11 * writes[index])}
            lines.append(step)
    totals = summed(report["epochs"])
    totals["steps"] = epochs * steps
    if on_crossbar:
        totals |= {
            "weights": weights,
            "cells": 2 * weights,
            "updates_per_weight": totals["weight_updates"] / weights,
            "update_elimination": 1 - totals["weight_updates"] / (weights * epochs * steps),
            "write_elimination": 1 - totals["cell_writes"] / (2 * weights * epochs * steps),
            "energy_uncertainty_j": {
                name: {"independent": [0.6 * value, 1.8 * value], "worst_case": [0.4 * value, 2.6 * value]}
                for name, value in totals["energy_j"].items()
            },
        }
        report["wear"] = make_arrays(folder / "arrays.npz", layers, side, levels, rng)
        report["initialization"] = account(weights, 2 * weights, 0, 0, weights, layers)
    report["totals"] = totals
    report |= extra
    (folder / "report.json").write_text(json.dumps(report, indent=1), encoding="utf-8")
    with (folder / "steps.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(lines[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)
    return report


def make_compare(
    folder: Path, policies: Sequence[str] = ("closed-loop", "siamese", "float"), **options: Any
) -> dict[str, Any]:
    """Write a comparison folder and give its ``compare.json``."""
    reports = {name: make_run(folder / name, name, **options) for name in policies}
    reference = reports["closed-loop"]["totals"]
    reductions = {}
    for name, report in reports.items():
        if name != "float":
            mine = report["totals"]
            reductions[name] = {
                "cell_writes": 1 - mine["cell_writes"] / reference["cell_writes"],
                "write_energy": 1 - mine["energy_j"]["write"] / reference["energy_j"]["write"],
                "write_latency": 1 - mine["seconds"]["write"] / reference["seconds"]["write"],
                "total_energy": 1 - mine["energy_j"]["total"] / reference["energy_j"]["total"],
                "total_latency": 1 - mine["seconds"]["total"] / reference["seconds"]["total"],
            }
    compare = {"schema": 1, "policies": reports, "reduction_vs_closed_loop": reductions}
    (folder / "compare.json").write_text(json.dumps(compare), encoding="utf-8")
    return compare


@pytest.fixture(name="make_run")
def _make_run() -> Callable[..., dict[str, Any]]:
    return make_run


@pytest.fixture(name="make_compare")
def _make_compare() -> Callable[..., dict[str, Any]]:
    return make_compare


@pytest.fixture(scope="session")
def built_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder with its page; not to be changed."""
    folder = tmp_path_factory.mktemp("run")
    make_run(folder, warnings=["Codes of layers.1 were clipped: <2 in 10,000>."])
    build_report(folder, formats=["png", "pdf"])
    return folder


@pytest.fixture(scope="session")
def built_compare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A comparison folder with its pages; not to be changed."""
    folder = tmp_path_factory.mktemp("compare")
    make_compare(folder, layers=(40, 20, 10))
    build_report(folder, formats=["png"])
    return folder


class Page(HTMLParser):
    """What a browser would find in a page."""

    VOID: ClassVar = {"meta", "br", "img", "link", "hr", "input"}

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.text = ""
        self.attributes: list[tuple[str, str, str]] = []
        self.open: list[str] = []
        self.unbalanced: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.unbalanced.append(tag)

    def handle_data(self, data: str) -> None:
        if not {"style", "svg", "script"} & set(self.open):
            self.text += data + " "

    def values(self, name: str) -> list[tuple[str, str]]:
        return [(tag, value) for tag, attribute, value in self.attributes if attribute == name]


@pytest.fixture(name="read_page")
def _read_page() -> Callable[[Path], Page]:
    return Page
