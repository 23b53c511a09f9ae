"""Folders for the intermediate files of a build: gone when it ends, however it ends.

SIGTERM and SIGHUP remove a build's own folder, and end its tools. What SIGKILL or a power failure left is removed when
the next folder is made. A folder in use is locked (``flock``) by the build and by the tools that it started, so that it
is kept until the last of them is gone; the kernel takes the lock of a process that ends.
"""

import contextlib
import fcntl
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
from typing import Final, NoReturn

_PREFIX: Final = "build-"
_ENDING: Final = (signal.SIGTERM, signal.SIGHUP)
_SIGNALLED: Final = 128
"""Exit status of a process that a signal ends, as of a shell: this and the number of the signal."""


@dataclass(frozen=True)
class WorkFolder:
    """A folder of a build that is going on.

    Parameters
    ----------
    path : Path
    lock : int
        Descriptor that keeps the folder.
    """

    path: Path
    lock: int

    def run(self, command: list[str], env: Mapping[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
        """Run a program in the folder; it and all that it started end with the build, if the build is ended."""
        process = subprocess.Popen(
            command,
            cwd=self.path,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,
            pass_fds=(self.lock,),
        )
        with process:
            try:
                out, err = process.communicate()
            except BaseException:
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
        # Nobody looks for folders that are left between the making of one and its lock.
        with _open(parent) as guard:
            with contextlib.suppress(OSError):  # a file system without locks
                fcntl.flock(guard, fcntl.LOCK_EX)
                _remove_left(parent)
            path = Path(tempfile.mkdtemp(dir=parent, prefix=_PREFIX))
            lock = os.open(path, os.O_RDONLY)
            with contextlib.suppress(OSError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        try:
            yield WorkFolder(path, lock)
        finally:
            shutil.rmtree(path, ignore_errors=True)
            os.close(lock)


def _remove_left(parent: Path) -> None:
    """Remove the folders that no process has locked."""
    for path in parent.glob(f"{_PREFIX}*/"):
        with contextlib.suppress(OSError), _open(path) as descriptor:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
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
