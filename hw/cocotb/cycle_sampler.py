"""Looks at the pins of a core once in every cycle, and shows them to all who watch."""

from collections.abc import Iterator
from typing import Any, Protocol

from cocotb.triggers import FallingEdge


class SampledPins:
    """The pins of a core in one cycle; each is read when it is first asked for.

    Parameters
    ----------
    dut : cocotb handle
    """

    def __init__(self, dut: Any) -> None:
        self._dut = dut
        self._handles: dict[str, Any] = {}
        self._values: dict[str, int] = {}

    def forget(self) -> None:
        """A new cycle has begun."""
        self._values.clear()

    def __contains__(self, name: str) -> bool:
        return hasattr(self._dut, name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __getitem__(self, name: str) -> int:
        """Return the bits of a pin.

        Raises
        ------
        ValueError
            If a bit of it is unknown.
        """
        if name not in self._values:
            if name not in self._handles:
                self._handles[name] = getattr(self._dut, name)
            self._values[name] = int(self._handles[name].value)
        return self._values[name]


class CycleObserver(Protocol):
    """Whoever looks at every cycle: a monitor, a rule, a model of what is behind the pins."""

    def look(self, cycle: int, pins: Any) -> None:
        """See a cycle; what it drives then is there before the cycle ends.

        Parameters
        ----------
        cycle : int
            Number of the cycle.
        pins : mapping of str to int
            The bits of each port by its name (`SampledPins`).
        """


class CycleSampler:
    """Samples at the falling edge, where everything that was driven at the rising one has come to rest.

    What an observer drives then is there at the end of the same cycle, as it is where an array answers without a clock.
    Begin it after the reset: pins of a core for a chip are unknown before.

    Parameters
    ----------
    dut : cocotb handle
    clock : str
        Name of the clock.
    """

    def __init__(self, dut: Any, clock: str = "clk") -> None:
        self.dut = dut
        self.clock = getattr(dut, clock)
        self.observers: list[CycleObserver] = []
        self.cycle = 0

    def watch(self, *observers: CycleObserver) -> None:
        """Let others look at every cycle from the next one on, in this order.

        Parameters
        ----------
        *observers : CycleObserver
        """
        self.observers += observers

    async def run(self) -> None:
        """Sample; for ``cocotb.start_soon``."""
        pins = SampledPins(self.dut)
        while True:
            await FallingEdge(self.clock)
            pins.forget()
            for observer in self.observers:
                observer.look(self.cycle, pins)
            self.cycle += 1
