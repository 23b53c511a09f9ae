"""Where the joules of an MNIST epoch go, before and after: trains, writes the figures down, and draws them.

    TWINBAR_DATA=... python benchmarks/before_and_after.py train --out runs/before-and-after [--only now]
    python benchmarks/before_and_after.py draw

``train`` runs what is not in the folder yet and writes ``docs/figures/before-and-after.json``; ``draw`` makes the PNG
of docs/before-and-after.md from it. ``then`` are the defaults of ``twinbar train``, the others
`examples/low-energy.toml`.
"""

import json
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from twinbar.host.experiment.config import ExperimentConfig
from twinbar.host.experiment.progress_display import terminal_progress
from twinbar.host.experiment.run_folder import RunFolder
from twinbar.host.experiment.train import train as train_run
from twinbar.host.report.style import BLUE, GREEN, GREY, INK, MUTED, ORANGE, PAPER, PURPLE, SKY, VERMILION

ROOT: Final = Path(__file__).parents[1]
FIGURES: Final = ROOT / "docs" / "figures"
STORED: Final = FIGURES / "before-and-after.json"
MNIST: Final[dict[str, Any]] = {"data.name": "mnist", "training.epochs": 1}
CASES: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "then": ("the defaults", {}),
    "now": ("low-energy.toml", {}),
    "now, 256 rows": ("low-energy.toml", {"array.rows": 256}),
    "now, closed-loop": ("low-energy.toml", {"policy.name": "closed-loop"}),
}
"""Configuration of each run, and what is changed in it."""
GROUPS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "conversions": (ORANGE, ("adc_forward",)),
    "cells, rows, shift and add": (VERMILION, ("cell_forward", "row_drive", "input_step", "shift_add")),
    "partial sums": (PURPLE, ("partial_sums",)),
    "streams": (GREEN, ("commands", "responses", "packing", "shared_commands")),
    "clocks of tiles": (BLUE, ("static_sequencer_clock", "clock_gating")),
    "amplifiers and converters": (SKY, ("static_transimpedance_amplifier", "static_converter", "channel_wake")),
    "leakage, dispatcher": (GREY, ("static_sequencer_leakage", "static_dispatcher_clock")),
}
"""Components that are drawn together, from bottom to top; writes are what is left."""
EPOCH: Final = 60_000
RECORDS: Final = {"closed-loop, record": 30.9, "siamese, record": 6.19}
"""Millijoules of the first version, whose tiles and amplifiers were always on (docs/benchmarks.md)."""

app = typer.Typer(no_args_is_help=True)


def _config(case: str) -> ExperimentConfig:
    base, changes = CASES[case]
    path = ROOT / "examples" / base
    config = ExperimentConfig.from_toml(path) if path.suffix == ".toml" else ExperimentConfig()
    return config.merge(MNIST | changes)


@app.command()
def train(
    out: Annotated[Path, typer.Option(help="folder for the runs; finished ones are not repeated")],
    only: Annotated[list[str] | None, typer.Option(help="cases; all by default")] = None,
    limit: Annotated[int | None, typer.Option(help="images of the epoch; figures are multiplied")] = None,
) -> None:
    """Train the cases, and write down what they came to, beside what was there."""
    found: dict[str, Any] = json.loads(STORED.read_text()) if STORED.exists() else {}
    for case in only or CASES:
        folder = out / case.replace(", ", "-").replace(" ", "-")
        config = _config(case).merge({"data.limit": limit})
        if not (folder / "report.json").exists():
            progress = terminal_progress()
            with RunFolder.create(folder, config) as run:
                train_run(config, run, progress, resume=False)
            progress.close()
        report = json.loads((folder / "report.json").read_text())
        if ExperimentConfig.from_toml(folder / "config.toml") != config:
            raise typer.BadParameter(f"{folder} holds another run")
        totals = report["totals"]
        images = limit or EPOCH
        found[case] = {
            "images": images,
            # Of a part of an epoch it says nothing.
            "accuracy": report["epochs"][-1]["test_accuracy"] if limit is None else None,
            **{name: _of_epoch(totals[name], images) for name in ("energy_j", "energy_breakdown_j", "seconds")},
        }
    STORED.write_text(json.dumps(found, indent=1) + "\n")


def _of_epoch(values: dict[str, float], images: int) -> dict[str, float]:
    return {name: float(format(value * EPOCH / images, ".5g")) for name, value in values.items()}


