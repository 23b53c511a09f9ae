"""Stochastic sparse updates with momentum: a pulse comes with the probability of the update that it stands for.

Y. Wang, S. Wu, L. Tian, L. Shi, SSM: A high-performance scheme for in situ training of imprecise memristor neural
networks (arXiv:1906.02393; also as Stochastic sparse learning with momentum adaptation), of which the abstract was at
hand: discrete updates are made stochastically, so that they are sparse, and follow a momentum that averages the noise
away. The formula is that of stochastic rounding (S. Wu et al., WAGE, ICLR 2018): ``floor(|dW| / step + u)`` pulses, u
between 0 and 1, at most ``most_pulses``. The momentum is that of the optimizer (``training.momentum``). Two further
parts of SSM are not defined by its abstract: re-initialization against device-to-device variation, for which cells are
programmed in closed loop once, and update compensation, in whose place ``read_every`` reads cells back.
"""

from typing import TYPE_CHECKING, Final

import numpy as np
from pydantic import Field

from twinbar.host.update.blind_policy import BlindPolicy, BlindSettings
from twinbar.host.update.decision import PulseTrains
from twinbar.host.update.random_numbers import stochastic

if TYPE_CHECKING:
    from twinbar.host.update.cell_access import LayerUpdate


class StochasticSparseSettings(BlindSettings):
    """Settings of `StochasticSparse`."""

    most_pulses: int = Field(default=1, ge=1, le=255, description="pulses that a weight gets in a step, at most")


class StochasticSparse(BlindPolicy[StochasticSparseSettings]):
    """Round updates to pulses stochastically."""

    settings_model = StochasticSparseSettings

    def trains(self, layer: "LayerUpdate", progress: float) -> PulseTrains:
        """Draw the pulses of each weight (see `BlindPolicy.trains`)."""
        drawn = self.draw(layer.name, layer.weights.shape)
        most = self.settings.most_pulses
        trains, _ = self.layers[layer.name].move(
            self.wanted(layer), lambda pulses: np.minimum(stochastic(pulses, drawn), most)
        )
        return trains


POLICY: Final = StochasticSparse
