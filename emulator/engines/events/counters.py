"""The counters of a tile: cycles by phase, and actions."""

from twinbar.emulator.engines.events.listener import Listener
from twinbar.hw.actions import Action
from twinbar.hw.protocol.registers import ACTION_COUNTER_BASE, COUNTER_BITS, PHASE_COUNTER_BASE
from twinbar.hw.timing import Phase


class Counters:
    """Counts the cycles of every phase and the actions of a tile, from power-up on.

    Parameters
    ----------
    tile : int

    Attributes
    ----------
    phases : list of int
        Cycles by `Phase`, of all phases but the present one.
    actions : list of int
        By `Action`.
    channels : range
        ADC channels that are at work while the phase is CONVERT.
    """

    def __init__(self, tile: int) -> None:
        self.phases = [0] * len(Phase)
        self.actions = [0] * len(Action)
        self.channels = range(0)
        self.listener: Listener | None = None
        self._tile = tile
        self._phase = Phase.IDLE
        self._since = 0

    @property
    def phase(self) -> Phase:
        """What the tile does now, or will do from the next cycle on."""
        return self._phase

    def enter(self, phase: Phase, cycle: int) -> None:
        """Begin a phase with a cycle; it may be the one that goes on."""
        self.phases[self._phase] += cycle - self._since
        if self.listener and cycle > self._since:
            self.listener.phase(self._tile, self._phase, self._since, cycle)
            if self._phase is Phase.CONVERT:
                for channel in self.channels:
                    self.listener.conversion(self._tile, channel, self._since, cycle)
        self._phase = phase
        self._since = cycle

    def read(self, address: int) -> int:
        """Return the counter at an address."""
        if address >= ACTION_COUNTER_BASE:
            value = self.actions[address - ACTION_COUNTER_BASE]
        else:
            value = self.phases[address - PHASE_COUNTER_BASE]
        return value & ((1 << COUNTER_BITS) - 1)
