"""Input vector of a tile: which input steps drive a row, and how many rows they drive.

The codes themselves go to the row drivers, which hold them (`twinbar.hw.gateware.front_end.FrontEndPins`); a
controller with few pins could not present a row mask.
"""

import itertools

from amaranth import Cat, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.gateware.config import INPUT_WORD_BITS, ControllerConfig


def ones(bits: list[Value]) -> Value:
    """Count the ones among ``bits`` with a balanced tree of adders."""
    terms = list(bits)
    while len(terms) > 1:
        pairs = [a + b for a, b in zip(terms[::2], terms[1::2], strict=False)]
        terms = pairs + terms[len(pairs) * 2 :]
    return terms[0]


class InputBuffer(wiring.Component):
    """Watches the words of an input vector as they are loaded.

    Codes are packed without gaps, so that a code may straddle two words where ``input_bits`` does not divide 32.

    Attributes
    ----------
    load, index, data : In
        A word of the vector; word 0 starts a new one. The words of a vector come in ascending order.
    steps : Out
        The input steps (bit planes, or one with DAC inputs) that drive at least one row.
    driven : Out
        Rows driven, summed over the steps.
    """

    def __init__(self, config: ControllerConfig) -> None:
        self._config = config
        super().__init__(
            {
                "load": In(1),
                "index": In(range(config.input_words)),
                "data": In(INPUT_WORD_BITS),
                "steps": Out(config.planes),
                "driven": Out(range(config.rows * config.planes + 1)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        config = self._config
        bits = config.input_bits
        m = Module()
        # Position, within a code, of the first bit of a word: it repeats after `bits` words at most.
        starts = [0]
        while (INPUT_WORD_BITS * len(starts)) % bits:
            starts.append((INPUT_WORD_BITS * len(starts)) % bits)
        start = Signal(range(len(starts)))
        here = Signal.like(start)
        m.d.comb += here.eq(start)
        with m.If(self.index == 0):
            m.d.comb += here.eq(0)
        steps = Signal(config.planes)
        driven = Signal(range(INPUT_WORD_BITS + 1))
        straddles = Signal()
        straddling = Signal()
        with m.Switch(here):
            for number, phase in enumerate(starts):
                with m.Case(number):
                    if config.dac_inputs:
                        # Codes of this word; the first continues the last of the word before when phase > 0.
                        edges = [0, *range((bits - phase) % bits or bits, INPUT_WORD_BITS, bits), INPUT_WORD_BITS]
                        any_of = [self.data[a:b].any() for a, b in itertools.pairwise(edges)]
                        counted = [any_of[0] & ~(straddling if phase else 0), *any_of[1:]]
                        whole = (phase + INPUT_WORD_BITS) % bits == 0
                        m.d.comb += [
                            steps.eq(self.data.any()),
                            driven.eq(ones(counted)),
                            straddles.eq(0 if whole else any_of[-1]),
                        ]
                    else:
                        for plane in range(bits):
                            at = [i for i in range(INPUT_WORD_BITS) if (phase + i) % bits == plane]
                            m.d.comb += steps[plane].eq(Cat(self.data[i] for i in at).any())
                        m.d.comb += driven.eq(ones([self.data[i] for i in range(INPUT_WORD_BITS)]))
        with m.If(self.load):
            m.d.sync += [straddling.eq(straddles), start.eq(0)]
            if len(starts) > 1:
                with m.If(here != len(starts) - 1):
                    m.d.sync += start.eq(here + 1)
            with m.If(self.index == 0):
                m.d.sync += [self.steps.eq(steps), self.driven.eq(driven)]
            with m.Else():
                m.d.sync += [self.steps.eq(self.steps | steps), self.driven.eq(self.driven + driven)]
        return m
