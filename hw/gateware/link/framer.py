"""Makes frames of records, and writes them to a ring as they go over the line."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import enum, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from twinbar.hw.link import check_word
from twinbar.hw.link.board_model import LAST_START
from twinbar.hw.link.crc import CRC_BYTES
from twinbar.hw.link.frames import BOARD_HEAD, LONGEST_FRAME, FrameKind

from .crc_register import CrcRegister


class FramerState(enum.Enum):
    """What is written next."""

    DELIMITER = 0
    """A delimiter in front of everything: what was under way before the session is cut there."""
    IDLE = 1
    HEAD = 2
    SEQ = 3
    HELLO = 4
    RECORDS = 5
    PADDING = 6
    ACK = 7
    RELEASED = 8
    FLAGS = 9
    CHECK = 10
    CRC = 11
    CODE = 12
    """The code byte of the last block."""
    END = 13


class Framer(wiring.Component):
    """Makes frames.

    The stuffing needs no second pass: a zero is not written, but the place where it would stand becomes that of the
    next code byte, and the code byte before it is written now that its distance is known.

    Parameters
    ----------
    hello : bytes
        Payload of the first frame.
    depth : int
        Bytes of the ring, a power of two.

    Members
    -------
    records : In(stream(1))
        Bits of records; ``starting`` says that the next bit is the first of a record.
    starting : In(1)
    enable : In(1)
        There is a session.
    wanted : In(1)
        A frame is to be ended, or an empty one made, although there is room in it.
    session, ack, released, flags : In
        Fields of the frame, taken when they are written.
    check : In(1)
        Next bit of the check word.
    turn : Out(1)
        It is taken.
    kept : In
        First byte of the ring that may have to be sent again.
    window_full : In(1)
        So many frames are not acknowledged that no other may be begun.
    address, write, data : Out
        Write port of the ring.
    end : Out
        First byte behind the finished frames.
    seq : Out(8)
        Number of the next frame.
    holds_records : Out(1)
        A frame with records is begun.
    telling : Out(1)
        ``ack`` is taken in this cycle; everything that changes from now on is told by the next frame.
    """

    def __init__(self, hello: bytes, depth: int) -> None:
        self.hello = hello
        self.depth = depth
        address = range(depth)
        super().__init__(
            {
                "records": In(stream.Signature(1)),
                "starting": In(1),
                "enable": In(1),
                "wanted": In(1),
                "session": In(4),
                "ack": In(8),
                "released": In(8),
                "flags": In(8),
                "check": In(1),
                "turn": Out(1),
                "kept": In(address),
                "window_full": In(1),
                "address": Out(address),
                "write": Out(1),
                "data": Out(8),
                "end": Out(address),
                "seq": Out(8),
                "holds_records": Out(1),
                "telling": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.crc = crc = CrcRegister()
        m.submodules.hello = hello = Memory(
            shape=8, depth=len(self.hello), init=self.hello, attrs={"ram_style": "block"}
        )
        hello_read = hello.read_port()
        state = Signal(FramerState)
        # The byte in work, and how many of its bits are through the CRC. A whole byte is turned around once.
        byte, bits, loaded = Signal(8), Signal(range(8)), Signal()
        position, code_position = Signal(range(self.depth)), Signal(range(self.depth))
        size = Signal(8)
        bit, shift = Signal(), Signal()
        complete = Signal(8)
        m.d.comb += [complete.eq(Cat(byte[1:], bit)), crc.bit.eq(bit), crc.shift.eq(shift)]

        # --- bits to bytes -----------------------------------------------------------------------------------------
        with m.If(shift):
            m.d.sync += [byte.eq(complete), bits.eq(bits + 1)]
        put = Signal()
        m.d.comb += put.eq(shift & (bits == 7))
        with m.If(put):
            m.d.sync += [loaded.eq(0), size.eq(size + 1)]

        # --- bytes to the ring, stuffed ----------------------------------------------------------------------------
        last = state == FramerState.END
        distance = (position - code_position)[:8]
        zero = put & (complete == 0)
        m.d.comb += [
            self.write.eq(put | (state == FramerState.CODE) | last | (state == FramerState.DELIMITER)),
            self.address.eq(Mux(zero | (state == FramerState.CODE), code_position, position)),
            self.data.eq(Mux(zero | (state == FramerState.CODE), distance, Mux(put, complete, 0))),
        ]
        with m.If(put | last | (state == FramerState.DELIMITER)):
            m.d.sync += position.eq(position + 1)
        with m.If(zero):
            m.d.sync += code_position.eq(position)

        # --- what the bits are -------------------------------------------------------------------------------------
        used = (position - self.kept)[LONGEST_FRAME.bit_length() - 1 : len(position)]
        has_room = Signal()
        is_hello = Signal(init=1)
        hello_place = Signal(range(len(self.hello) + 1))
        tail_place = Signal(range(CRC_BYTES))
        m.d.comb += has_room.eq(~used.all() & ~self.window_full)
        fields = {
            FramerState.HEAD: (Cat(self.session, Mux(is_hello, FrameKind.HELLO, FrameKind.DATA)), FramerState.SEQ),
            FramerState.SEQ: (self.seq, Mux(is_hello, FramerState.HELLO, FramerState.RECORDS)),
            FramerState.HELLO: (
                hello_read.data,
                Mux(hello_place == len(self.hello), FramerState.ACK, FramerState.HELLO),
            ),
            FramerState.ACK: (self.ack, FramerState.RELEASED),
            FramerState.RELEASED: (self.released, FramerState.FLAGS),
            FramerState.FLAGS: (self.flags, FramerState.CHECK),
        }
        m.d.comb += hello_read.addr.eq(hello_place)
        with m.Switch(state):
            with m.Case(FramerState.DELIMITER):
                m.d.sync += [state.eq(FramerState.IDLE), self.end.eq(position + 1)]
            with m.Case(FramerState.IDLE):
                with m.If(self.enable & has_room & (is_hello | self.records.valid | self.wanted)):
                    m.d.sync += [state.eq(FramerState.HEAD), code_position.eq(position), position.eq(position + 1)]
                    m.d.sync += size.eq(0)
                    m.d.comb += crc.clear.eq(1)
            for current, (value, following) in fields.items():
                with m.Case(current):
                    with m.If(~loaded):
                        m.d.sync += [byte.eq(value), loaded.eq(1)]
                        if current is FramerState.ACK:
                            m.d.comb += self.telling.eq(1)
                        if current is FramerState.HELLO:
                            m.d.sync += hello_place.eq(hello_place + 1)
                    with m.Else():
                        m.d.comb += [shift.eq(1), bit.eq(byte[0])]
                        with m.If(put):
                            m.d.sync += state.eq(following)
            with m.Case(FramerState.RECORDS):
                full = size > LAST_START + BOARD_HEAD
                with m.If(self.starting & (full | ~self.records.valid & self.wanted)):
                    m.d.sync += state.eq(FramerState.PADDING)
                with m.Else():
                    m.d.comb += [self.records.ready.eq(1), bit.eq(self.records.payload), shift.eq(self.records.valid)]
                    with m.If(self.records.valid):
                        m.d.sync += self.holds_records.eq(1)
            with m.Case(FramerState.PADDING):
                m.d.comb += shift.eq(bits != 0)
                with m.If((bits == 0) | put):
                    m.d.sync += state.eq(FramerState.ACK)
            with m.Case(FramerState.CHECK):
                m.d.comb += [self.turn.eq(1), shift.eq(1), bit.eq(self.check)]
                with m.If(put):
                    m.d.sync += tail_place.eq(tail_place + 1)
                    with m.If(tail_place == check_word.BITS // 8 - 1):
                        m.d.sync += [state.eq(FramerState.CRC), tail_place.eq(0)]
            with m.Case(FramerState.CRC):
                m.d.comb += [crc.give.eq(1), shift.eq(1), bit.eq(crc.given)]
                with m.If(put):
                    m.d.sync += tail_place.eq(tail_place + 1)
                    with m.If(tail_place == CRC_BYTES - 1):
                        m.d.sync += state.eq(FramerState.CODE)
            with m.Case(FramerState.CODE):
                m.d.sync += state.eq(FramerState.END)
            with m.Case(FramerState.END):
                m.d.sync += [state.eq(FramerState.IDLE), self.end.eq(position + 1), self.seq.eq(self.seq + 1)]
                m.d.sync += [is_hello.eq(0), self.holds_records.eq(0)]
        return m
