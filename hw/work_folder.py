"""Folders for the intermediate files of a build: gone when it ends, however it ends.

SIGTERM and SIGHUP remove a build's own folder, and end its tools. What SIGKILL or a power failure left is removed when
the next folder is made. A folder in use is locked (``flock``) by the build and by the tools that it started, so that it
is kept until the last of them is gone; the kernel takes the lock of a process that ends. Systems other than POSIX
have no such locks: there a build removes its own folder only.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Final, NoReturn

from twinbar.hw.file_lock import lock

_PREFIX: Final = "build-"
_POSIX: Final = os.name == "posix"
_ENDING: Final = (signal.SIGTERM, signal.SIGHUP) if _POSIX else (signal.SIGTERM,)
_SIGNALLED: Final = 128
"""Exit status of a process that a signal ends, as of a shell: this and the number of the signal."""


@dataclass(frozen=True)
class WorkFolder:
    """A folder of a build that is going on.

    Parameters
    ----------
    path : Path
    lock : int or None
        Descriptor that keeps the folder; None where there are no such locks.
    """

    path: Path
    lock: int | None

    def run(self, command: list[str], env: Mapping[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
        """Run a program in the folder; it and all that it started end with the build, if the build is ended."""
        together: dict[str, Any] = {} if self.lock is None else {"process_group": 0, "pass_fds": (self.lock,)}
        process = subprocess.Popen(
            command,
            cwd=self.path,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            **together,
        )
        with process:
            try:
                out, err = process.communicate()
            except BaseException:
                if self.lock is None:
                    process.kill()
                else:
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(process.pid, signal.SIGKILL)
                raise
        return subprocess.CompletedProcess(command, process.returncode, out, err)


@contextmanager
def work_folder(parent: Path) -> Iterator[WorkFolder]:
    """Make a folder in another one, and remove it at the end, with those that nobody works in any more.

    Parameters
    ----------
    parent : Path
        Made where it is missing.
    """
    parent.mkdir(parents=True, exist_ok=True)
    with _ending_by_exception():
        path, kept = _make_locked(parent) if _POSIX else (_make(parent), None)
        try:
            yield WorkFolder(path, kept)
        finally:
            shutil.rmtree(path, ignore_errors=True)
            if kept is not None:
                os.close(kept)


def _make(parent: Path) -> Path:
    return Path(tempfile.mkdtemp(dir=parent, prefix=_PREFIX))


def _make_locked(parent: Path) -> tuple[Path, int]:
    """Make a folder and lock it; those that nobody works in any more are removed first."""
    # Nobody looks for folders that are left between the making of one and its lock.
    with _open(parent) as guard:
        with contextlib.suppress(OSError):  # a file system without locks
            lock(guard, wait=True)
            _remove_left(parent)
        path = _make(parent)
        kept = os.open(path, os.O_RDONLY)
        with contextlib.suppress(OSError):
            lock(kept, wait=False)
    return path, kept


def _remove_left(parent: Path) -> None:
    """Remove the folders that no process has locked."""
    for path in parent.glob(f"{_PREFIX}*/"):
        with contextlib.suppress(OSError), _open(path) as descriptor:
            lock(descriptor, wait=False)
            shutil.rmtree(path, ignore_errors=True)


@contextmanager
def _open(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _ending_by_exception() -> Iterator[None]:
    """Let the signals that would end the process at once raise `SystemExit`; those that somebody handles stay his."""
    taken = []
    if threading.current_thread() is threading.main_thread():
        taken = [number for number in _ENDING if signal.getsignal(number) is signal.SIG_DFL]
    for number in taken:
        signal.signal(number, _end)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)


def _end(number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(_SIGNALLED + number)
