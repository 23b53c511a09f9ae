"""An I2C bus that is only written to: timing limits, clock cycles, and a model that follows its two lines.

A frame is START, the address of a part, the bytes of one word, and STOP. It is counted as a frame of an SPI bus is
(`BusCycles`), so that what reckons with words of DACs needs not know on which bus they are: START stands for the time
from chip select to the first bit, STOP and the free bus for what follows the last one, and each bit of the word has its
share of the address and of the acknowledgements.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from twinbar.hw.errors import ConfigError

from .bus import BusCycles, BusTiming, cycles_at_least
from .dac import DacDevice, DacPart
from .part_model import Violation

BYTE: Final = 8
CLEARING_STOPS: Final = 2
"""After a reset. A part in the middle of a byte takes the first STOP; one that acknowledges, or is about to, holds the
data line through it, and takes the second."""
_SAMPLED: Final = 3
"""Least cycles of a high clock: the line passes two registers before the acknowledgement is looked at."""


@dataclass(frozen=True, kw_only=True)
class I2cTiming(BusTiming):
    """What a part's datasheet asks of its I2C bus, in the fields of `BusTiming`.

    ``select_setup_ns`` is the hold time of START, ``select_hold_ns`` the setup time of STOP, ``select_high_ns`` the
    time for which the bus is free between STOP and START, ``data_hold_ns`` the time from a falling clock to a change of
    the data line.

    Parameters
    ----------
    rise_ns : float
        Longest rise time of either line: what a master counts as high, or as released, begins so much later.
    addresses : tuple of int
        7-bit addresses of the parts that the bus can have, in the order of their numbers (``chip``).
    """

    rise_ns: float
    addresses: tuple[int, ...]

    def own_cycles(self, clock_hz: float, bits: int) -> BusCycles:
        """Return the cycles of this bus."""
        return i2c_cycles(self, clock_hz, bits)


@dataclass(frozen=True, kw_only=True)
class I2cCycles(BusCycles):
    """An I2C bus in clock cycles; `twinbar.hw.gateware.front_end.i2c_transceiver` is built from it.

    Parameters
    ----------
    low, peak : int
        The clock is low, and high, in each bit; their sum is even.
    change : int
        From a falling clock to a change of the data line.
    stop : int
        From the last rising clock to STOP.
    addresses : tuple of int
        See `I2cTiming`.
    """

    low: int
    peak: int
    change: int
    stop: int
    addresses: tuple[int, ...]

    @property
    def clear(self) -> int:
        """Cycle after a reset in which the first word can be accepted: behind `CLEARING_STOPS`."""
        return CLEARING_STOPS * (self.low + self.stop + self.high) - 1


def i2c_cycles(timing: I2cTiming, clock_hz: float, bits: int) -> I2cCycles:
    """Turn the limits of a part into clock cycles, every one rounded up.

    Parameters
    ----------
    timing : I2cTiming
    clock_hz : float
    bits : int
        Of a word: whole bytes.

    Raises
    ------
    ConfigError
        If a word is not made of whole bytes.
    """
    if bits % BYTE:
        raise ConfigError(f"a word of {bits} bits cannot be sent by I2C, which takes bytes; give a multiple of {BYTE}")

    def lasts(nanoseconds: float) -> int:
        return max(1, cycles_at_least(nanoseconds, clock_hz))

    change = lasts(timing.data_hold_ns)
    low = max(lasts(timing.low_ns), change + lasts(timing.data_setup_ns + timing.rise_ns))
    peak = max(_SAMPLED, lasts(timing.high_ns + timing.rise_ns))
    low = max(low, lasts(timing.period_ns) - peak)
    low += (low + peak) % 2
    # START, nine bits for the address and for each byte, and STOP, after a last low clock.
    share = (low + peak) * (bits // BYTE + 1) * (BYTE + 1)
    each, left = divmod(share, bits)
    stop = lasts(timing.select_hold_ns + timing.rise_ns)
    return I2cCycles(
        cpol=1,
        cpha=0,
        first=each - each // 2,
        second=each // 2,
        setup=lasts(timing.select_setup_ns),
        hold=left + low + stop,
        high=lasts(timing.select_high_ns + timing.rise_ns),
        low=low,
        peak=peak,
        change=change,
        stop=stop,
        addresses=timing.addresses,
    )


def i2c_bus(part: DacPart, devices: Sequence[DacDevice]) -> "I2cBus | None":
    """Return the bus that DACs are on, the first at the first address; None: they are on none of I2C."""
    if not isinstance(part.timing, I2cTiming):
        return None
    return I2cBus(part.timing, dict(zip(part.timing.addresses, devices, strict=False)))


class I2cBus:
    """Parts at the two lines of an I2C bus. Every edge is checked against the limits, and frames are acknowledged.

    Parameters
    ----------
    timing : I2cTiming
    devices : mapping of int to DacDevice
        By address; one that is not there acknowledges nothing.

    Attributes
    ----------
    violations : list of Violation
        Of the bus; what is wrong with a word is noted by its device.
    """

    def __init__(self, timing: I2cTiming, devices: Mapping[int, DacDevice]) -> None:
        self.timing, self._devices = timing, devices
        self.violations: list[Violation] = []
        self._clock = self._data = 1
        self._device: DacDevice | None = None
        self._busy = self._addressed = False
        self._bits: list[int] = []
        self._acknowledges = False
        self._rose = self._fell = self._changed = self._started = self._stopped = float("-inf")

    def drive(self, time_ns: float, clock: int, data: int) -> int:
        """Set what the master drives from ``time_ns`` on; gives the level of the data line: a part may hold it low."""
        if data != self._data:
            self._change(time_ns, data)
        if clock != self._clock:
            self._clock = clock
            if clock:
                self._rise(time_ns)
            else:
                self._fall(time_ns)
        return 0 if self._acknowledges else self._data

    def _need(self, limit: str, found_ns: float, needed_ns: float, time_ns: float) -> None:
        if found_ns < needed_ns - 1e-6:
            self.violations.append(Violation(time_ns, limit, found_ns, needed_ns))

    def _change(self, time_ns: float, data: int) -> None:
        limits, self._data, self._changed = self.timing, data, time_ns
        if not self._clock:
            self._need("data_hold_ns", time_ns - self._fell, limits.data_hold_ns, time_ns)
        elif self._acknowledges:
            return  # the part holds the line low: neither START nor STOP is seen
        elif data:
            self._need("select_hold_ns", time_ns - self._rose, limits.select_hold_ns, time_ns)
            self._stop(time_ns)
        else:
            self._need("select_high_ns", time_ns - self._stopped, limits.select_high_ns, time_ns)
            self._started, self._busy, self._addressed, self._bits = time_ns, True, False, []

    def _rise(self, time_ns: float) -> None:
        limits = self.timing
        self._need("low_ns", time_ns - self._fell, limits.low_ns, time_ns)
        self._need("data_setup_ns", time_ns - self._changed, limits.data_setup_ns, time_ns)
        if self._bits:
            self._need("period_ns", time_ns - self._rose, limits.period_ns, time_ns)
        self._rose = time_ns
        if not self._acknowledges:
            self._bits.append(self._data)

    def _fall(self, time_ns: float) -> None:
        limits, self._fell = self.timing, time_ns
        if self._started > self._rose:
            self._need("select_setup_ns", time_ns - self._started, limits.select_setup_ns, time_ns)
        else:
            self._need("high_ns", time_ns - self._rose, limits.high_ns, time_ns)
        if self._acknowledges:
            self._acknowledges = False
            self._bits.append(0)
        elif self._busy and len(self._bits) % (BYTE + 1) == BYTE:
            if not self._addressed:
                word = int("".join(map(str, self._bits)), 2)
                self._device = None if word & 1 else self._devices.get(word >> 1)
                self._addressed = True
            self._acknowledges = self._device is not None

    def _stop(self, time_ns: float) -> None:
        self._stopped, self._busy = time_ns, False
        # The low clock before STOP has begun a bit of its own.
        whole = self._bits[:-1]
        sent = [bit for place, bit in enumerate(whole) if place % (BYTE + 1) != BYTE][BYTE:]
        del sent[len(sent) // BYTE * BYTE :]
        if self._device is not None and sent:
            self._device.frame(int("".join(map(str, sent)), 2), len(sent), time_ns)
        self._device, self._bits = None, []
