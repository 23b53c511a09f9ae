"""Comparisons of a cell with the bounds of a level's window, instead of conversions."""

from twinbar.emulator.engines.events.clock import Steps
from twinbar.emulator.engines.events.sampling import converter
from twinbar.emulator.engines.events.tile import Tile
from twinbar.hw.actions import Action
from twinbar.hw.parts.assembly import DrivePath as Path
from twinbar.hw.protocol.vocabulary import Record
from twinbar.hw.timing import DECIDE_CYCLES, Phase

BELOW, INSIDE, ABOVE = -1, 0, 1
"""Where a cell lies."""


def compare_cell(tile: Tile, row: int, column: int, window: tuple[int, int], towards: Record) -> Steps[int]:
    """Compare a cell with a window, and decide.

    Parameters
    ----------
    tile : Tile
    row, column : int
    window : tuple of int
        Least and largest code.
    towards : Record
        SET: the lower bound is compared first; RESET: the upper one.

    Returns
    -------
    int
        `BELOW`, `INSIDE` or `ABOVE`, once the cycle of the decision is over.
    """
    channel = column % tile.config.adc_channels
    tile.counters.channels = range(channel, channel + 1)
    tile.front_end.connect_cell(row, column)
    yield tile.phase(Phase.SETTLE, tile.time.connect(Path.READ))
    answer = INSIDE
    for below in (towards is Record.SET, towards is not Record.SET):
        bound = window[0] if below else window[1] + 1
        over = _compare(tile, row, column, bound)
        yield tile.phase(Phase.CONVERT, tile.registers["COMPARE"])
        if over is not below and not _never_missed(tile, bound):
            answer = BELOW if below else ABOVE
            break
    tile.front_end.close(tile.clock.cycle)
    yield tile.phase(Phase.DECIDE, DECIDE_CYCLES)
    return answer


def _compare(tile: Tile, row: int, column: int, bound: int) -> bool:
    """Say whether a conversion that is accepted in this cycle would give a bound, plus the column's offset, or more."""
    tile.count(Action.COMPARE)
    trim, code_range = converter(tile, column)
    threshold = bound + tile.registers.offset(column, pair=False)
    code = tile.front_end.convert_cell(row, column, trim, code_range)
    return code >= min(max(threshold, 0), 1 << tile.config.adc_bits)


def _never_missed(tile: Tile, bound: int) -> bool:
    """Whether a bound lies at an end of the codes: nothing is below it, or above the window."""
    return bound in (0, 1 << tile.config.adc_bits)
