"""The ledger of a training run, from which the activity of single steps and of periods can be taken."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from twinbar.emulator.contract.activity import Activity, ActivityTotal
from twinbar.emulator.ledger.ledger import Kind, Ledger, what_dominates
from twinbar.host.experiment.callbacks import Run
from twinbar.host.experiment.epoch import EpochCounts, total_counts, update_figures
from twinbar.host.twin.twin_traffic import TwinTraffic
from twinbar.hw.actions import Action


class Account:
    """What a training run has entered, altogether, since periods began, and in the present step (a callback).

    Parameters
    ----------
    ledger : Ledger

    Attributes
    ----------
    ledger : Ledger
    """

    state_key: ClassVar[str] = "account"

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.twin = TwinTraffic()
        self._step: dict[Kind, list[Activity]] = {}
        self._begun: dict[str, dict[Kind, ActivityTotal]] = {}
        self._twin_begun: dict[str, TwinTraffic] = {}

    def enter(self, kind: Kind, activity: Activity) -> None:
        """Add what a program did."""
        self.ledger.add(kind, activity)
        self._step.setdefault(kind, []).append(activity)

    def enter_twin(self, traffic: TwinTraffic) -> None:
        """Add what a step read from and wrote to the twin's memory."""
        self.ledger.add("host", traffic.activity())
        self.twin += traffic

    def on_initialized(self, run: Run, figures: dict[str, Any]) -> None:
        """Let training and its first epoch begin: programming is an account of its own."""
        self.begin("epoch", "training")

    def on_step_begin(self, run: Run) -> None:
        """Let a step begin here."""
        self._step = {}

    def on_step(self, run: Run, row: dict[str, Any]) -> None:
        """Add the figures of the step."""
        row |= self.step_figures()

    def on_epoch_figures(self, run: Run, entry: dict[str, Any]) -> None:
        """Add the figures of the epoch, and let the next one begin."""
        entry |= update_figures(run.counts, self.summary(since="epoch"), run.weights)
        entry |= {"twin": self._twin_figures(run, "epoch", run.counts)}
        self.begin("epoch")

    def on_report_figures(self, run: Run, report: dict[str, Any]) -> None:
        """Add the totals of the training, and what they were priced with."""
        training = self.summary(since="training")
        counts = total_counts(run.epochs)
        report["totals"] |= update_figures(counts, training, run.weights)
        report["totals"] |= {"twin": self._twin_figures(run, "training", counts)}
        report |= {
            "initialization": run.initialization,
            "dominates": what_dominates(training),
            "energy_with_initialization_j": self.ledger.summary()["energy_j"]["total"],
            "energy_table": run.config.engine.energy_table,
            "area": self.ledger.area,
        }

    def begin(self, *periods: str) -> None:
        """Let periods begin here."""
        for period in periods:
            self._begun[period] = self.ledger.snapshot()
            self._twin_begun[period] = self.twin

    def _twin_figures(self, run: Run, period: str, counts: EpochCounts) -> dict[str, Any]:
        moved = self.twin - self._twin_begun[period]
        return moved.figures(run.config.twin.kind, counts.opportunities(run.weights))

    def summary(self, since: str) -> dict[str, Any]:
        """Return the summary of a period (`twinbar.emulator.ledger.ledger.Ledger.summary`)."""
        return self.ledger.summary(since=self._begun[since])

    def step_figures(self) -> dict[str, Any]:
        """Return the figures of the present step, as ``steps.csv`` has them."""
        return step_figures(self.ledger, self._step)

    def state_dict(self) -> dict[str, Any]:
        """Return the ledger and the beginnings of its periods, for a checkpoint."""
        begun = {
            period: {kind: tally.state_dict() for kind, tally in tallies.items()}
            for period, tallies in self._begun.items()
        }
        return {
            "ledger": self.ledger.state_dict(),
            "periods": begun,
            "twin": self.twin.state_dict(),
            "twin_periods": {period: traffic.state_dict() for period, traffic in self._twin_begun.items()},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` gave."""
        self.ledger.load_state_dict(state["ledger"])
        self._begun = {
            period: {kind: ActivityTotal.from_state_dict(tally) for kind, tally in tallies.items()}
            for period, tallies in state["periods"].items()
        }
        self.twin = TwinTraffic.from_state_dict(state["twin"])
        self._twin_begun = {
            period: TwinTraffic.from_state_dict(traffic) for period, traffic in state["twin_periods"].items()
        }


def step_figures(ledger: Ledger, step: Mapping[Kind, Sequence[Activity]]) -> dict[str, Any]:
    """Return the figures of one optimizer step, as ``steps.csv`` has them.

    Parameters
    ----------
    ledger : Ledger
        Prices them.
    step : mapping of Kind to sequence of Activity
        What the programs of the step did.
    """
    written = [ActivityTotal.of(activity) for activity in step.get("write", ())]
    write = sum(written[1:], written[0]) if written else ActivityTotal()
    actions = write.actions
    return {
        "cell_writes": actions[Action.WRITE_OK] + actions[Action.WRITE_FAILED],
        "pulses_set": actions[Action.PULSE_SET],
        "pulses_reset": actions[Action.PULSE_RESET],
        "verify_reads": actions[Action.CONVERT_VERIFY],
        "failed_writes": actions[Action.WRITE_FAILED],
        "write_cycles": write.cycles,
        "forward_cycles": sum(activity.cycles for activity in step.get("forward", ())),
        # Most steps of small batches write no cell: nothing has to be priced then.
        "write_energy_j": ledger.energy_j("write", write) if write.cycles else 0.0,
    }
