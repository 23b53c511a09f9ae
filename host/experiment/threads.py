"""How many threads a run uses."""

import os

import numba
import torch

_MOST_NUMBA_THREADS = numba.get_num_threads()
"""As many as Numba was launched with; it cannot start more."""


SMALL_BATCH = 32
"""Images per batch up to which one thread is faster: waking a second one costs more than it takes off."""


def use_threads(threads: int | None, batch_size: int) -> None:
    """Let kernels and the twin use this many threads.

    Where it is None, one per processor core, or a single one for small batches.

    The engine's results do not depend on it. The twin's do, in the last bits of its sums, which is why a checkpoint
    keeps the number.
    """
    wanted = threads or (1 if batch_size <= SMALL_BATCH else os.cpu_count() or 1)
    numba.set_num_threads(min(wanted, _MOST_NUMBA_THREADS))
    torch.set_num_threads(wanted)
