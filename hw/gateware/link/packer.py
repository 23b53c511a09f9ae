"""Makes records of response beats, bit by bit; ``twinbar.hw.link.responses`` is the reference."""

from functools import reduce
from operator import xor

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import enum, stream, wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.link import check_word
from twinbar.hw.link.expectation import STATUS_START, TILE_START, VALUE_START
from twinbar.hw.link.responses import (
    CELL_OPCODES,
    CODE_BITS,
    CONTEXT_BITS,
    CONTEXT_START,
    FULL_BITS,
    PRODUCT_OPCODES,
    RESETS_START,
    SETS_START,
    STATUS_BITS,
)
from twinbar.hw.link.widths import Widths
from twinbar.hw.protocol.layouts import PULSE_BITS, Response
from twinbar.hw.protocol.vocabulary import Status


class PackerState(enum.Enum):
    """Which bit of a record comes next."""

    KIND = 0
    """Whether it is longer than a short one."""
    LONGER = 1
    """Whether it is full."""
    BEAT = 2
    """A bit of the beat."""
    POLARITY = 3
    """Of a short record of a cell: whether its pulses were RESET pulses."""


class Packer(wiring.Component):
    """Makes records of response beats.

    Parameters
    ----------
    widths : Widths

    Members
    -------
    i : In(stream(Response))
        A beat is taken with the last bit of its record.
    o : Out(stream(1))
    starting : Out(1)
        The next bit is the first of a record.
    turn : In(1)
        Give the next bit of the check word, in a cycle in which no beat is taken.
    check : Out(1)
        Lowest bit of the check word over the beats taken; after 16 turns the word is as before.
    """

    def __init__(self, widths: Widths) -> None:
        self.widths = widths
        super().__init__(
            {
                "i": In(stream.Signature(Response)),
                "o": Out(stream.Signature(1)),
                "starting": Out(1),
                "turn": In(1),
                "check": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        widths = self.widths
        beat = self.i.payload.as_value()

        # --- how the beat can be packed ----------------------------------------------------------------------------
        context = beat[CONTEXT_START : CONTEXT_START + CONTEXT_BITS]
        last_context = Signal(CONTEXT_BITS)
        code = beat[VALUE_START : VALUE_START + CODE_BITS]
        sets, resets = (beat[start : start + PULSE_BITS] for start in (SETS_START, RESETS_START))
        cell, product = Signal(), Signal()
        packed, short = Signal(), Signal()  # not full; and not medium either
        with m.Switch(self.i.payload.opcode):
            with m.Case(*CELL_OPCODES):
                m.d.comb += cell.eq(code[widths.adc_bits :] == 0)
            with m.Case(*PRODUCT_OPCODES):
                m.d.comb += product.eq(self.i.payload.status == Status.OK)
        one_polarity = ((sets == 0) | (resets == 0)) & ((sets | resets)[widths.count_bits :] == 0)
        m.d.comb += [
            packed.eq((cell | product) & (context == last_context)),
            short.eq(packed & (product | one_polarity & (self.i.payload.status == Status.OK))),
        ]

        # --- its bits ----------------------------------------------------------------------------------------------
        state = Signal(PackerState)
        place = Signal(range(FULL_BITS))
        polarity = resets.any()
        last = Signal()
        m.d.comb += [
            self.o.valid.eq(self.i.valid),
            self.i.ready.eq(last & self.o.ready),
            self.starting.eq(state == PackerState.KIND),
        ]
        with m.If(state == PackerState.BEAT):
            with m.If(~packed):
                m.d.comb += last.eq(place == FULL_BITS - 1)
            with m.Elif(~short):
                m.d.comb += last.eq(place == RESETS_START + PULSE_BITS - 1)
            with m.Elif(product):
                m.d.comb += last.eq(place == VALUE_START + widths.result_bits - 1)
            with m.Else():
                m.d.comb += last.eq(place == Mux(polarity, RESETS_START, SETS_START) + (widths.count_bits - 1))

        def go(following: PackerState, at: int) -> list:
            return [state.eq(following), place.eq(at)]

        with m.If(self.o.valid & self.o.ready):
            with m.Switch(state):
                with m.Case(PackerState.KIND):
                    m.d.sync += go(PackerState.BEAT, TILE_START if widths.tile_bits else VALUE_START)
                    with m.If(~short):
                        m.d.sync += state.eq(PackerState.LONGER)
                with m.Case(PackerState.LONGER):
                    m.d.sync += go(PackerState.BEAT, Mux(packed, TILE_START if widths.tile_bits else STATUS_START, 0))
                with m.Case(PackerState.BEAT):
                    m.d.sync += place.eq(place + 1)
                    with m.If(packed & (place == TILE_START + widths.tile_bits - 1)):
                        m.d.sync += place.eq(Mux(short, VALUE_START, STATUS_START))
                    with m.If(packed & (place == STATUS_START + STATUS_BITS - 1)):
                        m.d.sync += place.eq(VALUE_START)
                    with m.If(packed & cell & (place == VALUE_START + widths.adc_bits - 1)):
                        m.d.sync += go(Mux(short, PackerState.POLARITY, PackerState.BEAT), SETS_START)
                    with m.If(last):
                        m.d.sync += state.eq(PackerState.KIND)
                with m.Case(PackerState.POLARITY):
                    m.d.sync += go(PackerState.BEAT, Mux(polarity, RESETS_START, SETS_START))
        with m.Switch(state):
            with m.Case(PackerState.KIND):
                m.d.comb += self.o.payload.eq(~short)
            with m.Case(PackerState.LONGER):
                m.d.comb += self.o.payload.eq(~packed)
            with m.Case(PackerState.BEAT):
                m.d.comb += self.o.payload.eq(beat.bit_select(place, 1))
            with m.Case(PackerState.POLARITY):
                m.d.comb += self.o.payload.eq(polarity)

        words = [beat[start : start + check_word.BITS] for start in range(0, FULL_BITS, check_word.BITS)]
        check = Signal(check_word.BITS)
        taken = self.i.valid & self.i.ready
        m.d.comb += self.check.eq(check[0])
        with m.If(taken):
            m.d.sync += last_context.eq(context)
        with m.If(taken | self.turn):
            m.d.sync += check.eq(check.rotate_right(1) ^ reduce(xor, words) & taken.replicate(len(check)))
        return m
