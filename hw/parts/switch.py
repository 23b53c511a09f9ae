"""What the front end needs to know of serially loaded switches, and the model of a chain of them."""

from dataclasses import dataclass
from enum import Enum

from .bus import BusTiming
from .part_model import SerialDevice

SWITCHES = 8
"""Switches of a part: every part here is an octal one."""


class OpenPin(Enum):
    """The pin by which all switches of a chain are opened at once."""

    OUTPUT_ENABLE = "output enable"
    """Opens the switches while it is inactive, and leaves what was loaded."""
    RESET = "reset"
    """Clears what was loaded, and what is being loaded."""


@dataclass(frozen=True)
class SwitchPart:
    """An octal switch, or shift register that drives eight of them, that can be chained.

    The bit that is shifted last reaches the first switch of the first part of the chain. Switches follow what was
    shifted when chip select goes high (of a shift register: the latch clock, which is wired as chip select).

    Parameters
    ----------
    name : str
    timing : BusTiming
        Of a chain: the clock leaves time for the data to pass from one part to the next.
    open_pin : OpenPin
    open_ns : float
        Least time for which the open pin is active.
    settle_ns : float
        From chip select high to the switches being where they should; a starting value for the register SELECT.
    """

    name: str
    timing: BusTiming
    open_pin: OpenPin
    open_ns: float
    settle_ns: float

    def device(self, parts: int) -> "SwitchChain":
        """Return a model of a chain of ``parts`` parts."""
        return SwitchChain(self, parts)


class SwitchChain(SerialDevice):
    """Model of a chain of switches.

    Parameters
    ----------
    part : SwitchPart
    parts : int

    Attributes
    ----------
    loaded : list of bool
        What each switch was last told, the first switch of the first part first.
    """

    def __init__(self, part: SwitchPart, parts: int) -> None:
        super().__init__(part.timing, f"a chain of {parts} {part.name}")
        self.part = part
        self.loaded = [False] * (SWITCHES * parts)
        self._shifted = list(self.loaded)
        self._opened_ns: float | None = None

    @property
    def closed(self) -> list[int]:
        """Numbers of the switches that are closed."""
        return [] if self._opened_ns is not None else [place for place, on in enumerate(self.loaded) if on]

    def open(self, time_ns: float, active: bool) -> None:
        """Set the open pin from ``time_ns`` on."""
        if active and self._opened_ns is None:
            self._opened_ns = time_ns
        if active and self.part.open_pin is OpenPin.RESET:
            self._shifted = [False] * len(self.loaded)
            self.loaded = list(self._shifted)
        if not active and self._opened_ns is not None:
            lasted = time_ns - self._opened_ns
            self.need("open_ns", lasted, self.part.open_ns, time_ns)
            self._opened_ns = None

    def bit(self, value: int, count: int, time_ns: float) -> None:
        """Shift."""
        if self._opened_ns is None or self.part.open_pin is OpenPin.OUTPUT_ENABLE:
            self._shifted = [bool(value), *self._shifted[:-1]]

    def frame(self, word: int, count: int, time_ns: float) -> None:
        """Let the switches follow what was shifted."""
        if count < len(self.loaded):
            self.violate(f"{count} bits for {len(self.loaded)} switches", time_ns)
        if self._opened_ns is None or self.part.open_pin is OpenPin.OUTPUT_ENABLE:
            self.loaded = list(self._shifted)


def pattern(closed: frozenset[int] | set[int], switches: int) -> int:
    """Return the bits that close some switches of a chain, in the order of shifting: the first bit is the highest.

    Parameters
    ----------
    closed : set of int
    switches : int
        Length of the chain.
    """
    return sum(1 << place for place in closed if place < switches)
