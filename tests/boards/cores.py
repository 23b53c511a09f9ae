"""Cores as `twinbar board build` makes them."""

from typing import Any

from twinbar.boards.board_definition import BoardDefinition
from twinbar.boards.wiring import Wiring
from twinbar.hw.gateware.board_core import CoreConfig
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.link.link_config import LinkConfig


def core_of(board: BoardDefinition, wiring: Wiring, **sizes: Any) -> CoreConfig:
    return CoreConfig(
        ControllerConfig(**(wiring.geometry.model_dump() | sizes)),
        LinkConfig(
            clock_hz=board.clock_hz,
            baud=board.baud,
            receive_bytes=board.buffer_bytes,
            transmit_bytes=board.buffer_bytes,
        ),
        wiring.serial_parts(board.clock_hz),
    )
