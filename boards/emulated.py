"""What a board holds of an emulated array (`twinbar.hw.gateware.array`) where nothing else is asked for."""

from dataclasses import dataclass
from typing import Final

from twinbar.boards.board_definition import BoardDefinition
from twinbar.hw.errors import ConfigError
from twinbar.hw.gateware.array.memory import SPRAM_DEVICE

_ECP5_CLOCK_HZ: Final = 25_000_000
"""Half of what the boards have otherwise; 36 MHz is what place-and-route reached on the LFE5U-85F."""
_ECP5_BAUD: Final = 1_000_000


@dataclass(frozen=True)
class Room:
    """A geometry, the queues beside it, and a clock.

    Parameters
    ----------
    rows, columns : int
    command_depth, response_depth : int
        Of the controller.
    receive_bytes, transmit_bytes : int
        Of the link.
    clock_hz, baud : int
        What the array's multiplier, between two block RAMs, is fast enough for, and a rate that this clock makes.
    """

    rows: int
    columns: int
    command_depth: int
    response_depth: int
    receive_bytes: int
    transmit_bytes: int
    clock_hz: int
    baud: int


def room_of(board: BoardDefinition) -> Room:
    """Return what fits a board.

    Raises
    ------
    ConfigError
        If no emulated array does.
    """
    device = board.make_platform().device
    if device == SPRAM_DEVICE:
        # The cells lie in its large RAMs; the microprogram and its tables leave no block RAM for more of the queues.
        return Room(64, 32, 2, 2, 512, 1024, board.clock_hz, board.baud)
    if device.startswith("LFE5"):
        buffer = board.buffer_bytes
        return Room(64, 64, 16, 16, buffer, buffer, _ECP5_CLOCK_HZ, min(board.baud, _ECP5_BAUD))
    raise ConfigError(
        f"the {device} of {board.name} has too little memory for an emulated array; it needs an iCE40UP5K or an ECP5"
    )
