"""What a tile's sequencer has open at the array: the write gate, the read path, and the selector."""

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.protocol.vocabulary import Selection


class ArrayAccess(wiring.Component):
    """The write gate, the read path and the selector: registers that a halt closes at the end of its cycle.

    Members
    -------
    opens, reads : In(1)
        The gate is open, and the read path is on, in the next cycle.
    popped : In(1)
        A command starts with the next cycle, and connects ``chosen``.
    chosen : In(Selection)
    halt : In(1)
    write_gate, read_enable, selection : Out
    """

    opens: In(1)
    reads: In(1)
    popped: In(1)
    chosen: In(Selection)
    halt: In(1)
    write_gate: Out(1)
    read_enable: Out(1)
    selection: Out(Selection)

    def elaborate(self, platform) -> Module:
        m = Module()
        m.d.sync += [
            self.write_gate.eq(self.opens & ~self.halt),
            self.read_enable.eq(self.reads & ~self.halt),
        ]
        with m.If(self.popped):
            m.d.sync += self.selection.eq(self.chosen)
        with m.If(self.halt):
            m.d.sync += self.selection.eq(Selection.NONE)
        return m
