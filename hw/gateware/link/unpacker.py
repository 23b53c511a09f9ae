"""Makes command beats from the stored bytes; ``twinbar.hw.link.command_codec`` is the reference."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, signed
from amaranth.lib import enum, stream, wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.link.command_codec import CLEAR_BIT, COLUMN_START, HALF_BITS, LIST, ROW_START, RUN, TILE_START
from twinbar.hw.link.widths import Widths
from twinbar.hw.protocol.layouts import COLUMN_BITS, ROW_BITS, TILE_BITS, Command

_SUM_BITS = 12
"""Bits of a row plus a gap, or plus a skip."""


class UnpackerState(enum.Enum):
    """What the next byte is, or what is done without one."""

    TAG = 0
    LOW = 1
    HIGH = 2
    ENTRY = 3
    ADVANCE = 4
    WRAP = 5
    EMIT = 6
    MALFORMED = 7


class Unpacker(wiring.Component):
    """Makes command beats from the bytes of the ring.

    Parameters
    ----------
    widths : Widths
    depth : int
        Bytes of the ring, a power of two.

    Members
    -------
    address : Out
        Read port of the ring: the first byte that is still needed.
    stored : In(8)
        The byte at ``address`` in the cycle before.
    end : In
        First byte behind the stored ones.
    o : Out(stream(Command))
    waiting : Out(1)
        All stored bytes are taken, and their beats handed over.
    malformed : Out(1)
        The bytes are no items; nothing further is taken.

    Attributes
    ----------
    state : Signal
        What the next byte is, or what is done without one.
    fetched, take : Signal
        The byte at the address can be used; it is. The proof looks at these.
    """

    def __init__(self, widths: Widths, depth: int) -> None:
        self.widths = widths
        self.state, self.fetched, self.take = Signal(UnpackerState), Signal(), Signal()
        address = range(depth)
        super().__init__(
            {
                "address": Out(address),
                "stored": In(8),
                "end": In(address),
                "o": Out(stream.Signature(Command)),
                "waiting": Out(1),
                "malformed": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        widths = self.widths
        state, fetched, take = self.state, self.fetched, self.take
        low, high = Signal(HALF_BITS), Signal(HALF_BITS)
        listing = Signal()
        count, left = Signal(6), Signal(2)

        # --- one byte at a time ------------------------------------------------------------------------------------
        wanted = Signal()
        m.d.comb += [
            wanted.eq(
                (state == UnpackerState.TAG)
                | (state == UnpackerState.LOW)
                | (state == UnpackerState.HIGH)
                | (state == UnpackerState.ENTRY)
            ),
            take.eq(fetched & wanted),
            self.waiting.eq((self.address == self.end) & wanted),
            self.malformed.eq(state == UnpackerState.MALFORMED),
        ]
        # The byte at the address can be used from the cycle after the one in which it was there to be read.
        m.d.sync += fetched.eq((self.address != self.end) & ~take)
        with m.If(take):
            m.d.sync += self.address.eq(self.address + 1)

        # --- fields ------------------------------------------------------------------------------------------------
        tile = low[TILE_START : TILE_START + TILE_BITS]
        row = low[ROW_START : ROW_START + ROW_BITS]
        wide_row = low[ROW_START : ROW_START + _SUM_BITS]  # until the beat is made, its column's place is free
        entry = high[HALF_BITS - 8 * widths.entry_bytes :]
        column, level = entry[: widths.column_bits], entry[widths.column_bits : widths.low_bits]
        gap = entry[widths.low_bits : widths.low_bits + widths.gap_bits]
        skip = entry[: widths.skip_bits]
        m.d.comb += [self.o.valid.eq(state == UnpackerState.EMIT), self.o.payload.as_value().eq(Cat(low, high))]

        # One adder moves the row: on by a gap, back by a tile's rows, on to the next word of a run.
        base, step, moved = Signal(_SUM_BITS), Signal(signed(_SUM_BITS + 1)), Signal(signed(_SUM_BITS + 1))
        m.d.comb += [base.eq(row), step.eq(Mux(gap.all(), skip, gap)), moved.eq(base + step)]
        with m.If(state == UnpackerState.WRAP):
            m.d.comb += [base.eq(wide_row), step.eq(-widths.rows)]
        with m.If(state == UnpackerState.EMIT):
            m.d.comb += step.eq(1)

        with m.Switch(state):
            with m.Case(UnpackerState.TAG):
                with m.If(take):
                    kind = self.stored[6:]
                    m.d.sync += [count.eq(self.stored), listing.eq(kind == LIST >> 6), high.eq(0), left.eq(3)]
                    m.d.sync += state.eq(UnpackerState.LOW)
                    with m.If((kind != RUN >> 6) & (kind != LIST >> 6)):
                        m.d.sync += state.eq(UnpackerState.MALFORMED)
            with m.Case(UnpackerState.LOW):
                with m.If(take):
                    m.d.sync += [low.eq(Cat(low[8:], self.stored)), left.eq(left - 1)]
                    with m.If(left == 0):
                        with m.If(listing):
                            m.d.sync += [state.eq(UnpackerState.ENTRY), left.eq(widths.entry_bytes - 1)]
                        with m.Elif(count == 0):
                            m.d.sync += state.eq(UnpackerState.EMIT)
                        with m.Else():
                            m.d.sync += state.eq(UnpackerState.HIGH)
            with m.Case(UnpackerState.HIGH, UnpackerState.ENTRY):
                with m.If(take):
                    m.d.sync += [high.eq(Cat(high[8:], self.stored)), left.eq(left - 1)]
                    with m.If(left == 0):
                        m.d.sync += state.eq(UnpackerState.ADVANCE)
                        with m.If(state == UnpackerState.HIGH):
                            m.d.sync += state.eq(UnpackerState.EMIT)
            with m.Case(UnpackerState.ADVANCE):
                m.d.sync += [wide_row.eq(moved), left.eq(widths.entry_bytes - 1), state.eq(UnpackerState.WRAP)]
                with m.If(gap.all() & (skip == 0)):
                    m.d.sync += state.eq(UnpackerState.TAG)
            with m.Case(UnpackerState.WRAP):
                with m.If(moved >= 0):
                    m.d.sync += [wide_row.eq(moved), tile.eq(tile + 1)]
                with m.Elif(gap.all()):
                    m.d.sync += state.eq(UnpackerState.ENTRY)
                with m.Else():
                    arguments = Cat(Const(0, COLUMN_START), column, Const(0, COLUMN_BITS - widths.column_bits), level)
                    m.d.sync += [low[COLUMN_START:].eq(arguments[COLUMN_START:HALF_BITS]), state.eq(UnpackerState.EMIT)]
                    m.d.sync += high.eq(arguments[HALF_BITS:])
            with m.Case(UnpackerState.EMIT):
                with m.If(self.o.ready):
                    m.d.sync += count.eq(count - 1)
                    with m.If(listing):
                        m.d.sync += state.eq(UnpackerState.ENTRY)
                    with m.Else():
                        # The next beat of a run (`twinbar.hw.link.command_codec.after`): bit 26 becomes 0, too.
                        m.d.sync += [left.eq(3), low[ROW_START : CLEAR_BIT + 1].eq(moved[:ROW_BITS])]
                        m.d.sync += state.eq(Mux(count[1:] == 0, UnpackerState.TAG, UnpackerState.HIGH))
        return m
