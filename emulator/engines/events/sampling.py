"""Reading: settling, samples, averages, and offsets."""

from collections.abc import Callable
from typing import Final

from twinbar.emulator.engines.events.clock import Steps
from twinbar.emulator.engines.events.register_file import SamplingSettings
from twinbar.emulator.engines.events.tile import Tile
from twinbar.hw.actions import Action
from twinbar.hw.parts.assembly import DrivePath as Path
from twinbar.hw.protocol.registers import TRIM_INIT
from twinbar.hw.timing import DECIDE_CYCLES, Phase

ONE_SAMPLE: Final = SamplingSettings(discard=0, log2_average=0)


def select(tile: Tile, column: int, *, pair: bool = False, reference: bool = False) -> Steps[None]:
    """Point the selector at a cell or a column (``pair``: a subtracted one), or at the reference source."""
    tile.count(Action.SELECT_CELL)
    yield tile.phase(Phase.SELECT, tile.time.select(column, pair=pair, reference=reference))


def sample(tile: Tile, column: int, convert: Callable[[], int], *, single: bool = False) -> Steps[int]:
    """Settle with the read path connected, convert as often as the registers say, and decide.

    Parameters
    ----------
    tile : Tile
    column : int
        Column, or subtracted pair, that is read.
    convert : callable
        Returns the code of a conversion that is accepted in this cycle, less the offset of each sample.
    single : bool
        Convert once, whatever the registers say.

    Returns
    -------
    int
        The average, rounded half up, once the cycle of the decision is over.
    """
    channel = column % tile.config.adc_channels
    discard, average = ONE_SAMPLE if single else tile.registers.sampling
    kept = 1 << average
    tile.counters.channels = range(channel, channel + 1)
    yield tile.phase(Phase.SETTLE, tile.time.connect(Path.READ))
    total = kept // 2
    for number in range(discard + kept):
        code = convert()
        tile.count(Action.CONVERT_VERIFY)
        yield tile.phase(Phase.CONVERT, tile.time.convert(column, tile.counters.channels))
        if number >= discard:
            total += code
    tile.front_end.close(tile.clock.cycle)
    yield tile.phase(Phase.DECIDE, DECIDE_CYCLES)
    return total >> average


def read_cell(tile: Tile, row: int, column: int, *, raw: bool = False) -> Steps[int]:
    """Read a cell; return its code less the column's offset, clamped. ``raw``: the code of one conversion as it is."""
    offset = 0 if raw else tile.registers.offset(column, pair=False)
    trim, code_range = converter(tile, column)
    tile.front_end.connect_cell(row, column)
    code = yield from sample(
        tile, column, lambda: tile.front_end.convert_cell(row, column, trim, code_range) - offset, single=raw
    )
    return code if raw else clamp(tile, code)


def converter(tile: Tile, column: int) -> tuple[int, int]:
    """Return the trim of the channel that converts a column, if it takes one, and the range code of single reads."""
    trim = tile.registers.trims[column % tile.config.adc_channels] if tile.time.trims else TRIM_INIT
    return trim, tile.registers["RANGE_READ"]


def clamp(tile: Tile, code: int) -> int:
    """Clamp a code to what a converter without offset and noise can give."""
    return min(max(code, 0), (1 << tile.config.adc_bits) - 1)
