"""How long a front end takes for what it is asked: registers say it, or the serial parts that it is made of."""

from collections.abc import Callable, Sequence
from typing import Protocol

from twinbar.emulator.engines.events.clock import Clock
from twinbar.emulator.engines.events.register_file import Codes, RegisterFile
from twinbar.emulator.engines.events.safety import SynchronizedPin
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.parts.assembly import DrivePath as Path
from twinbar.hw.parts.assembly import SerialParts
from twinbar.hw.parts.front_end_clock import FrontEndClock, FrontEndRegisters
from twinbar.hw.protocol.vocabulary import Record

FAULT_IS_SEEN: int = 4
"""Cycles that a selection lasts at most which cannot be made: in the last one the tile sees the fault FRONT_END."""


class FrontEndTime(Protocol):
    """Gives the cycles of requests, each in the first cycle of its request.

    Attributes
    ----------
    trims : bool
        Whether the converters take gain trims.
    """

    trims: bool

    def select(self, column: int, *, codes: bool = False, pair: bool = False, reference: bool = False) -> int:
        """Return the cycles of SELECT (arguments as in `SerialParts.cannot_connect`)."""

    def connect(self, path: Path) -> int:
        """Return the cycles of CONNECT_READ or CONNECT_MULTIPLY."""

    def drive(self, codes: Codes, limit: int) -> int:
        """Return the cycles of DRIVE; the codes come in its second cycle."""

    def convert(self, column: int, channels: range) -> int:
        """Return the cycles of CONVERT with these ADC channels."""

    def load(self, path: Path, codes: Codes) -> None:
        """Take over codes of READ or MULTIPLY, which ARM loads in this cycle."""

    def make_safe(self, codes: Codes) -> None:
        """Take over the safe codes, because the tile is disarmed in this cycle."""

    def halt(self) -> None:
        """A halt takes back in this cycle what is asked."""

    def registers_changed(self) -> None:
        """Registers have new values from this cycle on."""


class DirectTime:
    """A direct front end: registers say how long it takes.

    Parameters
    ----------
    registers : RegisterFile
    """

    trims = True

    def __init__(self, registers: RegisterFile) -> None:
        self._registers = registers

    def select(self, column: int, *, codes: bool = False, pair: bool = False, reference: bool = False) -> int:
        """Return the register SELECT."""
        return self._registers["SELECT"]

    def connect(self, path: Path) -> int:
        """Return the register SETTLE_READ or SETTLE_MULTIPLY."""
        return self._registers["SETTLE_READ" if path is Path.READ else "SETTLE_MULTIPLY"]

    def drive(self, codes: Codes, limit: int) -> int:
        """Return the register SETTLE_DRIVE."""
        return self._registers["SETTLE_DRIVE"]

    def convert(self, column: int, channels: range) -> int:
        """Return the register CONVERT."""
        return self._registers["CONVERT"]

    def load(self, path: Path, codes: Codes) -> None:
        """Nothing: codes are at the pins at once."""

    def make_safe(self, codes: Codes) -> None:
        """Nothing: codes are at the pins at once."""

    def halt(self) -> None:
        """Nothing: what is taken back leaves nothing under way."""

    def registers_changed(self) -> None:
        """Nothing: registers are looked at when a request begins."""


class SerialTime:
    """A front end of serial parts, which remembers what its outputs hold and what its buses still do.

    Parameters
    ----------
    clock : Clock
    config : ControllerConfig
    parts : SerialParts
    registers : RegisterFile
    fault : SynchronizedPin
        The fault of the front end.
    look_at_pins : callable
        Lets the tile look at its pins, in the stage HALT.
    """

    trims = False

    def __init__(
        self,
        clock: Clock,
        config: ControllerConfig,
        parts: SerialParts,
        registers: RegisterFile,
        fault: SynchronizedPin,
        look_at_pins: Callable[[int], None],
    ) -> None:
        parts.check(config.adc_channels, config.dac_bits)
        self._clock = clock
        self._parts = parts
        self._registers = registers
        self._fault = fault
        self._look_at_pins = look_at_pins
        self._parts_clock = FrontEndClock(
            parts, config.rows, config.columns, config.adc_channels, config.safe_codes, self._durations()
        )
        self._last = -1
        """Last cycle of the request that was made last."""

    def _durations(self) -> FrontEndRegisters:
        names = ("SELECT", "SETTLE_READ", "SETTLE_MULTIPLY", "SETTLE_DRIVE")
        return FrontEndRegisters(*(self._registers[name] for name in names))

    def _until(self, last: int) -> int:
        self._last = last
        return last - self._clock.cycle + 1

    def select(self, column: int, *, codes: bool = False, pair: bool = False, reference: bool = False) -> int:
        """Return the cycles of SELECT; what the parts cannot connect raises the fault, which ends it."""
        cycle = self._clock.cycle
        if self._parts.cannot_connect(codes=codes, pair=pair, reference=reference):
            self._fault.rise(cycle + 1)
            self._look_at_pins(cycle + FAULT_IS_SEEN - 1)
            self._last = -1
            return FAULT_IS_SEEN
        return self._until(self._parts_clock.select(cycle, column))

    def connect(self, path: Path) -> int:
        """Return the cycles of CONNECT_READ or CONNECT_MULTIPLY."""
        return self._until(self._parts_clock.connect(self._clock.cycle, path))

    def drive(self, codes: Codes, limit: int) -> int:
        """Return the cycles of DRIVE."""
        return self._until(self._parts_clock.drive(self._clock.cycle, codes, limit))

    def convert(self, column: int, channels: range) -> int:
        """Return the cycles of CONVERT."""
        active = sum(1 << channel for channel in channels)
        return self._until(self._parts_clock.convert(self._clock.cycle, column, active))

    def load(self, path: Path, codes: Codes) -> None:
        """Take over codes of READ or MULTIPLY; their strobe is in the next cycle."""
        self._parts_clock.update(self._clock.cycle + 1, path, codes)

    def make_safe(self, codes: Sequence[int]) -> None:
        """Take over the safe codes; their strobe is in the next cycle."""
        self._parts_clock.update(self._clock.cycle + 1, Path.WRITE, codes)

    def halt(self) -> None:
        """Take the request back, unless it is answered in this cycle."""
        if self._clock.cycle < self._last:
            self._parts_clock.halt(self._clock.cycle)
        self._last = -1
        self._fault.fall(self._clock.cycle + 1)

    def state(self) -> list[int]:
        """Return what outlasts a program (`FrontEndClock.state`)."""
        return self._parts_clock.state(self._clock.cycle)

    def restore(self, state: Sequence[int]) -> None:
        """Restore what `state` gave."""
        self._parts_clock.restore(self._clock.cycle, state)

    def registers_changed(self) -> None:
        """Tell the parts' clock, for which the words that are under way keep the settling time that they had."""
        self._parts_clock.change(self._clock.cycle, self._durations())


PATHS = {Record.READ: Path.READ, Record.MULTIPLY: Path.MULTIPLY}
"""Records that ARM loads, in their order, and the path through which they are driven."""
