"""CALIBRATE: the offset of a column or subtracted pair, and the gain trim of an ADC channel."""

from twinbar.emulator.engines.events.clock import Steps
from twinbar.emulator.engines.events.decoding import DecodedCommand
from twinbar.emulator.engines.events.sampling import clamp, converter, sample, select
from twinbar.emulator.engines.events.tile import Tile
from twinbar.hw.protocol.layouts import TRIM_BITS


def calibrate(tile: Tile, command: DecodedCommand) -> Steps[None]:
    """CALIBRATE, with all rows open."""
    arguments = command.arguments
    yield from select(tile, arguments.column, pair=bool(arguments.subtract), reference=bool(arguments.gain))
    if arguments.gain:
        yield from _find_trim(tile, arguments.column)
    else:
        yield from _measure_offset(tile, arguments.column, pair=bool(arguments.subtract))


def _measure_offset(tile: Tile, output: int, *, pair: bool) -> Steps[None]:
    trim, code_range = converter(tile, output)
    tile.front_end.connect_column()
    offset = yield from sample(
        tile, output, lambda: tile.front_end.convert_open_column(output, trim, code_range, pair=pair)
    )
    tile.registers.set_offset(output, offset, pair=pair)
    tile.answer.code = offset


def _find_trim(tile: Tile, column: int) -> Steps[None]:
    """Find the trim by successive approximation, highest bit first: a bit that makes the code too large is cleared."""
    trims, channel = tile.registers.trims, column % tile.config.adc_channels
    offset = tile.registers.offset(column, pair=False)

    def convert() -> int:
        return tile.front_end.convert_reference(column, *converter(tile, column)) - offset

    bit = 1 << TRIM_BITS - 1
    trims[channel] = bit
    while bit:
        tile.front_end.connect_column()
        average = yield from sample(tile, column, convert)
        if clamp(tile, average) > tile.registers["GAIN_TARGET"]:
            trims[channel] &= ~bit
        bit >>= 1
        trims[channel] |= bit
        tile.answer.code = trims[channel]
