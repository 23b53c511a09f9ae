"""Where a trained crossbar loses accuracy against its twin: one after the other, what is not ideal is switched on.

    TWINBAR_DATA=... python benchmarks/accuracy_gap.py RUN... [--inputs] [--json FILE]

Each run folder of `twinbar train` is taken as its last checkpoint left it; nothing is trained. The ladder begins with
the float twin, then takes the levels that the cells were asked to hold, as float weights; from the third step on the
engine multiplies by the conductances that they do hold, with converters so fine that they do not matter, and each
further step gives back one of the run's own. With ``--inputs`` it is inputs alone: the levels asked for multiply inputs
that are rounded to codes, of several bits and up to several ranges. Figures are of held-out images where the run holds
some out, else of the test images.
"""

import json
import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

import torch
import typer
from rich.console import Console
from rich.table import Table

from twinbar.host.data.examples import Examples
from twinbar.host.experiment.config import ExperimentConfig
from twinbar.host.experiment.evaluate import all_outputs, evaluate
from twinbar.host.experiment.progress_display import terminal_progress
from twinbar.host.experiment.run_folder import RunFolder
from twinbar.host.experiment.task import build_task
from twinbar.host.experiment.trainer import CALIBRATION_IMAGES, Trainer
from twinbar.host.nn.input_codes import least_error_range
from twinbar.host.nn.mapped_layer import MappedLayer

FINE: Final = {
    "array.input_bits": 8,
    "array.adc_bits": 12,
    "array.adc_noise_codes": 0.0,
}
"""Converters that do not matter."""
LADDER: Final = (
    ("its inputs of few bits", "array.input_bits"),
    ("its ADC's resolution", "array.adc_bits"),
    ("its ADC's noise", "array.adc_noise_codes"),
    ("read noise of the cells: all of it", "device.without"),
)
"""What the run's own value is given back of, step by step."""
INPUTS: Final = (
    ("4 bits up to the run's own range", 4, False),
    ("4 bits, cut at the least error", 4, True),
    ("5 bits up to the run's own range", 5, False),
    ("6 bits up to the run's own range", 6, False),
)
"""Bits of the inputs, and whether their range is the one with the least error instead of the run's."""


def ladder_of(run: Path) -> dict[str, float]:
    """Return the accuracy of a run's network at each step of the ladder."""
    progress = terminal_progress()
    try:
        own, state = _left_by(run, progress)
        trainer = _restored(own, {}, state, progress)
        assert trainer.network is not None
        examples, objective = _judged(trainer), trainer.task.objective
        found = {"the float twin": evaluate(trainer.module, trainer.network, examples, objective).twin}
        _take_levels(trainer.network.layers)
        found["the levels asked for"] = evaluate(trainer.module, trainer.network, examples, objective).twin
        changes: dict[str, Any] = {**FINE, "device.without": (*own.device.without, "read_noise")}
        found["what the cells hold"] = _on_crossbar(own, changes, state, examples, progress)
        for name, key in LADDER:
            del changes[key]
            found[name] = _on_crossbar(own, changes, state, examples, progress)
        return found
    finally:
        progress.close()


def inputs_of(run: Path) -> dict[str, float]:
    """Return the accuracy of a run's levels with inputs of each kind."""
    progress = terminal_progress()
    try:
        own, state = _left_by(run, progress)
        trainer = _restored(own, {}, state, progress)
    finally:
        progress.close()
    assert trainer.network is not None
    task, examples = trainer.task, _judged(trainer)
    layers = trainer.network.layers
    _take_levels(layers)
    trainer.module.eval()

    def accuracy() -> float:
        outputs, targets = all_outputs(trainer.module, examples)
        return task.objective.figure(outputs, targets)

    with torch.no_grad(), trainer.network.twin():
        found = {"exact inputs": accuracy()}
        seen: list[torch.Tensor] = []

        def look(_: int, x: torch.Tensor) -> torch.Tensor:
            seen.append(x)
            return x

        with _inputs_through(layers, look):
            trainer.module(task.train.batch(task.train.batches(CALIBRATION_IMAGES, None)[0])[0])
        for name, bits, cut in INPUTS:
            top = (1 << bits) - 1
            ranges = [layer.matmul.range.input_max for layer in layers]
            if cut:
                ranges = [least_error_range(x.numpy().reshape(-1), float(x.abs().max()), top) for x in seen]
            with _inputs_through(layers, partial(_as_codes, ranges, top)):
                found[name] = accuracy()
    return found


