"""Folders of builds that are ended from outside, in processes of their own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from twinbar.hw.work_folder import work_folder

BUILD = """
import sys
from pathlib import Path
from twinbar.hw.work_folder import work_folder
with work_folder(Path(sys.argv[1])) as place:
    place.run(["sh", "-c", "sleep 60 & echo $$ > tools && echo $! >> tools && mv tools running && wait"])
"""


def wait_for(what: Callable[[], object]) -> None:
    end = time.monotonic() + 20
    while not what():
        assert time.monotonic() < end
        time.sleep(0.02)


def runs(process: int) -> bool:
    """Whether a process runs; one that has ended and that nobody waited for does not."""
    try:
        return "State:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except OSError:
        return False


@pytest.fixture
def build(tmp_path: Path) -> Iterator[tuple["subprocess.Popen[bytes]", Path, list[int]]]:
    """A build that is going on, its folder, and the processes of its tool."""
    process = subprocess.Popen([sys.executable, "-c", BUILD, str(tmp_path)])
    wait_for(lambda: list(tmp_path.glob("build-*/running")))
    (folder,) = tmp_path.iterdir()
    tools = [int(number) for number in (folder / "running").read_text().split()]
    yield process, folder, tools
    for number in [process.pid, *tools]:
        if runs(number):
            os.kill(number, signal.SIGKILL)
    process.wait()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="looks at processes in /proc")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_build_that_is_asked_to_end_cleans_up(
    build: tuple["subprocess.Popen[bytes]", Path, list[int]], number: signal.Signals
) -> None:
    process, folder, tools = build
    assert all(map(runs, tools))
    process.send_signal(number)
    assert process.wait(20) == 128 + number
    assert not folder.exists()
    wait_for(lambda: not any(map(runs, tools)))


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="looks at processes in /proc")
def test_what_a_killed_build_left_is_removed_when_its_tools_are_gone(
    build: tuple["subprocess.Popen[bytes]", Path, list[int]],
) -> None:
    process, folder, tools = build
    with work_folder(folder.parent):
        assert folder.exists()  # a build that goes on
    process.kill()
    process.wait()
    with work_folder(folder.parent):
        assert folder.exists()  # its tools still write there
    for tool in tools:
        os.kill(tool, signal.SIGKILL)
    wait_for(lambda: not any(map(runs, tools)))
    with work_folder(folder.parent) as mine:
        assert list(folder.parent.iterdir()) == [mine.path]
    assert not list(folder.parent.iterdir())


def test_who_handles_a_signal_goes_on_handling_it(tmp_path: Path) -> None:
    def handle(*_: object) -> None:
        heard.append(signal.getsignal(signal.SIGTERM))

    heard: list[object] = []
    before = signal.signal(signal.SIGTERM, handle)
    try:
        with work_folder(tmp_path):
            os.kill(os.getpid(), signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert heard == [handle]


def test_handlers_are_as_before(tmp_path: Path) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)]
    with pytest.raises(OSError, match="nothing"), work_folder(tmp_path):
        raise OSError("nothing")
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)] == before


def test_a_system_without_locks_makes_and_removes_folders_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "fcntl", None)
    with work_folder(tmp_path) as first, work_folder(tmp_path) as second:
        assert first.path.is_dir()
        assert second.path.is_dir()
        assert first.run([sys.executable, "-c", "print('done')"]).stdout == "done\n"
    assert list(tmp_path.iterdir()) == []
