"""Serves a board in software at a port of this machine, byte by byte as a serial port would."""

import contextlib
import time
from collections.abc import Iterator

from twinbar.host.board.software_board import SoftwareBoard
from twinbar.host.transport.background import repeating
from twinbar.host.transport.endpoint import Endpoint

_NAP_S = 1e-3


@contextlib.contextmanager
def serving(board: SoftwareBoard, endpoint: Endpoint) -> Iterator[str]:
    """Serve a board to one client after the other; gives what a host opens as its port.

    Parameters
    ----------
    board : SoftwareBoard
    endpoint : Endpoint
        Is closed at the end.
    """
    unsent = b""

    def step() -> None:
        nonlocal unsent
        board.receive(endpoint.receive())
        unsent += board.advance(time.monotonic())
        unsent = unsent[endpoint.send(unsent) :]
        endpoint.wait(_NAP_S)

    with contextlib.closing(endpoint), repeating(step):
        yield endpoint.name
