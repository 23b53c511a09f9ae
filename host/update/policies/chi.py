"""Mixed precision: a digital accumulator chi takes all updates, and a device gets a pulse for each whole step in it.

S. R. Nandakumar et al., Mixed-precision deep learning based on computational memory, Front. Neurosci. 14, 406 (2020):
``chi += dW``, then ``n = trunc(chi / epsilon)`` pulses without verify, and ``chi -= n epsilon``, with epsilon the mean
step of a pulse (aihwkit has it likewise, ``rpu_mixedprec_device.cpp``). The published devices are pairs of phase-change
cells that are SET only, and refreshed when they run out of range: the pairing ``set-only``.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from pydantic import Field

from twinbar.host.update.accumulator import Accumulator
from twinbar.host.update.blind_policy import BlindPolicy, BlindSettings
from twinbar.host.update.blind_pulses import Pairing, refresh
from twinbar.host.update.decision import PulseTrains

if TYPE_CHECKING:
    from twinbar.host.update.cell_access import CellAccess, LayerUpdate
    from twinbar.host.update.programmed import ProgrammedLayer


class ChiSettings(BlindSettings):
    """Settings of `Chi`."""

    pairing: Pairing = Field(
        default="one-sided",
        description="cell of a pair that takes a change: one-sided (G- down before G+ up), set-only (G+ up or G- up, "
        "with refresh), or fixed (G+ alone, G- stays in the middle)",
    )
    refresh_at: float = Field(
        default=0.9,
        gt=0,
        le=1,
        description="part of its range beyond which a cell of a pair that is SET only is refreshed",
    )


class Chi(BlindPolicy[ChiSettings]):
    """Accumulate, and pulse what is a whole step."""

    settings_model = ChiSettings

    @property
    def pairing(self) -> Pairing:
        """Which cell of a pair takes a change."""
        return self.settings.pairing

    def prepare(self, layers: "Sequence[ProgrammedLayer]") -> None:
        """Make room for chi (see `UpdatePolicy.prepare`)."""
        super().prepare(layers)
        self.chi = Accumulator.of(layers)

    def trains(self, layer: "LayerUpdate", progress: float) -> PulseTrains:
        """Add to chi, and give its whole steps (see `BlindPolicy.trains`)."""
        total = self.chi.add(layer.name, self.wanted(layer))
        trains, moved = self.layers[layer.name].move(total, np.floor)
        self.chi.take(layer.name, moved)
        self.note_traffic(*self.chi.traffic(layer.name))
        return trains

    def after_pulses(self, layers: "Sequence[LayerUpdate]", access: "CellAccess") -> None:
        """Refresh pairs that are out of range (see `BelievingPolicy.after_pulses`)."""
        if self.settings.pairing != "set-only":
            return
        found = {layer.name: refresh(self.layers[layer.name], self.settings.refresh_at) for layer in layers}
        if any(len(decision.addresses) for decision, _ in found.values()):
            access.write({name: decision for name, (decision, _) in found.items()})
            for name, (decision, lost) in found.items():
                self.chi.take(name, -lost)
                inputs = self.layers[name].cells.map.inputs
                weights = decision.origins[::2] // 2
                chosen = np.zeros(lost.shape, np.bool_)
                chosen[weights // inputs, weights % inputs] = True
                self.layers[name].believe(chosen)

    def state_dict(self) -> dict[str, Any]:
        """Return chi, beside what is believed of the cells."""
        return {**super().state_dict(), "chi": self.chi.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        super().load_state_dict(state)
        self.chi.load_state_dict(state["chi"])


POLICY: Final = Chi
