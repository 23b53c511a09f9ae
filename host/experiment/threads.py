"""How many threads a run uses."""

import os

import numba
import torch

_MOST_NUMBA_THREADS = numba.get_num_threads()
"""As many as Numba was launched with; it cannot start more."""


def use_threads(threads: int | None) -> None:
    """Let kernels and the twin use this many threads; one per processor core where it is None.

    The engine's results do not depend on it. The twin's do, in the last bits of its sums, which is why a checkpoint
    keeps the number.
    """
    wanted = threads or os.cpu_count() or 1
    numba.set_num_threads(min(wanted, _MOST_NUMBA_THREADS))
    torch.set_num_threads(wanted)
