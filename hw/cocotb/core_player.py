"""Plays commands to a core cycle by cycle, with a consumer that is not always ready, and pulses on its input pins."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from cocotb.triggers import FallingEdge, RisingEdge


class InputPulse(NamedTuple):
    """An input pin that is high from one cycle to another, both included; the first cycle of what is played is 0.

    Parameters
    ----------
    pin : str
        Name of the port: ``stop``, ``tiles__0__fault``, ``tiles__0__compliance``.
    first, last : int
    """

    pin: str
    first: int
    last: int


class CorePlayer:
    """Drives both streams of a core. Between what it plays, nothing is offered and nothing taken.

    Parameters
    ----------
    dut : cocotb handle
    clock : str
    """

    def __init__(self, dut: Any, clock: str = "clk") -> None:
        self.dut = dut
        self.clock = getattr(dut, clock)

    async def play(
        self,
        commands: Sequence[int],
        arrivals: Sequence[int] = (),
        ready: Sequence[bool] = (True,),
        pulses: Sequence[InputPulse] = (),
        patience: int = 200_000,
    ) -> list[int]:
        """Play until the core is at rest; gives the response beats. Begins and ends right after a rising edge.

        Parameters
        ----------
        commands : sequence of int
            Beats.
        arrivals : sequence of int
            Cycle from which each may be presented, ascending; 0 if it is not given.
        ready : sequence of bool
            Cycles in which a response is taken, repeated.
        pulses : sequence of InputPulse
        patience : int
            Cycles.

        Raises
        ------
        AssertionError
            If the core is not at rest by then.
        """
        dut, taken, position = self.dut, [], 0
        pins = {pulse.pin for pulse in pulses}
        quiet_from = max((pulse.last + HALT_SEEN_AFTER for pulse in pulses), default=0)
        for cycle in range(patience):
            shown = position < len(commands) and (not arrivals or cycle >= arrivals[position])
            takes = bool(ready[cycle % len(ready)])
            dut.commands__valid.value = int(shown)
            if shown:
                dut.commands__payload.value = int(commands[position])
            dut.responses__ready.value = int(takes)
            for pin in pins:
                high = any(pulse.pin == pin and pulse.first <= cycle <= pulse.last for pulse in pulses)
                getattr(dut, pin).value = int(high)
            await FallingEdge(self.clock)
            if takes and int(dut.responses__valid.value):
                taken.append(int(dut.responses__payload.value))
            accepted = shown and int(dut.commands__ready.value)
            over = position == len(commands) and not int(dut.busy.value) and cycle >= quiet_from
            await RisingEdge(self.clock)
            position += bool(accepted)
            if over:
                dut.responses__ready.value = 0
                return taken
        raise AssertionError(f"the core is not at rest after {patience} cycles; {len(taken)} responses have come")


HALT_SEEN_AFTER = 3
"""Cycles after a pulse in which the core may still do something because of it."""
