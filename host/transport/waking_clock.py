"""A clock that does not count the time in which the host was stopped."""

from collections.abc import Callable


class WakingClock:
    """The time that a host has seen pass, by looking again and again.

    Of what passes from one look to the next, at most a bound counts: a host that was stopped (Ctrl-Z), or that got no
    processor, has not waited for anybody meanwhile.

    Parameters
    ----------
    clock : callable
        Gives the time in seconds.
    longest_s : float
        The bound; longer than a host that is awake ever waits between two looks.

    Attributes
    ----------
    looked : float
        What ``clock`` gave when it was looked at last.
    """

    def __init__(self, clock: Callable[[], float], longest_s: float) -> None:
        self._clock = clock
        self._longest_s = longest_s
        self.looked = clock()
        self._now = 0.0

    def __call__(self) -> float:
        """Look, and give the seconds since the first look as far as they count."""
        time = self._clock()
        self._now += min(time - self.looked, self._longest_s)
        self.looked = time
        return self._now