def _left_by(run: Path, progress: Any) -> tuple[ExperimentConfig, dict[str, Any]]:
    """Return the configuration of a run and its last checkpoint."""
    with RunFolder.open(run) as folder:
        own, state = folder.config, folder.load_checkpoint(progress.message)
    if state is None:
        raise SystemExit(f"{run} holds no checkpoint; train it first")
    return own, state


def _judged(trainer: Trainer) -> Examples:
    """Return the images by which a run is judged: held-out ones where there are any."""
    task = trainer.task
    return task.test if task.validation is None else task.validation


def _as_codes(ranges: Sequence[float], top: int, number: int, x: torch.Tensor) -> torch.Tensor:
    lsb = ranges[number] / top
    return (x / lsb).round().clamp(-top, top) * lsb


@contextmanager
def _inputs_through(
    layers: Sequence[MappedLayer], change: Callable[[int, torch.Tensor], torch.Tensor]
) -> Iterator[None]:
    """Let the inputs of each layer, by its number, pass through a function meanwhile."""
    hooks = [
        layer.owners[0][0].register_forward_pre_hook(lambda module, given, n=number: change(n, given[0]))
        for number, layer in enumerate(layers)
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _take_levels(layers: Sequence[MappedLayer]) -> None:
    """Let the twins' weights be the levels that the cells were asked to hold."""
    with torch.no_grad():
        for layer in layers:
            layer.weight.copy_(layer.form.to_weight(torch.from_numpy(layer.cells.weights), layer.weight.shape))


def _restored(own: ExperimentConfig, changes: dict[str, Any], state: dict[str, Any], progress: Any) -> Trainer:
    config = own.merge(changes)
    trainer = Trainer(config, build_task(config), progress, restored=True)
    trainer.load_state_dict(state)
    return trainer


def _on_crossbar(
    own: ExperimentConfig, changes: dict[str, Any], state: dict[str, Any], examples: Examples, progress: Any
) -> float:
    trainer = _restored(own, changes, state, progress)
    assert trainer.network is not None
    for layer in trainer.network.layers:
        # A range is a sum of currents, each times an input code.
        old, new = ((1 << config.array.input_bits) - 1 for config in (own, trainer.config))
        layer.matmul.range.full_scale *= new / old
    return evaluate(trainer.module, trainer.network, examples, trainer.task.objective).crossbar


def main(
    runs: Annotated[list[Path], typer.Argument(help="run folders of twinbar train")],
    inputs: Annotated[bool, typer.Option("--inputs", help="inputs alone, of several bits and ranges")] = False,
    as_json: Annotated[Path | None, typer.Option("--json", help="file for the figures")] = None,
) -> None:
    """Print the ladder of each run, and the mean."""
    ladders = {run.name: inputs_of(run) if inputs else ladder_of(run) for run in runs}
    if as_json is not None:
        as_json.write_text(json.dumps(ladders, indent=1) + "\n", encoding="utf-8")
    table = Table(title="accuracy")
    for column in ("with", *ladders, *(["mean"] if len(ladders) > 1 else [])):
        table.add_column(column)
    for step in next(iter(ladders.values())):
        values = [ladder[step] for ladder in ladders.values()]
        means = [statistics.mean(values)] if len(values) > 1 else []
        table.add_row(step, *(f"{value:.4f}" for value in [*values, *means]))
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
