"""What one layer of a network had of its training."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from twinbar.emulator.contract.activity import Activity, ActivityTotal
from twinbar.emulator.ledger.ledger import Ledger


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
        return LayerWrites(*(getattr(self, part.name) + getattr(other, part.name) for part in fields(LayerWrites)))


@dataclass
class LayerCost:
    """Adds up products and writes of a layer.

    Parameters
    ----------
    products : int
        Multiplications of a batch of input vectors, one for each sign of the inputs.
    forward : ActivityTotal
    writes : LayerWrites
    """

    products: int = 0
    forward: ActivityTotal = field(default_factory=ActivityTotal)
    writes: LayerWrites = LayerWrites()

    def add_forward(self, activity: Activity) -> None:
        """Add a multiplication."""
        self.products += 1
        self.forward += ActivityTotal.of(activity)

    def add_writes(self, writes: LayerWrites) -> None:
        """Add what a write list did."""
        self.writes = self.writes + writes

    def figures(self, ledger: Ledger) -> dict[str, Any]:
        """Return the counts, with the seconds and joules of the forward pass.

        Layers are written together, by one program, so that time and energy of writing are not divided among them.
        """
        return {
            "products": self.products,
            "forward_seconds": self.forward.cycles / ledger.clock_hz,
            "forward_energy_j": ledger.energy_j("forward", self.forward),
            **asdict(self.writes),
        }

    def state_dict(self) -> dict[str, Any]:
        """Return what was added up."""
        return {"products": self.products, "forward": self.forward.state_dict(), "writes": asdict(self.writes)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        self.products = state["products"]
        self.forward = ActivityTotal.from_state_dict(state["forward"])
        self.writes = LayerWrites(**state["writes"])
