"""Repeats a step in the background, for a board in this process that a host talks to at a port."""

import contextlib
import threading
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def repeating(step: Callable[[], None]) -> Iterator[None]:
    """Repeat a step in a thread of its own, from entering to leaving the context.

    Parameters
    ----------
    step : callable
        It returns after a moment, so that the context can be left.
    """
    ended = threading.Event()

    def keep_going() -> None:
        while not ended.is_set():
            step()

    thread = threading.Thread(target=keep_going, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
