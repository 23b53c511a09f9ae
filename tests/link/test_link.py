"""The host's side of the link against the model of the board, through lines that are good, slow, broken or wrong."""

import numpy as np
import pytest
from beats import MNIST, AnsweringController, any_beats, as_beats, product, sparse_writes
from sent_frames import CountingLine, FrameByFrame, LateHello
from simulated_line import SimulatedLine, faults

from twinbar.host.transport.faulty_line import FaultRates, FaultyLine
from twinbar.host.transport.link import Link, LinkStatistics
from twinbar.host.transport.open_line import open_line
from twinbar.hw.errors import ConfigError, LinkError
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.link.board_model import BoardModel
from twinbar.hw.link.frames import MOST_TO_BOARD, SEQUENCE, WINDOW, FrameKind, HostFrame
from twinbar.hw.link.link_config import LinkConfig
from twinbar.hw.protocol.packing import pack
from twinbar.hw.protocol.vocabulary import Opcode

SMALL = ControllerConfig(tiles=3, rows=16, columns=8)
BOARD = LinkConfig()


def bench(config: ControllerConfig = SMALL, link: LinkConfig = BOARD, pace: int = 7, **line: object):
    controller = AnsweringController(config, seed=5, pace=pace)
    return controller, SimulatedLine(BoardModel(config, link, controller), **line)


def test_programs_run_in_order_and_are_answered_exactly() -> None:
    controller, line = bench()
    rng = np.random.default_rng(0)
    link = Link(line, SMALL.hash)
    sent = []
    for count in (1, 5, 0, 300, 2000, 40):
        beats = any_beats(rng, count, SMALL) if count else np.zeros(0, np.uint64)
        before = len(controller.responses)
        found = link.run(beats)
        sent += beats.tolist()
        assert controller.commands == sent
        np.testing.assert_array_equal(found, as_beats(controller.responses[before:]))
    assert link.statistics.resent == link.statistics.requests == link.statistics.damaged == 0


FAULTS = {
    "flipped bits": {"flip": 0.03},
    "lost": {"drop": 0.03},
    "duplicated": {"duplicate": 0.05},
    "reordered": {"reorder": 0.03},
    "cut": {"cut": 0.03},
    "noise": {"noise": 0.03},
    "everything": {"flip": 0.01, "drop": 0.01, "duplicate": 0.01, "reorder": 0.01, "cut": 0.01, "noise": 0.01},
}


@pytest.mark.parametrize("kind", FAULTS)
def test_every_command_is_executed_once_whatever_happens(kind: str) -> None:
    damage = faults(1, **FAULTS[kind]), faults(2, **FAULTS[kind])
    controller, line = bench(pace=60, to_board=damage[0], to_host=damage[1])
    rng = np.random.default_rng(4)
    link = Link(line, SMALL.hash)
    programs = [
        any_beats(rng, int(count), SMALL) for count in rng.choice([1, 20, 100, 2000], p=[0.4, 0.4, 0.17, 0.03], size=80)
    ]
    found = [link.run(beats) for beats in programs]
    assert controller.commands == np.concatenate(programs).tolist()
    np.testing.assert_array_equal(np.concatenate(found), as_beats(controller.responses))
    assert all(way.frames > 120 and way.damaged > 2 for way in damage)


class Once(FrameByFrame):
    """Loses a single frame, the nth that passes (from 0; None: none at all)."""

    def __init__(self, lost: int | None = None) -> None:
        super().__init__()
        self.lost = lost

    def arriving(self, frame: bytes) -> list[bytes]:
        arriving = super().arriving(frame)
        return [] if self.frames - 1 == self.lost else arriving


def run_with_losses(
    to_board: int | None = None, to_host: int | None = None, pace: int = 1, latency_s: float = 5e-3
) -> tuple[LinkStatistics, float]:
    """Run a program whose responses keep coming, with at most a frame lost each way; gives its simulated seconds."""
    controller, line = bench(pace=pace, latency_s=latency_s, to_board=Once(to_board), to_host=Once(to_host))
    link = Link(line)
    beats = any_beats(np.random.default_rng(2), 1500, SMALL)
    found = link.run(beats)
    assert controller.commands == beats.tolist()
    np.testing.assert_array_equal(found, as_beats(controller.responses))
    return link.statistics, line.now


