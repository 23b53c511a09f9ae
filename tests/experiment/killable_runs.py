"""Runs of the command line that start at once, and can be killed at any moment.

A server process imports everything once and forks a child for each run, because PyTorch takes seconds to import. It
reads requests from standard input and answers on standard output, a line of JSON each.
"""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple


class Stop(NamedTuple):
    """A signal, and when it is sent: some seconds after the start, or after a file has grown to a size."""

    number: int
    seconds: float = 0.0
    file: str | None = None
    size: int = 1


class Ended(NamedTuple):
    """How a run ended: its exit status (minus the signal that killed it), and what it printed."""

    status: int
    text: str


class Runs:
    """The tests' end of a server, whose runs have ``folder`` as their working folder."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self._process, self.folder = process, folder

    def run(self, *arguments: str | Path, stop: Stop | None = None) -> Ended:
        """Run ``twinbar`` with arguments to its end, or until it is stopped."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([[str(argument) for argument in arguments], stop]) + "\n")
        self._process.stdin.flush()
        return Ended(*json.loads(self._process.stdout.readline()))


@contextlib.contextmanager
def serve(folder: Path, *installed: Path) -> Iterator[Runs]:
    """Start a server whose runs have ``folder`` as their working folder, with what is installed in other folders."""
    path = os.pathsep.join(map(str, (Path(__file__).parent, *installed)))
    environment = os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", "import killable_runs; killable_runs.main()"]
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Runs(process, folder)
        finally:
            process.kill()


def main() -> None:
    """Serve until standard input ends."""
    import torch

    from twinbar.host.cli import main as twinbar
    from twinbar.host.experiment import saving
    from twinbar.host.report import page

    # Whatever an optimizer loads at its first step is loaded once, before the runs part.
    torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0).zero_grad()
    saving.CHECKPOINT_SECONDS = 0.05  # type: ignore[misc]
    page.build_report = lambda folder: None  # type: ignore[assignment]
    for line in sys.stdin:
        arguments, stop = json.loads(line)
        log = Path("log.txt")
        child = os.fork()
        if child == 0:
            _become(log)
            with contextlib.suppress(BaseException):
                try:
                    twinbar(arguments)
                except SystemExit as ended:
                    os._exit(ended.code if isinstance(ended.code, int) else 0)
            os._exit(99)
        print(json.dumps([_wait(child, None if stop is None else Stop(*stop)), log.read_text()]), flush=True)


def _wait(child: int, stop: Stop | None) -> int:
    """Wait for a process, and stop it when its time has come; give its exit status."""
    if stop is not None:
        while stop.file is not None and not (os.path.exists(stop.file) and os.path.getsize(stop.file) >= stop.size):
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.001)
        time.sleep(stop.seconds)
        os.kill(child, stop.number)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _become(log: Path) -> None:
    """Turn the forked process into one whose output goes to a file."""
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (0, 1, 2):
        os.dup2(descriptor if stream else os.open(os.devnull, os.O_RDONLY), stream)