@app.command()
def draw() -> None:
    """Draw the figures that were written down."""
    stored = json.loads(STORED.read_text())
    figure = Figure(figsize=(9.6, 4.4), facecolor=PAPER, layout="constrained")
    FigureCanvasAgg(figure)
    components, whole, memory = figure.subplots(1, 3, width_ratios=[1.3, 1.25, 1.0])
    names = ["then", "now", "now, 256 rows"]
    base = [0.0] * len(names)
    for label, (colour, keys) in GROUPS.items():
        heights = [1e3 * sum(stored[name]["energy_breakdown_j"].get(key, 0.0) for key in keys) for name in names]
        components.bar(names, heights, 0.62, bottom=base, color=colour, label=label, edgecolor=PAPER)
        base = [below + height for below, height in zip(base, heights, strict=True)]
    for place, name in enumerate(names):
        total = 1e3 * stored[name]["energy_j"]["total"]
        components.annotate(f"{total:.2f} mJ", (place, total), (0, 3), textcoords="offset points", ha="center")
    components.legend(frameon=False, fontsize=8, loc="upper right")
    components.set_title("siamese, by component", fontsize=10)
    _bars(
        whole,
        {
            "closed-loop\nrecord": RECORDS["closed-loop, record"],
            "closed-loop\nnow": 1e3 * stored["now, closed-loop"]["energy_j"]["total"],
            "siamese\nrecord": RECORDS["siamese, record"],
            "siamese\nnow": 1e3 * stored["now"]["energy_j"]["total"],
        },
        "crossbar and controller",
    )
    _bars(
        memory,
        {
            "siamese\nthen": 1e3 * stored["then"]["energy_j"]["total_with_host"],
            "closed-loop\nnow": 1e3 * stored["now, closed-loop"]["energy_j"]["total_with_host"],
            "siamese\nnow": 1e3 * stored["now"]["energy_j"]["total_with_host"],
        },
        "with the memory of the twin",
    )
    for ax in (components, whole, memory):
        ax.set_ylabel("Energy of an epoch (mJ)", color=INK)
        ax.set_ylim(0, 1.12 * ax.get_ylim()[1])
        ax.tick_params(colors=MUTED, labelsize=8)
        ax.spines[["top", "right"]].set_visible(False)
    figure.savefig(FIGURES / "before-and-after.png", dpi=140)


@app.command()
def balance() -> None:
    """Draw what `benchmarks/forward_balance.py` printed, kept beside the figures."""
    figure = Figure(figsize=(9.6, 3.4), facecolor=PAPER, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, 3)
    cases = [json.loads(line) for line in (FIGURES / "forward-balance-lenet.jsonl").read_text().splitlines()]
    names = [case["case"].rstrip(":").replace(":", "\n") for case in cases]
    shown = [
        ("idle", "Tile-cycles idle (%)", 100.0, VERMILION),
        ("energy_mj", "Energy of an epoch (mJ)", 1.0, BLUE),
        ("seconds", "Time of an epoch (s)", 1.0, GREEN),
    ]
    for ax, (key, label, factor, colour) in zip(panels, shown, strict=True):
        heights = [factor * case[key] for case in cases]
        ax.bar(names, heights, 0.66, color=colour)
        for place, height in enumerate(heights):
            ax.annotate(f"{height:.3g}", (place, height), (0, 2), textcoords="offset points", ha="center", fontsize=7)
        ax.set_ylabel(label, color=INK)
        ax.set_xlabel("parts of a batch, copies of the convolutions", color=MUTED, fontsize=8)
        ax.tick_params(colors=MUTED, labelsize=8)
        ax.spines[["top", "right"]].set_visible(False)
    figure.savefig(FIGURES / "lenet-side-by-side.png", dpi=140)


def _bars(ax: Any, heights: dict[str, float], title: str) -> None:
    """Draw totals side by side, each with its number."""
    colours = [GREY if "closed" in name else BLUE for name in heights]
    ax.bar(list(heights), list(heights.values()), 0.62, color=colours)
    for place, height in enumerate(heights.values()):
        text = f"{height:.1f}" if height >= 10 else f"{height:.2f}"
        ax.annotate(text, (place, height), (0, 3), textcoords="offset points", ha="center")
    ax.set_title(title, fontsize=10)


if __name__ == "__main__":
    app()