@pytest.mark.parametrize(("lost", "pace", "latency_s"), [(3, 1, 5e-3), (12, 1, 5e-3), (20, 20, 1e-3)])
def test_a_lost_frame_of_the_board_is_asked_for_once_and_at_once(lost: int, pace: int, latency_s: float) -> None:
    """In the last case it comes in the same read as those before which it was missed."""
    undisturbed, without_s = run_with_losses(pace=pace, latency_s=latency_s)
    statistics, with_s = run_with_losses(to_host=lost, pace=pace, latency_s=latency_s)
    assert undisturbed.requests == 0
    assert (statistics.requests, statistics.resent) == (1, 0)
    # Without the gap being noticed it would be asked for after 50 ms of silence.
    assert with_s - without_s < 0.03


@pytest.mark.parametrize("lost", [6, 9, 15])
def test_a_lost_frame_of_the_host_is_sent_again_once(lost: int) -> None:
    """The board complains in every frame until it has come; what was under way goes again, and no more."""
    statistics, _ = run_with_losses(to_board=lost)
    assert 0 < statistics.resent <= BOARD.receive_bytes // MOST_TO_BOARD
    assert statistics.requests == 0


def test_one_percent_of_damaged_frames_changes_nothing() -> None:
    results = []
    for rate in (0.0, 0.01):
        damage = faults(7, flip=rate), faults(8, flip=rate)
        controller, line = bench(MNIST, pace=1000, to_board=damage[0], to_host=damage[1])
        controller.rng = np.random.default_rng(9)
        link = Link(line)
        rng = np.random.default_rng(6)
        steps = [link.run(np.append(sparse_writes(rng, 400), product(rng, MNIST, 1))) for _ in range(25)]
        found = np.concatenate(steps)
        np.testing.assert_array_equal(found, as_beats(controller.responses))
        # Tiles answer in another order when frames come at other times; each tile's own order stays.
        tile = (found[:, :2].copy().view("<u2")[:, 0] >> 5) & 0xFF
        results.append((controller.commands, found[np.argsort(tile, kind="stable")][:, 3:6].tolist(), damage))
    assert results[0][0] == results[1][0]
    assert results[0][1] == results[1][1]
    assert sum(way.damaged for way in results[1][2]) > 2


def test_a_slow_line_and_long_operations_are_waited_for() -> None:
    link_config = LinkConfig(baud=9600, clock_hz=12_000_000)
    controller, line = bench(link=link_config, baud=9600)
    link = Link(line)
    assert len(link.run(any_beats(np.random.default_rng(0), 400, SMALL))) == len(controller.responses)
    assert link.statistics.resent == 0

    class Sleeper(AnsweringController):
        def step(self, now: float) -> list[int]:
            return super().step(now) if now > 10.0 else []

    sleeper = Sleeper(SMALL)
    link = Link(SimulatedLine(BoardModel(SMALL, BOARD, sleeper)))
    assert len(link.run(pack(Opcode.WAIT, 1, cycles=5))) == 1
    assert link.statistics.resent == 0


def test_a_program_of_loads_ends_when_the_board_is_at_rest() -> None:
    controller, line = bench()
    link = Link(line)
    loads = product(np.random.default_rng(0), SMALL, 2)[:-1]
    link.run(loads)
    assert controller.commands == loads.tolist()
    assert line.now < 0.05


def test_a_buffer_is_never_overrun() -> None:
    small = LinkConfig(receive_bytes=512, transmit_bytes=1024)
    controller, line = bench(link=small, pace=1)
    link = Link(line)
    beats = any_beats(np.random.default_rng(3), 1000, SMALL)
    link.run(beats)
    assert controller.commands == beats.tolist()
    assert link.statistics.resent == 0


def test_the_window_limits_what_a_large_buffer_would_hold() -> None:
    """More frames than there are numbers, over buffers that hold more than the window, with a latency that fills it."""
    large = LinkConfig(clock_hz=48_000_000, baud=12_000_000, receive_bytes=65536, transmit_bytes=65536)
    controller = AnsweringController(SMALL, seed=5)
    late = LateHello()
    line = CountingLine(BoardModel(SMALL, large, controller), 12e6, 20e-3, late)
    link = Link(line)
    resets = controller.resets
    beats = any_beats(np.random.default_rng(3), 16_000, SMALL)
    found = link.run(beats)
    assert controller.commands == beats.tolist()
    np.testing.assert_array_equal(found, as_beats(controller.responses))
    assert late.frames == line.frames > SEQUENCE
    assert line.most == WINDOW
    assert link.statistics.resent == 0
    # Nor has a late HELLO restarted the session, whatever number was awaited when it came.
    assert controller.resets == resets


