"""Levels of a cell: the windows of codes in which a closed-loop write ends."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from twinbar.hw.errors import ConfigError

MAX_LEVELS = 256


@dataclass(frozen=True)
class Targets:
    """How fine the targets of a policy's writes are.

    Parameters
    ----------
    levels : int, optional
        Targets over the range of a cell; None: the levels of the cells (``device.levels``).
    tolerance : float
        Half the width of a target's window, relative to that of a level (``write.tolerance``).
    """

    levels: int | None = None
    tolerance: float = 1.0


@dataclass(frozen=True)
class LevelTable:
    """Windows of read-out codes, one per level, evenly spaced in conductance from Gmin to Gmax.

    Parameters
    ----------
    low, high : int32 [levels]
        A write to a level ends when ``low <= code <= high``.
    centre : float64 [levels]
        Nominal code of each level, not rounded.
    spacing : float
        Codes between two levels of the table.
    """

    low: np.ndarray
    high: np.ndarray
    centre: np.ndarray
    spacing: float

    def __len__(self) -> int:
        return len(self.low)


def level_table(levels: int, code_of_gmin: float, code_of_gmax: float, adc_max: int, half_width: float) -> LevelTable:
    """Place ``levels`` windows between two codes; the windows of the lowest and highest level are one-sided.

    Parameters
    ----------
    levels : int
        Number of levels, 2 to 256.
    code_of_gmin, code_of_gmax : float
        Codes that a noiseless read gives at the ends of the conductance window.
    adc_max : int
        Largest code.
    half_width : float
        Half the width of a window, in codes.

    Raises
    ------
    ConfigError
        If the number of levels is out of range.
    """
    if not 2 <= levels <= MAX_LEVELS:
        raise ConfigError(f"{levels} levels per cell cannot be used; choose 2 to {MAX_LEVELS}")
    centre = np.linspace(code_of_gmin, code_of_gmax, levels)
    low = np.ceil(centre - half_width).astype(np.int32)
    high = np.floor(centre + half_width).astype(np.int32)
    # A window narrower than a code still holds the code nearest to its centre: an array can always be asked for it.
    nearest = np.floor(centre + 0.5).astype(np.int32)
    empty = low > high
    low[empty] = nearest[empty]
    high[empty] = nearest[empty]
    # Wide windows near the ends, and levels that are out of the range of reads, would leave the codes that there are.
    low, high = low.clip(0, adc_max), high.clip(0, adc_max)
    low[0] = 0
    high[-1] = adc_max
    return LevelTable(low, high, centre, (code_of_gmax - code_of_gmin) / (levels - 1))


def separability_warnings(table: LevelTable, read_noise_codes: Sequence[float] | np.ndarray) -> list[str]:
    """Say, with the figure, when the read-out cannot tell levels apart: they lie too close, or beyond it.

    Parameters
    ----------
    table : LevelTable
    read_noise_codes : float [levels]
        Standard deviation of a single read at each level, in codes, the converter's rounding included.
    """
    worst = float(np.max(read_noise_codes))
    warnings = []
    beyond = np.flatnonzero(table.centre - table.spacing / 2 > table.high[-1])
    if len(beyond):
        warnings.append(
            f"levels from {beyond[0]} on lie at ADC codes up to {table.centre[-1]:.4g}, and codes end at "
            f"{table.high[-1]}, so that reads cannot tell them apart; give reads a larger full scale (array.read_range)"
        )
    if table.spacing < 1.0:
        warnings.append(
            f"{len(table)} levels lie {table.spacing:.2f} ADC codes apart, so neighbouring levels share a code; "
            "use fewer levels or more ADC bits"
        )
    elif table.spacing < 2.0 * worst:
        warnings.append(
            f"{len(table)} levels lie {table.spacing:.1f} ADC codes apart, but a read of the highest level scatters by "
            f"{worst:.1f} codes rms: about {table.spacing / worst:.1f} sigma; fewer levels or more samples per read "
            "would tell them apart"
        )
    return warnings
