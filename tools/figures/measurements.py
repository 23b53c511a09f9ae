"""The measurements: which commands make them, what is taken from what they leave, and what that rests on."""

import json
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from figures.figure_record import FOLDER, ROOT, load_record
from figures.foundations import cost, digest_of_files, learning, netlist_of_a_tile, stored_reports

POLICIES: Final = ("closed-loop", "closed-loop-analog", "siamese")
SEEDS: Final = (0, 1, 2, 3, 4)
WORD_BITS: Final = (32, 8)
_MNIST: Final = "MNIST, MLP 784-256-10, batch 64, TaOx/HfOx cells, 16 levels, 8-bit ADC, 4-bit inputs, 128-row tiles"


@dataclass(frozen=True)
class Measurement:
    """How some figures are made.

    Parameters
    ----------
    commands : tuple of str
        ``RUNS`` in them is a folder for what they leave.
    workload : str
    minutes : int
        What it takes on two cores, roughly.
    figures : callable
        Takes the folder and what the commands printed; returns the figures.
    rests_on : callable
        Returns what they follow from, as it is now.
    """

    commands: tuple[str, ...]
    workload: str
    minutes: int
    figures: Callable[[Path, list[str]], dict[str, Any]]
    rests_on: Callable[[], dict[str, Any]]

    def measure(self, runs: Path) -> dict[str, Any]:
        """Run the commands, and return the figures."""
        return self.figures(runs, [_run(command.replace("RUNS", str(runs))) for command in self.commands])


def _run(command: str) -> str:
    program, *words = shlex.split(command)
    start = {"twinbar": [sys.executable, "-m", "twinbar"], "python": [sys.executable]}[program]
    done = subprocess.run([*start, *words], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{command} ended with status {done.returncode}; nothing was recorded for it")
    return done.stdout


def _report(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "report.json").read_text(encoding="utf-8"))


def _epochs(runs: Path, _: list[str]) -> dict[str, Any]:
    found = {}
    for seed in SEEDS:
        crossbar, software = _report(runs / f"siamese-{seed}"), _report(runs / f"float-{seed}")
        last = crossbar["epochs"][-1]
        found[str(seed)] = {
            "accuracy": last["test_accuracy"],
            "twin": last["twin_test_accuracy"],
            "float": software["epochs"][-1]["test_accuracy"],
            "update_elimination": crossbar["epochs"][0]["update_elimination"],
            "write_elimination": crossbar["epochs"][0]["write_elimination"],
            "updates_per_weight": crossbar["totals"]["updates_per_weight"],
            "mean_pulses_per_cell": crossbar["wear"]["mean_pulses_per_cell"],
        }
    return found


def _cost_of_run(report: dict[str, Any]) -> dict[str, Any]:
    totals = report["totals"]
    return {
        "accuracy": report["epochs"][-1]["test_accuracy"],
        "cell_writes": totals["cell_writes"],
        "pulses": sum(totals["pulses"].values()),
        "energy_j": totals["energy_j"],
        "seconds": totals["seconds"],
    }


def _policies(runs: Path, _: list[str]) -> dict[str, Any]:
    return {policy: _cost_of_run(_report(runs / policy)) for policy in POLICIES}


def _one_run(runs: Path, _: list[str]) -> dict[str, Any]:
    return _cost_of_run(_report(runs))


def _twins(runs: Path, _: list[str]) -> dict[str, Any]:
    return {str(bits): _cost_of_run(_report(runs / str(bits))) for bits in WORD_BITS}


def _bench(_: Path, printed: list[str]) -> dict[str, Any]:
    found = json.loads(printed[0])
    return {key: value for key, value in found.items() if isinstance(value, int | float)} | {
        "machine": found["machine"]
    }


def _printed(_: Path, printed: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(printed[0])
    return found


MEASUREMENTS: Final = {
    **{
        name: Measurement(
            (
                f"python benchmarks/mnist_figures.py --seeds {','.join(map(str, SEEDS))} "
                f"--set model.hidden={hidden} --out RUNS",
            ),
            f"{_MNIST.replace('784-256-10', network)}; siamese and float, 8 epochs, seeds 0 to 4",
            15,
            _epochs,
            lambda: {name: learning(report) for name, report in stored_reports("siamese", "float").items()},
        )
        for name, hidden, network in (
            ("mnist-epochs", "256", "784-256-10"),
            ("mnist-epochs-deeper", "256,128", "784-256-128-10"),
        )
    },
    "hysteresis": Measurement(
        ("python benchmarks/hysteresis_courses.py --plot docs/figures/hysteresis.png",),
        "MNIST, 50,000 images, MLP 784-256-10, batch 64, 8 epochs, 16 levels, ideal cells; 10,000 images held out; "
        "seeds 0 to 2",
        5,
        _printed,
        lambda: digest_of_files("benchmarks/hysteresis_courses.py"),
    ),
    "mnist-policies": Measurement(
        (
            f"twinbar compare --data mnist --hidden 256 --levels 16 --policies {','.join(POLICIES)} --epochs 1 "
            "--out RUNS",
        ),
        f"{_MNIST}; one epoch, energy table macro-65nm, seed 0",
        10,
        _policies,
        lambda: {name: cost(report) for name, report in stored_reports(*POLICIES).items()},
    ),
    "mnist-sums-on-chip": Measurement(
        (
            "twinbar train --data mnist --hidden 256 --epochs 1 --set array.adc_channels=4 --set array.cascade=true "
            "--set array.shared_inputs=true --set array.outputs_per_beat=3 --out RUNS",
        ),
        f"{_MNIST}; one epoch of siamese, four ADC channels, sums, packing and shared inputs on the chip",
        2,
        _one_run,
        lambda: {name: cost(report) for name, report in stored_reports("siamese", "two-channels").items()},
    ),
    "mnist-twins": Measurement(
        tuple(
            "twinbar train --data mnist --hidden 256 --epochs 1 --set twin.kind=residual "
            f"--set twin.word_bits={bits} --out RUNS/{bits}"
            for bits in WORD_BITS
        ),
        f"{_MNIST}; one epoch of siamese, the twin a residual of 8 bits with a momentum of 8 bits",
        4,
        _twins,
        lambda: {name: cost(report) for name, report in stored_reports("siamese").items()},
    ),
    "speed": Measurement(
        ("twinbar bench --json",),
        "host/bench/reference.toml; training of 784-256-128-10 on synthetic images",
        10,
        _bench,
        lambda: digest_of_files("host/bench/reference.toml", "host/bench/workloads.py"),
    ),
    "area": Measurement(
        ("python benchmarks/area.py --json",),
        "one tile of 128 x 128 cells, one 8-bit ADC channel, direct front end, without the link; three placements",
        15,
        _printed,
        netlist_of_a_tile,
    ),
    **{
        f"chains-{data}": Measurement(
            (f"python benchmarks/layer_chains.py {data} --out RUNS",),
            f"{data}, MLP with 256 hidden neurons as examples/low-energy.toml has it; an epoch of siamese on all "
            "images, and the test set",
            minutes,
            _printed,
            lambda: {name: cost(report) for name, report in stored_reports("chained-layers").items()},
        )
        for data, minutes in (("digits", 3), ("mnist", 15))
    },
}
"""By name of the record."""


def is_stale(name: str) -> bool:
    """Return whether a measurement was never made, or rests on what has moved since."""
    if not (FOLDER / f"{name}.json").is_file():
        return True
    record, measurement = load_record(name), MEASUREMENTS[name]
    return record.rests_on != measurement.rests_on() or record.commands != list(measurement.commands)
