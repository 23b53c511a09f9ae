"""Operations on a cell: reading it, and writing it in a closed loop."""

from twinbar.emulator.engines.events.clock import Steps
from twinbar.emulator.engines.events.comparing import compare_cell
from twinbar.emulator.engines.events.decoding import DecodedCommand
from twinbar.emulator.engines.events.pulses import open_gate, pulse, update_drive
from twinbar.emulator.engines.events.register_file import TableEntry, TableSettings
from twinbar.emulator.engines.events.sampling import read_cell, select
from twinbar.emulator.engines.events.table_walk import TableWalk
from twinbar.emulator.engines.events.tile import Tile
from twinbar.hw.protocol.vocabulary import Opcode, Record, Status


def read(tile: Tile, command: DecodedCommand) -> Steps[None]:
    """READ and CONVERT."""
    row, column = command.arguments.row, command.arguments.column
    yield from select(tile, column)
    tile.answer.code = yield from read_cell(tile, row, column, raw=command.opcode is Opcode.CONVERT)


def verify(tile: Tile, command: DecodedCommand) -> Steps[None]:
    """VERIFY: a read, or comparisons, that answers on which side of the level's window the code lies."""
    row, column = command.arguments.row, command.arguments.column
    low, high = window = tile.registers.level(command.arguments.level)
    yield from select(tile, column)
    if tile.registers.write_table.compare:
        tile.answer.code = yield from compare_cell(tile, row, column, window, Record.SET)
        return
    code = yield from read_cell(tile, row, column)
    tile.answer.code = -1 if code < low else int(code > high)


def form(tile: Tile, command: DecodedCommand) -> Steps[None]:
    """FORM: reads and pulses in turns, until the code reaches the level's window."""
    row, column = command.arguments.row, command.arguments.column
    low, _ = tile.registers.level(command.arguments.level)
    answer = tile.answer
    yield from select(tile, column)
    while True:
        answer.code = yield from read_cell(tile, row, column)
        if answer.code >= low:
            return
        if pulses_left(tile) == 0:
            answer.status = Status.FAILED
            return
        yield from pulse(tile, Record.FORM, row, column)


def write(tile: Tile, command: DecodedCommand) -> Steps[None]:
    """WRITE: reads, or comparisons, and pulses in turns, until the code lies in the level's window."""
    settings = tile.registers.write_table
    yield from select(tile, command.arguments.column)
    by = _write_by_table if settings.use else _write_by_ramp
    status = yield from by(tile, command, settings)
    answer = tile.answer
    if settings.compare and (status is Status.FAILED or command.arguments.code):
        answer.code = yield from read_cell(tile, command.arguments.row, command.arguments.column)
    answer.status = status


def pulses_left(tile: Tile) -> int:
    """Return how many pulses the command that runs may still give."""
    return tile.registers["PULSE_LIMIT"] - tile.answer.sets - tile.answer.resets


def _look(tile: Tile, command: DecodedCommand, settings: TableSettings, towards: Record) -> Steps[int]:
    """Read or compare the cell: the steps, which return what is answered."""
    row, column = command.arguments.row, command.arguments.column
    if settings.compare:
        return compare_cell(tile, row, column, tile.registers.level(command.arguments.level), towards)
    return read_cell(tile, row, column)


def _outside(tile: Tile, command: DecodedCommand, settings: TableSettings) -> int:
    """Return by how many codes what was answered is outside the level's window, negative below.

    Of comparisons, this is -1, 0 or 1.
    """
    code = tile.answer.code
    if settings.compare:
        return code
    low, high = tile.registers.level(command.arguments.level)
    if code < low:
        return code - low
    return code - high if code > high else 0


def _write_by_ramp(tile: Tile, command: DecodedCommand, settings: TableSettings) -> Steps[Status]:
    """Write with the codes of the records, which ramp; return the status."""
    towards = Record.SET
    while True:
        tile.answer.code = yield from _look(tile, command, settings, towards)
        off = _outside(tile, command, settings)
        if off == 0:
            return Status.OK
        if pulses_left(tile) == 0:
            return Status.FAILED
        towards = Record.SET if off < 0 else Record.RESET
        yield from pulse(tile, towards, command.arguments.row, command.arguments.column)


def _write_by_table(tile: Tile, command: DecodedCommand, settings: TableSettings) -> Steps[Status]:
    """Write with the entries of the pulse table; return the status."""
    walk = TableWalk(settings, tile.config.pulse_entries, command)
    number = walk.begin() if command.arguments.first else None
    while True:
        if number is None:
            tile.answer.code = yield from _look(tile, command, settings, walk.polarity)
            off = _outside(tile, command, settings)
            pulses = tile.answer.sets + tile.answer.resets
            if off == 0 or walk.is_near(abs(off), pulses):
                return Status.OK
            if pulses_left(tile) == 0:
                return Status.FAILED
            number = walk.choose(Record.SET if off < 0 else Record.RESET, abs(off))
        entry = yield from _give_group(tile, command, walk.polarity, number)
        number = None
        if entry.turns and pulses_left(tile):
            number = walk.turn()
        elif entry.ends:
            tile.answer.code = 0  # Nothing was read since.
            return Status.OK


def _give_group(tile: Tile, command: DecodedCommand, polarity: Record, number: int) -> Steps[TableEntry]:
    """Give the pulses of an entry, as far as the limit permits; return the entry."""
    entry, drive = tile.registers.entry(polarity, number), tile.drive
    if not drive.settled or drive.entry != number or drive.record is not polarity:
        yield from update_drive(tile, polarity, entry.codes, number)
    for _ in range(min(entry.pulses, pulses_left(tile))):
        yield from open_gate(tile, polarity, command.arguments.row, command.arguments.column)
    return entry
