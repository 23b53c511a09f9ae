"""Lines that damage frames, lines that outlive their ports, and boards that keep something back."""

import numpy as np
import pytest
from beats import AnsweringController, any_beats, as_beats
from simulated_line import SimulatedLine

from twinbar.host.transport.faulty_line import FaultRates, FaultyLine, FrameFaults
from twinbar.host.transport.link import Link
from twinbar.host.transport.patient_line import PatientLine
from twinbar.hw.errors import ConfigError, LinkError, SilentBoardError
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.link.board_model import BoardModel
from twinbar.hw.link.link_config import LinkConfig
from twinbar.hw.protocol.packing import pack
from twinbar.hw.protocol.vocabulary import Opcode

CONFIG = ControllerConfig(tiles=3, rows=16, columns=8)
FRAMES = [bytes([n % 255 + 1]) * (n % 9 + 2) + b"\0" for n in range(400)]
GONE_S = 10.0
KINDS = ("flip", "cut", "drop", "duplicate", "reorder", "noise")


def arrived(seed: int, pieces: int = 7, **rates: float) -> tuple[list[bytes], FrameFaults]:
    """Send `FRAMES` in pieces that do not end with frames."""
    faults = FrameFaults(FaultRates(**rates), np.random.default_rng(seed))
    data = b"".join(FRAMES)
    through = b"".join(faults.pass_on(data[at : at + pieces]) for at in range(0, len(data), pieces))
    return [frame + b"\0" for frame in through.split(b"\0")[:-1]], faults


def test_without_faults_everything_arrives() -> None:
    for pieces in (1, 7, 1000):
        found, faults = arrived(0, pieces=pieces)
        assert found == FRAMES
        assert (faults.frames, faults.damaged) == (len(FRAMES), 0)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_does_what_it_says(kind: str) -> None:
    found, faults = arrived(1, **{kind: 0.1})
    assert faults.frames == len(FRAMES)
    assert 20 < faults.damaged < 70
    unharmed = sum(frame in set(found) for frame in FRAMES)
    if kind == "duplicate":
        assert len(found) == len(FRAMES) + faults.damaged
    elif kind == "drop":
        assert len(found) == len(FRAMES) - faults.damaged
    elif kind == "reorder":
        assert sorted(found) == sorted(FRAMES)
        assert found != FRAMES
    else:
        assert unharmed < len(FRAMES) - 10
    again, _ = arrived(1, pieces=3, **{kind: 0.1})
    assert again == found
    assert arrived(2, **{kind: 0.1})[0] != found


def test_rates_are_probabilities() -> None:
    assert sum(vars(FaultRates.damaged(0.06)).values()) == pytest.approx(0.06)
    with pytest.raises(ConfigError, match=r"rate of drop is 1\.5; it must lie between 0 and 1"):
        FaultRates(drop=1.5)


def test_a_link_over_a_faulty_line_makes_it_good() -> None:
    controller = AnsweringController(CONFIG, seed=5, pace=60)
    line = FaultyLine(SimulatedLine(BoardModel(CONFIG, LinkConfig(), controller)), FaultRates.damaged(0.1), seed=3)
    link = Link(line, CONFIG.hash)
    beats = any_beats(np.random.default_rng(1), 4000, CONFIG)
    found = link.run(beats)
    assert controller.commands == beats.tolist()
    np.testing.assert_array_equal(found, as_beats(controller.responses))
    assert line.to_board.damaged > 2
    assert line.to_host.damaged > 2


class Vanishing(SimulatedLine):
    """A port that is gone from its nth call on; reads and writes count."""

    def __init__(self, board: BoardModel, after: int) -> None:
        super().__init__(board)
        self.left = after

    def _use(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise LinkError("the port failed; is the board still plugged in?")

    def write(self, data: bytes) -> None:
        self._use()
        super().write(data)

    def read(self, timeout_s: float) -> bytes:
        self._use()
        return super().read(timeout_s)


@pytest.mark.parametrize("uses", [1, 2, 3, 10, 25])
def test_a_program_survives_the_loss_of_its_port(uses: int) -> None:
    controller = AnsweringController(CONFIG, seed=5, pace=60)
    board = BoardModel(CONFIG, LinkConfig(), controller)
    said: list[str] = []
    attempts: list[int] = []

    def open_port() -> SimulatedLine:
        attempts.append(len(attempts))
        if len(attempts) in (2, 3):
            raise LinkError("no such port")
        # Lost once, and once more soon after it has come back; time goes on meanwhile.
        opened.append(Vanishing(board, {0: uses, 3: 6}.get(attempts[-1], 1 << 30)))
        if len(opened) > 1:
            opened[-1].now = opened[-2].now + GONE_S
        return opened[-1]

    opened: list[Vanishing] = []
    line = PatientLine(open_port, 5.0)
    line.notice = said.append
    link = Link(line, CONFIG.hash)
    beats = any_beats(np.random.default_rng(1), 3000, CONFIG)
    found = link.run(beats)
    assert controller.commands == beats.tolist()
    np.testing.assert_array_equal(found, as_beats(controller.responses))
    assert line.losses == 2
    # The clock stood still: whatever counts how long the board has been silent must not count this.
    assert line.clock() == pytest.approx(opened[-1].now - 2 * GONE_S, abs=1e-9)
    assert [sentence.endswith("is back") for sentence in said] == [False, True] * 2
    assert "is the board still plugged in? Waiting for up to 5 s" in said[0]


def test_a_port_is_waited_for_as_long_as_was_asked() -> None:
    board = BoardModel(CONFIG, LinkConfig(), AnsweringController(CONFIG))
    ports = [Vanishing(board, 0)]

    def open_port() -> SimulatedLine:
        if not ports:
            raise LinkError("no such port")
        return ports.pop()

    line = PatientLine(open_port, 0.01)
    checks: list[int] = []
    line.check = lambda: checks.append(1)
    with pytest.raises(LinkError, match=r"a simulated line has not come back within 0\.01 s \(no such port\)"):
        line.write(b"1")
    assert checks
    ports.append(Vanishing(board, 0))
    with pytest.raises(LinkError, match="is the board still plugged in"):
        PatientLine(open_port, 0.0).read(1.0)


class Withholding(AnsweringController):
    """Never gives its last response; says that it works on it, or not."""

    works = False

    def step(self, now: float) -> list[int]:
        given = super().step(now)
        if len(self.responses) == 9:
            self.works, given = True, given[:-1]
        return given

    @property
    def busy(self) -> bool:
        return super().busy or (self.works and self.says_so)

    says_so = False


@pytest.mark.parametrize("works", [False, True])
def test_a_response_that_is_kept_back_is_not_waited_for(works: bool) -> None:
    controller = Withholding(CONFIG, pace=1)
    controller.says_so = works
    link = Link(SimulatedLine(BoardModel(CONFIG, LinkConfig(), controller)), longest_work_s=4.0)
    expected = "has been at work for 4 s without a response, with 1 to come" if works else "is at rest and keeps back 1"
    with pytest.raises(LinkError, match=expected) as caught:
        link.run(pack(Opcode.READ, 0, row=np.arange(9), column=1))
    assert not isinstance(caught.value, SilentBoardError)
    with pytest.raises(LinkError, match="was broken off; connect again"):
        link.run(pack(Opcode.SAFE))
