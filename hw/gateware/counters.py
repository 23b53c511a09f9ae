"""Counters of a tile in block RAM: cycles by phase, and actions."""

from amaranth import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from twinbar.hw.gateware.memory import BLOCK_RAM
from twinbar.hw.protocol.responses import PAYLOAD_BITS


class CounterBank(wiring.Component):
    """A bank of counters of which one advances per cycle.

    Parameters
    ----------
    count : int
        Number of counters.
    amount_bits : int
        Bits of the largest amount that is added at once.

    Attributes
    ----------
    add, index, amount : In
        Add ``amount``, which may be 0, to counter ``index``.
    value : Out
        The counter that the cycle before added to, as it was before that.
    """

    def __init__(self, count: int, amount_bits: int) -> None:
        self._count = count
        self._amount_bits = amount_bits
        super().__init__(
            {
                "add": In(1),
                "index": In(range(count)),
                "amount": In(amount_bits),
                "value": Out(PAYLOAD_BITS),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.memory = memory = Memory(shape=PAYLOAD_BITS, depth=self._count, init=[], attrs=BLOCK_RAM)
        write = memory.write_port()
        read = memory.read_port()
        adding, again = Signal(), Signal()
        index = Signal.like(self.index)
        amount = Signal(self._amount_bits)
        total, last = Signal(PAYLOAD_BITS), Signal(PAYLOAD_BITS)
        m.d.sync += [
            adding.eq(self.add),
            index.eq(self.index),
            amount.eq(self.amount),
            last.eq(total),
            # A counter may advance in every cycle: then its new value is still on its way into the memory.
            again.eq(adding & (index == self.index)),
        ]
        m.d.comb += [
            read.en.eq(self.add),
            read.addr.eq(self.index),
            self.value.eq(Mux(again, last, read.data)),
            total.eq(self.value + amount),
            write.en.eq(adding),
            write.addr.eq(index),
            write.data.eq(total),
        ]
        return m
