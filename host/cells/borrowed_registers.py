"""Registers of armed tiles that a verb changes for a while: they are put back, and the tiles armed as before."""

import contextlib
from collections.abc import Iterator, Sequence

import numpy as np

from twinbar.emulator.contract.beats import write_register
from twinbar.host.cells.accounted_controller import AccountedController
from twinbar.host.cells.places import Ints
from twinbar.hw.errors import RefusedError, TwinbarError
from twinbar.hw.protocol.packing import pack, unpack, unpack_results
from twinbar.hw.protocol.vocabulary import Mode, Opcode


class BorrowedRegisters:
    """Locked registers of some tiles, to be changed.

    Parameters
    ----------
    controller : AccountedController
    tiles : int64 [n]
    addresses : int64 [m]

    Attributes
    ----------
    before : int64 [n, m]
        Values that were found.
    modes : int64 [n]
        What each tile was armed for.
    """

    def __init__(self, controller: AccountedController, tiles: Ints, addresses: Sequence[int]) -> None:
        self._controller = controller
        self.tiles = tiles
        self.addresses = np.array(addresses, np.int64)
        reads = [pack(Opcode.READ_REGISTER, tile, address=self.addresses) for tile in tiles.tolist()]
        answers = [controller.run(commands) for commands in reads]
        self.before = np.array([unpack_results(Opcode.READ_REGISTER, found)["value"] for found in answers])
        self.modes = np.array([unpack(found)["mode"][-1] for found in answers], np.int64)

    def disarm(self) -> None:
        """Disarm the tiles."""
        self._controller.run(pack(Opcode.DISARM, self.tiles))

    def write(self, values: Ints) -> None:
        """Write the first registers of every tile, int64 [tiles, k] (or one row for all); the tiles are disarmed."""
        per_tile = np.broadcast_to(values, (len(self.tiles), values.shape[-1]))
        tile, address = np.broadcast_arrays(self.tiles[:, None], self.addresses[: per_tile.shape[1]])
        self._controller.run(write_register(tile.ravel(), address.ravel(), per_tile.ravel()))

    def arm(self, modes: Ints | int) -> None:
        """Arm the tiles."""
        self._controller.run(pack(Opcode.ARM, self.tiles, mode=np.broadcast_to(modes, self.tiles.shape)))


@contextlib.contextmanager
def borrowed_registers(
    controller: AccountedController, tiles: Ints, addresses: Sequence[int], needs: Mode
) -> Iterator[BorrowedRegisters]:
    """Borrow locked registers of armed tiles.

    In the end they have their old values, and the tiles are armed as before; after an error they have their old values
    where the tiles still answer, and the tiles are disarmed.

    Parameters
    ----------
    controller : AccountedController
    tiles : int64 [n]
        Each once.
    addresses : sequence of int
    needs : Mode
        What the tiles must be armed for, at least.

    Raises
    ------
    RefusedError
        If one is not.
    """
    borrowed = BorrowedRegisters(controller, tiles, addresses)
    asleep = tiles[borrowed.modes < needs.value]
    if len(asleep):
        name = needs.name.lower()
        raise RefusedError(f'tile {asleep[0]} is not armed for this (it needs "{name}"); arm it first: arm("{name}")')
    try:
        borrowed.disarm()
        yield borrowed
    except BaseException:
        # What went wrong is the news, not that a broken link cannot put registers back.
        with contextlib.suppress(TwinbarError):
            borrowed.disarm()
            borrowed.write(borrowed.before)
        raise
    borrowed.disarm()
    borrowed.write(borrowed.before)
    borrowed.arm(borrowed.modes)
