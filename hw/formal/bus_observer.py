"""What the pins of a serial bus show: since when each has its level, and whether the times of the bus are kept."""

from typing import Any, Final

from amaranth.hdl import Module, Signal

from twinbar.hw.parts.bus import BusCycles

from .gate import always

LONG: Final = 31
"""Where cycles are not counted any more."""


class PinAge:
    """Counts the cycles since a pin has its level.

    Parameters
    ----------
    m : Module
    pin : Signal
    name : str

    Attributes
    ----------
    before, now : Signal
        Cycles with the same level up to the cycle before, and up to this one; `LONG` stands for as many and more.
    changes : value
        The level is another one than in the cycle before.
    """

    def __init__(self, m: Module, pin: Signal, name: str) -> None:
        level, self.before = (
            Signal.like(pin, name=f"{name}_before"),
            Signal(range(LONG + 1), name=f"{name}_age", init=LONG),
        )
        self.now = Signal.like(self.before, name=f"{name}_age_now")
        self.changes = pin != level
        m.d.sync += [level.eq(pin), self.before.eq(self.now)]
        with m.If(self.changes):
            m.d.comb += self.now.eq(1)
        with m.Else():
            m.d.comb += self.now.eq(later(self.before))


def later(age: Signal) -> Any:
    """Return an age one cycle later."""
    return age + (age != LONG)


class BusObserver:
    """Follows the frames and the edges of a serial bus, and states its times.

    Parameters
    ----------
    m : Module
    cycles : BusCycles
    pins : SpiPinsSignature

    Attributes
    ----------
    clock, data, select : PinAge
    selected : value
        A chip is selected.
    samples : value
        The clock makes a sampling edge.
    deselects : value
        Chip select has gone high.
    since_sampling : Signal
        Cycles from the last sampling edge of the frame to this cycle; `LONG`: there was none.
    """

    def __init__(self, m: Module, cycles: BusCycles, pins: Any) -> None:
        self._m, self._cycles, self._pins = m, cycles, pins
        self.clock, self.data = PinAge(m, pins.clock, "clock"), PinAge(m, pins.data, "data")
        self.select = PinAge(m, pins.select_n, "select")
        self.selected = ~pins.select_n.all()
        sampling_level = int(cycles.cpol == cycles.cpha)
        self.samples = self.clock.changes & (pins.clock == sampling_level)
        self.deselects = self.select.changes & ~self.selected
        kept, self.since_sampling = Signal(range(LONG + 1), init=LONG), Signal(range(LONG + 1))
        m.d.sync += kept.eq(later(self.since_sampling))
        m.d.comb += self.since_sampling.eq(kept)
        with m.If(self.samples):
            m.d.comb += self.since_sampling.eq(0)
        with m.Elif(self.select.changes & self.selected):
            m.d.comb += self.since_sampling.eq(LONG)

    def keeps_times(self) -> None:
        """State what parts rely on: set-up and hold of data and of chip select, and both halves of a period."""
        m, cycles, pins = self._m, self._cycles, self._pins
        clock, data, select, since = self.clock, self.data, self.select, self.since_sampling
        launches = clock.changes & ~self.samples
        begins = select.changes & self.selected
        for condition, text in (
            (~clock.changes | self.selected & ~select.changes, "the clock moves under a chip select that stays"),
            (self.selected | (pins.clock == cycles.cpol), "the clock is at its idle level while no chip is selected"),
            (~self.samples | (clock.before >= cycles.first), "the clock keeps its level before a sampling edge"),
            (~self.samples | ~data.changes & (data.before >= cycles.first), "data is there before its sampling edge"),
            (
                ~self.samples | (select.before >= cycles.setup + cycles.first),
                "chip select is low before the first sampling edge",
            ),
            (~launches | (since >= cycles.second), "the clock keeps its level behind a sampling edge"),
            (~data.changes | (since >= cycles.second) | ~self.selected, "data stays behind its sampling edge"),
            (
                ~self.deselects | (since >= cycles.second + cycles.hold),
                "chip select stays low behind the last sampling edge",
            ),
            (~begins | (select.before >= cycles.high), "chip select is high between two frames"),
            (~select.changes | self.deselects | begins, "chip select moves from no chip to one, and back"),
        ):
            always(m, condition, text)
