"""The MNIST figures of the documentation: accuracy, elimination, updates per weight over eight epochs, several seeds.

    TWINBAR_DATA=... python benchmarks/mnist_figures.py --out runs/figures [--epochs 8] [--seeds 0,1,2] [--validation]

MLP 784-256-10 (others with ``--set model.hidden=256,128``), batch 64, TaOx/HfOx cells with all their noise and
device-to-device variation, 16 levels per cell, 8-bit ADC, 4-bit inputs, tiles of 128 rows: the defaults of
``twinbar train``. ``float`` is the same network trained in software with the same schedule. With ``--validation`` a
tenth of the training images is held out and measured instead of the test images: that is how the defaults were chosen.
"""

import json
import statistics
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from twinbar.host.experiment.config import ExperimentConfig
from twinbar.host.experiment.progress_display import terminal_progress
from twinbar.host.experiment.run_folder import RunFolder
from twinbar.host.experiment.train import train


def _run(config: ExperimentConfig, folder: Path) -> dict[str, Any]:
    report = folder / "report.json"
    if report.exists() and ExperimentConfig.from_toml(folder / "config.toml") == config:
        return json.loads(report.read_text())
    progress = terminal_progress()
    try:
        with RunFolder.create(folder, config) as run:
            return train(config, run, progress, resume=False)
    finally:
        progress.close()


def main(
    out: Annotated[Path, typer.Option(help="folder for the runs; finished ones are not repeated")],
    epochs: int = 8,
    seeds: str = "0,1,2",
    validation: bool = False,
    change: Annotated[list[str] | None, typer.Option("--set", help="key=value of the configuration")] = None,
) -> None:
    """Train and print the table."""
    numbers = [int(seed) for seed in seeds.split(",")]
    key = "validation_accuracy" if validation else "test_accuracy"
    reports: dict[str, list[dict[str, Any]]] = {}
    for policy in ("siamese", "float"):
        for seed in numbers:
            changes: dict[str, Any] = {
                "data.name": "mnist",
                "training.epochs": epochs,
                "policy.name": policy,
                "engine.seed": seed,
                "data.validation": 0.1 if validation else 0.0,
            }
            base = ExperimentConfig().merge(changes)
            for text in change or []:
                name, _, value = text.partition("=")
                base = base.merge({name: ExperimentConfig.value_from_text(name, value)})
            reports.setdefault(policy, []).append(_run(base, out / f"{policy}-{seed}"))

    table = Table(title=f"MNIST, {epochs} epochs, {key.replace('_', ' ')}")
    for column in ("figure", *(f"seed {seed}" for seed in numbers), "mean"):
        table.add_column(column)

    def row(name: str, values: list[float], form: str) -> None:
        table.add_row(name, *(format(value, form) for value in values), format(statistics.mean(values), form))

    siamese, software = reports["siamese"], reports["float"]
    row("accuracy, crossbar", [r["epochs"][-1][key] for r in siamese], ".4f")
    row("accuracy, its twin", [r["epochs"][-1]["twin_" + key] for r in siamese], ".4f")
    row("accuracy, float alone", [r["epochs"][-1][key] for r in software], ".4f")
    row(
        "below float, points",
        [100 * (f["epochs"][-1][key] - s["epochs"][-1][key]) for s, f in zip(siamese, software, strict=True)],
        ".2f",
    )
    row("update elimination, epoch 1", [r["epochs"][0]["update_elimination"] for r in siamese], ".5f")
    row("write elimination, epoch 1", [r["epochs"][0]["write_elimination"] for r in siamese], ".5f")
    row("updates per weight, all epochs", [r["totals"]["updates_per_weight"] for r in siamese], ".2f")
    row("pulses per cell, mean", [r["wear"]["mean_pulses_per_cell"] for r in siamese], ".2f")
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
