"""Counters in block RAM."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.protocol.registers import COUNTER_BITS

from ..block_ram import block_ram


class Tally(wiring.Component):
    """Counters in block RAM, one addition per cycle. They keep their values over a reset.

    Parameters
    ----------
    counters : int
    amount_bits : int
        Bits of an amount. Amounts for the same counter in consecutive cycles must sum to less than twice this range.

    Members
    -------
    add : In(1)
        Add ``amount`` to counter ``index``. It can be read from the second cycle after on.
    index, amount : In
    read_index : In
    value : Out
        Counter ``read_index``, if nothing was added in the cycle before.

    Attributes
    ----------
    adding, held_index, held_amount : Signal
        What is written in this cycle, less what is stored: the proof looks at them.
    """

    def __init__(self, counters: int, amount_bits: int) -> None:
        self._counters = counters
        self.adding = Signal(reset_less=True)
        self.held_index = Signal(range(counters), name="index", reset_less=True)
        self.held_amount = Signal(amount_bits + 1, name="amount", reset_less=True)
        super().__init__(
            {
                "add": In(1),
                "index": In(range(counters)),
                "amount": In(amount_bits),
                "read_index": In(range(counters)),
                "value": Out(COUNTER_BITS),
            }
        )

    @staticmethod
    def cycles() -> int:
        """Return the cycles from ``add`` to the first in which the new count can be asked for: read, add, write."""
        return 2

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.storage = storage = block_ram(shape=COUNTER_BITS, depth=self._counters)
        read, write = storage.read_port(), storage.write_port()
        # Read in the cycle of `add`, written in the next one.
        adding, index, amount = self.adding, self.held_index, self.held_amount
        # The counter that is being written would be read too early. What was read before it is kept, and what has been
        # added to it since is added again.
        again = adding & self.add & (index == self.index)
        m.d.comb += [
            read.addr.eq(self.read_index),
            read.en.eq(~again),
            self.value.eq(read.data),
            write.addr.eq(index),
            write.data.eq(read.data + amount),
            write.en.eq(adding),
        ]
        m.d.sync += adding.eq(self.add)
        with m.If(self.add):
            m.d.comb += read.addr.eq(self.index)
            m.d.sync += [index.eq(self.index), amount.eq(self.amount)]
        with m.If(again):
            m.d.sync += amount.eq(amount + self.amount)
        return m
