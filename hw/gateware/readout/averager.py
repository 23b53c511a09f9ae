"""Averages the conversions of a single-cell read."""

from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Const, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.protocol.registers import SAMPLING

from ..control.register_file import Sampling
from ..controller_config import ControllerConfig

MAX_AVERAGE = SAMPLING["log2_average"].most


class Averager(wiring.Component):
    """Averages the conversions of a single-cell read, less an offset, rounded half up.

    The sum is kept in units of 1 / 2**``MAX_AVERAGE``, whatever the number of conversions, so that the average is known
    without a shift as soon as the last conversion has been added.

    Parameters
    ----------
    config : ControllerConfig

    Members
    -------
    clear : In(1)
        A read begins.
    sampling : In(Sampling)
        Registers.
    single : In(1)
        One conversion, whatever the registers say.
    code : In(signed)
        Of the converter.
    offset : In(signed)
        Taken over with ``clear``.
    take : In(1)
        A conversion is done.
    last : Out(1)
        This conversion is the last of the read.
    count : Out
        Conversions of this read, with the one in progress.
    coming : Out(signed)
        With ``take``: the average, if this conversion is the last. Combinational.
    average : Out(signed)
        In the cycle after the last conversion.
    value : Out
        The average, clamped to the range of codes.
    """

    def __init__(self, config: ControllerConfig) -> None:
        bits = config.adc_bits
        super().__init__(
            {
                "clear": In(1),
                "sampling": In(Sampling),
                "single": In(1),
                "code": In(signed(bits + 1)),
                "offset": In(signed(bits + 1)),
                "take": In(1),
                "last": Out(1),
                "count": Out(range(1, 33)),
                "coming": Out(signed(bits + 2)),
                "average": Out(signed(bits + 2)),
                "value": Out(bits),
            }
        )
        self._bits = bits

    def elaborate(self, platform) -> Module:
        m = Module()
        # Taken over before the read, to keep the paths in it short.
        kept = Signal(MAX_AVERAGE + 1, init=1)  # a power of two
        discard = Signal.like(self.sampling.discard)
        final = Signal(range(32))
        m.d.sync += [
            kept.eq(1 << Mux(self.single, 0, self.sampling.log2_average)),
            discard.eq(Mux(self.single, 0, self.sampling.discard)),
            final.eq(discard + kept - 1),
        ]

        done = Signal(range(32))
        total = Signal(signed(self._bits + 2 + MAX_AVERAGE))
        following = Signal.like(total)
        # -x is ~x + 1. The ones that are missing here are added with every conversion, whose empty places hold ones.
        base = Cat(Const(1 << (MAX_AVERAGE - 1), MAX_AVERAGE), ~self.offset).as_signed()
        added = Signal(signed(self._bits + 1 + MAX_AVERAGE))
        choices = []
        for exponent, chosen in enumerate(kept):
            weighted = Cat(Const(1, 1).replicate(MAX_AVERAGE - exponent), self.code).as_signed()
            choices.append(Mux(chosen, weighted, 0))
        m.d.comb += added.eq(reduce(or_, choices))
        m.d.comb += [
            self.last.eq(done == final),
            self.count.eq(done + 1),
            # One adder: its carry comes in by a bit below the lowest.
            following.eq((Cat(Const(1, 1), total).as_signed() + Cat(Const(1, 1), added).as_signed())[1:]),
            self.coming.eq(following >> MAX_AVERAGE),
            self.average.eq(total >> MAX_AVERAGE),
        ]
        with m.If(self.clear):
            m.d.sync += [done.eq(0), total.eq(base)]
        with m.Elif(self.take):
            m.d.sync += done.eq(done + 1)
            with m.If(done >= discard):
                m.d.sync += total.eq(following)

        m.d.comb += self.value.eq(self.average)
        with m.If(self.average < 0):
            m.d.comb += self.value.eq(0)
        with m.Elif(self.average >= 1 << self._bits):
            m.d.comb += self.value.eq(~0)
        return m
