"""What the spacing of levels is worth: accuracy and updates per weight of `siamese` on digits, against even levels.

    python benchmarks/level_spacing.py [--levels 4,8,16] [--seeds 5] [--device taox-hfox] [--json FILE]

Each training is that of ``twinbar train`` (MLP 64-256-10, batches of 16, eight epochs, a quarter of the training images
held out, on which it is judged); seed n is that of cells, weights and data. Spacings are those of
``device.level_spacing``, and ``lloyd-max``: shares that quantize the weights of a training in software with the least
mean square error, as S. P. Lloyd (IEEE Trans. Inf. Theory 28, 1982) finds them, with the first and the last level where
they must be. Closer levels near zero mean less hysteresis there, in weight; so even levels are also trained with plain
rounding, and with half the range. Differences are of the same seed, so that what seeds have in common cancels;
intervals are 95 %, by Student's distribution.
"""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

import twinbar as tb
from twinbar.host.experiment.config import ExperimentConfig
from twinbar.host.experiment.mean_interval import mean_interval
from twinbar.host.experiment.run_folder import RunFolder
from twinbar.host.nn.networks import he_std
from twinbar.hw.errors import ConfigError

BASE: Final = {"data.validation": 0.25, "training.epochs": 8, "training.batch_size": 16, "engine.threads": 1}
NAMED: Final = ("uniform", "noise", "power-of-two")
EVEN: Final = NAMED[0]


def train(settings: Mapping[str, Any], folder: Path) -> tb.FinishedRun:
    """Train on digits, and leave the run in a folder."""
    return tb.train(train_data="digits", settings={**BASE, **settings}, out=folder, progress=False)


def shares_of_weights(run: Path) -> NDArray[np.float64]:
    """Return the weights of a run in software as shares of what the highest level stands for (float64 [weights])."""
    with RunFolder.open(run) as folder:
        config, state = folder.config, folder.load_checkpoint(print)
    assert isinstance(config, ExperimentConfig)
    assert state is not None
    matrices = [weight.numpy() for weight in state["module"].values() if weight.dim() > 1]
    tops = [config.policy.weight_range * he_std(weight.shape[1]) for weight in matrices]
    return np.concatenate([np.abs(weight).ravel() / top for weight, top in zip(matrices, tops, strict=True)])


def lloyd_max(shares: NDArray[np.float64], levels: int) -> NDArray[np.float64]:
    """Return levels from 0 to 1 of which each but these two is the mean of the shares that are nearest to it."""
    places = np.linspace(0, 1, levels)
    for _ in range(2000):
        nearest = np.searchsorted((places[1:] + places[:-1]) / 2, shares)
        count = np.bincount(nearest, minlength=levels)
        mean = np.bincount(nearest, shares, levels) / np.maximum(count, 1)
        moved = np.where(count > 0, mean, places)
        moved[0], moved[-1] = 0.0, 1.0
        if np.abs(moved - places).max() < 1e-9:
            break
        places = moved
    return places


def figures_of(run: tb.FinishedRun) -> dict[str, float]:
    """Return what a training came to on held-out images."""
    totals, last = run.report["totals"], run.report["epochs"][-1]
    return {
        "accuracy": last["validation_accuracy"],
        "updates_per_weight": totals["updates_per_weight"],
        "pulses_per_write": sum(totals["pulses"].values()) / max(totals["cell_writes"], 1),
        "failed": totals["cells_failed"] / max(totals["cells_written"], 1),
    }


def measure(device: str, levels: int, seeds: int) -> dict[str, Any]:
    """Train with each spacing and seed; what a spacing comes to, or why it cannot be used."""
    runs: dict[str, Any] = {}
    for seed in range(seeds):
        own = {"device.preset": device, "device.levels": levels, "engine.seed": seed, "data.seed": seed}
        with tempfile.TemporaryDirectory() as folder:
            software = train({**own, "policy.name": "float"}, Path(folder, "float"))
            runs.setdefault("float", []).append({"accuracy": software.report["epochs"][-1]["validation_accuracy"]})
            places = lloyd_max(shares_of_weights(software.path), levels).tolist()
            half = ExperimentConfig().merge(own).policy.weight_range / 2
            ways: dict[str, dict[str, Any]] = {name: {"device.level_spacing": name} for name in NAMED}
            ways["lloyd-max"] = {"device.level_spacing": places}
            ways["uniform, threshold 0.5"] = {"policy.threshold": 0.5}
            ways["uniform, half the range"] = {"policy.weight_range": half}
            for name, way in ways.items():
                try:
                    found = figures_of(train({**own, **way}, Path(folder, name)))
                except ConfigError as error:
                    runs[name] = str(error)
                    continue
                runs.setdefault(name, []).append(found)
        print(f"{device}, {levels} levels, seed {seed}", flush=True)
    return runs


def show(found: Mapping[str, Mapping[str, Any]]) -> None:
    """Print a table: means, and differences from even levels with their intervals."""
    table = Table(
        "levels", "spacing", "accuracy (%)", "above uniform (points)", "updates per weight", "pulses", "failed"
    )
    for levels, spacings in found.items():
        for name, runs in spacings.items():
            if isinstance(runs, str):
                table.add_row(levels, name, "refused")
                continue
            row = [levels, name, _with_half([100 * run["accuracy"] for run in runs])]
            if name == "float":
                table.add_row(*row)
                continue
            gained = [
                100 * (run["accuracy"] - even["accuracy"]) for even, run in zip(spacings[EVEN], runs, strict=True)
            ]
            means = {key: float(np.mean([run[key] for run in runs])) for key in runs[0]}
            table.add_row(
                *row,
                "" if name == EVEN else _with_half(gained),
                f"{means['updates_per_weight']:.2f}",
                f"{means['pulses_per_write']:.1f}",
                f"{100 * means['failed']:.2f} %",
            )
    Console(width=140).print(table)


def _with_half(values: list[float]) -> str:
    found = mean_interval(values)
    return (
        f"{found['mean']:.2f}" if found["low"] is None else f"{found['mean']:.2f} ± {found['mean'] - found['low']:.2f}"
    )


def main(
    levels: str = "4,8,16",
    seeds: int = 5,
    device: str = "taox-hfox",
    as_json: Annotated[Path | None, typer.Option("--json", help="file for the figures")] = None,
) -> None:
    """Train with each number of levels, spacing and seed, and print what it comes to."""
    found = {count: measure(device, int(count), seeds) for count in levels.split(",")}
    show(found)
    if as_json is not None:
        as_json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
