"""Tells whoever waits that kernels are being compiled, and how far that is: on standard error, and only then."""

import sys
import time
from typing import Final

_SECONDS: Final = 30
"""What all kernels of a training take on one core of a current processor."""
_INTERVAL_S: Final = 5.0


class CompilationNotice:
    """Says once that kernels are compiled, then from time to time how many of them are."""

    def __init__(self) -> None:
        self.silent = False
        self.compiled = 0
        self._began = 0.0
        self._said = 0.0

    def begin(self) -> None:
        """Note that a kernel was not found in the cache."""
        if not self._began:
            self._began = self._said = time.monotonic()
            self._say(f"compiling kernels, once (about {_SECONDS} s)")

    def count(self) -> None:
        """Note that a kernel was compiled."""
        self.compiled += 1
        now = time.monotonic()
        if now - self._said >= _INTERVAL_S:
            self._said = now
            self._say(f"compiling kernels: {self.compiled} in {now - self._began:.0f} s")

    def _say(self, text: str) -> None:
        if not self.silent:
            print(text, file=sys.stderr, flush=True)


NOTICE: Final = CompilationNotice()
"""That of this process."""
