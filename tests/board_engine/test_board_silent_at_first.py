"""A board that falls silent before the first checkpoint is waited for, and its run starts over."""

from pathlib import Path
from typing import Any

import pytest
from software_runs import BOARD, lines_to, make_board, result_of, run, use_lines

from twinbar.host.board import connection
from twinbar.host.board.software_board import SoftwareBoard, SoftwareLine
from twinbar.host.transport.line import Line
from twinbar.hw.errors import SilentBoardError

SHORT: dict[str, Any] = {"data.limit": 40, "training.epochs": 1}
CALIBRATING, PROGRAMMING, RANGING = 5, 8, 14
"""Reads of the line in which a run is at that."""


@pytest.fixture(scope="module")
def expected(compiled_kernels: None, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The result of the engine `fast`."""
    return result_of(run(tmp_path_factory.mktemp("fast") / "run", SHORT)[0])


@pytest.mark.parametrize("reads", [CALIBRATING, PROGRAMMING, RANGING])
def test_a_board_without_supply_is_programmed_anew(
    reads: int, expected: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = make_board()
    lines = lines_to(board, (reads,))
    opened: list[Line] = []

    def make_line() -> Line:
        if opened:
            board.power_up()
        opened.append(lines())
        return opened[-1]

    use_lines(monkeypatch, make_line)
    report, said = run(tmp_path / "run", BOARD | SHORT | {"engine.check": True, "trace.record": True})
    assert len(opened) == 2
    assert any("has fallen silent" in sentence for sentence in said)
    # The cells of an emulated array are then as at first: nothing of the attempt before is left, nor in the books.
    assert result_of(report) == expected
    assert report["board"]["differing_responses"] == 0
    assert report["board"]["lost_ports"] == 1


class Deaf(SoftwareLine):
    """A line whose board hears nothing for so many seconds, from some read on; it keeps its supply."""

    def __init__(self, board: SoftwareBoard, reads: int, seconds: float) -> None:
        super().__init__(board)
        self._left, self._seconds, self._end = reads, seconds, 0.0

    def write(self, data: bytes) -> None:
        if self._left or self.clock() >= self._end:
            super().write(data)

    def read(self, timeout_s: float) -> bytes:
        if self._left:
            self._left -= 1
            if not self._left:
                self._end = self.clock() + self._seconds
        return super().read(timeout_s)


@pytest.mark.parametrize("reads", [CALIBRATING, PROGRAMMING])
def test_a_board_that_hangs_is_programmed_anew(reads: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "RETRY_S", 0.0)
    board = make_board()
    use_lines(monkeypatch, lambda: Deaf(board, reads, 8.0))
    report, said = run(tmp_path / "run", BOARD | SHORT)
    assert sum("has fallen silent" in sentence for sentence in said) == 1
    assert report["totals"]["steps"] == 2
    assert report["board"]["restorations"] == []


def test_without_patience_a_silent_board_ends_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    board = make_board()
    use_lines(monkeypatch, lambda: Deaf(board, PROGRAMMING, 100.0))
    with pytest.raises(SilentBoardError, match="has fallen silent"):
        run(tmp_path / "run", BOARD | SHORT | {"engine.wait_s": 0.0})


def test_a_board_that_has_never_answered_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    board = make_board()
    line = Deaf(board, 1, 100.0)
    line.read(0.0)
    use_lines(monkeypatch, lambda: line)
    with pytest.raises(SilentBoardError, match="no board answers"):
        run(tmp_path / "run", BOARD | SHORT | {"engine.wait_s": 600.0})
    assert line.clock() < 10.0
    assert not (tmp_path / "run").exists()
