"""The core that a board's bitstream holds: what `twinbar.boards.wiring` says of the pins, and what a user asks for."""

from twinbar.boards.board_definition import BoardDefinition
from twinbar.boards.wiring import Wiring
from twinbar.hw.errors import ParameterError
from twinbar.hw.gateware.board_core import CoreConfig
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.link.link_config import LinkConfig


def core_of(
    board: BoardDefinition,
    wiring: Wiring,
    baud: int | None = None,
    *,
    buffer_bytes: int | None = None,
    linger_s: float | None = None,
    **sizes: int | None,
) -> CoreConfig:
    """Return the core of a board.

    Parameters
    ----------
    board : BoardDefinition
    wiring : Wiring
    baud, buffer_bytes : int, optional
        Of the link, instead of the board's.
    linger_s : float, optional
        See `LinkConfig`.
    **sizes : int, optional
        Parameters of the controller, instead of what the wiring says; those that are None are left as they are.

    Raises
    ------
    ConfigError
        If there is no such core; a `ParameterError` where one of ``sizes`` is wrong.
    """
    given = {key: value for key, value in sizes.items() if value is not None}
    usual = LinkConfig(board.clock_hz, board.baud, receive_bytes=board.buffer_bytes, transmit_bytes=board.buffer_bytes)
    link = usual.with_choices(baud, buffer_bytes, linger_s)
    try:
        controller = ControllerConfig(**(wiring.geometry.model_dump() | wiring.limits.caps(board.clock_hz) | given))
        return CoreConfig(controller, link, wiring.serial_parts(board.clock_hz))
    except ParameterError as error:
        if error.name in given:
            raise
        raise error.called(f"geometry.{error.name} of the wiring {wiring.title!r}") from None
