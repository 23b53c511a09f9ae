"""The figures of an epoch: what training counts, what the ledger prices, and how both become an entry of the report."""

from dataclasses import asdict, dataclass, fields
from typing import Any

from twinbar.host.experiment.evaluate import Evaluation
from twinbar.host.experiment.objective import Objective


@dataclass
class EpochCounts:
    """What training itself counts; the ledger counts what the controller does.

    Parameters
    ----------
    steps : int
        Optimizer steps.
    images : int
    loss_sum : float
        Of the training loss over images.
    weight_updates : int
        Weights whose programmed level was changed.
    host_seconds : float
        Time that the training took on this computer, evaluations excluded.
    pulse_trains : int
        Trains of pulses that were given to cells without reading them.
    cells_written, cells_failed : int
        Cells that decisions asked to be written, and those of them that were not at their level in the end. A cell
        that is written in several attempts counts once; ``cell_writes`` and ``failed_writes`` count attempts.
    untrained : int
        Weights that steps left alone, summed over steps: those of frozen layers, and of layers of other optimizers.
    """

    steps: int = 0
    images: int = 0
    loss_sum: float = 0.0
    weight_updates: int = 0
    host_seconds: float = 0.0
    pulse_trains: int = 0
    cells_written: int = 0
    cells_failed: int = 0
    untrained: int = 0

    def add_step(
        self, images: int, loss_sum: float, weight_updates: int, host_seconds: float, untrained: int = 0
    ) -> None:
        """Count an optimizer step."""
        self.steps += 1
        self.images += images
        self.loss_sum += loss_sum
        self.weight_updates += weight_updates
        self.host_seconds += host_seconds
        self.untrained += untrained

    def opportunities(self, weights: int) -> int:
        """Return how often a step could have updated one of the weights on the crossbar."""
        return max(weights * max(self.steps, 1) - self.untrained, 1)

    def add_writes(self, pulse_trains: int, cells_written: int, cells_failed: int) -> None:
        """Count what a step did to cells."""
        self.pulse_trains += pulse_trains
        self.cells_written += cells_written
        self.cells_failed += cells_failed

    def state_dict(self) -> dict[str, Any]:
        """Return the counts for a checkpoint."""
        return asdict(self)

    @classmethod
    def from_state_dict(cls, state: dict[str, Any]) -> "EpochCounts":
        """Rebuild the counts from `state_dict`."""
        return cls(**{field.name: state[field.name] for field in fields(cls) if field.name in state})


def epoch_entry(
    number: int,
    counts: EpochCounts,
    weights: int,
    test: Evaluation,
    validation: Evaluation | None,
    objective: Objective,
) -> dict[str, Any]:
    """Make an entry of ``epochs`` in report.json, without the figures of the ledger.

    Parameters
    ----------
    number : int
        From 1.
    counts : EpochCounts
    weights : int
        Weights on the crossbar (of the network, where there is none).
    test, validation : Evaluation
    objective : Objective
        Where it is no accuracy, its figures are under ``test_metric`` and so on.
    """
    figure = "accuracy" if objective.classifies else "metric"
    entry: dict[str, Any] = {
        "epoch": number,
        "steps": counts.steps,
        "train_loss": counts.loss_sum / max(counts.images, 1),
        f"test_{figure}": test.crossbar,
        f"twin_test_{figure}": test.twin,
        "agreement": test.agreement,
    }
    if validation is not None:
        entry[f"validation_{figure}"] = validation.crossbar
        entry[f"twin_validation_{figure}"] = validation.twin
    entry["weights"] = weights
    return entry


def update_figures(counts: EpochCounts, ledger_summary: dict[str, Any], weights: int) -> dict[str, Any]:
    """Return the update figures and the ledger's figures of a stretch of training.

    Elimination is relative to writing every weight (or cell) that an *optimizer step* trains once: the paper's measure,
    which neither accumulation nor batch size flatters, nor layers that are frozen.
    """
    cells = 2 * weights
    opportunities = counts.opportunities(weights)
    return {
        **({"untrained_weight_steps": counts.untrained} if counts.untrained else {}),
        "cells": cells,
        "weight_updates": counts.weight_updates,
        "updates_per_weight": counts.weight_updates / weights,
        "update_elimination": 1 - counts.weight_updates / opportunities,
        "cell_writes": ledger_summary["cell_writes"],
        "cells_written": counts.cells_written,
        "cells_failed": counts.cells_failed,
        "pulse_trains": counts.pulse_trains,
        "write_elimination": 1 - (ledger_summary["cell_writes"] + counts.pulse_trains) / (2 * opportunities),
        **{key: value for key, value in ledger_summary.items() if key != "cell_writes"},
    }


def total_counts(epochs: list[dict[str, Any]]) -> EpochCounts:
    """Sum the counts of all epochs."""
    total = EpochCounts()
    for entry in epochs:
        total.steps += entry["steps"]
        total.weight_updates += entry.get("weight_updates", 0)
        total.untrained += entry.get("untrained_weight_steps", 0)
        total.add_writes(*(entry.get(key, 0) for key in ("pulse_trains", "cells_written", "cells_failed")))
        total.host_seconds += entry["host_seconds"]
    return total
