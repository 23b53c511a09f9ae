"""What a response law is: how one nominal pulse moves a cell, as mean and spread of the change over the window.

Everything here is in fractions of the cell's window: position ``p`` is 0 at the low end and 1 at the high end, and a
change of 1 crosses the window. Changes by RESET are negative.
"""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from twinbar.hw.toml_table import TomlTable

Array = NDArray[np.float64]


class ResponseLaw(TomlTable, ABC):
    """A law with its parameters: the section ``[response]`` of a preset.

    A law declares its parameters as fields, usually as quantities (`twinbar.emulator.devices.quantity`), so that each
    of them has a unit and a source.
    """

    labelled: ClassVar[bool] = False
    """Whether it has a nonlinearity label, whose spread from cell to cell `shape` tells."""
    spread_text: ClassVar[str] = ""
    """What lists show as the spread of a pulse, where it is the law that has it."""

    kind: str
    """Name of the law."""

    @abstractmethod
    def mean(self, position: Array, polarity: int, window_s: float) -> Array:
        """Return the mean change by one pulse.

        Parameters
        ----------
        position : (n,) array
            Between 0 and 1.
        polarity : int
            `twinbar.emulator.devices.layout.SET` or ``RESET``.
        window_s : float
            Width of the window in siemens.

        Returns
        -------
        (n,) array
            Changes as fractions of the window; negative by RESET.
        """

    def spread(self, position: Array, polarity: int, window_s: float) -> Array | None:
        """Return the law's own standard deviation of a pulse; None if it has none.

        Parameters
        ----------
        position, polarity, window_s
            As of `mean`.

        Returns
        -------
        (n,) array or None
            As a fraction of the window.
        """
        return None

    def shape(self, position: Array, polarity: int, sigma: float) -> Array:
        """Return the change of the mean by one standard deviation of the nonlinearity label.

        Parameters
        ----------
        position, polarity
            As of `mean`.
        sigma : float
            Standard deviation of the label.

        Returns
        -------
        (n,) array
            As a fraction of the window.
        """
        raise NotImplementedError

    def pulses(self) -> tuple[float, float] | None:
        """Return the SET and the RESET pulses that cross the window, where the law states them."""
        return None
