"""Comparisons of a cell with the bounds of its level's window."""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..controller_config import ControllerConfig


class WindowComparison(wiring.Component):
    """Compares a cell with one bound of a window, and unless it misses that, with the other one.

    Parameters
    ----------
    config : ControllerConfig

    Members
    -------
    begin : In(1)
        A read begins.
    high_first : In(1)
        It looks at the upper bound first.
    low, high : In
        The window.
    offset : In(signed)
        Of the column.
    over : In(1)
        The cell gives ``threshold`` or more.
    take : In(1)
        The comparison is done.
    threshold : Out
        To the front end.
    last : Out(1)
        This comparison is the last of the read. Combinational.
    below, above : Out(1)
        After the last one: on which side of the window the cell lies.
    """

    def __init__(self, config: ControllerConfig) -> None:
        self.config = config
        bits = config.adc_bits
        super().__init__(
            {
                "begin": In(1),
                "high_first": In(1),
                "low": In(bits),
                "high": In(bits),
                "offset": In(signed(bits + 1)),
                "over": In(1),
                "take": In(1),
                "threshold": Out(bits + 1),
                "last": Out(1),
                "below": Out(1),
                "above": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        bits = self.config.adc_bits
        upper, second, missed = Signal(), Signal(), Signal()
        bound = Signal(signed(bits + 3))
        m.d.comb += [
            bound.eq(Mux(upper, self.high, self.low) + upper + self.offset),
            self.threshold.eq(bound),
            missed.eq(Mux(upper, self.over & ~self.high.all(), ~self.over & self.low.any())),
            self.last.eq(missed | second),
        ]
        with m.If(bound < 0):
            m.d.comb += self.threshold.eq(0)
        with m.Elif(bound > 1 << bits):
            m.d.comb += self.threshold.eq(1 << bits)
        with m.If(self.begin):
            m.d.sync += [upper.eq(self.high_first), second.eq(0)]
        with m.If(self.take):
            m.d.sync += [
                upper.eq(~upper),
                second.eq(1),
                self.below.eq(missed & ~upper),
                self.above.eq(missed & upper),
            ]
        return m
