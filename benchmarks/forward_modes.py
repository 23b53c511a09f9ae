"""What the forward pass costs in each mode that the hardware offers, on one MNIST epoch.

    TWINBAR_DATA=... python benchmarks/forward_modes.py --out runs/forward [--limit N]

Inputs as bit planes or integer DAC codes, pairs converted separately or subtracted, empty steps skipped or not, columns
with and without a sample-and-hold: each with its exact accounting, all else as `twinbar train` has it.
"""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from twinbar.host.experiment.config import ExperimentConfig
from twinbar.host.experiment.progress_display import SilentProgress
from twinbar.host.experiment.run_folder import RunFolder
from twinbar.host.experiment.task import prepare_data
from twinbar.host.experiment.train import train

MODES = {
    "planes, separate, nothing skipped": {"inputs": "planes", "pairs": "separate", "skip_empty": False},
    "planes, separate": {"inputs": "planes", "pairs": "separate"},
    "planes, subtract": {"inputs": "planes", "pairs": "subtract"},
    "dac, separate": {"inputs": "dac", "pairs": "separate"},
    "dac, subtract, no sample-and-hold": {"inputs": "dac", "pairs": "subtract", "sample_and_hold": False},
    "dac, subtract (default)": {"inputs": "dac", "pairs": "subtract"},
}


def main(out: Path, limit: Annotated[int | None, typer.Option(help="training images")] = None) -> None:
    """Train one epoch in each mode and print the table."""
    table = Table(title="One MNIST epoch, siamese")
    for column in ("mode", "accuracy", "conversions", "ADC", "cells", "forward", "whole system", "forward time"):
        table.add_column(column, justify="left" if column == "mode" else "right")
    data = None
    for name, mode in MODES.items():
        changes = {"data.name": "mnist", "data.limit": limit, "training.epochs": 1}
        config = ExperimentConfig().merge(changes | {f"array.{key}": value for key, value in mode.items()})
        data = prepare_data(config) if data is None else data
        folder = out / name.replace(" ", "-").replace(",", "").replace("(", "").replace(")", "")
        with RunFolder.create(folder, config) as run:
            totals = train(config, run, SilentProgress(), resume=False, task=data)
        epoch = totals["epochs"][0]
        parts = epoch["energy_breakdown_j"]
        table.add_row(
            name,
            f"{epoch['test_accuracy']:.4f}",
            f"{epoch['actions']['convert_forward']:,}",
            f"{1e3 * parts['adc_forward']:.3f} mJ",
            f"{1e3 * parts['cell_forward']:.3f} mJ",
            f"{1e3 * epoch['energy_j']['forward']:.3f} mJ",
            f"{1e3 * epoch['energy_j']['total']:.3f} mJ",
            f"{epoch['seconds']['forward']:.3f} s",
        )
    Console(width=140).print(table)


if __name__ == "__main__":
    typer.run(main)
