"""What policies that pulse cells without reading them have in common: what they believe of the cells."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np
from pydantic import Field

from twinbar.host.update.blind_pulses import BlindLayer, Pairing, touched_bits
from twinbar.host.update.decision import Decision, PulseTrains
from twinbar.host.update.nominal_pulse import NominalPulse
from twinbar.host.update.policy import PolicySettings, UpdatePolicy
from twinbar.host.update.random_numbers import DRAW_BITS, draws

if TYPE_CHECKING:
    from twinbar.emulator.crossbar.configuration import CrossbarConfig
    from twinbar.host.update.cell_access import CellAccess, LayerUpdate
    from twinbar.host.update.programmed import ProgrammedLayer


class BlindSettings(PolicySettings):
    """Settings of all policies that pulse without reading."""

    read_every: int = Field(
        default=0,
        ge=0,
        le=1_000_000_000,
        description="decisions from one reading of all cells to the next, after which the host knows their levels "
        "again; 0: they are never read",
    )


Settings = TypeVar("Settings", bound=BlindSettings)


class BelievingPolicy(UpdatePolicy[Settings]):
    """Pulses cells without reading them, and keeps what they are believed to hold.

    The twin is what the cells are believed to hold: after each decision it is set to that, so that its change until the
    next one is the update that is asked for.

    Attributes
    ----------
    decisions : int
        Decisions that were made, the present one included.
    """

    gives_pulses: ClassVar[bool] = True
    pulse: NominalPulse
    seed: int

    def __init__(self, settings: Settings | None = None) -> None:
        super().__init__(settings)
        self.layers: dict[str, BlindLayer] = {}
        self.decisions = 0

    @property
    def pairing(self) -> Pairing:
        """Which cell of a pair takes a change."""
        return "one-sided"

    def set_up(self, crossbar: "CrossbarConfig") -> None:
        """Take the step of a nominal pulse (see `UpdatePolicy.set_up`)."""
        self.pulse = NominalPulse.of(crossbar)
        self.seed = int(crossbar.cells.scalars[0].seed) % (1 << 64)

    def prepare(self, layers: "Sequence[ProgrammedLayer]") -> None:
        """Make room for what is believed of the cells (see `UpdatePolicy.prepare`)."""
        self.layers = {cells.map.name: BlindLayer.blank(cells, self.pulse, self.pairing) for cells in layers}

    def decide(self, weights: np.ndarray, cells: "ProgrammedLayer", progress: float) -> Decision:
        """Write nothing in closed loop; `carry_out` gives the pulses."""
        return Decision.nothing()

    def initialize(self, layers: "Sequence[LayerUpdate]", access: "CellAccess") -> None:
        """Program all cells in closed loop to the nearest level (see `UpdatePolicy.initialize`)."""
        access.write({layer.name: self.layers[layer.name].initial(layer.weights) for layer in layers})
        for layer in layers:
            blind = self.layers[layer.name]
            blind.believe()
            layer.weights[:] = blind.weights

    def carry_out(self, layers: "Sequence[LayerUpdate]", access: "CellAccess", progress: float) -> None:
        """Pulse cells, and set the twin to what they then hold (see `UpdatePolicy.carry_out`)."""
        self.decisions += 1
        self.pulse_cells(layers, access, progress)
        if self.settings.read_every and self.decisions % self.settings.read_every == 0:
            for name, levels in access.read([layer.name for layer in layers]).items():
                self.layers[name].measure(levels)
                self.note_traffic(written=levels.nbytes * 8)
        self.after_pulses(layers, access)
        for layer in layers:
            layer.weights[:] = self.layers[layer.name].weights

    @abstractmethod
    def pulse_cells(self, layers: "Sequence[LayerUpdate]", access: "CellAccess", progress: float) -> None:
        """Give the pulses of a decision."""

    def give(self, access: "CellAccess", trains: Mapping[str, PulseTrains]) -> None:
        """Give trains of pulses, by layer, to cells whose believed levels they change."""
        access.pulse(trains, self.pulse.ramps)
        bits = touched_bits(list(trains.values()))
        self.note_traffic(bits, bits)

    def after_pulses(self, layers: "Sequence[LayerUpdate]", access: "CellAccess") -> None:
        """Do what a policy does beyond pulses, once they are given."""

    def wanted(self, layer: "LayerUpdate") -> np.ndarray:
        """Return the change of each weight since the last decision, in levels (float32 [outputs, inputs])."""
        blind = self.layers[layer.name]
        return (layer.weights - blind.weights) / np.float32(blind.cells.weight_per_level)

    def draw(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        """Draw numbers between 0 and 1 for a layer, or one of its arrays, in this decision (float32)."""
        drawn = draws(self.seed, self.decisions, name, shape)
        self.note_traffic(random=drawn.size * DRAW_BITS)
        return drawn

    def state_dict(self) -> dict[str, Any]:
        """Return what is believed of the cells."""
        held = {name: blind.held.copy() for name, blind in self.layers.items()}
        return {"held": held, "decisions": self.decisions}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        self.check_state(state)
        for name, blind in self.layers.items():
            blind.held[:] = state["held"][name]
        self.decisions = int(state["decisions"])
