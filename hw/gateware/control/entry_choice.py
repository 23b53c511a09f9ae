"""The entry of a pulse table that a distance leads to, and whether it is the one that is driven."""

from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.protocol.registers import WRITE_TABLE
from twinbar.hw.protocol.sizes import ENTRY_BITS


class EntryChoice(wiring.Component):
    """Adds steps of a distance to the number of an entry, up to the last one.

    The distance comes late, and what follows it waits for the answer. So the distances that lead to the last entry
    and to the one that is held are found before, and the distance is only compared with them.

    Parameters
    ----------
    entries : int
        Of each polarity.
    code_bits : int
        Of the distance.

    Members
    -------
    base, held : In
        Entry that is added to, and the one that is driven.
    driven : In(1)
        ``held`` is driven, and of this polarity.
    counted, shift : In
        Whether the distance counts, and log2 of the codes that make a step. All of these have been the same in the
        cycle before.
    distance : In
        By how many codes, less one, a code lies outside its window.
    number : Out
        The entry. Combinational.
    same : Out(1)
        The entry is ``held``, and driven. Combinational.
    """

    def __init__(self, entries: int, code_bits: int) -> None:
        self._bits, self._code_bits = (entries - 1).bit_length(), code_bits
        super().__init__(
            {
                "base": In(self._bits),
                "held": In(self._bits),
                "driven": In(1),
                "counted": In(1),
                "shift": In(WRITE_TABLE["shift"].bits),
                "distance": In(code_bits),
                "number": Out(ENTRY_BITS),
                "same": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        bits, distance = self._bits, self.distance
        last = (1 << bits) - 1
        reach = Signal(self._code_bits + 1)  # the least distance that leads to the last entry; the top bit: none does
        match = Signal(self._code_bits)  # and to the held one; any, where none does
        partial = Signal(self._code_bits)  # bits of a distance that make no step
        last_driven, other_driven = Signal(), Signal()  # `held` is the last entry, or one that lies ahead
        places = Signal(self._code_bits)  # by which the distance is shifted: one bit, or none
        ahead, to_last = Signal(bits + 1), Signal(bits)
        m.d.comb += [ahead.eq(self.held - self.base), to_last.eq(last - self.base)]
        least_ahead = self._least(ahead[:bits])
        m.d.sync += [
            reach.eq(self._least(to_last)),
            match.eq(least_ahead[:-1]),
            partial.eq(Mux(self.counted, (1 << self.shift) - 1, ~0)),
            last_driven.eq(self.driven & (self.held == last)),
            other_driven.eq(self.driven & (self.held != last) & ~least_ahead[-1] & ~ahead[-1]),
            places.eq(Mux(self.counted, 1 << self.shift, 0)),
        ]
        reaches, matches, steps = Signal(), Signal(), Signal(bits)
        m.d.comb += [
            steps.eq(reduce(or_, (Mux(chosen, distance >> place, 0) for place, chosen in enumerate(places)))),
            reaches.eq(distance >= reach),
            matches.eq(((distance ^ match) & ~partial) == 0),
            self.number.eq(Mux(reaches, last, (self.base + steps)[:bits])),
            self.same.eq(last_driven & reaches | other_driven & matches),
        ]
        return m

    def _least(self, steps: Signal) -> Value:
        """Give the least distance of so many steps; with the top bit where there is none."""
        codes = steps << self.shift
        beyond = Mux(self.counted, codes[self._code_bits :].any(), steps.any())
        return Cat(codes[: self._code_bits], beyond)
