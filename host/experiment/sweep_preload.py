"""Loads what the workers of a sweep need, in the process from which they are forked (`sweep_fork_server`)."""

import gc
import os
import signal
from contextlib import suppress
from importlib import import_module
from typing import Final

MODULES: Final = ("distributed.nanny", "distributed.worker", "twinbar.host.experiment.train")


def _load() -> None:
    for name in MODULES:
        import_module(name)
    from twinbar.host.experiment.sweep_kernels import load_kernels

    load_kernels()
    # What is loaded stays: no worker looks through it for garbage, which would copy its pages.
    gc.collect()
    gc.freeze()


_sweep = os.getppid()
# Ctrl-C is for the sweep and its workers; it was blocked up to here.
_handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
with suppress(Exception):  # a worker tries the same, and says why it cannot
    _load()
if os.getppid() != _sweep:  # it has ended meanwhile; a worker that it still asked for has nothing to do
    os._exit(0)
signal.signal(signal.SIGINT, _handler)
