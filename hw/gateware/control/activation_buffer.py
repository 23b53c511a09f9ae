"""The activations of a product, in words as row registers take them."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.protocol.layouts import ROW_BITS, WORD_BITS

from ..block_ram import block_ram
from ..controller_config import ControllerConfig


class ActivationBuffer(wiring.Component):
    """Puts codes into words, the first of a product into the lowest field of word 0.

    Parameters
    ----------
    config : ControllerConfig

    Members
    -------
    put, first, last : In(1)
        A code is put in this cycle; it is its product's first, or last.
    code : In
    index : In
        Word that is read.
    word : Out
        It, one cycle later.
    """

    def __init__(self, config: ControllerConfig) -> None:
        self.config = config
        super().__init__(
            {
                "put": In(1),
                "first": In(1),
                "last": In(1),
                "code": In(config.input_bits),
                "index": In(ROW_BITS),
                "word": Out(WORD_BITS),
            }
        )

    @staticmethod
    def cycles() -> int:
        """Return the cycles from a code to the first in which its word can be asked for: write."""
        return 1

    def elaborate(self, platform) -> Module:
        m = Module()
        per_word = self.config.rows_per_word
        m.submodules.words = words = block_ram(shape=WORD_BITS, depth=self.config.output_words)
        read, write = words.read_port(), words.write_port()
        place, next_place = Signal(range(per_word)), Signal(range(per_word))
        number, next_number = Signal(range(self.config.output_words + 1)), Signal(range(self.config.output_words + 1))
        kept, word = Signal(WORD_BITS), Signal(WORD_BITS)
        full = place == per_word - 1
        # What a product that was cut off has put is lost.
        m.d.comb += [place.eq(Mux(self.first, 0, next_place)), number.eq(Mux(self.first, 0, next_number))]
        m.d.comb += [
            word.eq(Mux(place == 0, 0, kept)),
            write.addr.eq(number),
            write.data.eq(word),
            write.en.eq(self.put & (full | self.last)),
            read.addr.eq(self.index),
            read.en.eq(1),
            self.word.eq(read.data),
        ]
        m.d.comb += word.word_select(place, self.config.field_bits).eq(self.code)
        with m.If(self.put):
            m.d.sync += [kept.eq(word), next_place.eq(Mux(full, 0, place + 1)), next_number.eq(number + full)]
        return m
