import io
import re
from typing import Any

import pytest
from rich.console import Console

from twinbar.host.experiment import progress_display
from twinbar.host.experiment.progress_display import BarProgress, LineProgress, SilentProgress, terminal_progress


def lines(terminal: bool = False) -> Console:
    return Console(file=io.StringIO(), force_terminal=terminal, width=160, color_system=None)


def printed(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_file_gets_one_line_per_part(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter([0.0, 2.0, 10.0, 14.0])
    monkeypatch.setattr(progress_display.time, "perf_counter", lambda: next(now))
    console = lines()
    shown = LineProgress(console)
    shown.start(1437, "epoch 1/2")
    for _ in range(3):
        shown.advance(479, loss=0.25, test_accuracy=0.9125, writes=12345)
    shown.message("levels lie close: [3 sigma]")
    shown.start(1437, "epoch 2/2", done=1000)
    shown.advance(100)
    shown.close()
    shown.close()
    assert printed(console).splitlines() == [
        "levels lie close: [3 sigma]",
        "epoch 1/2: 1,437 images in 2.00 s, 718 images/s, loss 0.250, test accuracy 91.25 %, writes 12,345",
        "epoch 2/2: 1,100 of 1,437 images in 4.00 s, 25.0 images/s",
    ]


def test_a_part_of_one_has_no_rate() -> None:
    console = lines()
    shown = LineProgress(console)
    shown.start(1, "evaluation", "pass")
    shown.advance(1, test_accuracy=0.5)
    shown.close()
    assert re.fullmatch(r"evaluation: 1 pass in [^,]+, test accuracy 50\.00 %\n", printed(console))


def test_a_terminal_gets_a_bar_and_a_line_per_part(monkeypatch: pytest.MonkeyPatch) -> None:
    bars: list[progress_display.Bars] = []

    class Kept(progress_display.Bars):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            bars.append(self)

    monkeypatch.setattr(progress_display, "Bars", Kept)
    console = lines(terminal=True)
    shown = BarProgress(console)
    for number in (1, 2):
        shown.start(2000, f"epoch {number}/2", "images", done=500)
        shown.advance(1000, loss=0.25)
        shown.message("a sentence [with brackets]")
        shown.advance(500, loss=0.125, accuracy=0.5)
        bars[0].refresh()  # rather than waiting for the next tick
    shown.close()
    shown.close()
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", printed(console))
    assert text.count("a sentence [with brackets]") == 2
    # While it goes on: a bar, work done, rate, time left, figures.
    assert re.search(r"epoch 2/2 [━╸╺ ]+ 2,000/2,000 images .*images/s .*0:00:00 loss 0\.125, accuracy 50\.00 %", text)
    ended = [line for line in text.splitlines() if re.match(r"epoch \d/2: 2,000 images in ", line)]
    assert len(ended) == 2
    assert all(line.endswith("images/s, loss 0.125, accuracy 50.00 %") for line in ended)


def test_standard_error_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", io.StringIO())
    assert isinstance(terminal_progress(), LineProgress)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    assert isinstance(terminal_progress(), BarProgress)
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(terminal_progress(), LineProgress)


def test_silence_keeps_the_sentences() -> None:
    silent = SilentProgress()
    silent.start(3, "epoch 1/1")
    silent.advance(3, loss=1.0)
    silent.message("levels lie close")
    silent.close()
    assert silent.messages == ["levels lie close"]
