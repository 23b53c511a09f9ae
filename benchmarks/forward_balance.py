"""How long tiles wait in the forward pass, and what an epoch of it takes.

    TWINBAR_DATA=... python benchmarks/forward_balance.py lenet --case 1: --case 16: --case 16:8,2 [--set key=value ...]

A batch of 64 images of MNIST goes through ``mlp`` (784-256-10) or ``lenet`` as `examples/low-energy.toml` has it, on
freshly programmed cells. A case is ``training.pipeline:array.copies``; ``--set training.pipeline_ratio=1`` makes parts
equal, and with ``--set array.chained_layers=true``, layers of a chain are one program. Prints, as a line of JSON for
each: tiles; the shares of their cycles that are idle and stalled; the share of static energy; and energy and time of
the forward passes of an epoch of 60,000 images, for which those of the batch are multiplied. Writes are not in it.
"""

import json
from pathlib import Path
from typing import Annotated, Any

import torch
import typer

from twinbar.emulator.contract.activity import Activity
from twinbar.emulator.engines.bulk.engine import FastEngine
from twinbar.emulator.engines.side_by_side import side_by_side
from twinbar.host.experiment import resolved_crossbar
from twinbar.host.experiment.config import ExperimentConfig
from twinbar.host.experiment.run_parts import build_ledger
from twinbar.host.experiment.task import Task, prepare_data
from twinbar.host.network.pipelined_pass import pipelined
from twinbar.host.network.programmer import initialize
from twinbar.host.nn.put_on_crossbar import put_on_crossbar
from twinbar.hw.timing import PHASES, Phase

EPOCH = 60_000
IMAGES = 64
CALIBRATED_ON = 8
"""Images that set the ranges."""
LOW_ENERGY = Path(__file__).parents[1] / "examples" / "low-energy.toml"


def measure(config: ExperimentConfig, task: Task) -> dict[str, Any]:
    """Run a batch forward; gives shares of its tile-cycles, and figures of an epoch."""
    policy = resolved_crossbar.build_policy(config)
    crossbar = resolved_crossbar.build_crossbar(config, targets=policy.targets)
    done: list[Activity] = []
    network = put_on_crossbar(
        task.make_model(),
        crossbar,
        lambda kind, activity: done.append(activity),
        placement=config.array.mapping,
        weight_range=config.policy.weight_range,
        copies=config.array.copies,
        make_engine=side_by_side(FastEngine),
    )
    initialize(network, policy)
    x, _ = task.train.batch(torch.arange(IMAGES))
    with torch.no_grad():
        with network.calibrating():
            network.module(x[:CALIBRATED_ON])
        network.module.train()
        done.clear()
        with network.forward_pass():
            if config.array.chained_layers:
                network.module(x)
            else:
                pipelined(network, x, config.training.pipeline, config.training.pipeline_ratio)
    tiles = network.session.engine.tiles
    ledger = build_ledger(config, crossbar, tiles)
    for activity in done:
        ledger.add("forward", activity)
    figures = ledger.summary()
    phases, energy = figures["phase_cycles"]["forward"], figures["energy_j"]
    tile_cycles = sum(phases.values())
    return {
        "tiles": tiles,
        "idle": phases[PHASES[Phase.IDLE]] / tile_cycles,
        "stall": phases[PHASES[Phase.STALL]] / tile_cycles,
        "static": energy["static"] / energy["total"],
        "energy_mj": 1e3 * EPOCH / IMAGES * energy["total"],
        "seconds": EPOCH / IMAGES * figures["seconds"]["total"],
    }


def main(
    network: Annotated[str, typer.Argument(help="mlp or lenet")],
    case: Annotated[list[str], typer.Option(help="training.pipeline:array.copies")],
    change: Annotated[list[str] | None, typer.Option("--set", help="key=value of the configuration")] = None,
) -> None:
    """Measure each case."""
    base = ExperimentConfig.from_toml(LOW_ENERGY).merge({"model.kind": network, "data.limit": IMAGES})
    for text in change or []:
        name, _, value = text.partition("=")
        base = base.merge({name: ExperimentConfig.value_from_text(name, value)})
    task = Task.of_images(base, prepare_data(base))
    for text in case:
        parts, _, copies = text.partition(":")
        figures = measure(base.merge({"training.pipeline": int(parts), "array.copies": copies}), task)
        rounded = {name: float(format(figure, ".4g")) for name, figure in figures.items()}
        print(json.dumps({"case": text, **rounded}), flush=True)


if __name__ == "__main__":
    typer.run(main)
