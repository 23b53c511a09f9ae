"""Open loop, as NeuroSim trains: the change of each weight as the nearest whole number of pulses, without verify.

P.-Y. Chen, X. Peng, S. Yu, NeuroSim: A circuit-level macro model for benchmarking neuro-inspired architectures in
online learning, IEEE Trans. CAD 37, 3067 (2018); the form n = round(dG / step) is that of its code (MLP_NeuroSim_V3.0,
Cell.cpp, ``RealDevice::Write``), where the step is the window over the number of states. What is rounded off is lost.
NeuroSim has one cell per weight and a reference column; the pairing ``fixed`` is that.
"""

from typing import TYPE_CHECKING, Final

from pydantic import Field

from twinbar.host.update.blind_policy import BlindPolicy, BlindSettings
from twinbar.host.update.blind_pulses import Pairing, nearest
from twinbar.host.update.decision import PulseTrains

if TYPE_CHECKING:
    from twinbar.host.update.cell_access import LayerUpdate


class OpenLoopSettings(BlindSettings):
    """Settings of `OpenLoop`."""

    pairing: Pairing = Field(
        default="fixed",
        description="cell of a pair that takes a change: fixed (G+ alone, G- stays in the middle), one-sided (G- "
        "down before G+ up), or set-only",
    )


class OpenLoop(BlindPolicy[OpenLoopSettings]):
    """Give round(dG / step) pulses."""

    settings_model = OpenLoopSettings

    @property
    def pairing(self) -> Pairing:
        """Which cell of a pair takes a change."""
        return self.settings.pairing

    def trains(self, layer: "LayerUpdate", progress: float) -> PulseTrains:
        """Round the change of each weight to pulses (see `BlindPolicy.trains`)."""
        return self.layers[layer.name].move(self.wanted(layer), nearest)[0]


POLICY: Final = OpenLoop
