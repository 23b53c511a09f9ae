"""Measured mean and spread of a pulse, by bins of the window."""

from typing import ClassVar, Final

import numpy as np
from pydantic import model_validator

from twinbar.emulator.devices.layout import SET
from twinbar.emulator.devices.quantity import Conductances, Fraction
from twinbar.emulator.devices.response_law import Array, ResponseLaw
from twinbar.hw.toml_table import TomlTable


class Jumps(TomlTable):
    """Measured jumps of one polarity, in bins of equal width from low to high conductance."""

    mean: Conductances
    """Mean size of the jump (its direction is that of the polarity)."""
    std: Conductances

    @model_validator(mode="after")
    def _match(self) -> "Jumps":
        if len(self.mean.si_list) != len(self.std.si_list):
            bins = len(self.mean.si_list), len(self.std.si_list)
            raise ValueError(f"mean has {bins[0]} bins and std {bins[1]}; they must have the same number")
        return self


class JumpTable(ResponseLaw):
    """Measured mean and spread of a pulse by bins of the window (the form of STELLAR's device data)."""

    spread_text: ClassVar[str] = "table"

    set: Jumps
    reset: Jumps
    std_scale: Fraction
    """Factor of the measured spread."""

    def _bins(self, values: list[float], position: Array, window_s: float) -> Array:
        table = np.asarray(values, dtype=np.float64) / window_s
        at = np.clip((position * len(table)).astype(np.int64), 0, len(table) - 1)
        return np.asarray(table[at])

    def mean(self, position: Array, polarity: int, window_s: float) -> Array:
        """Return the mean change by one pulse."""
        jumps = self.set if polarity == SET else self.reset
        return self._bins(jumps.mean.si_list, position, window_s) * (1 if polarity == SET else -1)

    def spread(self, position: Array, polarity: int, window_s: float) -> Array | None:
        """Return the measured standard deviation of a pulse."""
        jumps = self.set if polarity == SET else self.reset
        return self._bins(jumps.std.si_list, position, window_s) * self.std_scale.si


RESPONSE: Final = JumpTable
