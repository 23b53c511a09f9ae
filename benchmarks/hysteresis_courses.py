"""What the hysteresis of `siamese` costs in accuracy, and how it should change over a training.

    TWINBAR_DATA=... python benchmarks/hysteresis_courses.py [--seeds 0,1,2] [--json FILE] [--plot FILE]

MLP 784-256-10 on MNIST, eight epochs in batches of 64, on images that are held out of the training set. The policy is
that of `twinbar train`; the cells are ideal, with 16 levels and without noise, write errors or converters, so that what
a course loses against ``float`` it loses by levels and hysteresis alone. Nothing else can be told apart so quickly: a
training takes seconds.
"""

import json
import statistics
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import torch
import typer
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.nn import functional

from twinbar.emulator.sections.array_section import ArrayConfig
from twinbar.host.data.examples import Examples
from twinbar.host.experiment import run_parts
from twinbar.host.experiment.config import ExperimentConfig
from twinbar.host.experiment.task import Task, build_task
from twinbar.host.nn.mapping import map_layers
from twinbar.host.nn.networks import he_std
from twinbar.host.update.every_cell import every_cell
from twinbar.host.update.policies.siamese import Siamese, SiameseSettings
from twinbar.host.update.programmed import ProgrammedLayer

BASE: Final = {"data.name": "mnist", "data.validation": 1 / 6, "training.epochs": 8}
COURSES: Final[Mapping[str, Mapping[str, Any] | None]] = {
    "float": None,
    "0.5 throughout": {"threshold": 0.5, "threshold_course": "linear"},
    "1 to 0.5, linear": {"threshold": 1.0, "threshold_course": "linear"},
    "1.5 to 0.5, cosine": {"threshold": 1.5, "threshold_course": "cosine"},
    "1.5 to 0.5, cosine-squared": {"threshold": 1.5, "threshold_course": "cosine-squared"},
    "2 to 0.5, cosine-squared": {"threshold": 2.0, "threshold_course": "cosine-squared"},
    "2 to 0.5, cosine": {"threshold": 2.0, "threshold_course": "cosine"},
}
"""Settings of the policy by name; None: software alone."""


class IdealCells:
    """A network whose forward pass multiplies by the levels that its cells were asked for.

    Parameters
    ----------
    module : nn.Module
        Its parameters are the twin.
    config : ExperimentConfig
    policy : Siamese, optional
        None: the twin itself multiplies.
    """

    def __init__(self, module: nn.Module, config: ExperimentConfig, policy: Siamese | None) -> None:
        self.twin = [weight for weight in module.parameters() if weight.dim() > 1]
        self.policy = policy
        self.layers: list[ProgrammedLayer] = []
        self.held = [weight.detach() for weight in self.twin]
        if policy is None:
            return
        shapes = [(str(n), *weight.shape) for n, weight in enumerate(self.twin)]
        top = config.device.levels - 1
        for place, weight in zip(map_layers(shapes, ArrayConfig(), "interleaved"), self.twin, strict=True):
            widest = max(config.policy.weight_range * he_std(place.inputs), float(weight.detach().abs().max()))
            cells = ProgrammedLayer.blank(place, top + 1, widest / top, keep_read_back=False)
            every_cell(weight.detach().numpy(), cells)
            self.layers.append(cells)
        policy.prepare(self.layers)
        self.held = [torch.from_numpy(cells.weights) for cells in self.layers]

    def __call__(self, x: Tensor) -> Tensor:
        """Return the outputs for images; gradients go straight through to the twin."""
        x = x.flatten(1)
        for n, (twin, held) in enumerate(zip(self.twin, self.held, strict=True)):
            x = functional.linear(functional.relu(x) if n else x, twin + (held - twin).detach())
        return x

    def update(self, progress: float) -> int:
        """Let the policy decide, and return the weights whose level changed."""
        if self.policy is None:
            self.held = [weight.detach() for weight in self.twin]
            return 0
        changed = 0
        for n, (weight, cells) in enumerate(zip(self.twin, self.layers, strict=True)):
            decision = self.policy.decide(weight.detach().numpy(), cells, progress)
            if decision.weight_updates:
                self.held[n] = torch.from_numpy(cells.weights)
            changed += decision.weight_updates
        return changed


