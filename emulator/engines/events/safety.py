"""Safety of a tile: arming, latched faults, halts, the watchdog, and the asynchronous pins."""

from collections.abc import Callable, Sequence
from enum import IntFlag
from typing import Final

from amaranth.lib import data

from twinbar.emulator.contract.program import SYNCHRONIZER_CYCLES
from twinbar.emulator.engines.events.clock import Clock, Stage, Steps
from twinbar.hw.protocol import layouts
from twinbar.hw.protocol.vocabulary import Mode, Status

_FAULTS: Final = {name: 1 << field.offset for name, field in data.Layout.cast(layouts.Faults)}


class Fault(IntFlag):
    """Latched faults, as a response carries them."""

    COMPLIANCE = _FAULTS["compliance"]
    WATCHDOG = _FAULTS["watchdog"]
    STOP = _FAULTS["stop"]
    FRONT_END = _FAULTS["front_end"]


NO_FAULT: Final = Fault(0)
_NEVER: Final = 1 << 62


class SynchronizedPin:
    """An asynchronous input, as it is seen behind its two registers."""

    def __init__(self) -> None:
        self._seen: list[tuple[int, int]] = []
        self._raised: tuple[int, int] | None = None

    def rise(self, cycle: int) -> None:
        """Let the controller's own logic drive it high from a cycle on, until `fall`."""
        self._raised = cycle + SYNCHRONIZER_CYCLES, _NEVER

    def fall(self, last: int) -> None:
        """Let ``last`` be the last cycle in which it is driven high by `rise`."""
        if self._raised is not None and self._raised[1] == _NEVER:
            self._raised = self._raised[0], last + SYNCHRONIZER_CYCLES

    def drive(self, pulses: Sequence[tuple[int, int]]) -> list[int]:
        """Let the pin be high from the first to the last cycle of pulses; gives the cycles in which that is first seen.

        What was to be seen of earlier pulses is over.
        """
        self._seen = [(first + SYNCHRONIZER_CYCLES, last + SYNCHRONIZER_CYCLES) for first, last in pulses]
        return [first for first, _ in self._seen]

    def seen(self, cycle: int) -> bool:
        """Whether the pin is seen high in a cycle."""
        raised = [] if self._raised is None else [self._raised]
        return any(first <= cycle <= last for first, last in [*self._seen, *raised])


class Safety:
    """Decides whether a tile may touch its array, and stops it.

    Parameters
    ----------
    clock : Clock
    stop, front_end_fault : SynchronizedPin
    watchdog : callable
        Gives the register WATCHDOG.
    last_accepted : callable
        Gives the cycle in which the controller accepted its last command beat.
    halt : callable
        Stops the tile: is called in the stage HALT, once for every cause.
    make_safe : callable
        Puts the drive to its safe codes.
    """

    def __init__(
        self,
        clock: Clock,
        stop: SynchronizedPin,
        front_end_fault: SynchronizedPin,
        watchdog: Callable[[], int],
        last_accepted: Callable[[], int],
        halt: Callable[[], None],
        make_safe: Callable[[], None],
    ) -> None:
        self.mode = Mode.SAFE
        self.faults = NO_FAULT
        self.halted = -1
        """Cycle of the last halt."""
        self.faulted = -1
        """Cycle of the last fault."""
        self.disarmed = -1
        """Cycle in which the tile was disarmed last."""
        self.unanswered = 0
        """SAFE and ABORT that have been presented and not been answered."""
        self._clock = clock
        self._pins = {Fault.STOP: stop, Fault.FRONT_END: front_end_fault}
        self._watchdog = watchdog
        self._last_accepted = last_accepted
        self._halt = halt
        self._make_safe = make_safe
        self._armed_since = -1
        # What this cycle has written, to be seen from the next one on.
        self._caught = NO_FAULT
        self._clears = self._disarms = self._writes = False

    # --- halts -----------------------------------------------------------------------------------------------------

    def stop_by_command(self, *, disarm: bool) -> None:
        """SAFE or ABORT is presented."""
        self.unanswered += 1
        self.halted = self._clock.cycle
        if disarm:
            self.disarm()
        self._halt()

    def stop_by_cascade(self) -> None:
        """A neighbour has ended the cascade that the tile runs."""
        self.halted = self._clock.cycle
        self._halt()

    def catch(self, fault: Fault) -> None:
        """Latch a fault: it halts and disarms."""
        self.halted = self.faulted = self._clock.cycle
        self._caught |= fault
        self.disarm()
        self._halt()

    @property
    def reason(self) -> Status:
        """Why the tile was halted last."""
        return Status.FAULTED if self.faulted == self.halted else Status.ABORTED

    def look_at_pins(self) -> None:
        """Catch the faults whose pins are seen high and that are not latched yet; in the stage HALT."""
        for fault, pin in self._pins.items():
            if not self.faults & fault and pin.seen(self._clock.cycle):
                self.catch(fault)

    # --- mode and faults -------------------------------------------------------------------------------------------

    def disarm(self) -> None:
        """Disarm at the end of this cycle; the drive goes to its safe codes."""
        self._disarms = True
        self.disarmed = self._clock.cycle
        self._write()

    def clear(self) -> None:
        """Clear the faults at the end of this cycle.

        Those of this cycle stay, and pins that are still high cause new ones.
        """
        self._clears = True
        self._write()
        self._clock.call(self._clock.cycle + 1, Stage.HALT, self.look_at_pins)

    def arm(self, mode: Mode) -> None:
        """Arm from this cycle on."""
        self.mode = mode
        self._armed_since = self._clock.cycle
        if self._watchdog():
            self._clock.process(self._watch(self._armed_since, self._watchdog()))

    def _write(self) -> None:
        if not self._writes:
            self._writes = True
            self._clock.call(self._clock.cycle, Stage.END, self._latch)

    def _latch(self) -> None:
        self.faults = (NO_FAULT if self._clears else self.faults) | self._caught
        if self._disarms:
            self.mode = Mode.SAFE
            self._armed_since = -1
            self._make_safe()
        self._caught = NO_FAULT
        self._clears = self._disarms = self._writes = False

    # --- watchdog --------------------------------------------------------------------------------------------------

    def _watch(self, armed_since: int, cycles: int) -> Steps[None]:
        """Bark if the tile was armed for ``cycles`` cycles in which no beat was accepted; for one arming."""
        while True:
            due = max(armed_since, self._last_accepted() + 1) + cycles
            if due == self._clock.cycle:
                self.catch(Fault.WATCHDOG)
                return
            yield self._clock.at(due, Stage.HALT)
            if self._armed_since != armed_since:
                return
