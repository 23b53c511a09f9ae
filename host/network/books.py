"""What a converted network does and costs: initialization, training and evaluation apart."""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final, Literal

import numpy as np

from twinbar.emulator.contract.activity import Activity, ActivityTotal
from twinbar.emulator.ledger.ledger import Kind, Ledger
from twinbar.host.experiment.account import step_figures
from twinbar.host.experiment.epoch import EpochCounts, update_figures
from twinbar.host.network.layer_cost import LayerCost
from twinbar.host.network.programmer import Programmed
from twinbar.host.nn.crossbar_network import CrossbarNetwork
from twinbar.host.twin.twin_traffic import TwinTraffic
from twinbar.hw.errors import ConfigError

Period = Literal["initialization", "training", "evaluation"]
PERIODS: Final[tuple[Period, ...]] = ("initialization", "training", "evaluation")


class Books:
    """The ledgers of a network, its counts, and the entries of its epochs.

    Parameters
    ----------
    make_ledger : callable
        Opens a ledger.
    network : CrossbarNetwork
    twin_kind : str
        ``twin.kind``.

    Attributes
    ----------
    epochs : list of dict
        Entries of the epochs that were ended.
    rows : list of dict
        Rows of ``steps.csv``.
    """

    def __init__(self, make_ledger: Callable[[], Ledger], network: CrossbarNetwork, twin_kind: str) -> None:
        self.ledgers: dict[Period, Ledger] = {period: make_ledger() for period in PERIODS}
        self.layers = {layer.name: LayerCost() for layer in network.layers}
        self.epochs: list[dict[str, Any]] = []
        self.rows: list[dict[str, Any]] = []
        self.initial_updates = 0
        self._initial = EpochCounts()
        self._network = network
        self._twin_kind = twin_kind
        self._twin = TwinTraffic()
        self._twin_began = TwinTraffic()
        self._period: Period | None = None
        self._counts = EpochCounts()
        self._total = EpochCounts()
        self._epoch_began = self.ledgers["training"].snapshot()
        self._step: dict[Kind, list[Activity]] = {}
        self._losses: list[float] = []
        self._next_loss: float | None = None
        self._logged: dict[str, float | None] = {"metric": None, "twin_metric": None}

    def busy_s(self) -> float:
        """Seconds of the controller up to now, programming and evaluations included."""
        return sum(ledger.busy_s() for ledger in self.ledgers.values())

    # --- entries ----------------------------------------------------------------------------------------------------

    @contextmanager
    def initializing(self) -> Iterator[None]:
        """Enter into initialization what is done meanwhile."""
        yield from self._during("initialization")

    @contextmanager
    def training(self) -> Iterator[None]:
        """Enter into training what is done meanwhile."""
        yield from self._during("training")

    def _during(self, period: Period) -> Iterator[None]:
        before, self._period = self._period, period
        try:
            yield
        finally:
            self._period = before

    def enter(self, kind: Kind, activity: Activity) -> None:
        """Enter what a program did."""
        session = self._network.session
        period = self._period
        if period is None:
            period = "training" if self._network.module.training else "evaluation"
        if session.calibrates:
            period = "initialization"
        self.ledgers[period].add(kind, activity)
        if period != "training":
            return
        self._step.setdefault(kind, []).append(activity)
        if kind == "forward":
            self.layers[session.layer].add_forward(activity)

    def note_initialization(self, written: Programmed) -> None:
        """Count the weights of the first programming."""
        self.initial_updates += written.weight_updates
        self._initial.add_writes(*written.counts)

    def note_writes(self, written: Programmed) -> None:
        """Count what one write list of the training did in each layer."""
        self._counts.add_writes(*written.counts)
        self._total.add_writes(*written.counts)
        for name, part in written.layers.items():
            self.layers[name].add_writes(part)

    def note_twin(self, traffic: TwinTraffic) -> None:
        """Enter what a step read from and wrote to the twin's memory."""
        self.ledgers["training"].add("host", traffic.activity())
        self._twin += traffic

    def note_step(self, weight_updates: int, untrained: int) -> None:
        """Count an optimizer step, which left so many weights alone, and add its row."""
        self._counts.add_step(0, 0.0, weight_updates, 0.0, untrained)
        self._total.add_step(0, 0.0, weight_updates, 0.0, untrained)
        self.rows.append(
            {
                "step": self._total.steps,
                "epoch": len(self.epochs) + 1,
                "loss": math.nan if self._next_loss is None else self._next_loss,
                "weight_updates": weight_updates,
                **step_figures(self.ledgers["training"], self._step),
            }
        )
        self._step = {}
        self._next_loss = None

    def log(self, loss: float | None, metric: float | None, twin_metric: float | None) -> None:
        """Note figures of the epoch that is going on."""
        for name, value in (("loss", loss), ("metric", metric), ("twin_metric", twin_metric)):
            if value is not None and not _is_number(value):
                raise ConfigError(f"{name} is {value!r}; it must be one number, such as loss.item()")
        if loss is not None:
            self._losses.append(float(loss))
            # A loop may log the loss before its step, or after it.
            if self.rows and math.isnan(self.rows[-1]["loss"]):
                self.rows[-1]["loss"] = float(loss)
            else:
                self._next_loss = float(loss)
        if metric is not None:
            self._logged["metric"] = float(metric)
        if twin_metric is not None:
            self._logged["twin_metric"] = float(twin_metric)

    def end_epoch(self, weights: int, clipped: Mapping[str, float]) -> dict[str, Any]:
        """End the epoch that is going on, and return its entry in the report."""
        ledger = self.ledgers["training"]
        entry: dict[str, Any] = {
            "epoch": len(self.epochs) + 1,
            "steps": self._counts.steps,
            "train_loss": float(np.mean(self._losses)) if self._losses else None,
            "test_accuracy": self._logged["metric"],
            "twin_test_accuracy": self._logged["twin_metric"],
            "agreement": None,
            "weights": weights,
            **update_figures(self._counts, ledger.summary(since=self._epoch_began), weights),
            "twin": (self._twin - self._twin_began).figures(self._twin_kind, self._counts.opportunities(weights)),
            "clipped_fraction": dict(clipped),
        }
        self.epochs.append(entry)
        self._counts = EpochCounts()
        self._losses = []
        self._logged = {"metric": None, "twin_metric": None}
        self._epoch_began = ledger.snapshot()
        self._twin_began = self._twin
        return entry

    # --- figures ----------------------------------------------------------------------------------------------------

    @property
    def counts(self) -> EpochCounts:
        """Of the whole training."""
        return self._total

    def totals(self, weights: int) -> dict[str, Any]:
        """Return the figures of the training, as ``totals`` of the report has them."""
        return {
            "steps": self._total.steps,
            "weights": weights,
            **update_figures(self._total, self.ledgers["training"].summary(), weights),
            "twin": self._twin.figures(self._twin_kind, self._total.opportunities(weights)),
        }

    def initialization(self, weights: int) -> dict[str, Any]:
        """Return the figures of the first programming and of calibration."""
        counts = replace(self._initial, steps=1, weight_updates=self.initial_updates)
        return {"weights": weights, **update_figures(counts, self.ledgers["initialization"].summary(), weights)}

    def cost(self, weights: int) -> dict[str, Any]:
        """Return the figures of the training, and beside them those of initialization, evaluation and the layers."""
        return {
            **self.totals(weights),
            "initialization": self.initialization(weights),
            "evaluation": self.ledgers["evaluation"].summary(),
            "layers": {name: cost.figures(self.ledgers["training"]) for name, cost in self.layers.items()},
        }

    # --- the state --------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Return everything that was entered and counted."""
        return {
            "ledgers": {period: ledger.state_dict() for period, ledger in self.ledgers.items()},
            "layers": {name: cost.state_dict() for name, cost in self.layers.items()},
            "epochs": list(self.epochs),
            "rows": list(self.rows),
            "initial_updates": self.initial_updates,
            "initial": self._initial.state_dict(),
            "counts": self._counts.state_dict(),
            "total": self._total.state_dict(),
            "epoch_began": {kind: tally.state_dict() for kind, tally in self._epoch_began.items()},
            "twin": self._twin.state_dict(),
            "twin_began": self._twin_began.state_dict(),
            "losses": list(self._losses),
            "next_loss": self._next_loss,
            "logged": dict(self._logged),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        for period, ledger in self.ledgers.items():
            ledger.load_state_dict(state["ledgers"][period])
        for name, cost in self.layers.items():
            cost.load_state_dict(state["layers"][name])
        self.epochs = list(state["epochs"])
        self.rows = list(state["rows"])
        self.initial_updates = state["initial_updates"]
        self._initial = EpochCounts.from_state_dict(state.get("initial", {}))
        self._counts = EpochCounts.from_state_dict(state["counts"])
        self._total = EpochCounts.from_state_dict(state["total"])
        self._epoch_began = {kind: ActivityTotal.from_state_dict(tally) for kind, tally in state["epoch_began"].items()}
        self._twin = TwinTraffic.from_state_dict(state["twin"])
        self._twin_began = TwinTraffic.from_state_dict(state["twin_began"])
        self._losses = list(state["losses"])
        self._next_loss = state["next_loss"]
        self._logged = dict(state["logged"])
        self._step = {}


def _is_number(value: Any) -> bool:
    """Whether something is one number, in a tensor or array maybe."""
    try:
        float(value)
    except (TypeError, ValueError, RuntimeError):
        return False
    return not isinstance(value, str)
