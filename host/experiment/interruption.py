"""Ctrl-C as a request: the run stops at the next place where its checkpoint is exact."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Final, Self

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """While this is entered, the first SIGINT or SIGTERM only sets ``requested``; a second one interrupts at once.

    The run asks ``requested`` between steps, saves its checkpoint and raises KeyboardInterrupt. Outside the main
    thread, where Python handles no signals, nothing is ever requested.
    """

    def __init__(self) -> None:
        self.requested = False
        self._insisted = False
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._previous = {number: signal.signal(number, self._handle) for number in _SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        # Raised within a callback of compiled code, the interrupt is lost, and what fails there says nothing to a user.
        if self._insisted and isinstance(error, Exception):
            raise KeyboardInterrupt from error

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        if self.requested:
            self._insisted = True
            raise KeyboardInterrupt
        self.requested = True
