"""However training on a board ends, the board is safe then; where it cannot be made so, somebody is told."""

from pathlib import Path
from typing import Any

import pytest
from software_runs import BOARD, BreakingLine, is_armed, lines_to, make_board, run, use_lines

from twinbar.host.experiment import trainer as training
from twinbar.host.experiment.checkpoint import load_checkpoint
from twinbar.hw.errors import LinkError

SHORT: dict[str, Any] = {"data.limit": 40, "training.epochs": 1}
CALIBRATING, PROGRAMMING, TRAINING = 5, 8, 20
"""Reads of the line in which a run is at that."""


def test_a_board_that_was_trained_is_safe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    board = make_board()
    use_lines(monkeypatch, lines_to(board))
    was_armed = []
    report = training.Trainer.report
    monkeypatch.setattr(training.Trainer, "report", lambda self: (was_armed.append(is_armed(board)), report(self))[1])
    run(tmp_path / "run", BOARD | SHORT)
    assert was_armed == [True]
    assert not is_armed(board)


@pytest.mark.parametrize("reads", [CALIBRATING, PROGRAMMING, TRAINING])
@pytest.mark.parametrize("happens", [KeyboardInterrupt(), MemoryError()], ids=repr)
def test_a_run_that_is_broken_off_leaves_a_safe_board(
    happens: BaseException, reads: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = make_board()
    line = BreakingLine(board, reads)
    line.happens = happens
    use_lines(monkeypatch, lambda: line)
    with pytest.raises(type(happens)) as caught:
        run(tmp_path / "run", BOARD | SHORT)
    assert caught.value is happens
    assert line.reads_before < 0
    assert not is_armed(board)


@pytest.mark.parametrize("wait_s", [0.0, 600.0])
def test_a_board_whose_port_is_gone_at_the_end_costs_a_warning(
    wait_s: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is it waited for."""
    board = make_board()
    lines = [BreakingLine(board)]
    (line,) = lines
    line.happens, line.for_good = LinkError("the port failed"), True

    def open_line() -> BreakingLine:
        if not lines:
            raise LinkError("the port cannot be opened")
        return lines.pop()

    use_lines(monkeypatch, open_line)
    report = training.Trainer.report

    def unplugged(self: training.Trainer) -> dict[str, Any]:
        line.reads_before = 1
        return report(self)

    monkeypatch.setattr(training.Trainer, "report", unplugged)
    _, said = run(tmp_path / "run", BOARD | SHORT | {"engine.wait_s": wait_s})
    assert (tmp_path / "run" / "report.json").exists()
    assert load_checkpoint(tmp_path / "run" / "checkpoint") is not None
    assert [sentence for sentence in said if "board" in sentence] == [
        "warning: the board may still be armed, so switch the supply of its array off: the port failed"
    ]
