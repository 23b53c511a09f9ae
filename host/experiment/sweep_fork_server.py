"""The process from which the workers of a sweep are forked: it loads once what each of them needs.

Only Linux has it: libraries of macOS do not survive a fork, and Windows has none. Workers start from nothing there, and
also where this process could not load something.
"""

import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from multiprocessing import current_process
from typing import Final

from twinbar.hw.errors import ConfigError

FORKED: Final = sys.platform == "linux"
METHOD: Final = "forkserver" if FORKED else "spawn"
"""How `multiprocessing` starts workers."""
PRELOADED: Final = "twinbar.host.experiment.sweep_preload"
ENVIRONMENT: Final = {
    # A process must not fork while it has threads. NumPy would start some; a run sets the number that it uses.
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    # A file in the user's folder may have the name of a module.
    "PYTHONSAFEPATH": "1",
}
GUARD: Final = 'put the call of tb.sweep below `if __name__ == "__main__":`, as each worker imports the program'


def refuse_in_a_worker() -> None:
    """Refuse to sweep in a worker that is importing the program which started it.

    Raises
    ------
    ConfigError
        If that program sweeps wherever it is imported.
    """
    # What multiprocessing itself asks before it starts a process.
    if getattr(current_process(), "_inheriting", False):
        raise ConfigError(f"a worker would start the sweep again: {GUARD}")


def start_fork_server() -> None:
    """Start the process unless it runs already; it ends with this one."""
    if not FORKED:
        return
    from multiprocessing import forkserver, resource_tracker

    resource_tracker.ensure_running()  # it would unblock Ctrl-C below
    forkserver.set_forkserver_preload([PRELOADED])
    # Modules come from where this process finds them, even if the program has changed its path.
    path = os.pathsep.join(os.path.abspath(entry) for entry in sys.path)
    # Ctrl-C is for this process; the other one does not know that before it has loaded its first module.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        with _environment({**ENVIRONMENT, "PYTHONPATH": path}):
            forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def environment_of_workers() -> dict[str, str]:
    """Return the variables that a worker takes from this process, not from the one that it is forked from."""
    return {name: os.environ.get(name, "") for name in ("PYTHONPATH", "PYTHONSAFEPATH")}


@contextmanager
def _environment(changes: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
