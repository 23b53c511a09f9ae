"""What every model of a serial part has in common: it follows the pins and checks each edge against the datasheet."""

from collections.abc import Sequence
from dataclasses import dataclass

from .bus import BusTiming

_ROUNDING_NS = 1e-6
"""Float rounding of a time; far below what a datasheet resolves."""


@dataclass(frozen=True)
class Violation:
    """A limit of the datasheet that the bus broke.

    Parameters
    ----------
    time_ns : float
    limit : str
        Field of `BusTiming`, or what else was wrong.
    found_ns, needed_ns : float or None
    """

    time_ns: float
    limit: str
    found_ns: float | None = None
    needed_ns: float | None = None

    def __str__(self) -> str:
        found = "" if self.found_ns is None else f": {self.found_ns:g} ns, the part needs {self.needed_ns:g} ns"
        return f"at {self.time_ns:g} ns, {self.limit}{found}"


class SerialDevice:
    """A part at a serial bus.

    Whoever simulates the bus calls `drive` with the levels of the pins whenever they may have changed, in the order of
    time, and `output` for what the part puts on its data pin. Broken limits are collected in ``violations``; a part
    that was driven outside its limits goes on as if it had not been, so that the rest of a run can be looked at too.

    Parameters
    ----------
    timing : BusTiming
    name : str

    Attributes
    ----------
    violations : list of Violation
    other_edge_ns : float
        Time of the last edge of the clock that is not a sampling edge.
    """

    def __init__(self, timing: BusTiming, name: str) -> None:
        self.timing = timing
        self.name = name
        self.violations: list[Violation] = []
        self._selected = False
        self._clock = timing.cpol
        self._data = 0
        self._time = float("-inf")
        self._select_low = self._select_high = float("-inf")
        self._data_change = self._sampled = self.other_edge_ns = float("-inf")
        self._received = 0
        self._count = 0
        self._outgoing: list[int] = []
        self._current = self._previous = 0
        self._launched = float("-inf")
        self._access = 0.0

    # --- what a part adds ---------------------------------------------------------------------------------------------

    def selected(self, time_ns: float) -> list[int]:
        """Take note of chip select going low, and give the bits that the part sends in this frame."""
        return []

    def bit(self, value: int, count: int, time_ns: float) -> None:
        """Take the ``count``-th bit of a frame (from 1)."""

    def frame(self, word: int, count: int, time_ns: float) -> None:
        """Take a frame of ``count`` bits; the first is the highest of ``word``."""

    # --- the bus ------------------------------------------------------------------------------------------------------

    def violate(self, limit: str, time_ns: float) -> None:
        """Record that something other than a time was wrong."""
        self.violations.append(Violation(time_ns, limit))

    def need(self, limit: str, found_ns: float, needed_ns: float, time_ns: float | None = None) -> None:
        """Record a violation if a time (that ends at ``time_ns``, or now) is shorter than it must be."""
        if found_ns < needed_ns - _ROUNDING_NS:
            now = self._time if time_ns is None else time_ns
            self.violations.append(Violation(now, limit, found_ns, needed_ns))

    def drive(self, time_ns: float, *, selected: bool, clock: int, data: int = 0) -> None:
        """Set the levels of the pins from ``time_ns`` on.

        Parameters
        ----------
        time_ns : float
            Not before that of the call before.
        selected : bool
            Chip select is low.
        clock, data : int
        """
        if time_ns < self._time:
            raise ValueError(f"the pins of {self.name} were driven at {time_ns} ns, after {self._time} ns")
        self._time = time_ns
        if data != self._data:
            # A change together with the sampling edge is caught there: the setup time is 0.
            if self._selected and self._count:
                self.need("data_hold_ns", time_ns - self._sampled, self.timing.data_hold_ns)
            self._data, self._data_change = data, time_ns
        if selected and not self._selected:
            self._select(time_ns)
        if clock != self._clock:
            self._clock = clock
            if self._selected:
                self._edge(clock, time_ns)
        if not selected and self._selected:
            self._deselect(time_ns)

    def _select(self, time_ns: float) -> None:
        limits = self.timing
        self.need("select_high_ns", time_ns - self._select_high, limits.select_high_ns)
        self.need("select_period_ns", time_ns - self._select_low, limits.select_period_ns)
        self._selected, self._select_low = True, time_ns
        self._received = self._count = 0
        self.other_edge_ns = self._sampled = float("-inf")
        self._outgoing = list(reversed(self.selected(time_ns)))
        if limits.select_launches:
            self._launch(time_ns, limits.select_access_ns)

    def _edge(self, level: int, time_ns: float) -> None:
        limits = self.timing
        sampling = level == limits.sampling_level
        # The level that ends here began at the edge before; before the first sampling edge there may be none.
        began = self.other_edge_ns if sampling else self._sampled
        if began > float("-inf"):
            lasted = time_ns - began
            self.need("low_ns" if level else "high_ns", lasted, limits.low_ns if level else limits.high_ns)
            if sampling and self._count:
                period = time_ns - self._sampled
                self.need("duty", min(lasted, period - lasted), limits.duty * period)
        if not sampling:
            self.other_edge_ns = time_ns
            if not limits.launches_on_sampling_edge:
                self._launch(time_ns, limits.access_ns or 0.0)
            return
        if self._count:
            period = time_ns - self._sampled
            self.need("period_ns", period, limits.period_ns)
            if limits.longest_period_ns is not None and period > limits.longest_period_ns + _ROUNDING_NS:
                self.violations.append(Violation(time_ns, "longest_period_ns", period, limits.longest_period_ns))
        else:
            self.need("select_setup_ns", time_ns - self._select_low, limits.select_setup_ns)
        self.need("data_setup_ns", time_ns - self._data_change, limits.data_setup_ns)
        self._sampled = time_ns
        self._received = self._received << 1 | self._data
        self._count += 1
        self.bit(self._data, self._count, time_ns)
        if limits.launches_on_sampling_edge:
            self._launch(time_ns, limits.access_ns or 0.0)

    def _deselect(self, time_ns: float) -> None:
        self._selected, self._select_high = False, time_ns
        if self._count:
            self.need("select_hold_ns", time_ns - self._sampled, self.timing.select_hold_ns)
        self.frame(self._received, self._count, time_ns)

    def _launch(self, time_ns: float, access_ns: float) -> None:
        self._previous, self._launched, self._access = self._current, time_ns, access_ns
        self._current = self._outgoing.pop() if self._outgoing else 0

    def output(self, time_ns: float) -> int:
        """Return the level of the part's data pin just before ``time_ns``.

        Between the end of the old bit's hold time and the new bit's access time the pin may show anything; the model
        shows the wrong level, so that a master that looks too early gets wrong data.
        """
        since = time_ns - self._launched
        if since <= self.timing.output_hold_ns + _ROUNDING_NS:
            return self._previous
        return self._current if since >= self._access - _ROUNDING_NS else 1 - self._current


def drive_bus(
    devices: Sequence[Sequence[SerialDevice]],
    time_ns: float,
    until_ns: float,
    *,
    select_n: int,
    clock: int,
    data: int,
) -> int:
    """Set the levels of a bus from ``time_ns`` on, and give what the data pins of its parts show at ``until_ns``.

    Parameters
    ----------
    devices : sequence of sequence of SerialDevice
        The parts of each chip select, in the order of their data pins.
    time_ns, until_ns : float
    select_n : int
        Chip selects, one bit each, active low.
    clock, data : int

    Returns
    -------
    int
        A bit for each data pin; 0 where a part is not selected.
    """
    shown = 0
    for chip, group in enumerate(devices):
        selected = not select_n >> chip & 1
        for lane, device in enumerate(group):
            device.drive(time_ns, selected=selected, clock=clock, data=data)
            if selected:
                shown |= device.output(until_ns) << lane
    return shown
