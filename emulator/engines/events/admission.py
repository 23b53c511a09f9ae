"""Checks a command before it starts, by the declaration of the commands."""

from collections.abc import Mapping
from functools import partial

from twinbar.emulator.engines.events.decoding import DecodedCommand
from twinbar.emulator.engines.events.register_file import RegisterFile
from twinbar.emulator.engines.events.safety import Safety
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.protocol.commands import COMMANDS, CommandSpec
from twinbar.hw.protocol.layouts import MAX_COLUMNS
from twinbar.hw.protocol.rules import Bound, GeometryBound
from twinbar.hw.protocol.vocabulary import Mode, Opcode, Status


def admit(
    command: DecodedCommand,
    tile: int,
    config: ControllerConfig,
    registers: RegisterFile,
    safety: Safety,
    commands: Mapping[Opcode, CommandSpec] = COMMANDS,
    *,
    lacks: bool = False,
) -> Status:
    """Return the first reason, in the order of the contract, for which a command is refused; OK if it may start.

    Accesses to registers are checked one cycle later, by `RegisterFile`. Tests give other ``commands``. With
    ``lacks``, activations or inputs that it needs are not complete.
    """
    if command.opcode is None or not commands[command.opcode].exists(config):
        return Status.UNKNOWN_OPCODE
    spec = commands[command.opcode]
    route = command.route
    if route.stray if route.several else command.tile != tile and not spec.to_every_tile:
        return Status.BAD_TILE
    if safety.unanswered and spec.haltable:
        return Status.ABORTED
    if safety.faults and spec.refused_while_faulted:
        return Status.FAULTED
    if spec.needs is not None and not _permits(safety.mode, spec.needs):
        return Status.DISARMED
    resolve = partial(_resolve, config, registers)
    found = Status.INCOMPLETE if lacks else Status.OK
    broken = [rule.status for rule in spec.rules if not rule.holds(command.values, resolve)]
    return next((status for status in spec.reasons if status in broken), found) if broken else found


def _permits(mode: Mode, needed: Mode) -> bool:
    return mode is Mode.WRITE or (mode is Mode.READ and needed is Mode.READ)


def _resolve(config: ControllerConfig, registers: RegisterFile, bound: Bound) -> int:
    """Return the number that a bound stands for."""
    if isinstance(bound, int):
        return bound
    if isinstance(bound, GeometryBound):
        return int(getattr(config, bound.name))
    return registers.field(bound.register, bound.field)


def outputs_of(command: DecodedCommand) -> int:
    """Return the number of outputs of a MULTIPLY."""
    return command.arguments.outputs or MAX_COLUMNS
