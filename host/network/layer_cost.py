"""What one layer of a network had of its training."""

import operator
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from twinbar.emulator.contract.activity import Activity, ActivityTotal
from twinbar.emulator.ledger.ledger import Ledger
from twinbar.emulator.ledger.running_total import RunningTotal


@dataclass(frozen=True)
class LayerWrites:
    """What a write list did in one layer.

    Parameters
    ----------
    weight_updates : int
        Weights whose level was changed.
    cell_writes, failed_writes : int
    pulses_set, pulses_reset : int
    pulse_trains : int
        Trains of pulses that were given without reading.
    """

    weight_updates: int = 0
    cell_writes: int = 0
    failed_writes: int = 0
    pulses_set: int = 0
    pulses_reset: int = 0
    pulse_trains: int = 0

    def __add__(self, other: "LayerWrites") -> "LayerWrites":
        return LayerWrites(*map(operator.add, vars(self).values(), vars(other).values()))


class LayerCost:
    """Adds up products and writes of a layer.

    Attributes
    ----------
    products : int
        Multiplications of a batch of input vectors, one for each sign of the inputs.
    writes : LayerWrites
    """

    def __init__(self) -> None:
        self.products = 0
        self.writes = LayerWrites()
        self._forward = RunningTotal()

    @property
    def forward(self) -> ActivityTotal:
        """What the multiplications did."""
        return self._forward.total()

    def add_forward(self, activity: Activity) -> None:
        """Add a multiplication."""
        self.products += 1
        self._forward.add(activity)

    def add_writes(self, writes: LayerWrites) -> None:
        """Add what a write list did."""
        self.writes = self.writes + writes

    def figures(self, ledger: Ledger) -> dict[str, Any]:
        """Return the counts, with the seconds and joules of the forward pass.

        Layers are written together, by one program, so that time and energy of writing are not divided among them.
        """
        forward = self.forward
        return {
            "products": self.products,
            "forward_seconds": forward.cycles / ledger.clock_hz,
            "forward_energy_j": ledger.energy_j("forward", forward),
            **asdict(self.writes),
        }

    def state_dict(self) -> dict[str, Any]:
        """Return what was added up."""
        return {"products": self.products, "forward": self.forward.state_dict(), "writes": asdict(self.writes)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        self.products = state["products"]
        self._forward = RunningTotal(ActivityTotal.from_state_dict(state["forward"]))
        self.writes = LayerWrites(**state["writes"])
