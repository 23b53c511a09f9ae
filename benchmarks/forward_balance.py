"""How much tiles wait in the forward pass, and what an epoch takes, from a few training steps.

    TWINBAR_DATA=... python benchmarks/forward_balance.py lenet --vary training.pipeline=1,4,16 [--set key=value ...]

Trains ``mlp`` (784-256-10) or ``lenet`` on MNIST with `examples/low-energy.toml` for a few steps at each value of a
key, without evaluating, and prints the shares of tile-cycles that are idle and stalled in the forward pass, and energy
and time of an epoch of 60,000 images in proportion to the images seen. Steps later in the training write less.
"""

import json
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from twinbar.host.experiment.config import ExperimentConfig
from twinbar.host.experiment.progress_display import SilentProgress
from twinbar.host.experiment.task import prepare_data
from twinbar.host.experiment.trainer import Trainer
from twinbar.hw.timing import PHASES, Phase

IMAGES = 60_000
LOW_ENERGY = Path(__file__).parents[1] / "examples" / "low-energy.toml"


def measure(config: ExperimentConfig, steps: int) -> dict[str, Any]:
    """Train for some steps; gives shares of the forward pass's tile-cycles, and figures of an epoch."""
    config = config.merge({"data.limit": steps * config.training.batch_size})
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(config, prepare_data(config), SilentProgress(), Path(folder))
        trainer.initialize()
        assert trainer.account is not None
        ledger = trainer.account.ledger
        before = ledger.snapshot()
        for batches in list(trainer.remaining_batches(1)):
            trainer.train_step(batches)
        figures = ledger.summary(since=before)
    phases = figures["phase_cycles"]["forward"]
    tile_cycles = sum(phases.values())
    epochs = IMAGES / config.data.limit if config.data.limit else 1.0
    energy = figures["energy_j"]
    return {
        "tiles": trainer.network.session.engine.tiles if trainer.network else 0,
        "idle": phases[PHASES[Phase.IDLE]] / tile_cycles,
        "stall": phases[PHASES[Phase.STALL]] / tile_cycles,
        "static": energy["static"] / energy["total"],
        "energy_mj": 1e3 * epochs * energy["total"],
        "seconds": epochs * figures["seconds"]["total"],
        "forward_seconds": epochs * figures["seconds"]["forward"],
    }


def main(
    network: Annotated[str, typer.Argument(help="mlp or lenet")],
    vary: Annotated[str, typer.Option(help="key=value,value,...; values of a list are joined by +")],
    steps: int = 4,
    change: Annotated[list[str] | None, typer.Option("--set", help="key=value of the configuration")] = None,
) -> None:
    """Measure at each value; prints a line of JSON for each."""
    base = ExperimentConfig.from_toml(LOW_ENERGY).merge({"model.kind": network})
    for text in change or []:
        name, _, value = text.partition("=")
        base = base.merge({name: ExperimentConfig.value_from_text(name, value)})
    key, _, values = vary.partition("=")
    for value in values.split(","):
        text = value.replace("+", ",")
        figures = measure(base.merge({key: ExperimentConfig.value_from_text(key, text)}), steps)
        print(
            json.dumps({key: text} | {name: float(format(figure, ".4g")) for name, figure in figures.items()}),
            flush=True,
        )


if __name__ == "__main__":
    typer.run(main)
