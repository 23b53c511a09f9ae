"""Locks on open files and folders, on systems that have them; the system takes the lock of a process that ends."""

import importlib
from typing import Any


def lock(descriptor: int, *, wait: bool) -> None:
    """Lock an open file or folder until its descriptor is closed.

    Raises
    ------
    BlockingIOError
        If another process has locked it, and this one does not ``wait``.
    OSError
        If the system, or the file system, has no such locks.
    """
    try:
        fcntl: Any = importlib.import_module("fcntl")
    except ImportError:
        raise OSError("this system has no locks of files") from None
    fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
