"""Measured pulses of one polarity on one cell."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class PulseTrain:
    """Consecutive pulses of one polarity on one cell.

    Parameters
    ----------
    cell : str
    polarity : int
        `twinbar.emulator.devices.layout.SET` or ``RESET``.
    conductance_s : (n + 1,) array
        Before the first pulse and after each of the ``n`` pulses, in siemens; NaN after a pulse that was not read. The
        first and the last are known.
    voltage_v, gate_v : (n,) array or None
        Amplitude of each pulse, a magnitude, and the voltage of the word line; None where they are not known.
    """

    cell: str
    polarity: int
    conductance_s: Array
    voltage_v: Array | None = None
    gate_v: Array | None = None

    @property
    def pulses(self) -> int:
        """Return the number of pulses."""
        return len(self.conductance_s) - 1

    @property
    def readings_s(self) -> Array:
        """Return the conductances that were read."""
        return self.conductance_s[np.isfinite(self.conductance_s)]

    @property
    def read_after(self) -> NDArray[np.int64]:
        """Return how many pulses came before each reading."""
        return np.flatnonzero(np.isfinite(self.conductance_s))

    def scaled(self, low_s: float, high_s: float) -> "PulseTrain":
        """Return the train with positions in a window in place of conductances: 0 at its low end, 1 at its high end."""
        position = (self.conductance_s - low_s) / (high_s - low_s)
        return PulseTrain(self.cell, self.polarity, position, self.voltage_v, self.gate_v)