def test_a_new_session_forgets_the_old_one() -> None:
    controller, line = bench(pace=0)
    first = Link(line, first_session=3)
    with pytest.raises(KeyboardInterrupt):
        interrupted(first, line, pack(Opcode.READ, 0, row=np.arange(9), column=1))
    with pytest.raises(LinkError, match="broken off; connect again"):
        first.run(pack(Opcode.SAFE))
    controller.pace = 5
    resets = controller.resets
    second = Link(line, first_session=3)
    assert controller.resets > resets
    assert len(second.run(pack(Opcode.SAFE))) == SMALL.tiles


def interrupted(link: Link, line: SimulatedLine, beats: np.ndarray) -> None:
    read, start = line.read, line.now

    def read_or_interrupt(timeout_s: float) -> bytes:
        if line.now > start + 0.2:
            line.read = read
            raise KeyboardInterrupt
        return read(timeout_s)

    line.read = read_or_interrupt
    link.run(beats)


class Silent(SimulatedLine):
    def read(self, timeout_s: float) -> bytes:
        self.now += timeout_s
        return b""


class Babbling(SimulatedLine):
    """A board at another baud rate: each frame comes as other bytes."""

    def read(self, timeout_s: float) -> bytes:
        return bytes(byte * 3 & 0xFF | 1 for byte in super().read(timeout_s))


def test_bad_lines_end_in_one_clear_sentence() -> None:
    _, line = bench()
    with pytest.raises(LinkError, match="no board answers on a simulated line at 3000000 baud; check the port"):
        Link(Silent(line.board))
    with pytest.raises(LinkError, match="is not readable; check that the board was built for this baud rate"):
        Link(Babbling(line.board))
    with pytest.raises(LinkError, match=f"configuration is {SMALL.hash:016x}, and {MNIST.hash:016x} is asked for"):
        Link(line, MNIST.hash)


class Busy(SimulatedLine):
    """A virtual board whose computer is busy at first: what it was saying comes, and then nothing for some seconds."""

    busy_s = 2.5
    said = b"the rest of a frame\0"

    def read(self, timeout_s: float) -> bytes:
        if self.said:
            said, self.said = self.said, b""
            return said
        if self.now < self.busy_s:
            self.now += timeout_s
            return b""
        return super().read(timeout_s)


@pytest.mark.parametrize("said", [b"", Busy.said])
def test_a_board_that_is_busy_at_first_is_waited_for(said: bytes) -> None:
    _, line = bench()
    busy = Busy(line.board)
    busy.said = said
    with Link(busy) as link:
        assert link.hello.hash == SMALL.hash
    assert Busy.busy_s < busy.now < Busy.busy_s + 0.3


def test_a_board_that_falls_silent_is_reported() -> None:
    controller, line = bench(pace=1)
    link = Link(line)
    link.run(pack(Opcode.SAFE))
    line.board.send = lambda most: b""
    with pytest.raises(LinkError, match="has fallen silent, with 9 responses to come"):
        link.run(pack(Opcode.READ, 0, row=np.arange(9), column=1))
    assert len(controller.commands) <= 10


class Stopped(SimulatedLine):
    """A line whose host is stopped for a while, just before it looks at its clock for the nth time."""

    looks = 0
    stopped_at = range(0)
    stopped_s = 0.0

    def clock(self) -> float:
        self.looks += 1
        if self.looks in self.stopped_at:
            self.now += self.stopped_s
        return self.now


@pytest.mark.parametrize("stopped_s", [3.0, 600.0])
def test_a_host_that_was_stopped_does_not_blame_the_board(stopped_s: float) -> None:
    """Wherever it is stopped: what has come meanwhile lies in a buffer, and is not looked at before the clock is."""
    beats = any_beats(np.random.default_rng(0), 60, SMALL)
    line = Stopped(BoardModel(SMALL, BOARD, AnsweringController(SMALL, pace=3)))
    link = Link(line)
    line.stopped_s = stopped_s
    before = line.looks
    link.run(beats)
    looks = line.looks - before
    assert looks > 5
    for look in range(1, looks + 1):
        line.stopped_at = range(line.looks + look, line.looks + look + 1)
        assert len(link.run(beats)) > 0
    assert line.now > (looks - 1) * stopped_s


