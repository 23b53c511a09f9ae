"""``twinbar board info`` and ``safe``, with the board's side of the link behind a socket."""

import json
import os
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from amaranth.lib import data

from twinbar.host.board.board_state import make_safe
from twinbar.host.transport.open_line import open_line
from twinbar.hw.errors import LinkError
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.link.board_model import BoardModel
from twinbar.hw.link.hello import LINK_VERSION, Hello
from twinbar.hw.link.link_config import LinkConfig
from twinbar.hw.protocol.layouts import Faults, Response
from twinbar.hw.protocol.packing import RESPONSE_BYTES
from twinbar.hw.protocol.registers import PHASE_COUNTER_BASE, USUAL_COUNTERS
from twinbar.hw.protocol.vocabulary import Opcode
from twinbar.hw.timing import PHASES

CONFIG = ControllerConfig(tiles=3, rows=16, columns=8)
# 8192 cycles at 12 MHz are 0.683 ms.
LINK = LinkConfig(receive_bytes=1024, transmit_bytes=4096, linger_s=0.5e-3)
_header = data.Layout.cast(Response)
STOP = 1 << _header["faults"].offset + data.Layout.cast(Faults)["stop"].offset


class Registers:
    """A controller whose registers hold their own addresses, a thousand more from tile to tile."""

    def __init__(self) -> None:
        self.beats: list[int] = []
        self._answers: deque[int] = deque()

    def reset(self) -> None:
        """Forget what waits."""
        self._answers.clear()

    @property
    def busy(self) -> bool:
        """Whether an answer is due."""
        return bool(self._answers)

    def accept(self, beat: int) -> bool:
        """Answer a beat."""
        self.beats.append(beat)
        opcode, tile, body = beat & 31, beat >> 5 & 0xFF, beat >> 16
        tiles = range(CONFIG.tiles) if opcode == Opcode.SAFE.value else [tile]
        for number in tiles:
            value = (body & 0xFFF) + 1000 * number if opcode == Opcode.READ_REGISTER.value else 0
            # Tile 1 has seen its stop pin.
            fault = STOP if number == 1 else 0
            self._answers.append(opcode | number << 5 | fault | (body & 0xFFFFF) << 24 | value << 44)
        return True

    def step(self, now: float) -> list[int]:
        """Return all answers."""
        answers = list(self._answers)
        self._answers.clear()
        return answers


