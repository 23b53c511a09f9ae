"""The decoder of frames: idle again behind any delimiter, and nothing is kept of a frame that is not intact."""

from typing import Any, Final

from amaranth.hdl import Assert, Assume, Cat, Const, Cover, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from twinbar.hw.gateware.link.frame_receiver import FrameReceiver
from twinbar.hw.link.crc import INIT, RESIDUE

DEPTH: Final = 16
"""Bytes of the ring of the proof: it is as long as the shortest frames take, and wraps."""
BYTE_CYCLES: Final = 9
"""Bytes come at most once in so many cycles."""
POLYNOMIAL: Final = 0xEDB88320
"""Of IEEE 802.3, reflected; stated here once more, for a reference of its own."""


def spaced(m: Module, valid: Any) -> Signal:
    """Let bytes come no faster than a line brings them; gives the cycles since the last one, up to `BYTE_CYCLES`."""
    since = Signal(range(BYTE_CYCLES + 1), init=BYTE_CYCLES)
    m.d.sync += since.eq(Mux(valid, 1, Mux(since == BYTE_CYCLES, since, since + 1)))
    m.d.comb += Assume(~valid | (since == BYTE_CYCLES))
    return since


def _byte_into(crc: Any, byte: Any) -> Any:
    """Return the CRC register after a whole byte, lowest bit first."""
    for place in range(8):
        feedback = crc[0] ^ byte[place]
        crc = Cat(crc[1:], Const(0, 1)) ^ Mux(feedback, Const(POLYNOMIAL, 32), Const(0, 32))
    return crc


class FrameProof(wiring.Component):
    """Any bytes from the line, and any answers of the session.

    A second decoder, written from the definitions of the stuffing and the CRC, takes whole bytes.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "data": In(8),
                "valid": In(1),
                "broken": In(1),
                "keep": In(1),
                "forget": In(1),
                "taken": In(range(DEPTH)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the proof."""
        m = Module()
        m.submodules.receiver = receiver = FrameReceiver(DEPTH)
        frame = receiver.frame
        names = ("data", "valid", "broken", "keep", "forget", "taken")
        m.d.comb += [getattr(receiver, name).eq(getattr(self, name)) for name in names]
        since = spaced(m, self.valid)
        delimiter = self.valid & (self.data == 0)

        ended = Signal()
        m.d.sync += ended.eq(delimiter)
        idle = (receiver.left == 0) & ~receiver.zero_due & ~receiver.begun & ~receiver.bad & (receiver.place == 0)
        with m.If(ended):
            m.d.comb += [
                Assert(idle, "behind a delimiter the decoder is idle, whatever came before"),
                Assert(receiver.crc.register == INIT, "behind a delimiter the check starts anew"),
            ]
        m.d.comb += [
            Assert(~(frame.intact | frame.damaged) | ended, "a frame ends with a delimiter only"),
            Assert(~(frame.intact & frame.damaged), "a frame is intact or damaged"),
        ]
        self._decode(m, receiver, delimiter, since)

        # What is kept: the end of the stored bytes moves with an intact frame that is wanted, and with nothing else.
        before, may_move = Signal(range(DEPTH)), Signal()
        m.d.sync += [before.eq(receiver.end), may_move.eq(frame.intact & self.keep | self.forget)]
        m.d.comb += [
            Assert(may_move | (receiver.end == before), "nothing is kept of a frame that is not intact"),
            Cover(frame.damaged),
            Cover(ended & ~frame.intact & ~frame.damaged),
        ]
        return m

    def _decode(self, m: Module, receiver: FrameReceiver, delimiter: Any, since: Any) -> None:
        """Decode once more, a byte at a time."""
        frame = receiver.frame
        left, due, crc = Signal(8), Signal(), Signal(32, init=INIT)
        count, bad, begun, data = Signal(3), Signal(), Signal(), Signal(8)
        gives = Signal()
        code = self.valid & (self.data != 0) & (left == 0)
        m.d.comb += [
            data.eq(Mux(left == 0, 0, self.data)),
            gives.eq(self.valid & (self.data != 0) & ((left != 0) | due)),
        ]
        with m.If(self.broken):
            m.d.sync += [bad.eq(1), begun.eq(1)]
        with m.If(delimiter):
            m.d.sync += [left.eq(0), due.eq(0), crc.eq(INIT), count.eq(0), bad.eq(0), begun.eq(0)]
        with m.Elif(self.valid):
            m.d.sync += [begun.eq(1), left.eq(Mux(code, self.data - 1, left - 1))]
            with m.If(code):
                m.d.sync += due.eq(self.data != 255)
        with m.If(gives):
            m.d.sync += [crc.eq(_byte_into(crc, data)), count.eq(count + (count != 7))]
        with m.If(receiver.write & ((receiver.address + 1)[: len(self.taken)] == self.taken)):
            m.d.sync += bad.eq(1)
        good = begun & (left == 0) & (count == 7) & ~bad & (crc == RESIDUE)
        verdict, damaged = Signal(), Signal()
        m.d.sync += [verdict.eq(delimiter & good), damaged.eq(delimiter & begun & ~good)]
        m.d.comb += [
            Assert(frame.intact == verdict, "a frame is intact if its length, its stuffing and its check are right"),
            Assert(frame.damaged == damaged, "every other one is damaged"),
            Assert((receiver.left == left) & (receiver.zero_due == due) & (receiver.place == count)),
            Assert((receiver.bad == bad) & (receiver.begun == begun)),
        ]
        # Of the byte in work, the bits that are left go into the check one by one.
        behind = receiver.crc.register
        for place in range(8):
            shifted = Cat(behind[1:], Const(0, 1)) ^ Mux(
                behind[0] ^ receiver.byte[place], Const(POLYNOMIAL, 32), Const(0, 32)
            )
            behind = Mux(receiver.bits > place, shifted, behind)
        m.d.comb += [
            Assert(receiver.bits <= 8),
            Assert(behind == crc),
        ]
        # A byte is through before the next one comes.
        m.d.comb += Assert(since + receiver.bits <= BYTE_CYCLES)