def test_before_a_board_is_given_up_it_is_asked_several_times() -> None:
    line = Stopped(BoardModel(SMALL, BOARD, AnsweringController(SMALL)))
    link = Link(line)
    line.board.send = lambda most: b""
    # A host that hardly gets the processor: whenever it looks at the clock, seconds have passed.
    line.stopped_at, line.stopped_s = range(1 << 30), 3.0
    requests, read = [], line.read

    def read_and_note(timeout_s: float) -> bytes:
        requests.append(link.statistics.requests)
        return read(timeout_s)

    line.read = read_and_note
    with pytest.raises(LinkError, match="has fallen silent, with 9 responses to come"):
        link.run(pack(Opcode.READ, 0, row=np.arange(9), column=1))
    assert link.statistics.requests >= 3
    # The last one has been waited for as well.
    assert requests[-1] == link.statistics.requests


def test_a_slow_board_is_asked_several_times_as_well() -> None:
    slow = LinkConfig(baud=9600, clock_hz=12_000_000)
    _, line = bench(link=slow, baud=9600)
    link = Link(line)
    line.board.send = lambda most: b""
    with pytest.raises(LinkError, match="has fallen silent"):
        link.run(any_beats(np.random.default_rng(0), 400, SMALL))
    assert link.statistics.requests == 3


def test_a_rate_that_means_nothing_to_the_port_does_not_count() -> None:
    """As at a pseudo-terminal: the board's own rate does, for how long bytes take."""
    waited = []
    for baud in (3e6, 9600.0, 12e6):
        _, board_line = bench()
        line = FaultyLine(board_line, FaultRates())
        line.baud = baud
        link = Link(line)
        board_line.board.send = lambda most: b""
        before = line.clock()
        with pytest.raises(LinkError, match="has fallen silent"):
            link.run(any_beats(np.random.default_rng(0), 400, SMALL))
        waited.append(line.clock() - before)
    assert waited == pytest.approx([waited[0]] * 3, abs=1e-3)


@pytest.mark.parametrize("port", ["/dev/null", "socket://127.0.0.1:1"])
@pytest.mark.parametrize("baud", [0, -9600])
def test_a_baud_rate_is_positive(port: str, baud: int) -> None:
    with pytest.raises(ConfigError, match=f"the baud rate is {baud}; give the one that the board was built for"):
        open_line(port, baud)


def test_a_wrong_answer_is_noticed() -> None:
    controller, line = bench()
    link = Link(line)
    link.run(pack(Opcode.READ, 1, row=1, column=1))
    step = controller.step
    controller.context = 0
    controller.step = lambda now: [beat ^ 1 << 30 for beat in step(now)]
    with pytest.raises(LinkError, match=r"check word|was not asked"):
        link.run(pack(Opcode.READ, 1, row=np.arange(9), column=1))


def test_noise_and_strangers_execute_nothing() -> None:
    controller, line = bench()
    rng = np.random.default_rng(0)
    line.board.receive(rng.integers(256, size=100_000, dtype=np.uint8).tobytes())
    write = pack(Opcode.WRITE, 0, row=1, column=1, level=1)
    payload = b"\x41" + int(write[0]).to_bytes(8, "little")
    line.board.receive(b"\0" + HostFrame(FrameKind.DATA, 0, payload=payload).pack())
    line.board.advance(0.0)
    assert controller.commands == []
    link = Link(line, first_session=4)
    # The session is 5 then, and this frame is of another one.
    line.board.receive(HostFrame(FrameKind.DATA, 6, payload=payload).pack())
    line.board.advance(1.0)
    assert controller.commands == []
    link.run(write)
    assert controller.commands == write.tolist()


def test_identity_is_what_the_board_was_built_as() -> None:
    _, line = bench(link=LinkConfig(baud=1_000_000, receive_bytes=4096), baud=1e6)
    hello = Link(line).hello
    assert (hello.rows, hello.columns, hello.tiles) == (16, 8, 3)
    assert hello.baud == 1_000_000
    assert 1 << hello.receive_log2 == 4096
    assert hello.hash == SMALL.hash
