"""Sign with threshold and alternating phases: at most one pulse per cell and step, SET and RESET taking turns.

W. Zhang et al., Edge learning using a fully integrated neuro-inspired memristor chip (STELLAR), Science 381, 1205
(2023), and its code (Tsinghua-LEMON-Lab/software_edge_learning_memristor_chip): the update of a weight is the sign of
its input (1 where it is positive) times the sign of its error, which counts where it reaches a threshold; it is one
pulse without verify. A step has a SET phase, in which G+ of the weights to be increased and G- of those to be decreased
are pulsed, or a RESET phase, in which the other cells are; the two alternate. Cells begin around the middle of their
range (rram_array.m, randomized_weight): at its ends a phase in two would do nothing. The chip takes one example at a
time. Of a batch, the signs of its examples add up to votes, and a cell gets a pulse for so many of them, fewer towards
the end (sbp.py: one for 1, 2, then 4). The published threshold is absolute; here it is a part of the largest error of
the layer, so that it does not depend on how the loss is scaled.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Final

import numpy as np
from pydantic import Field

from twinbar.emulator.devices.layout import RESET, SET
from twinbar.host.update.blind_policy import BlindPolicy, BlindSettings
from twinbar.host.update.blind_pulses import MINUS, PLUS, Pairing
from twinbar.host.update.decision import PulseTrains
from twinbar.host.update.factored import FactoredSettings, check_plain

if TYPE_CHECKING:
    from twinbar.host.update.cell_access import LayerUpdate
    from twinbar.host.update.programmed import ProgrammedLayer


class StellarSettings(BlindSettings, FactoredSettings):
    """Settings of `Stellar`."""

    error_threshold: float = Field(
        default=0.1, ge=0, le=1, description="part of the largest error of a layer below which an error counts as 0"
    )
    votes: int = Field(
        default=1,
        ge=1,
        le=1_000_000,
        description="examples of a batch by which the signs of an update must outweigh the opposite ones, for one "
        "pulse",
    )
    last_votes: int | None = Field(
        default=None, ge=1, le=1_000_000, description="votes for one pulse at the end of the training; none: as votes"
    )
    most_pulses: int = Field(
        default=1, ge=1, le=1000, description="pulses that a cell gets in a step at most, one for each time votes"
    )


class Stellar(BlindPolicy[StellarSettings]):
    """Pulse once by the sign of input and error."""

    settings_model = StellarSettings
    needs_factors: ClassVar[bool] = True
    uses_gradient: ClassVar[bool] = False

    @property
    def pairing(self) -> Pairing:
        """Cells that begin around the middle."""
        return "balanced"

    def prepare(self, layers: "Sequence[ProgrammedLayer]") -> None:
        """Refuse layers that have groups (see `UpdatePolicy.prepare`)."""
        check_plain("stellar", layers)
        super().prepare(layers)

    def trains(self, layer: "LayerUpdate", progress: float) -> PulseTrains:
        """Give the pulses of the phase whose turn it is (see `BlindPolicy.trains`)."""
        last = self.settings.votes if self.settings.last_votes is None else self.settings.last_votes
        each = round(self.settings.votes + (last - self.settings.votes) * progress)
        votes = np.zeros(layer.weights.shape, np.float32)
        for factors in layer.factors:
            least = self.settings.error_threshold * float(np.abs(factors.errors).max(initial=0))
            signs = np.where(np.abs(factors.errors) >= least, np.sign(factors.errors), np.float32(0))
            votes -= signs.T @ (factors.inputs > 0).astype(np.float32)
        up = votes > 0
        set_phase = self.decisions % 2 == 1
        side = np.where(up == set_phase, PLUS, MINUS)
        polarity = np.full(votes.shape, SET if set_phase else RESET)
        pulses = np.minimum(np.abs(votes) // each, self.settings.most_pulses)
        return self.layers[layer.name].give(side, polarity, pulses)[0]


POLICY: Final = Stellar
