"""Where a trained crossbar loses accuracy against its twin: one after the other, what is not ideal is switched on.

    TWINBAR_DATA=... python benchmarks/accuracy_gap.py RUN... [--json FILE]

Each run folder of `twinbar train` is taken as its last checkpoint left it; nothing is trained. The ladder begins with
the float twin, then takes the levels that the cells were asked to hold, as float weights; from the third step on the
engine multiplies by the conductances that they do hold, with converters so fine that they do not matter, and each
further step gives back one of the run's own. Figures are of held-out images where the run holds some out, else of
the test images.
"""

import json
import statistics
from pathlib import Path
from typing import Annotated, Any, Final

import torch
import typer
from rich.console import Console
from rich.table import Table

from twinbar.host.data.examples import Examples
from twinbar.host.experiment.config import ExperimentConfig
from twinbar.host.experiment.evaluate import evaluate
from twinbar.host.experiment.progress_display import terminal_progress
from twinbar.host.experiment.run_folder import RunFolder
from twinbar.host.experiment.task import build_task
from twinbar.host.experiment.trainer import Trainer

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


def ladder_of(run: Path) -> dict[str, float]:
    """Return the accuracy of a run's network at each step of the ladder."""
    progress = terminal_progress()
    try:
        with RunFolder.open(run) as folder:
            own, state = folder.config, folder.load_checkpoint(progress.message)
        if state is None:
            raise SystemExit(f"{run} holds no checkpoint; train it first")
        task = build_task(own)
        examples = task.test if task.validation is None else task.validation
        trainer = _restored(own, {}, state, progress)
        assert trainer.network is not None
        found = {"the float twin": evaluate(trainer.module, trainer.network, examples, task.objective).twin}
        with torch.no_grad():
            for layer in trainer.network.layers:
                layer.weight.copy_(layer.form.to_weight(torch.from_numpy(layer.cells.weights), layer.weight.shape))
        found["the levels asked for"] = evaluate(trainer.module, trainer.network, examples, task.objective).twin
        changes: dict[str, Any] = {**FINE, "device.without": (*own.device.without, "read_noise")}
        found["what the cells hold"] = _on_crossbar(own, changes, state, examples, progress)
        for name, key in LADDER:
            del changes[key]
            found[name] = _on_crossbar(own, changes, state, examples, progress)
        return found
    finally:
        progress.close()


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
    as_json: Annotated[Path | None, typer.Option("--json", help="file for the figures")] = None,
) -> None:
    """Print the ladder of each run, and the mean."""
    ladders = {run.name: ladder_of(run) for run in runs}
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
