"""Levels of a cell: the windows of codes in which a closed-loop write ends."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twinbar.hw.errors import ConfigError

MAX_LEVELS = 256


@dataclass(frozen=True)
class Targets:
    """How fine the targets of a policy's writes are.

    Parameters
    ----------
    levels : int, optional
        Targets over the range of a cell, evenly spaced; None: the levels of the cells (``device.levels``).
    tolerance : float
        Half the width of a target's window, relative to that of a level (``write.tolerance``).
    """

    levels: int | None = None
    tolerance: float = 1.0


@dataclass(frozen=True)
class LevelTable:
    """Windows of read-out codes, one per level, from Gmin to Gmax.

    Parameters
    ----------
    low, high : int32 [levels]
        A write to a level ends when ``low <= code <= high``.
    centre : float64 [levels]
        Nominal code of each level, not rounded.
    spacing : float
        Codes between two levels of the table, on average.
    positions : float64 [levels]
        Where the levels lie, in those spacings: from 0 to ``levels - 1``.
    """

    low: np.ndarray
    high: np.ndarray
    centre: np.ndarray
    spacing: float
    positions: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.low)

    @property
    def even(self) -> bool:
        """Whether all levels are equally far apart."""
        return bool((self.positions == np.arange(len(self))).all())

    @property
    def closest(self) -> float:
        """Codes between those two levels that are closest to each other."""
        return self.spacing * float(np.diff(self.positions).min())

    def between(self, lowest: float, highest: float) -> NDArray[np.float64]:
        """Return the levels on another scale, by what its lowest and its highest level are (float64 [levels])."""
        return _between(self.positions, lowest, highest)


def even_positions(levels: int) -> NDArray[np.float64]:
    """Return the positions of evenly spaced levels (float64 [levels]).

    Raises
    ------
    ConfigError
        If the number of levels is out of range.
    """
    if not 2 <= levels <= MAX_LEVELS:
        raise ConfigError(f"{levels} levels per cell cannot be used; choose 2 to {MAX_LEVELS}")
    return np.arange(levels, dtype=np.float64)


def level_table(
    positions: NDArray[np.float64], code_of_gmin: float, code_of_gmax: float, adc_max: int, half_width: float
) -> LevelTable:
    """Place a window around each level; those of the lowest and the highest one are one-sided.

    On each side a window reaches as far as the neighbour there is away: with half a spacing, every code belongs to the
    level that it is nearest to, however the levels are spaced.

    Parameters
    ----------
    positions : float64 [levels]
        Of `LevelTable`.
    code_of_gmin, code_of_gmax : float
        Codes that a noiseless read gives at the ends of the conductance window.
    adc_max : int
        Largest code.
    half_width : float
        Half the width of a window, in codes, where neighbours are a spacing away.
    """
    centre = _between(positions, code_of_gmin, code_of_gmax)
    gaps = np.diff(positions)
    low = np.ceil(centre - half_width * np.append(gaps[0], gaps)).astype(np.int32)
    high = np.floor(centre + half_width * np.append(gaps, gaps[-1])).astype(np.int32)
    # A window narrower than a code still holds the code nearest to its centre: an array can always be asked for it.
    nearest = np.floor(centre + 0.5).astype(np.int32)
    empty = low > high
    low[empty] = nearest[empty]
    high[empty] = nearest[empty]
    # Wide windows near the ends, and levels that are out of the range of reads, would leave the codes that there are.
    low, high = low.clip(0, adc_max), high.clip(0, adc_max)
    low[0] = 0
    high[-1] = adc_max
    return LevelTable(low, high, centre, (code_of_gmax - code_of_gmin) / (len(positions) - 1), positions)


def _between(positions: NDArray[np.float64], lowest: float, highest: float) -> NDArray[np.float64]:
    values = positions * ((highest - lowest) / (len(positions) - 1)) + lowest
    values[-1] = highest
    return values


def separability_warnings(table: LevelTable, read_noise_codes: Sequence[float] | np.ndarray) -> list[str]:
    """Say, with the figure, when the read-out cannot tell levels apart: they lie too close, or beyond it.

    Parameters
    ----------
    table : LevelTable
    read_noise_codes : float [levels]
        Standard deviation of a single read at each level, in codes, the converter's rounding included.
    """
    noise = np.asarray(read_noise_codes, np.float64)
    # Of two neighbours, the read that scatters more.
    gaps, worst = table.spacing * np.diff(table.positions), np.maximum(noise[1:], noise[:-1])
    n = int(np.argmin(gaps / worst))
    gap, sigma = float(gaps[n]), float(worst[n])
    who = f"{len(table)} levels" if table.even else f"levels {n} and {n + 1} of {len(table)}"
    warnings = []
    beyond = np.flatnonzero(table.centre - table.spacing * np.append(0, np.diff(table.positions)) / 2 > table.high[-1])
    if len(beyond):
        warnings.append(
            f"levels from {beyond[0]} on lie at ADC codes up to {table.centre[-1]:.4g}, and codes end at "
            f"{table.high[-1]}, so that reads cannot tell them apart; give reads a larger full scale (array.read_range)"
        )
    if gap < 1.0:
        warnings.append(
            f"{who} lie {gap:.2f} ADC codes apart, so neighbouring levels share a code; use fewer levels or more ADC "
            "bits"
        )
    elif gap < 2.0 * sigma:
        which = "highest level" if table.even else "noisier one"
        warnings.append(
            f"{who} lie {gap:.1f} ADC codes apart, but a read of the {which} scatters by {sigma:.1f} codes rms: about "
            f"{gap / sigma:.1f} sigma; fewer levels or more samples per read would tell them apart"
        )
    return warnings