@contextmanager
def listening(receive: Callable[[bytes], None], send: Callable[[], bytes]) -> Iterator[str]:
    """Serve one connection; give its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        stop = threading.Event()

        def serve() -> None:
            peer, _ = listener.accept()
            peer.settimeout(1e-3)
            with peer:
                while not stop.is_set():
                    try:
                        received = peer.recv(4096)
                        if not received:
                            return
                        receive(received)
                    except TimeoutError:
                        pass
                    try:
                        peer.sendall(send())
                    except OSError:
                        return

        server = threading.Thread(target=serve)
        server.start()
        try:
            yield f"socket://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            stop.set()
            server.join()


@contextmanager
def served(controller: Registers) -> Iterator[str]:
    board = BoardModel(CONFIG, LINK, controller)

    def send() -> bytes:
        board.advance(time.monotonic())
        return board.send(4096)

    with listening(board.receive, send) as address:
        yield address


def test_info_shows_identity_faults_and_counters(twinbar: Callable[..., Any]) -> None:
    with served(Registers()) as address:
        outcome = twinbar("board", "info", "--port", address, "--json")
    assert outcome.status == 0, outcome.err
    state = json.loads(outcome.out)
    assert state["board"]["configuration"] == f"{CONFIG.hash:016x}"
    assert {key: state["board"][key] for key in ("tiles", "rows", "columns")} == {"tiles": 3, "rows": 16, "columns": 8}
    link = {"link_version": LINK_VERSION, "baud": LINK.baud, "receive_bytes": 1024, "transmit_bytes": 4096}
    link |= {"linger_ms": 0.683, "command_depth": CONFIG.command_depth, "response_depth": CONFIG.response_depth}
    assert {key: state["board"][key] for key in link} == link
    assert [tile["faults"] for tile in state["tiles"]] == [[], ["stop"], []]
    for number, tile in enumerate(state["tiles"]):
        assert tile["cycles"] == {name: PHASE_COUNTER_BASE + i + 1000 * number for i, name in enumerate(PHASES)}
        wanted = {action.name.lower(): at + 1000 * number for action, at in USUAL_COUNTERS.items()}
        assert tile["actions"] == wanted


def test_info_is_readable(twinbar: Callable[..., Any]) -> None:
    with served(Registers()) as address:
        outcome = twinbar("board", "info", "--port", address)
    assert outcome.status == 0, outcome.err
    assert f"{CONFIG.hash:016x}" in outcome.out
    assert "actions: pulse set" in outcome.out


def test_info_is_recorded_and_played_back_without_the_board(twinbar: Callable[..., Any], tmp_path: Path) -> None:
    file = tmp_path / "info.jsonl"
    with served(Registers()) as address:
        live = twinbar("board", "info", "--port", address, "--json", "--record-line", str(file))
    assert live.status == 0, live.err
    again = twinbar("board", "info", "--port", f"replay:{file}", "--json")
    assert (again.status, again.out) == (0, live.out), again.err
    gone = twinbar("board", "info", "--port", f"replay:{tmp_path / 'none'}")
    assert (gone.status, gone.out) == (2, "")
    assert f"the recording {tmp_path / 'none'} cannot be read (No such file or directory)" in gone.err


def test_safe_reaches_every_tile(twinbar: Callable[..., Any]) -> None:
    controller = Registers()
    with served(controller) as address:
        outcome = twinbar("board", "safe", "--port", address)
    assert outcome[:2] == (0, "3 tiles are disarmed, at safe codes\n")
    assert [beat & 31 for beat in controller.beats] == [Opcode.SAFE.value]


def test_safe_fails_if_a_tile_does_not_say_so() -> None:
    def answer(tile: int) -> bytes:
        return (Opcode.SAFE.value | tile << 5).to_bytes(RESPONSE_BYTES, "little")

    def run(beats: Any) -> Any:
        return np.frombuffer(b"".join(map(answer, answering)), np.uint8).reshape(-1, RESPONSE_BYTES)

    link: Any = SimpleNamespace(hello=Hello.of(CONFIG, LinkConfig()), run=run)
    answering = [0, 1, 2]
    assert make_safe(link) == 3
    answering = [0, 2]
    with pytest.raises(LinkError, match="tile 1 has not said that it is disarmed; switch the supply of the array off"):
        make_safe(link)


@pytest.mark.parametrize("verb", ["info", "safe"])
def test_a_port_that_another_host_has(verb: str, twinbar: Callable[..., Any]) -> None:
    """Its session stays; who wants the board safe reads how the run is ended without losing it."""
    ends = os.openpty()
    port = os.ttyname(ends[1])
    with closing(open_line(port, 2_000_000)):
        outcome = twinbar("board", verb, "--port", port)
        os.set_blocking(ends[0], False)
        with pytest.raises(BlockingIOError):
            os.read(ends[0], 1)
    for end in ends:
        os.close(end)
    assert (outcome.status, outcome.out) == (4, "")
    said = " ".join(outcome.err.split())
    assert f"the port {port} is in use by process {os.getpid()}" in said
    way = "ended by Ctrl-C or SIGTERM makes the board safe, and goes on with --resume"
    assert (way in said) == (verb == "safe")


def test_a_port_that_is_none(twinbar: Callable[..., Any]) -> None:
    outcome = twinbar("board", "info", "--port", "/dev/no-such-port")
    assert outcome.status == 4
    assert "the port /dev/no-such-port cannot be opened at 2000000 baud" in outcome.err
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"socket://127.0.0.1:{listener.getsockname()[1]}"
    outcome = twinbar("board", "safe", "--port", address)
    assert outcome.status == 4
    assert f"no virtual board listens at {address}" in outcome.err


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (b"", "no board answers on {} at 2000000 baud; check the port, the cable, and that the board is programmed"),
        (
            b"\x55\xaa" * 40,
            "what comes on {} at 2000000 baud is not readable; check that the board was built",
        ),
    ],
)
def test_a_board_that_does_not_answer_or_at_another_rate(
    answer: bytes, sentence: str, twinbar: Callable[..., Any]
) -> None:
    due: list[bytes] = []
    with listening(lambda data: due.append(answer), lambda: due.pop() if due else b"") as address:
        outcome = twinbar("board", "info", "--port", address)
    assert (outcome.status, outcome.out) == (4, "")
    assert sentence.format(address) in outcome.err


def test_the_port_must_be_given(twinbar: Callable[..., Any]) -> None:
    assert twinbar("board", "info").status == 2


def test_list_names_every_board(twinbar: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    listed = json.loads(twinbar("board", "list", "--json").out)
    assert {row["name"]: row["device"] for row in listed}["ulx3s-85f"] == "LFE5U-85F"
    text = twinbar("board", "list").out
    assert all(row["name"] in text and row["programmer"] in text for row in listed)
    monkeypatch.setenv("COLUMNS", "80")
    lines = twinbar("board", "list").out.splitlines()
    assert all(len(line) <= 80 and "…" not in line for line in lines)
    assert len(lines) <= len(listed) + 2  # one product is too long for a line
