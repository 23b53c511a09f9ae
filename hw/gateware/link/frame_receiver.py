"""Takes frames from the bytes of the line, stores their payload, and says which are intact."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.link.cobs import BLOCK
from twinbar.hw.link.crc import CRC_BYTES

from .crc_register import CrcRegister

_HEAD, _SEQ, _ACK, _PAYLOAD = range(4)
_SHORTEST = _PAYLOAD + CRC_BYTES


class FrameSignature(wiring.Signature):
    """The frame that has ended.

    Members
    -------
    intact, damaged : Out(1)
        A frame has ended so; for one cycle.
    session, kind, push, resend, seq, ack : Out
        Its head, until the next frame begins.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "intact": Out(1),
                "damaged": Out(1),
                "session": Out(4),
                "kind": Out(2),
                "push": Out(1),
                "resend": Out(1),
                "seq": Out(8),
                "ack": Out(8),
            }
        )


class FrameReceiver(wiring.Component):
    """Undoes the stuffing, writes payloads into a ring, and checks the CRC at the delimiter.

    A payload is part of the ring's contents only once its frame is found intact and ``keep`` is given; the next frame
    overwrites what was not kept. Bytes come at most once in nine cycles.

    Parameters
    ----------
    depth : int
        Bytes of the ring, a power of two.

    Members
    -------
    data, valid, broken : In
        From `UartReceiver`.
    frame : Out(FrameSignature)
    keep : In(1)
        Given with ``frame.intact``: the payload is to be kept.
    forget : In(1)
        Empty the ring.
    address, write, stored : Out
        Write port of the ring.
    taken : In
        First byte of the ring that is still needed.
    end : Out
        First byte behind those that are kept.

    Attributes
    ----------
    left, zero_due : Signal
        The stuffing: bytes left of the block, and whether a zero stands before the next one.
    begun, bad, place : Signal
        Whether a frame has begun and is bad, and what the byte is; at its end, whether the frame is long enough.
    byte, bits, crc
        The byte that is being checked, bit by bit, how many of its bits are left, and the check.

    The proof looks at all of these.
    """

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.crc = CrcRegister()
        self.left = Signal(8)
        self.zero_due = Signal()
        self.begun = Signal()
        self.bad = Signal()
        self.byte = Signal(8)
        self.bits = Signal(range(9))
        self.place = Signal(range(_SHORTEST + 1))
        address = range(depth)
        super().__init__(
            {
                "data": In(8),
                "valid": In(1),
                "broken": In(1),
                "frame": Out(FrameSignature()),
                "keep": In(1),
                "forget": In(1),
                "address": Out(address),
                "write": Out(1),
                "stored": Out(8),
                "taken": In(address),
                "end": Out(address),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        frame = self.frame
        m.submodules.crc = crc = self.crc
        left, zero_due, begun, bad = self.left, self.zero_due, self.begun, self.bad
        byte, bits, place = self.byte, self.bits, self.place
        following = Signal.like(self.address)
        m.d.comb += following.eq(self.address + 1)

        decoded, unstuffed = Signal(8), Signal()
        delimiter = self.data == 0
        m.d.sync += [frame.intact.eq(0), frame.damaged.eq(0)]
        with m.If(self.broken):
            m.d.sync += [bad.eq(1), begun.eq(1)]
        with m.If(self.valid & delimiter):
            ended = (left == 0) & (place == _SHORTEST) & ~bad & crc.residue
            m.d.sync += [frame.intact.eq(begun & ended), frame.damaged.eq(begun & ~ended)]
            m.d.sync += [left.eq(0), zero_due.eq(0), begun.eq(0), bad.eq(0), place.eq(_HEAD)]
            m.d.comb += crc.clear.eq(1)
        with m.Elif(self.valid):
            m.d.sync += begun.eq(1)
            with m.If(left == 0):
                m.d.sync += [left.eq(self.data - 1), zero_due.eq(self.data != BLOCK + 1)]
                m.d.comb += unstuffed.eq(zero_due)
            with m.Else():
                m.d.sync += left.eq(left - 1)
                m.d.comb += [decoded.eq(self.data), unstuffed.eq(1)]

        m.d.comb += [crc.shift.eq(bits != 0), crc.bit.eq(byte[0])]
        with m.If(bits != 0):
            m.d.sync += [byte.eq(Cat(byte[1:], 0)), bits.eq(bits - 1)]
        with m.If(unstuffed):
            m.d.sync += [byte.eq(decoded), bits.eq(8)]
            m.d.comb += self.stored.eq(decoded)
            with m.Switch(place):
                with m.Case(_HEAD):
                    m.d.sync += Cat(frame.session, frame.kind, frame.push, frame.resend).eq(decoded)
                with m.Case(_SEQ):
                    m.d.sync += frame.seq.eq(decoded)
                with m.Case(_ACK):
                    m.d.sync += frame.ack.eq(decoded)
                with m.Default():
                    m.d.comb += self.write.eq(1)
                    m.d.sync += self.address.eq(following)
            with m.If(place != _SHORTEST):
                m.d.sync += place.eq(place + 1)
        with m.If(self.write & (following == self.taken)):
            # No room: the host has sent more than it was allowed to. The ring's last byte stays free.
            m.d.sync += [bad.eq(1), self.address.eq(self.address)]

        # The CRC was stored like the payload, and is overwritten.
        with m.If(frame.intact & self.keep):
            m.d.sync += [self.end.eq(self.address - CRC_BYTES), self.address.eq(self.address - CRC_BYTES)]
        with m.Elif(frame.intact | frame.damaged):
            m.d.sync += self.address.eq(self.end)
        with m.If(self.forget):
            m.d.sync += [self.address.eq(0), self.end.eq(0)]
        return m
