"""Pulses: the drive update before one, the open gate, and what limits it."""

from twinbar.emulator.engines.events.clock import Stage, Steps
from twinbar.emulator.engines.events.decoding import DecodedCommand
from twinbar.emulator.engines.events.front_end import GateOpening
from twinbar.emulator.engines.events.register_file import Codes
from twinbar.emulator.engines.events.safety import Fault
from twinbar.emulator.engines.events.sampling import select
from twinbar.emulator.engines.events.tile import Tile
from twinbar.hw.actions import Action
from twinbar.hw.protocol.vocabulary import ComplianceAction, Opcode, Record
from twinbar.hw.timing import Phase


def train(tile: Tile, command: DecodedCommand) -> Steps[None]:
    """PULSE and DRIVE: pulses without reading; DRIVE stops after the drive update of the first."""
    arguments = command.arguments
    record = Record(arguments.record)
    yield from select(tile, arguments.column)
    if command.opcode is Opcode.DRIVE:
        yield from _update_drive(tile, record)
        return
    for _ in range(arguments.count):
        yield from pulse(tile, record, arguments.row, arguments.column)


def pulse(tile: Tile, record: Record, row: int, column: int) -> Steps[None]:
    """Pulse a cell with the next codes of a record: drive update if one is needed, open gate, recovery."""
    yield from _update_drive(tile, record)
    yield from open_gate(tile, record, row, column)


def open_gate(tile: Tile, record: Record, row: int, column: int) -> Steps[None]:
    """Open the write gate of a cell once, with the codes that are driven, and let it recover."""
    if record is Record.RESET:
        tile.answer.resets += 1
        tile.count(Action.PULSE_RESET)
    else:
        tile.answer.sets += 1
        tile.count(Action.PULSE_SET)
    gate = tile.front_end.open_gate(row, column, tile.drive)
    yield tile.phase(Phase.PULSE, _limited_width(tile, gate, tile.drive.width))
    tile.front_end.close(tile.clock.cycle)
    yield tile.phase(Phase.RECOVER, tile.registers["RECOVER"])


def _update_drive(tile: Tile, record: Record) -> Steps[None]:
    """Drive the codes of the next pulse, if they are not on the pins already."""
    drive = tile.drive
    codes = drive.codes_for(record, first=tile.answer.sets + tile.answer.resets == 0)
    if not drive.settled or drive.entry is not None or record is not drive.record or codes != drive.codes:
        yield from update_drive(tile, record, codes)


def update_drive(tile: Tile, record: Record, codes: Codes, entry: int | None = None) -> Steps[None]:
    """Drive other codes of a record, or of an entry of its pulse table."""
    # They would be there in the second cycle; a halt in the first does not keep them from it.
    tile.drive.update(record, codes, entry)
    tile.count(Action.DRIVE_UPDATE)
    tile.drive.settled = False
    yield tile.phase(Phase.SETTLE, tile.time.drive(codes, tile.drive.compliance))
    tile.drive.settled = True


def _limited_width(tile: Tile, gate: GateOpening, width: int) -> int:
    """Return the cycles of a pulse, which its compliance may end; schedule the halt if that is a fault."""
    blanking, action = tile.registers.compliance
    seen = tile.front_end.first_limited(gate.opened + blanking)
    if action is ComplianceAction.OFF or seen is None or seen >= gate.opened + width:
        return width
    if action is ComplianceAction.END_PULSE:
        return seen - gate.opened + 1

    def trip() -> None:
        # Something else may have closed the gate by then.
        if gate.open_in(tile.clock.cycle):
            tile.safety.catch(Fault.COMPLIANCE)

    tile.clock.call(seen, Stage.HALT, trip)
    return width
