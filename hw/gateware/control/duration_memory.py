"""The durations of the phases."""

from typing import Final

from amaranth.hdl import Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.protocol import registers

from ..block_ram import block_ram
from ..front_end.handshake import CYCLE_BITS, FrontEndDurations
from ..tile_states import DURATION_OF

DURATIONS: Final = (
    registers.SELECT,
    registers.SETTLE_READ,
    registers.SETTLE_DRIVE,
    registers.SETTLE_MULTIPLY,
    registers.CONVERT,
    registers.RECOVER,
)
"""Registers in the order of their rows."""
BASE: Final = registers.SELECT.address
"""Address of the register in row 0; rows and addresses are in step."""
assert [register.address - BASE for register in DURATIONS] == list(range(len(DURATIONS)))
assert all(DURATIONS.index(register) == state.value % 8 for state, register in DURATION_OF.items())

ROW_BITS: Final = 3
COMPARE_ROW: Final = len(DURATIONS)
"""Row of a comparison's duration, whose register lies elsewhere."""


class Duration(data.Struct):
    """Cycles of a phase, and whether it is only one or two."""

    cycles: CYCLE_BITS
    single: 1
    double: 1


class DurationMemory(wiring.Component):
    """The durations of the phases in block RAM. They keep their values over a reset, like all registers.

    Parameters
    ----------
    compare : bool
        Cells can be compared.

    Members
    -------
    row : In
        Phase that begins with the next cycle if one does, as a place in `DURATIONS`.
    duration : Out(Duration)
        Of the phase that was given in the cycle before.
    write, write_row, cycles : In
        Stores a duration at the end of this cycle.
    at_once : Out(FrontEndDurations)
        In registers, which are left out where no front end looks at them.
    """

    row: In(ROW_BITS)
    duration: Out(Duration)
    write: In(1)
    write_row: In(ROW_BITS)
    cycles: In(CYCLE_BITS)
    at_once: Out(FrontEndDurations)

    def __init__(self, *, compare: bool = False) -> None:
        self._compare = compare
        super().__init__()

    def elaborate(self, platform) -> Module:
        m = Module()
        init = [
            {"cycles": register.init, "single": register.init == 1, "double": register.init == 2}
            for register in (*DURATIONS, *((registers.COMPARE,) if self._compare else ()))
        ]
        m.submodules.memory = memory = block_ram(shape=Duration, depth=1 << ROW_BITS, init=init)
        write, read = memory.write_port(), memory.read_port()
        m.d.comb += [
            write.addr.eq(self.write_row),
            write.data.cycles.eq(self.cycles),
            write.data.single.eq(self.cycles == 1),
            write.data.double.eq(self.cycles == 2),
            write.en.eq(self.write),
            read.addr.eq(self.row),
            read.en.eq(1),
            self.duration.eq(read.data),
        ]
        by_name = {register.name.lower(): row for row, register in enumerate(DURATIONS)}
        for name, _ in data.Layout.cast(FrontEndDurations):
            row = by_name[name]
            kept = Signal(CYCLE_BITS, name=name, init=DURATIONS[row].init, reset_less=True)
            with m.If(self.write & (self.write_row == row)):
                m.d.sync += kept.eq(self.cycles)
            m.d.comb += self.at_once[name].eq(kept)
        return m
