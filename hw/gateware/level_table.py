"""Level table of a tile: the window of codes in which a closed-loop write ends, per level."""

from amaranth import Module
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from twinbar.hw.gateware.memory import BLOCK_RAM
from twinbar.hw.protocol.registers import LEVELS


class LevelTable(wiring.Component):
    """One block RAM of windows.

    Parameters
    ----------
    code_bits : int
        Bits of a code.

    Attributes
    ----------
    read, read_level : In
        In the cycle after ``read``, ``window`` is that of ``read_level``, and stays until the next ``read``.
    write, write_level, write_window : In
        Store a window.
    window : Out
    """

    def __init__(self, code_bits: int) -> None:
        self.layout = data.StructLayout({"low": code_bits, "high": code_bits})
        super().__init__(
            {
                "read": In(1),
                "read_level": In(range(LEVELS)),
                "window": Out(self.layout),
                "write": In(1),
                "write_level": In(range(LEVELS)),
                "write_window": In(self.layout),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.memory = memory = Memory(shape=self.layout, depth=LEVELS, init=[], attrs=BLOCK_RAM)
        write = memory.write_port()
        read = memory.read_port()
        m.d.comb += [
            write.en.eq(self.write),
            write.addr.eq(self.write_level),
            write.data.eq(self.write_window),
            read.en.eq(self.read),
            read.addr.eq(self.read_level),
            self.window.eq(read.data),
        ]
        return m
