"""A host that dies leaves no cell armed: the watchdog of a board is on by default, and fed while the host lives."""

import signal
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from virtual_samples import core, crossbar

from twinbar.emulator.virtual.compiled_board import CompiledBoard
from twinbar.host.board.board import Board
from twinbar.host.board.watchdog import WATCHDOG_S
from twinbar.host.transport.background import repeating
from twinbar.host.transport.endpoint import PtyEndpoint
from twinbar.host.virtual.server import Server
from twinbar.host.virtual.virtual_line import VirtualLine
from twinbar.hw.errors import RefusedError
from twinbar.hw.gateware.board_core import CoreConfig
from twinbar.hw.link import command_codec
from twinbar.hw.link.expectation import Expectation
from twinbar.hw.link.frames import BoardFrame, Deframer, FrameKind, HostFrame
from twinbar.hw.link.hello import Hello
from twinbar.hw.link.responses import ResponseDecoder
from twinbar.hw.protocol.packing import pack, unpack
from twinbar.hw.protocol.vocabulary import Mode, Opcode

pytestmark = pytest.mark.compiler

_INTERVAL_S, _FEED_S = 2.0, 0.2
_HOST = f"""
import sys, time
from twinbar.host.board import watchdog
watchdog.WATCHDOG_S, watchdog.FEED_S = {_INTERVAL_S}, {_FEED_S}
from twinbar.host.board.board import Board
from twinbar.hw.errors import SilentBoardError
for _ in range(20):  # a loaded machine may leave the board no time to answer at once
    try:
        board = Board(sys.argv[1])
        break
    except SilentBoardError:
        time.sleep(0.5)
with board:
    board.arm("write")
    print("armed", flush=True)
    for line in sys.stdin:
        print(sorted(board.faults()), flush=True)
"""


class TappedBoard(CompiledBoard):
    """A board whose line somebody listens to.

    Attributes
    ----------
    heard : bytes
        What the host has sent.
    """

    heard = b""

    def send(self, data: bytes) -> None:
        """Send bytes to the board's UART."""
        self.heard += data
        super().send(data)


def _ask(board: TappedBoard, config: CoreConfig) -> dict[str, int]:
    """Read a register in the session of a host that is no more: another session would begin with a reset."""
    frames = [frame for stuffed in Deframer().feed(board.heard) if (frame := HostFrame.unpack(stuffed))]
    session, ack = frames[-1].session, frames[-1].ack
    last = max(number for number, frame in enumerate(frames) if frame.kind is FrameKind.DATA)
    widths = Hello.of(config.controller, config.link, config.front_end).widths
    beats = pack(Opcode.READ_REGISTER, 0, address=0)
    payload = command_codec.encode(beats, widths)
    board.receive()
    frame = HostFrame(FrameKind.DATA, session, (frames[last].seq + 1) % 256, ack, payload, push=True)
    CompiledBoard.send(board, b"\0" + frame.pack())
    expectation = Expectation(config.controller.tiles)
    expectation.add(beats)
    decoder, deframer = ResponseDecoder(widths, expectation), Deframer()
    for _ in range(100):
        board.run(config.link.clock_hz // 1000)
        for contents in deframer.feed(board.receive()):
            answer = BoardFrame.unpack(contents)
            if answer and answer.payload and len(found := decoder.decode(answer.payload)):
                return {name: int(values[0]) for name, values in unpack(found).items()}
    raise AssertionError("the board has not answered")


@pytest.mark.parametrize("dead_s", [0.0, 2.5 * _INTERVAL_S])
def test_cells_are_safe_after_the_host_was_killed(dead_s: float) -> None:
    config = core()
    board = TappedBoard(config, crossbar(config), words=True)
    endpoint = PtyEndpoint()
    with closing(endpoint):
        with repeating(Server(board, endpoint).step):
            host = subprocess.Popen([sys.executable, "-c", _HOST, endpoint.name], stdout=-1, stdin=-1)
            assert host.stdout is not None
            try:
                assert host.stdout.readline() == b"armed\n"
                # Nothing but signs of life, for longer than the interval.
                time.sleep(2.5 * _INTERVAL_S)
            finally:
                host.kill()
                host.communicate()
            time.sleep(dead_s)
        found = _ask(board, config)
    if dead_s:
        assert (found["mode"], found["watchdog"]) == (Mode.SAFE.value, 1)
    else:
        assert (found["mode"], found["watchdog"]) == (Mode.WRITE.value, 0)


def test_cells_are_safe_while_the_host_is_stopped() -> None:
    config = core()
    board = CompiledBoard(config, crossbar(config), words=True)
    endpoint = PtyEndpoint()
    with closing(endpoint), repeating(Server(board, endpoint).step):
        host = subprocess.Popen([sys.executable, "-c", _HOST, endpoint.name], stdout=-1, stdin=-1)
        assert host.stdin is not None
        assert host.stdout is not None
        try:
            assert host.stdout.readline() == b"armed\n"
            host.send_signal(signal.SIGSTOP)
            time.sleep(2.5 * _INTERVAL_S)
            host.send_signal(signal.SIGCONT)
            host.stdin.write(b"\n")
            host.stdin.flush()
            assert host.stdout.readline() == b"['watchdog']\n"
        finally:
            host.kill()
            host.communicate()


@pytest.mark.parametrize("silent_s", [0.9 * WATCHDOG_S, 1.1 * WATCHDOG_S])
def test_the_interval_is_the_one_that_is_stated(silent_s: float) -> None:
    config = core()
    board = CompiledBoard(config, crossbar(config))
    host = Board(VirtualLine(board))  # on such a line time passes only while the host reads, and nothing feeds
    host.arm("read")
    board.run(round(silent_s * config.link.clock_hz))
    if silent_s < WATCHDOG_S:
        assert np.all(host.read(rows=0, columns=0) >= 0)
    else:
        with pytest.raises(RefusedError, match=r"FAULTED \(latched faults: watchdog\)"):
            host.read(rows=0, columns=0)


class AsideLine(VirtualLine):
    """A line that keeps what is sent aside.

    Attributes
    ----------
    aside : list of bytes
    """

    def __init__(self, board: CompiledBoard) -> None:
        super().__init__(board)
        self.aside: list[bytes] = []

    def write_aside(self, data: bytes) -> None:
        """Keep bytes."""
        self.aside.append(data)


def test_frames_of_the_session_feed_the_watchdog_and_others_do_not() -> None:
    config = core()
    board = CompiledBoard(config, crossbar(config))
    line = AsideLine(board)
    host = Board(line)
    step = round(0.4 * WATCHDOG_S * config.link.clock_hz)

    def wait() -> None:
        end = board.cycle + step
        while board.cycle < end:  # it comes back early where the board sends a frame
            board.run(end - board.cycle)

    def sign_of_life() -> bytes:
        host.link.say_alive()
        return line.aside.pop()

    host.arm("read")
    for _ in range(5):
        wait()
        board.send(sign_of_life())
    assert host.faults() == set()
    alive = sign_of_life()
    (contents,) = Deframer().feed(alive)
    frame = HostFrame.unpack(contents)
    assert frame is not None
    foreign = replace(frame, session=frame.session ^ 1).pack()
    for _ in range(3):
        wait()
        board.send(foreign + alive[:-3] + b"\0")
    assert host.faults() == {"watchdog"}
    host.close()
