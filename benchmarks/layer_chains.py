"""What layers that follow one another on the chip save, and what they cost.

    TWINBAR_DATA=... python benchmarks/layer_chains.py mnist --out runs/chains [--seed 0 --seed 1] [--limit 6000]

Trains an epoch of the MLP with 256 hidden neurons as `examples/low-energy.toml` has it, layers one after the other
(``apart``) and chained (``chained``); then runs the test set, 500 images at a time. Prints one JSON object: for each
case and seed, figures of the training and of the test set. Finished runs of the folder are not repeated.
"""

import json
from pathlib import Path
from typing import Annotated, Any, Final

import torch
import typer

from twinbar.host.experiment.config import ExperimentConfig
from twinbar.host.experiment.evaluate import all_outputs
from twinbar.host.experiment.progress_display import terminal_progress
from twinbar.host.experiment.run_folder import RunFolder
from twinbar.host.experiment.run_parts import build_ledger
from twinbar.host.experiment.train import train
from twinbar.host.experiment.trainer import Trainer
from twinbar.hw.timing import PHASES, Phase

LOW_ENERGY: Final = Path(__file__).parents[1] / "examples" / "low-energy.toml"
COMMON: Final[dict[str, Any]] = {"training.pipeline": 1}
CASES: Final[dict[str, dict[str, Any]]] = {
    "apart": {},
    "chained": {"array.chain": True, "array.chained_layers": True},
}
EVALUATION: Final = "evaluation.json"


def figures_of(summary: dict[str, Any], images: int) -> dict[str, Any]:
    """Take what is compared from a ledger's summary; counts, seconds and joules are per image."""
    phases, energy = summary["phase_cycles"]["forward"], summary["energy_j"]
    actions, seconds = summary["actions"], summary["seconds"]
    return {
        "response_beats": actions["response_beat"] / images,
        "command_beats": (actions["command_beat"] + actions["shared_beat"]) / images,
        "idle": phases[PHASES[Phase.IDLE]] / sum(phases.values()),
        "idle_tile_cycles": phases[PHASES[Phase.IDLE]] / images,
        "forward_seconds": (seconds["forward"] + seconds["link"]) / images,
        **{f"{name}_j": energy[name] / images for name in ("total", "forward", "link", "static", "write")},
    }


class TestSet:
    """Runs the test set when a training ends, accounted."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def on_end(self, trainer: Trainer, report: dict[str, Any]) -> None:
        """Write down what it came to."""
        network, examples = trainer.network, trainer.task.test
        assert network is not None
        ledger = build_ledger(trainer.config, network.session.engine.config, network.session.engine.tiles)
        network.module.eval()
        with torch.no_grad(), network.session.account_to(ledger.add):
            outputs, targets = all_outputs(network.module, examples, forward_pass=network.forward_pass)
        accuracy = float((outputs.argmax(dim=1) == targets).float().mean())
        figures = {
            "trained_on": len(trainer.task.train),
            "accuracy": accuracy,
            **figures_of(ledger.summary(), len(targets)),
        }
        self._path.write_text(json.dumps(figures), encoding="utf-8")


def main(
    data: Annotated[str, typer.Argument(help="digits or mnist")],
    out: Annotated[Path, typer.Option(help="folder for the runs; finished ones are not repeated")],
    seed: Annotated[list[int] | None, typer.Option(help="seeds; 0, 1 and 2 by default")] = None,
    limit: Annotated[int | None, typer.Option(help="training images; all by default")] = None,
) -> None:
    """Train and evaluate all cases."""
    base = ExperimentConfig.from_toml(LOW_ENERGY).merge({"data.name": data, "data.limit": limit} | COMMON)
    found: dict[str, dict[str, Any]] = {case: {} for case in CASES}
    for number in seed or (0, 1, 2):
        for case, changes in CASES.items():
            folder = out / f"{case}-{number}"
            if not (folder / EVALUATION).exists():
                config = base.merge(changes | {"engine.seed": number})
                with RunFolder.create(folder, config) as run:
                    train(config, run, terminal_progress(), resume=False, callbacks=[TestSet(folder / EVALUATION)])
            report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
            epoch = report["epochs"][-1]
            evaluation = json.loads((folder / EVALUATION).read_text(encoding="utf-8"))
            found[case][str(number)] = {
                "accuracy": epoch["test_accuracy"],
                "twin": epoch["twin_test_accuracy"],
                "training": figures_of(report["totals"], evaluation.pop("trained_on")),
                "evaluation": evaluation,
            }
    print(json.dumps(found))


if __name__ == "__main__":
    typer.run(main)
