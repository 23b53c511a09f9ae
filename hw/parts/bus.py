"""Timing limits of a serial part in nanoseconds, and the clock cycles that hold them."""

from dataclasses import dataclass, field
from typing import Final

from twinbar.hw.errors import ConfigError
from twinbar.hw.timing import cycles_for


@dataclass(frozen=True)
class BusTiming:
    """What a part's datasheet asks of its serial bus.

    The *sampling edge* is the edge of the clock at which the part takes a bit: rising in modes 0 and 3, falling in
    modes 1 and 2.

    Parameters
    ----------
    source : str
        Datasheet, with its document number or revision, and the table.
    mode : int
        SPI mode, ``CPOL << 1 | CPHA``.
    period_ns, high_ns, low_ns : float
        Shortest period of the clock, and shortest time of either level.
    duty : float
        Least share of the period that either level takes.
    longest_period_ns : float or None
        Longest period of the clock within a frame.
    select_setup_ns : float
        From chip select low to the first sampling edge.
    select_hold_ns : float
        From the last sampling edge to chip select high.
    select_high_ns : float
        Chip select high between two frames.
    select_period_ns : float
        From chip select low to the next chip select low (a converter's cycle time).
    data_setup_ns, data_hold_ns : float
        Input data before and after the sampling edge.
    access_ns : float or None
        From the edge that launches an output bit to that bit being valid; None: the part gives nothing.
    select_access_ns : float
        From chip select low to the first output bit being valid, where chip select launches it.
    output_hold_ns : float
        How long an output bit stays valid after the edge that launches the next one.
    launches_on_sampling_edge : bool
        Output bits change at the sampling edge, not at the other one: a bit is launched one sampling edge before the
        one at which the master takes it.
    unverified : frozenset of str
        Figures that could not be checked against the datasheet's own text when this was written.
    """

    source: str
    mode: int
    period_ns: float
    high_ns: float
    low_ns: float
    select_setup_ns: float
    select_hold_ns: float
    select_high_ns: float
    data_setup_ns: float
    data_hold_ns: float
    duty: float = 0.0
    longest_period_ns: float | None = None
    select_period_ns: float = 0.0
    access_ns: float | None = None
    select_access_ns: float = 0.0
    output_hold_ns: float = 0.0
    launches_on_sampling_edge: bool = False
    unverified: frozenset[str] = field(default_factory=frozenset)

    def own_cycles(self, clock_hz: float, bits: int) -> "BusCycles | None":
        """Return the cycles of a bus that is none of SPI; None: it is one."""
        return None

    @property
    def cpol(self) -> int:
        """Level of the idle clock."""
        return self.mode >> 1

    @property
    def cpha(self) -> int:
        """1 if data is taken at the second edge of a period, 0 if at the first."""
        return self.mode & 1

    @property
    def sampling_level(self) -> int:
        """Level of the clock after a sampling edge."""
        return 1 if self.cpol == self.cpha else 0

    @property
    def select_launches(self) -> bool:
        """Whether chip select launches the first output bit."""
        return self.launches_on_sampling_edge or not self.cpha


@dataclass(frozen=True)
class Wires:
    """What the way between the controller's pins and a part adds.

    Parameters
    ----------
    skew_ns : float
        Greatest difference between the delays of any two lines to a part.
    round_trip_ns : float
        Delay of the clock to the part plus that of its data back, clock-to-pin and pin-to-register included.
    input_registers : int
        Registers between the data pin and the transceiver.
    """

    skew_ns: float = 0.0
    round_trip_ns: float = 0.0
    input_registers: int = 0


DIRECT: Final = Wires()
"""A part right at the pins."""


