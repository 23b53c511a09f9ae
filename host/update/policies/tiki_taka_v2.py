"""Tiki-Taka, version 2: between A and C lies a digital buffer H, which filters what is read from A.

T. Gokmen, Enabling training of neural networks on noisy hardware, Front. Artif. Intell. 4, 699148 (2021): what is read
of A is added to H; where an element of H reaches the threshold, C gets a single pulse, and the element starts again
from zero (or, as aihwkit offers it, ``rpu_buffered_transfer_device.cpp``, keeps what is beyond the threshold).
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from pydantic import Field

from twinbar.host.update.accumulator import Accumulator
from twinbar.host.update.blind_pulses import FLOAT_BITS
from twinbar.host.update.two_arrays import TwoArrays, TwoArraysSettings

if TYPE_CHECKING:
    from twinbar.host.update.programmed import ProgrammedLayer


class TikiTakaV2Settings(TwoArraysSettings):
    """Settings of `TikiTakaV2`."""

    buffer_threshold: float = Field(
        default=1.0, gt=0, le=1e6, description="value of the buffer that is worth a pulse, in steps of a pulse"
    )
    forget: bool = Field(
        default=True, description="whether an element of the buffer starts from zero after its pulse, or keeps the rest"
    )


class TikiTakaV2(TwoArrays[TikiTakaV2Settings]):
    """Pulse C where the buffer is full."""

    settings_model = TikiTakaV2Settings

    def prepare(self, layers: "Sequence[ProgrammedLayer]") -> None:
        """Make room for the buffer (see `UpdatePolicy.prepare`)."""
        super().prepare(layers)
        self.buffer = Accumulator.of(layers)

    def transferred(self, name: str, inputs: np.ndarray, levels: np.ndarray) -> np.ndarray:
        """Buffer it, and take what has reached the threshold (see `TwoArrays.transferred`)."""
        buffer = self.buffer[name]
        total = buffer[:, inputs] + levels
        step = np.where(total > 0, *self.layers[name].steps)
        threshold = self.settings.buffer_threshold * step
        due = np.abs(total) >= threshold
        rest = np.float32(0) if self.settings.forget else total - np.sign(total) * threshold
        buffer[:, inputs] = np.where(due, rest, total)
        self.note_traffic(total.size * FLOAT_BITS, total.size * FLOAT_BITS)
        return np.where(due, np.sign(total), np.float32(0))

    def pulses_of(self, pulses: np.ndarray, drawn: np.ndarray) -> np.ndarray:
        """Give a single pulse (see `TwoArrays.pulses_of`)."""
        return np.ones_like(pulses)

    def state_dict(self) -> dict[str, Any]:
        """Return the buffer, beside what is believed of the arrays."""
        return {**super().state_dict(), "buffer": self.buffer.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        super().load_state_dict(state)
        self.buffer.load_state_dict(state["buffer"])


POLICY: Final = TikiTakaV2
