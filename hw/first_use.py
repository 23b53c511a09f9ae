"""Tells who waits for something that is done once what it is: one line on standard error, then that it is done."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def first_use(what: str, about_s: float) -> Iterator[None]:
    """Say what is done once, and how long it takes.

    Parameters
    ----------
    what : str
        Such as ``compiling the controller's netlist``.
    about_s : float
        Usual time on one core.
    """
    began = time.monotonic()
    print(f"{what}, once: about {about_s:.0f} s ...", end="", file=sys.stderr, flush=True)
    try:
        yield
    except BaseException:
        print(file=sys.stderr, flush=True)
        raise
    print(f" done in {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
