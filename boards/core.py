"""The core that a board's bitstream holds: what `twinbar.boards.wiring` says of the pins, and what a user asks for."""

from twinbar.boards.board import Board
from twinbar.boards.wiring import Wiring
from twinbar.hw.gateware.config import ControllerConfig
from twinbar.hw.gateware.core import CoreConfig
from twinbar.hw.link.config import LinkConfig


def core_of(board: Board, wiring: Wiring, baud: int | None = None, **sizes: int | None) -> CoreConfig:
    """Give the core of a board.

    Parameters
    ----------
    board : Board
    wiring : Wiring
    baud : int, optional
        Instead of the board's.
    **sizes : int, optional
        Parameters of the controller, instead of what the wiring says; those that are None are left as they are.

    Raises
    ------
    ConfigError
        If there is no such core.
    """
    given = {key: value for key, value in sizes.items() if value is not None}
    return CoreConfig(
        ControllerConfig(**(wiring.geometry.model_dump() | given)),
        LinkConfig(
            clock_hz=board.clock_hz,
            baud=baud or board.baud,
            receive_bytes=board.buffer_bytes,
            transmit_bytes=board.buffer_bytes,
        ),
        wiring.serial_parts(board.clock_hz),
    )
