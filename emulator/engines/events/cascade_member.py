"""The part of a tile in a cascade that it runs."""

from collections.abc import Callable, Sequence

from twinbar.emulator.engines.events.clock import Clock, Stage
from twinbar.emulator.engines.events.sum_link import SumLink


class CascadeMember:
    """A tile as a member of a cascade, from the start of the cascade to its own end in it.

    Parameters
    ----------
    clock : Clock
    above, below : SumLink or None
        From the member above, and to the one below; None: there is none.
    halt : callable
        Halts the tile in this cycle.

    Attributes
    ----------
    neighbours : sequence of CascadeMember
        The members above and below.
    """

    def __init__(self, clock: Clock, above: SumLink | None, below: SumLink | None, halt: Callable[[], None]) -> None:
        self.above, self.below = above, below
        self.neighbours: Sequence[CascadeMember] = ()
        self._clock = clock
        self._halt = halt
        self._halted = False
        self._last: int | None = None

    def finish(self) -> None:
        """Hand over the last output in this cycle."""
        self._last = self._clock.cycle

    @property
    def _runs(self) -> bool:
        return not self._halted and (self._last is None or self._last == self._clock.cycle)

    def halted(self) -> None:
        """The tile is halted in this cycle: if it has outputs left, its neighbours are halted in the next one."""
        if not self._runs:
            return
        self._halted = True
        if self._last is None:
            for neighbour in self.neighbours:
                self._clock.call(self._clock.cycle + 1, Stage.HALT, neighbour.halt_by_cascade)

    def halt_by_cascade(self) -> None:
        """Halt the tile because the cascade has ended, if it runs it still."""
        if self._runs:
            self._halt()
