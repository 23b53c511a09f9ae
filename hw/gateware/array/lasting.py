"""Registers of an array that outlive the reset of a session."""

from typing import Any

from amaranth.hdl import Module, ResetSignal, Signal


class Lasting:
    """Makes registers that the reset of the clock domain resets, and a `ResetInserter` around them does not.

    So an array keeps its cells from one session of a host to the next, as one outside the chip does, and finishes what
    it was computing.
    """

    def __init__(self) -> None:
        self._registers: list[Any] = []

    def signal(self, shape: Any = None, **options: Any) -> Any:
        """Make a register; arguments are those of `Signal`."""
        made = Signal(shape, reset_less=True, src_loc_at=1, **options)
        self._registers.append(made)
        return made

    def reset(self, m: Module) -> None:
        """Reset them with the clock domain; to be called when everything else was said of them."""
        with m.If(ResetSignal("sync")):
            m.d.sync += [register.eq(register.init) for register in self._registers]
