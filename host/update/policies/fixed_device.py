"""Manhattan updates with one fixed device per pair: one pulse by the sign of the update, on G+ alone.

Manhattan update energy study, arXiv:2511.03858 (2025), of which the abstract was at hand: with one device of each pair
fixed, training takes about half the energy at little loss. The Manhattan rule moves every weight by one identical pulse
in the direction of its gradient. The fixed device is at the middle of its range.
"""

from typing import TYPE_CHECKING, Final

import numpy as np
from pydantic import Field

from twinbar.host.update.blind_policy import BlindPolicy, BlindSettings
from twinbar.host.update.blind_pulses import Pairing
from twinbar.host.update.decision import PulseTrains

if TYPE_CHECKING:
    from twinbar.host.update.cell_access import LayerUpdate


class FixedDeviceSettings(BlindSettings):
    """Settings of `FixedDevice`."""

    fixed: bool = Field(
        default=True, description="whether G- of each pair is fixed; else it is taken down before G+ is taken up"
    )
    relative_threshold: float = Field(
        default=0.0, ge=0, le=1, description="part of the largest update of a layer below which none is made"
    )


class FixedDevice(BlindPolicy[FixedDeviceSettings]):
    """Pulse once by the sign of the update."""

    settings_model = FixedDeviceSettings

    @property
    def pairing(self) -> Pairing:
        """Which cell of a pair takes a change."""
        return "fixed" if self.settings.fixed else "one-sided"

    def trains(self, layer: "LayerUpdate", progress: float) -> PulseTrains:
        """Give one pulse to each weight with an update (see `BlindPolicy.trains`)."""
        wanted = self.wanted(layer)
        size = np.abs(wanted)
        due = (size > 0) & (size >= self.settings.relative_threshold * size.max(initial=0))
        return self.layers[layer.name].move(np.where(due, wanted, np.float32(0)), np.ones_like)[0]


POLICY: Final = FixedDevice
