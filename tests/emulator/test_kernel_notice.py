"""What is said while kernels are compiled."""

import pytest

from twinbar.emulator.kernels import kernel_notice
from twinbar.emulator.kernels.kernel_notice import CompilationNotice


def test_it_says_so_once_and_then_how_far_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = 100.0
    monkeypatch.setattr(kernel_notice.time, "monotonic", lambda: now)
    notice = CompilationNotice()
    notice.begin()
    for seconds in (1, 4, 6, 7, 12):
        notice.begin()
        now = 100.0 + seconds
        notice.count()
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "compiling kernels, once (about 30 s)",
        "compiling kernels: 3 in 6 s",
        "compiling kernels: 5 in 12 s",
    ]


def test_it_can_be_silent(capsys: pytest.CaptureFixture[str]) -> None:
    notice = CompilationNotice()
    notice.silent = True
    notice.begin()
    assert capsys.readouterr() == ("", "")
