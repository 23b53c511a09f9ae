"""Kernels over all tiles, on several threads: tiles share nothing, and no result depends on how many threads there are.

Numba's own parallel loops take longer to compile than what they contain.
"""

import functools
import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import numba

FEW_CELLS: Final = 64
"""Writes or reads that one thread carries out sooner than two."""


@functools.cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(numba.config.NUMBA_NUM_THREADS, thread_name_prefix="tiles")  # type: ignore[attr-defined]


def for_tiles(kernel: Callable[..., None], tiles: int, *arguments: Any, work: int | None = None) -> None:
    """Call ``kernel(first, last, *arguments)`` for parts of ``tiles`` tiles, one part per thread.

    Parameters
    ----------
    kernel : callable
        Compiled (`twinbar.emulator.kernels.compiled.kernel`), so that it lets other threads run.
    tiles : int
    arguments
        What the kernel takes behind its range of tiles.
    work : int, optional
        How many cells there are to write or to read, or what takes as long, if it may be so little that waking threads
        takes longer.
    """
    threads = 1 if work is not None and work < FEW_CELLS else min(numba.get_num_threads(), tiles)
    if threads <= 1:
        kernel(0, tiles, *arguments)
        return
    own, *rest = itertools.pairwise(tiles * part // threads for part in range(threads + 1))
    others = [_pool().submit(kernel, *part, *arguments) for part in rest]
    kernel(*own, *arguments)
    for other in others:
        other.result()
