"""Compiled sums of counts: a training step enters several programs, each with some forty counts."""

from typing import Final

from twinbar.emulator.contract.activity import COUNTS
from twinbar.emulator.kernels.compiled import kernel
from twinbar.hw.actions import Action
from twinbar.hw.timing import PHASES

_PHASES_BEGIN: Final = COUNTS - len(PHASES)
_CHANNEL_CYCLE: Final = int(Action.CHANNEL_CYCLE)
_MOST: Final = 1 << 62
"""Counts and totals up to which their sum fits 64 bits."""
_MOST_CYCLES: Final = 1 << 48
"""Cycles of a phase up to which those of all ADC channels of a tile fit, too."""


@kernel
def add_plausible(counts, closed, channels, total):
    """Add the counts of a program to a total, unless there is anything about them to look at more closely.

    Parameters
    ----------
    counts : int64 [COUNTS]
        Of `twinbar.emulator.contract.activity.Activity`.
    closed : int64 [n]
        Places of counts that a program of its kind cannot have.
    channels : int
        ADC channels of a tile.
    total : int64 [COUNTS]
        Added to.

    Returns
    -------
    bool
        Whether they were added; else the total is as it was.
    """
    for n in range(closed.shape[0]):
        if counts[closed[n]] != 0:
            return False
    for n in range(counts.shape[0]):
        if counts[n] < 0 or counts[n] >= _MOST or total[n] >= _MOST:
            return False
    tile_cycles = 0
    for n in range(_PHASES_BEGIN, counts.shape[0]):
        if counts[n] > _MOST_CYCLES:
            return False
        tile_cycles += counts[n]
    if counts[_CHANNEL_CYCLE] > channels * tile_cycles:
        return False
    for n in range(counts.shape[0]):
        total[n] += counts[n]
    return True
