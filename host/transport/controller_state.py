"""Registers, counters and faults of a controller, over whatever runs its commands."""

from collections.abc import Iterable
from typing import Protocol

import numpy as np
import numpy.typing as npt

from twinbar.hw.actions import Action
from twinbar.hw.errors import ConfigError, LinkError
from twinbar.hw.protocol.layouts import FAULTS
from twinbar.hw.protocol.packing import pack, unpack, unpack_results
from twinbar.hw.protocol.registers import BY_NAME, PHASE_COUNTER_BASE, USUAL_COUNTERS
from twinbar.hw.protocol.vocabulary import Opcode, Status
from twinbar.hw.timing import PHASES


class Runner(Protocol):
    """Runs command beats: `twinbar.host.transport.link.Link`, or anything else that does."""

    def run(self, beats: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint8]:
        """Return the response beats to command beats."""


def address_of(register: str | int) -> int:
    """Return the address of a register by its name; an address stands for itself.

    Raises
    ------
    ConfigError
        If there is no such register.
    """
    if isinstance(register, int):
        return register
    if register not in BY_NAME:
        raise ConfigError(f"there is no register {register!r}; the page docs/protocol.md lists them")
    return BY_NAME[register].address


def read_registers(board: Runner, tile: int, registers: Iterable[str | int]) -> list[int]:
    """Read registers, counters or table entries of a tile, by name or address.

    Raises
    ------
    LinkError
        If the tile refuses.
    """
    addresses = [address_of(register) for register in registers]
    return _answered(board.run(pack(Opcode.READ_REGISTER, tile, address=addresses)), Opcode.READ_REGISTER, addresses)


def write_registers(board: Runner, tile: int, values: dict[str | int, int]) -> None:
    """Write registers or table entries of a tile, by name or address.

    Raises
    ------
    LinkError
        If the tile refuses.
    """
    addresses = [address_of(register) for register in values]
    beats = pack(Opcode.WRITE_REGISTER, tile, address=addresses, value=list(values.values()))
    _answered(board.run(beats), Opcode.WRITE_REGISTER, addresses)


def read_counters(board: Runner, tile: int) -> tuple[dict[str, int], dict[Action, int]]:
    """Read the cycles of a tile by phase, and the actions that it counts."""
    phases = [PHASE_COUNTER_BASE + number for number in range(len(PHASES))]
    values = read_registers(board, tile, [*phases, *USUAL_COUNTERS.values()])
    return (
        dict(zip(PHASES, values[: len(PHASES)], strict=True)),
        dict(zip(USUAL_COUNTERS, values[len(PHASES) :], strict=True)),
    )


def read_faults(board: Runner, tile: int) -> set[str]:
    """Return the names of the faults that a tile has latched."""
    beats = board.run(pack(Opcode.READ_REGISTER, tile, address=BY_NAME["IDENTITY"].address))
    fields = unpack(beats)
    return {fault.name for fault in FAULTS if fault.name in fields and fields[fault.name][0]}


def _answered(beats: npt.NDArray[np.uint8], opcode: Opcode, addresses: list[int]) -> list[int]:
    status = unpack(beats)["status"]
    if status.any():
        first = int(np.flatnonzero(status)[0])
        reason = Status(int(status[first])).name.lower().replace("_", " ")
        raise LinkError(f"register {addresses[first]:#x}: the controller refused ({reason})")
    return unpack_results(opcode, beats)["value"].tolist()
