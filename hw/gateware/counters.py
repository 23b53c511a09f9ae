"""Counters of a tile in block RAM: cycles by phase, and actions."""

from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

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
        Add ``amount`` to counter ``index``.
    read, read_index : In
        In the cycle after ``read``, ``value`` is that of counter ``read_index`` with all that was added up to two
        cycles before ``read``, and stays until the next ``read``.
    value : Out
    """

    def __init__(self, count: int, amount_bits: int = 1) -> None:
        self._count = count
        self._amount_bits = amount_bits
        super().__init__(
            {
                "add": In(1),
                "index": In(range(count)),
                "amount": In(amount_bits),
                "read": In(1),
                "read_index": In(range(count)),
                "value": Out(PAYLOAD_BITS),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.memory = memory = Memory(shape=PAYLOAD_BITS, depth=self._count, init=[])
        write = memory.write_port()
        # A counter may advance in every cycle, so that its new value is needed while it is being written.
        old = memory.read_port(transparent_for=(write,))
        read = memory.read_port()
        adding = Signal()
        index = Signal.like(self.index)
        amount = Signal(self._amount_bits)
        m.d.sync += [adding.eq(self.add), index.eq(self.index), amount.eq(self.amount)]
        m.d.comb += [
            old.en.eq(1),
            old.addr.eq(self.index),
            write.en.eq(adding),
            write.addr.eq(index),
            write.data.eq(old.data + amount),
            read.en.eq(self.read),
            read.addr.eq(self.read_index),
            self.value.eq(read.data),
        ]
        return m
