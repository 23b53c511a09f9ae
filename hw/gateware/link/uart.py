"""A UART: 8 data bits, lowest first, no parity, one stop bit."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

DATA_BITS = 8


class UartReceiver(wiring.Component):
    """Receives bytes.

    Parameters
    ----------
    divisor : int
        Cycles per bit, 4 or more.

    Members
    -------
    rx : In(1)
        Asynchronous; high at rest.
    data : Out(8)
    valid : Out(1)
        A byte has come; for one cycle.
    broken : Out(1)
        What seemed a byte had no stop bit; for one cycle.
    """

    def __init__(self, divisor: int) -> None:
        self.divisor = divisor
        super().__init__({"rx": In(1, init=1), "data": Out(DATA_BITS), "valid": Out(1), "broken": Out(1)})

    def elaborate(self, platform) -> Module:
        m = Module()
        rx = Signal(init=1)
        m.submodules.synchronizer = FFSynchronizer(self.rx, rx, init=1)
        timer = Signal(range(self.divisor))
        # A one wanders down: it stands below the bits that have come, and leaves with the last data bit.
        shift = Signal(DATA_BITS + 1)
        idle, started, stopping = Signal(init=1), Signal(), Signal()
        m.d.comb += self.data.eq(shift[1:])
        m.d.sync += [self.valid.eq(0), self.broken.eq(0)]
        with m.If(idle):
            with m.If(~rx):
                m.d.sync += [idle.eq(0), started.eq(0), timer.eq(self.divisor // 2 - 1)]
        with m.Elif(timer != 0):
            m.d.sync += timer.eq(timer - 1)
        with m.Else():
            m.d.sync += timer.eq(self.divisor - 1)
            with m.If(~started):
                # The middle of the start bit; a shorter spike is none.
                m.d.sync += [started.eq(1), stopping.eq(0), shift.eq(1 << DATA_BITS), idle.eq(rx)]
            with m.Elif(~stopping):
                m.d.sync += [shift.eq(Cat(shift[1:], rx)), stopping.eq(shift[1])]
            with m.Else():
                m.d.sync += [idle.eq(1), self.valid.eq(rx), self.broken.eq(~rx)]
        return m


class UartTransmitter(wiring.Component):
    """Sends bytes, without a pause while there are some.

    Parameters
    ----------
    divisor : int
        Cycles per bit.

    Members
    -------
    i : In(stream(8))
    tx : Out(1)
    """

    def __init__(self, divisor: int) -> None:
        self.divisor = divisor
        super().__init__({"i": In(stream.Signature(DATA_BITS)), "tx": Out(1, init=1)})

    @staticmethod
    def cycles(divisor: int) -> int:
        """Return the cycles of a byte: its start bit, its bits and its stop bit."""
        return (DATA_BITS + 2) * divisor

    def elaborate(self, platform) -> Module:
        m = Module()
        timer = Signal(range(self.divisor))
        # Start bit, data and stop bit; a one above them marks the end.
        shift = Signal(DATA_BITS + 2, init=1)
        left = Signal(range(DATA_BITS + 2))
        next_byte, full = Signal(DATA_BITS), Signal()
        m.d.comb += [self.tx.eq(shift[0]), self.i.ready.eq(~full)]
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [next_byte.eq(self.i.payload), full.eq(1)]
        with m.If(timer != 0):
            m.d.sync += timer.eq(timer - 1)
        with m.Elif(left != 0):
            m.d.sync += [shift.eq(Cat(shift[1:], 1)), left.eq(left - 1), timer.eq(self.divisor - 1)]
        with m.Elif(full):
            m.d.sync += [shift.eq(Cat(0, next_byte, 1)), left.eq(DATA_BITS + 1), timer.eq(self.divisor - 1), full.eq(0)]
        return m