def train(settings: Mapping[str, Any] | None, seed: int) -> dict[str, float]:
    """Train once, and return accuracy and loss on held-out images, updates per weight, and elimination in epoch 1."""
    config = ExperimentConfig().merge({**BASE, "engine.seed": seed})
    task = build_task(config)
    module = task.make_model()
    policy = None if settings is None else Siamese(SiameseSettings(**settings))
    network = IdealCells(module, config, policy)
    optimizer = run_parts.build_optimizer(config, module)
    size = config.training.batch_size
    each = len(task.train.batches(size, None))
    steps = each * config.training.epochs
    schedule = run_parts.build_schedule(config, optimizer, steps)
    weights = sum(weight.numel() for weight in network.twin)
    updates = []
    for step, batch in enumerate(_batches(task, size, config), start=1):
        x, targets = task.train.batch(batch)
        optimizer.zero_grad()
        functional.cross_entropy(network(x), targets).backward()
        optimizer.step()
        schedule.step()
        updates.append(network.update(step / steps) / weights)
    assert task.validation is not None
    accuracy, loss = _figures(network, task.validation)
    return {
        "accuracy": accuracy,
        "loss": loss,
        "updates_per_weight": sum(updates),
        "elimination": 1 - sum(updates[:each]) / each,
    }


def _batches(task: Task, size: int, config: ExperimentConfig) -> Iterator[Tensor]:
    for epoch in range(1, config.training.epochs + 1):
        yield from task.train.batches(size, config.engine.seed * 1_000_003 + epoch)


def _figures(network: IdealCells, examples: Examples) -> tuple[float, float]:
    with torch.no_grad():
        x, targets = examples.batch(torch.arange(len(examples)))
        outputs = network(x)
        return float((outputs.argmax(1) == targets).float().mean()), float(functional.cross_entropy(outputs, targets))


def draw(found: Mapping[str, Mapping[str, Mapping[str, float]]], path: Path) -> None:
    """Draw accuracy against updates, a point for each course."""
    figure = Figure(figsize=(6.0, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for name, seeds in found.items():
        accuracy = [100 * run["accuracy"] for run in seeds.values()]
        updates = statistics.mean(run["updates_per_weight"] for run in seeds.values())
        if not updates:
            axes.axhline(statistics.mean(accuracy), color="0.5", linewidth=0.8, label=name)
            continue
        mean = statistics.mean(accuracy)
        axes.errorbar(
            updates,
            mean,
            yerr=[[mean - min(accuracy)], [max(accuracy) - mean]],
            marker="o",
            linestyle="none",
            label=name,
        )
    axes.set_xscale("log")
    axes.set_xticks([0.8, 1, 1.5, 2, 3, 5, 7])
    axes.xaxis.set_major_formatter("{x:g}")
    axes.minorticks_off()
    axes.set_xlabel("updates per weight, 8 epochs")
    axes.set_ylabel("accuracy on held-out images (%)")
    axes.legend(fontsize=7)
    figure.savefig(path, dpi=140)


def main(
    seeds: str = "0,1,2",
    as_json: Annotated[Path | None, typer.Option("--json", help="file for the figures")] = None,
    plot: Annotated[Path | None, typer.Option(help="file for the plot")] = None,
) -> None:
    """Train with each course, and print what it comes to as JSON."""
    torch.set_num_threads(1)
    found = {
        name: {seed: train(settings, int(seed)) for seed in seeds.split(",")} for name, settings in COURSES.items()
    }
    text = json.dumps(found, indent=1)
    print(text)
    if as_json is not None:
        as_json.write_text(text + "\n", encoding="utf-8")
    if plot is not None:
        draw(found, plot)


if __name__ == "__main__":
    typer.run(main)
