"""Operations on a cell: reading it, and writing it in a closed loop."""

from twinbar.emulator.engines.events.clock import Steps
from twinbar.emulator.engines.events.decoding import DecodedCommand
from twinbar.emulator.engines.events.pulses import pulse
from twinbar.emulator.engines.events.sampling import read_cell, select
from twinbar.emulator.engines.events.tile import Tile
from twinbar.hw.protocol.vocabulary import Opcode, Record, Status


def read(tile: Tile, command: DecodedCommand) -> Steps[None]:
    """READ and CONVERT."""
    row, column = command.arguments.row, command.arguments.column
    yield from select(tile, column)
    tile.answer.code = yield from read_cell(tile, row, column, raw=command.opcode is Opcode.CONVERT)


def verify(tile: Tile, command: DecodedCommand) -> Steps[None]:
    """VERIFY: a read that answers on which side of the level's window the code lies."""
    row, column = command.arguments.row, command.arguments.column
    low, high = tile.registers.level(command.arguments.level)
    yield from select(tile, column)
    code = yield from read_cell(tile, row, column)
    tile.answer.code = -1 if code < low else int(code > high)


def write(tile: Tile, command: DecodedCommand) -> Steps[None]:
    """WRITE and FORM: reads and pulses in turns, until the code lies in the level's window."""
    row, column = command.arguments.row, command.arguments.column
    forms = command.opcode is Opcode.FORM
    low, high = tile.registers.level(command.arguments.level)
    answer = tile.answer
    yield from select(tile, column)
    while True:
        answer.code = yield from read_cell(tile, row, column)
        if answer.code >= low and (forms or answer.code <= high):
            return
        if answer.sets + answer.resets == tile.registers["PULSE_LIMIT"]:
            answer.status = Status.FAILED
            return
        towards = Record.SET if answer.code < low else Record.RESET
        yield from pulse(tile, Record.FORM if forms else towards, row, column)
