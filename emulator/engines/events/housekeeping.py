"""Commands that do not touch the array: registers, arming, waiting, and the refusal of any command."""

from functools import partial

import simpy

from twinbar.emulator.engines.events.clock import Stage, Steps
from twinbar.emulator.engines.events.decoding import DecodedCommand
from twinbar.emulator.engines.events.front_end_time import PATHS
from twinbar.emulator.engines.events.register_file import INPUTS_ADDRESS, Bias, Codes, is_counter
from twinbar.emulator.engines.events.tile import Tile
from twinbar.hw.actions import Action
from twinbar.hw.parts.assembly import DrivePath as Path
from twinbar.hw.protocol.registers import INPUTS
from twinbar.hw.protocol.vocabulary import RECORDS, Mode, Opcode, Record, Status
from twinbar.hw.timing import (
    ARM_CYCLES,
    ARM_ENTRY_CYCLES,
    DECIDE_CYCLES,
    REGISTER_READ_CYCLES,
    REGISTER_WRITE_CYCLES,
    TRANSFER_LATENCY,
    Phase,
)


def refuse(tile: Tile, command: DecodedCommand) -> Steps[None]:
    """Refuse a command; its answer already has the reason."""
    yield tile.phase(Phase.DECIDE, DECIDE_CYCLES)


def read_register(tile: Tile, command: DecodedCommand) -> Steps[None]:
    """READ_REGISTER. A counter holds everything up to the cycle before the command's first one."""
    address = command.arguments.address
    tile.answer.status = tile.registers.check_read(address)
    decide = tile.phase(Phase.DECIDE, DECIDE_CYCLES)
    counted = tile.counters.read(address) if is_counter(address) else 0
    yield decide
    if tile.answer.status is not Status.OK:
        return
    yield tile.phase(Phase.DECIDE, REGISTER_READ_CYCLES - DECIDE_CYCLES)
    if is_counter(address):
        tile.answer.value = counted
    elif address == INPUTS_ADDRESS:
        tile.answer.value = _inputs(tile, tile.clock.cycle - 1)
    else:
        tile.answer.value = tile.registers.read(address)


def _inputs(tile: Tile, cycle: int) -> int:
    """Return the synchronised inputs as they are seen in a cycle."""
    limited, stop, fault = tile.front_end.limited(cycle), tile.stop_pin.seen(cycle), tile.fault_pin.seen(cycle)
    return int(INPUTS.word.pack(compliance=limited, stop=stop, front_end=fault))


def write_register(tile: Tile, command: DecodedCommand) -> Steps[None]:
    """WRITE_REGISTER."""
    address, value = command.arguments.address, command.arguments.value
    tile.answer.status = tile.registers.check_write(address, value, tile.safety.mode)
    yield tile.phase(Phase.DECIDE, DECIDE_CYCLES)
    if tile.answer.status is Status.OK:
        yield tile.phase(Phase.DECIDE, REGISTER_WRITE_CYCLES - DECIDE_CYCLES)
        tile.registers.write(address, value)
        tile.time.registers_changed()


def arm(tile: Tile, command: DecodedCommand) -> Steps[None]:
    """ARM: disarms, checks bias records and entries in use against their windows, and arms if they are within."""
    tile.safety.disarm()
    records: dict[Record, Bias] = {record: tile.registers.bias(record) for record in RECORDS}
    good = all(bias.within_window() for bias in records.values())
    cycles = ARM_CYCLES
    if tile.registers.write_table.use:
        good = good and tile.registers.entries_within_windows()
        cycles += ARM_ENTRY_CYCLES * tile.config.pulse_entries
    try:
        yield tile.phase(Phase.DECIDE, cycles - len(PATHS))
        for record, path in PATHS.items():
            if good:
                tile.clock.call(tile.clock.cycle, Stage.END, partial(_load_record, tile, path, records[record].codes))
            yield tile.clock.timeout(1)
    except simpy.Interrupt:
        tile.safety.disarm()  # The drive drops what it has loaded.
        raise
    if good:
        tile.drive.load(records)
        tile.safety.arm(Mode(command.arguments.mode))
    else:
        tile.answer.status = Status.WINDOW


def _load_record(tile: Tile, path: Path, codes: Codes) -> None:
    """Load a record in this cycle, unless a halt keeps it from the pins."""
    if tile.safety.disarmed != tile.clock.cycle:
        tile.time.load(path, codes)


def execute(tile: Tile, command: DecodedCommand) -> Steps[None]:
    """DISARM, CLEAR, SAFE and ABORT; the last two have halted when they were presented, and are answered here."""
    if command.opcode is Opcode.DISARM:
        tile.safety.disarm()
    elif command.opcode is Opcode.CLEAR:
        tile.safety.clear()
    else:
        tile.safety.unanswered -= 1
    yield tile.phase(Phase.DECIDE, DECIDE_CYCLES)


def wait(tile: Tile, command: DecodedCommand) -> Steps[None]:
    """WAIT."""
    yield tile.phase(Phase.DECIDE, DECIDE_CYCLES)
    yield tile.phase(Phase.SETTLE, command.arguments.cycles)


def load(tile: Tile, command: DecodedCommand) -> Steps[None]:
    """LOAD: continues in the stage STREAM of its only cycle, in which the next command can be taken."""
    arguments = command.arguments
    tile.phase(Phase.SELECT, 1)
    tile.inputs.load(arguments.word, arguments.bits, clear=bool(arguments.clear))
    yield tile.clock.at(tile.clock.cycle, Stage.STREAM)


def transfer(tile: Tile, command: DecodedCommand) -> Steps[None]:
    """TRANSFER: continues in the stage STREAM of its last cycle, in which the next command can be taken."""
    words = tile.arriving
    yield tile.phase(Phase.SELECT, TRANSFER_LATENCY + len(words) - 1)
    if command.route.last:
        for number, bits in enumerate(words):
            clear = bool(command.arguments.clear) and number == 0
            tile.inputs.load(command.arguments.word + number, bits, clear=clear)
    tile.counters.actions[Action.TRANSFERRED_WORD] += len(words)
    yield tile.clock.at(tile.clock.cycle, Stage.STREAM)
