"""The row registers of a serial front end: inputs of all rows, read one group of rows and one bit plane at a time."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.protocol.layouts import ROW_BITS, WORD_BITS

from ..block_ram import block_ram
from ..controller_config import ControllerConfig

MAX_GROUP = 8


def group_rows(config: ControllerConfig) -> int:
    """Return the rows of a group: those of a word of the row registers, at most `MAX_GROUP`."""
    return min(config.rows_per_word, MAX_GROUP)


class RowRegisters(wiring.Component):
    """The row registers.

    Parameters
    ----------
    config : ControllerConfig

    Members
    -------
    load, clear : In(1)
    word : In
    bits : In
        As in `array_members`.
    group : In
        Group of rows (`group_rows`); one past the last word reads as 0.
    plane : In
    ones : Out
        Rows of the group whose input has a one in the plane; right from the cycle after ``group`` changes on.
    """

    def __init__(self, config: ControllerConfig) -> None:
        self.config = config
        self.rows = group_rows(config)
        super().__init__(
            {
                "load": In(1),
                "clear": In(1),
                "word": In(ROW_BITS),
                "bits": In(WORD_BITS),
                "group": In(ROW_BITS),
                "plane": In(3),
                "ones": Out(self.rows),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config = self.config
        groups_per_word = config.rows_per_word // self.rows
        place_bits = groups_per_word.bit_length() - 1
        address, place = self.group[place_bits:], self.group[:place_bits]

        m.submodules.words = words = block_ram(shape=WORD_BITS, depth=config.words)
        write, read = words.write_port(), words.read_port()
        # All words are cleared at once by forgetting that they were written.
        written = Signal(config.words)
        with m.If(self.load):
            with m.If(self.clear):
                m.d.sync += written.eq(0)
            m.d.sync += written.bit_select(self.word, 1).eq(1)
        m.d.comb += [
            write.addr.eq(self.word),
            write.data.eq(self.bits),
            write.en.eq(self.load),
            read.addr.eq(address),
        ]
        known = Signal()
        m.d.sync += known.eq((address < config.words) & written.bit_select(address, 1))
        fields = read.data.word_select(place, self.rows * config.field_bits)
        planes = Cat(
            fields[row * config.field_bits : (row + 1) * config.field_bits].bit_select(self.plane, 1)
            for row in range(self.rows)
        )
        m.d.comb += self.ones.eq(Mux(known, planes, 0))
        return m
