"""A line that outlives its port: when the port goes, it waits for it to come back, and goes on.

What was under way is lost, and nothing else: to the link above, a port that was gone is a stretch of silence in which
frames got lost, which it makes good anyway. A board that kept its supply still knows its session and goes on with the
command that it was at; one that was switched off stays silent, and the session has to be restarted.
"""

import contextlib
import time
from collections.abc import Callable

from twinbar.hw.errors import LinkError

from .line import Line

_NAP_S = 0.2
"""From one attempt to open the port to the next."""


def say_nothing(sentence: str) -> None:
    """Take a sentence that nobody wants to see."""


def go_on() -> None:
    """Do not interrupt."""


class PatientLine:
    """A line that opens its port again.

    Parameters
    ----------
    open_port : callable
        Opens the port, or raises a `LinkError`.
    wait_s : float
        How long a port may be gone; with 0, a lost port is an error at once.

    Attributes
    ----------
    wait_s : float
        As given; it may be changed.
    notice : callable
        Takes one sentence when the port is gone, and one when it is back.
    check : callable
        Called again and again while the port is gone; what it raises ends the waiting.
    losses : int
        How often the port was gone.
    first_session : int or None
        Of a line that plays a session back: see `ReplayLine`.

    Raises
    ------
    LinkError
        If the port cannot be opened the first time; later, if it does not come back in time.
    """

    def __init__(self, open_port: Callable[[], Line], wait_s: float) -> None:
        self._open = open_port
        self.wait_s = wait_s
        self._line = open_port()
        self.name, self.baud = self._line.name, self._line.baud
        self.first_session: int | None = getattr(self._line, "first_session", None)
        self.notice: Callable[[str], None] = say_nothing
        self.check: Callable[[], None] = go_on
        self.losses = 0
        self._behind = 0.0
        self._lost = False

    def write(self, data: bytes) -> None:
        """Send bytes; those that a lost port has swallowed are lost."""
        try:
            if not self._lost:
                self._line.write(data)
                return
        except LinkError as error:
            self._lose(error)
        self._recover()

    @property
    def write_aside(self) -> Callable[[bytes], None]:
        """What sends bytes that are no part of the conversation; see `Line`."""
        aside: Callable[[bytes], None] = self._line.write_aside  # type: ignore[attr-defined]
        return aside

    def read(self, timeout_s: float) -> bytes:
        """Return the bytes that have come (see `Line`)."""
        try:
            if not self._lost:
                return self._line.read(timeout_s)
        except LinkError as error:
            self._lose(error)
        self._recover()
        return b""

    def clock(self) -> float:
        """Return the time in seconds; it stands still while the port is gone."""
        return self._line.clock() - self._behind

    def close(self) -> None:
        """Close the port."""
        self._line.close()

    def _lose(self, error: LinkError) -> None:
        if not self.wait_s:
            raise error
        self._lost = True
        self.losses += 1
        self._stopped = self.clock()
        with contextlib.suppress(LinkError, OSError):
            self._line.close()
        sentence = str(error) if str(error).endswith("?") else f"{error}."
        self.notice(f"{sentence} Waiting for up to {self.wait_s:g} s for it to come back (Ctrl-C ends the waiting)")

    def _recover(self) -> None:
        # Time of the host: the clock of a line that is gone may stand still.
        end = time.monotonic() + self.wait_s
        while True:
            self.check()
            try:
                self._line = self._open()
                break
            except LinkError as error:
                if time.monotonic() >= end:
                    raise LinkError(f"{self.name} has not come back within {self.wait_s:g} s ({error})") from error
            time.sleep(min(_NAP_S, self.wait_s))
        self._behind = self._line.clock() - self._stopped
        self._lost = False
        self.notice(f"{self.name} is back")
