"""Real lines: a pseudo terminal as the serial port, and a socket, each with the board's model at the other end."""

import os
import socket
import threading
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from beats import AnsweringController, any_beats, as_beats

from twinbar.host.transport.link import Link
from twinbar.host.transport.open_line import open_line
from twinbar.hw.errors import ConfigError, LinkError
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.link.board_model import BoardModel
from twinbar.hw.link.link_config import LinkConfig

CONFIG = ControllerConfig(tiles=2, rows=16, columns=8)


@pytest.mark.parametrize("scheme", ["spy", "alt", "loop", "hwgrep", "cp2110"])
def test_a_port_of_another_scheme_is_refused(scheme: str, tmp_path: Path) -> None:
    """Those of pyserial that write files or look for devices; a port may come from somebody else's run folder."""
    file = tmp_path / "written"
    with pytest.raises(ConfigError, match=rf"begins with {scheme}://, which is none of socket://, rfc2217://; give"):
        open_line(f"{scheme}:///dev/null?file={file}", 2_000_000)
    assert not file.exists()


@contextmanager
def served(controller: AnsweringController, get: Callable[[], bytes], put: Callable[[bytes], object]) -> Iterator[None]:
    board = BoardModel(CONFIG, LinkConfig(), controller)
    stop = threading.Event()

    def serve() -> None:
        while not stop.is_set():
            board.receive(get())
            board.advance(time.monotonic())
            if data := board.send(4096):
                put(data)

    server = threading.Thread(target=serve)
    server.start()
    try:
        yield
    finally:
        stop.set()
        server.join()


def unblocked(read: Callable[[], bytes]) -> Callable[[], bytes]:
    def get() -> bytes:
        try:
            return read()
        except (BlockingIOError, TimeoutError):
            time.sleep(1e-4)
            return b""

    return get


def check(link: Link, controller: AnsweringController) -> None:
    beats = any_beats(np.random.default_rng(0), 800, CONFIG)
    np.testing.assert_array_equal(link.run(beats), as_beats(controller.responses))
    assert controller.commands == beats.tolist()


def test_a_serial_port() -> None:
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    os.set_blocking(ours, False)
    controller = AnsweringController(CONFIG)
    board = served(controller, unblocked(lambda: os.read(ours, 4096)), lambda data: os.write(ours, data))
    with board, Link(open_line(os.ttyname(theirs), 115200)) as link:
        check(link, controller)
    os.close(theirs)
    os.close(ours)


def test_a_socket_and_its_end() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    address = f"socket://127.0.0.1:{listener.getsockname()[1]}"
    line = open_line(address, 3_000_000)
    peer, _ = listener.accept()
    peer.setblocking(False)
    controller = AnsweringController(CONFIG)
    with served(controller, unblocked(lambda: peer.recv(4096)), peer.sendall):
        link = Link(line)
        check(link, controller)
    peer.close()
    with pytest.raises(LinkError, match=rf"{address} (closed the connection|broke)|the connection to {address} broke"):
        link.run(np.arange(9, dtype=np.uint64))
    link.close()
    listener.close()
