"""The UART keeps its times: bits as long as they should be, and bytes received from a sender that is off by 2 %."""

from typing import Any, Final

from amaranth.hdl import Assert, Assume, Cat, Const, Cover, Module, ResetSignal, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from twinbar.hw.gateware.link.uart import DATA_BITS, UartReceiver, UartTransmitter

from .symbols import any_number

FRAME_BITS: Final = DATA_BITS + 2
TRANSMITTED_DIVISOR: Final = 4
RECEIVED_DIVISOR: Final = 8
_WHOLE: Final = 10
"""A bit of the sender is so many powers of two of its time."""
_SKEW: Final = 0.02


class TransmitterProof(wiring.Component):
    """Any bytes, offered at any time."""

    def __init__(self) -> None:
        super().__init__({"data": In(DATA_BITS), "valid": In(1)})

    def elaborate(self, platform: Any) -> Module:
        """Build the proof."""
        m = Module()
        divisor = TRANSMITTED_DIVISOR
        m.submodules.transmitter = transmitter = UartTransmitter(divisor)
        i, tx = transmitter.i, transmitter.tx
        m.d.comb += [i.payload.eq(self.data), i.valid.eq(self.valid)]
        # Two bytes at most are inside: the one on the line, and the next one.
        current, waiting, waits = Signal(FRAME_BITS), Signal(DATA_BITS), Signal()
        sending, time, place = Signal(), Signal(range(divisor)), Signal(range(FRAME_BITS))
        last = (time == divisor - 1) & (place == FRAME_BITS - 1)
        starts = waits & (~sending | last)
        with m.If(sending):
            m.d.sync += time.eq(time + 1)
            with m.If(time == divisor - 1):
                m.d.sync += [time.eq(0), place.eq(place + 1)]
            with m.If(last):
                m.d.sync += [sending.eq(0), place.eq(0)]
        with m.If(starts):
            m.d.sync += [sending.eq(1), current.eq(Cat(Const(0, 1), waiting, Const(1, 1))), waits.eq(0)]
        with m.If(i.valid & i.ready):
            m.d.sync += [waiting.eq(i.payload), waits.eq(1)]
        level = Signal(init=1)
        m.d.comb += level.eq(~sending | current.bit_select(place, 1))
        m.d.comb += [
            Assert(tx == level, "start bit, data and stop bit have their time each; bytes follow without a pause"),
            Assert(i.ready == ~waits, "a byte is taken while another one is sent, and no third"),
            Cover(last & starts),
        ]
        return m


class ReceiverProof(wiring.Component):
    """One byte of senders whose bits are 2 % shorter or longer, with a stop bit or without.

    It begins in thirds between two clock edges.
    """

    def __init__(self) -> None:
        super().__init__({"unused": In(1)})  # Yosys takes no module without a port

    def elaborate(self, platform: Any) -> Module:
        """Build the proof."""
        m = Module()
        byte, self._stop = any_number(m, DATA_BITS, "byte"), any_number(m, 1, "stop")
        nominal = (1 << _WHOLE) / RECEIVED_DIVISOR
        m.d.comb += Assume(~ResetSignal())
        cycle = Signal(8)
        with m.If(~cycle.all()):
            m.d.sync += cycle.eq(cycle + 1)
        for step in (int(nominal * (1 + _SKEW)), int(nominal * (1 - _SKEW)) + 1):
            for third in range(3):
                self._receive(m, byte, cycle, step, step * third // 3)
        return m

    def _receive(self, m: Module, byte: Signal, cycle: Signal, step: int, phase: int) -> None:
        """Let a receiver listen to a sender whose bit takes ``step`` of 1024 parts in a cycle."""
        name = f"{step}_{phase}"
        m.submodules[f"receiver_{name}"] = receiver = UartReceiver(RECEIVED_DIVISOR)
        time, received = Signal(_WHOLE + 4, name=f"time_{name}", init=phase), Signal(2, name=f"received_{name}")
        place = time[_WHOLE:]
        with m.If(place < FRAME_BITS):
            m.d.sync += time.eq(time + step)
        frame, stop = Cat(Const(0, 1), byte, self._stop), self._stop
        m.d.comb += receiver.rx.eq((place >= FRAME_BITS) | frame.bit_select(place, 1))
        m.d.sync += received.eq(received + receiver.valid)
        m.d.comb += [
            Assert(~receiver.valid | (receiver.data == byte), "the byte is received as it was sent"),
            Assert(~receiver.valid | (received == 0), "and once"),
            Assert(~receiver.valid | stop, "one without a stop bit is not received"),
            Assert(~receiver.broken | ~stop, "where there is a stop bit, it is found"),
            Assert((cycle < LAST_CYCLE) | (received == stop), "it is received by the end of its stop bit"),
        ]
        if phase == 0:
            m.d.comb += Cover((received == 1) & (byte == 0x55))


LAST_CYCLE: Final = RECEIVED_DIVISOR * FRAME_BITS + 8
"""The whole frame, its slowest end, the latest beginning and the synchronizer."""
