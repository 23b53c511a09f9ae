"""Says again and again that the host is there, while nothing else is sent."""

import threading
import weakref
from collections.abc import Callable


class SignOfLife:
    """Calls a method from a thread of its own, until it is ended or the object of the method is gone.

    A process that is killed, stopped or hangs says nothing any more, which is the point.

    Parameters
    ----------
    say : bound method
        It is held weakly: whoever forgets the object ends its signs of life.
    every_s : float
    """

    def __init__(self, say: Callable[[], None], every_s: float) -> None:
        self._ended = threading.Event()
        self._thread = threading.Thread(
            target=_keep_saying, args=(weakref.WeakMethod(say), every_s, self._ended), daemon=True
        )
        self._thread.start()

    def end(self) -> None:
        """Say nothing any more."""
        self._ended.set()
        if self._thread is not threading.current_thread():
            self._thread.join()


def _keep_saying(method: "weakref.WeakMethod[Callable[[], None]]", every_s: float, ended: threading.Event) -> None:
    while not ended.wait(every_s):
        say = method()
        if say is None:
            return
        say()
        del say