@dataclass(frozen=True)
class BusCycles:
    """A serial bus in clock cycles; `twinbar.hw.gateware.front_end.spi_transceiver` is built from it.

    A bit takes ``first`` cycles before its sampling edge and ``second`` cycles after it.

    Parameters
    ----------
    cpol, cpha : int
    first, second : int
        Halves of a bit, 1 or more.
    setup : int
        From chip select low to the first bit, 1 or more.
    hold : int
        From the last bit to chip select high.
    high : int
        Chip select high between two frames, 1 or more.
    sample_delay : int
        From a bit's sampling edge to the clock edge that takes the part's output (input registers included).
    """

    cpol: int
    cpha: int
    first: int
    second: int
    setup: int
    hold: int
    high: int
    sample_delay: int = 0

    def __post_init__(self) -> None:
        least = {"first": 1, "second": 1, "setup": 1, "hold": 0, "high": 1, "sample_delay": 0}
        for name, bound in least.items():
            if getattr(self, name) < bound:
                raise ConfigError(f"a serial bus has {name} = {getattr(self, name)} cycles; it takes {bound} or more")
        if self.cpol not in (0, 1) or self.cpha not in (0, 1):
            raise ConfigError(f"CPOL and CPHA are {self.cpol} and {self.cpha}; each is 0 or 1")

    @property
    def clear(self) -> int:
        """Cycle after a reset in which the first frame can begin."""
        return 0

    def bits(self, count: int) -> int:
        """Return the cycles of ``count`` bits."""
        return count * (self.first + self.second)

    def frame(self, count: int) -> int:
        """Give the cycles from one frame of ``count`` bits to the next: chip select low, the bits, chip select high."""
        return self.setup + self.bits(count) + self.hold + self.high


def cycles_at_least(nanoseconds: float, clock_hz: float) -> int:
    """Return the cycles that last at least ``nanoseconds``: 0 for none."""
    return cycles_for(nanoseconds * 1e-9, clock_hz) if nanoseconds > 0 else 0


def bus_cycles(timing: BusTiming, clock_hz: float, bits: int, board: Wires = DIRECT) -> BusCycles:
    """Turn the limits of a part into clock cycles, every one rounded up.

    Parameters
    ----------
    timing : BusTiming
    clock_hz : float
        Clock of the controller.
    bits : int
        Bits of the shortest frame (decides what a least time between frames leaves for chip select high).
    board : Wires

    Raises
    ------
    ConfigError
        If the clock is too slow for the part.
    """
    if (own := timing.own_cycles(clock_hz, bits)) is not None:
        return own
    levels = {0: timing.low_ns, 1: timing.high_ns}
    before, after = levels[1 - timing.sampling_level], levels[timing.sampling_level]
    first = max(1, cycles_at_least(before, clock_hz), cycles_at_least(timing.data_setup_ns + board.skew_ns, clock_hz))
    second = max(1, cycles_at_least(after, clock_hz), cycles_at_least(timing.data_hold_ns + board.skew_ns, clock_hz))
    answer_ns = (timing.access_ns or 0.0) + board.round_trip_ns if timing.access_ns is not None else 0.0
    period = max(cycles_at_least(timing.period_ns, clock_hz), cycles_at_least(answer_ns, clock_hz))
    # Balanced, because some parts ask for a least share of the period for either level.
    while first + second < period or min(first, second) < timing.duty * (first + second) - 1e-9:
        if first <= second:
            first += 1
        else:
            second += 1
    length_ns = (first + second) / clock_hz * 1e9
    if timing.longest_period_ns is not None and length_ns > timing.longest_period_ns:
        raise ConfigError(
            f"a clock of {clock_hz:g} Hz gives a bit of {length_ns:g} ns; {timing.source} permits "
            f"{timing.longest_period_ns:g} ns at most"
        )

    sample_delay = 0
    if timing.access_ns is not None:
        available = first + second if timing.launches_on_sampling_edge else first
        sample_delay = max(0, cycles_at_least(answer_ns, clock_hz) - available)
    lead = cycles_at_least(timing.select_setup_ns + board.skew_ns, clock_hz)
    if timing.access_ns is not None and timing.select_launches:
        lead = max(lead, cycles_at_least(timing.select_access_ns + board.round_trip_ns, clock_hz) - sample_delay)
    setup = max(1, lead - first)
    # With CPHA = 0 the clock returns to its idle level at the end of the last bit, and chip select follows it.
    hold = max(1 - timing.cpha, cycles_at_least(timing.select_hold_ns + board.skew_ns, clock_hz) - second)
    high = max(1, cycles_at_least(timing.select_high_ns + board.skew_ns, clock_hz))
    if timing.access_ns is not None:
        # What a frame brings is there before the next frame begins.
        high = max(high, sample_delay + board.input_registers + 2 - second - hold)
    busy = setup + bits * (first + second) + hold
    high = max(high, cycles_at_least(timing.select_period_ns, clock_hz) - busy)
    return BusCycles(timing.cpol, timing.cpha, first, second, setup, hold, high, sample_delay + board.input_registers)
