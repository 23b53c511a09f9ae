"""Checks a command before it starts."""

from typing import Final

from twinbar.emulator.engines.events.beats import Command
from twinbar.emulator.engines.events.registers import RegisterFile
from twinbar.emulator.engines.events.safety import Safety
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.protocol.layouts import MAX_COLUMNS
from twinbar.hw.protocol.vocabulary import Mode, Opcode, Record, Status

READING: Final = frozenset({Opcode.READ, Opcode.CONVERT, Opcode.CALIBRATE, Opcode.MULTIPLY})
"""Operations on the array that never open the write gate."""
WRITING: Final = frozenset({Opcode.WRITE, Opcode.FORM, Opcode.PULSE, Opcode.DRIVE})
ARRAY: Final = READING | WRITING


def admit(command: Command, tile: int, config: ControllerConfig, registers: RegisterFile, safety: Safety) -> Status:
    """Give the first reason, in the order of the contract, for which a command is refused; OK if it may start.

    Accesses to registers are checked one cycle later, by `RegisterFile`.
    """
    opcode = command.opcode
    if opcode is None:
        return Status.UNKNOWN_OPCODE
    if command.tile != tile and opcode is not Opcode.SAFE:
        return Status.BAD_TILE
    if safety.unanswered and (opcode in ARRAY or opcode in (Opcode.ARM, Opcode.WAIT)):
        return Status.ABORTED
    if safety.faults and (opcode in ARRAY or opcode is Opcode.ARM):
        return Status.FAULTED
    if (opcode in ARRAY and safety.mode is Mode.SAFE) or (opcode in WRITING and safety.mode is not Mode.WRITE):
        return Status.DISARMED
    if not _address_exists(command, config):
        return Status.BAD_ADDRESS
    if opcode in (Opcode.WRITE, Opcode.FORM) and command.arguments.level >= registers["LEVELS"]:
        return Status.BAD_LEVEL
    if not _value_is_good(command, registers):
        return Status.BAD_VALUE
    return Status.OK


def outputs_of(command: Command) -> int:
    """Give the number of outputs of a MULTIPLY."""
    return command.arguments.outputs or MAX_COLUMNS


def _address_exists(command: Command, config: ControllerConfig) -> bool:
    opcode, arguments = command.opcode, command.arguments
    if opcode in WRITING or opcode in (Opcode.READ, Opcode.CONVERT):
        return bool(arguments.row < config.rows and arguments.column < config.columns)
    if opcode is Opcode.CALIBRATE:
        return bool(arguments.column < (config.columns // 2 if arguments.subtract else config.columns))
    if opcode is Opcode.MULTIPLY:
        most = config.columns // 2 if arguments.subtract else config.columns
        return arguments.column + outputs_of(command) <= most and arguments.column % config.adc_channels == 0
    if opcode is Opcode.LOAD:
        return bool(arguments.word < config.words)
    return True


def _value_is_good(command: Command, registers: RegisterFile) -> bool:
    opcode, arguments = command.opcode, command.arguments
    if opcode in (Opcode.PULSE, Opcode.DRIVE):
        known = arguments.record in (Record.SET.value, Record.RESET.value, Record.FORM.value)
        return known and (opcode is Opcode.DRIVE or 1 <= arguments.count <= registers["PULSE_LIMIT"])
    if opcode is Opcode.CALIBRATE:
        return not (arguments.subtract and arguments.gain)
    if opcode is Opcode.WAIT:
        return bool(arguments.cycles >= 1)
    if opcode is Opcode.ARM:
        return arguments.mode in (Mode.READ.value, Mode.WRITE.value)
    return True
