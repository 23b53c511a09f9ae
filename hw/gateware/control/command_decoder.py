"""What a command does, decoded when it is popped."""

from amaranth.hdl import Module, Mux
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.protocol.commands import ACCESSING, CELL_READS, CLOSED_LOOP
from twinbar.hw.protocol.layouts import Command
from twinbar.hw.protocol.vocabulary import Opcode, Selection

from ..tile_states import TileState, is_any

READS_A_CELL = tuple(opcode for opcode in (*CELL_READS, *CLOSED_LOOP) if opcode is not Opcode.CALIBRATE)
"""Commands that read one cell first."""


class CommandPlan(data.Struct):
    """What the sequencer keeps of a command's opcode while the command runs.

    Fields
    ------
    follows
        State behind DECODE or SELECT, if nothing comes between.
    product, accesses, closed_loop, writes
        It is a multiplication, accesses a register, is WRITE or FORM, is WRITE.
    disarms
        It disarms in DECODE. Decoded ahead, because what is driven waits for it.
    """

    follows: TileState
    product: 1
    accesses: 1
    closed_loop: 1
    writes: 1
    disarms: 1


class CommandDecoder(wiring.Component):
    """Says of the command that waits how it would start. Combinational.

    Parameters
    ----------
    chain : bool
        There are transfers.

    Members
    -------
    head : In(Command)
    admitted : In(1)
        It may start: else it is answered right after DECODE.
    empty : In(1)
        It is a multiplication without an input step.
    starts : Out(TileState)
        Its first state.
    plan : Out(CommandPlan)
    selection : Out(Selection)
        What it connects.
    """

    head: In(Command)
    admitted: In(1)
    empty: In(1)
    starts: Out(TileState)
    plan: Out(CommandPlan)
    selection: Out(Selection)

    def __init__(self, *, chain: bool = False) -> None:
        self._chain = chain
        super().__init__()

    def elaborate(self, platform) -> Module:
        m = Module()
        opcode, body, plan = self.head.opcode, self.head.body, self.plan
        m.d.comb += [
            plan.product.eq(opcode == Opcode.MULTIPLY),
            plan.closed_loop.eq(is_any(opcode, CLOSED_LOOP)),
            plan.writes.eq(opcode == Opcode.WRITE),
            plan.accesses.eq(is_any(opcode, ACCESSING)),
            plan.follows.eq(TileState.RESPOND),
            self.starts.eq(TileState.DECODE),
        ]
        with m.If(self.admitted), m.Switch(opcode):
            with m.Case(*ACCESSING):
                m.d.comb += plan.follows.eq(TileState.ACCESS)
            with m.Case(Opcode.ARM):
                m.d.comb += [plan.follows.eq(TileState.SCAN), plan.disarms.eq(1)]
            with m.Case(Opcode.DISARM):
                m.d.comb += plan.disarms.eq(1)
            with m.Case(Opcode.WAIT):
                m.d.comb += plan.follows.eq(TileState.WAIT)
            with m.Case(Opcode.LOAD):
                m.d.comb += self.starts.eq(TileState.LOAD)
            if self._chain:
                with m.Case(Opcode.TRANSFER):
                    m.d.comb += self.starts.eq(TileState.TRANSFER)
            with m.Case(Opcode.MULTIPLY):
                m.d.comb += [
                    self.starts.eq(TileState.SELECT),
                    plan.follows.eq(TileState.CONNECT_MULTIPLY),
                    self.selection.eq(Mux(body.product.codes, Selection.CODES, Selection.PLANE)),
                ]
            with m.Case(Opcode.CALIBRATE):
                m.d.comb += [
                    self.starts.eq(TileState.SELECT),
                    plan.follows.eq(TileState.CONNECT_READ),
                    self.selection.eq(Mux(body.calibration.gain, Selection.REFERENCE, Selection.COLUMN)),
                ]
            with m.Case(*READS_A_CELL):
                m.d.comb += [
                    self.starts.eq(TileState.SELECT),
                    plan.follows.eq(TileState.CONNECT_READ),
                    self.selection.eq(Selection.CELL),
                ]
            with m.Case(Opcode.PULSE):
                m.d.comb += [
                    self.starts.eq(TileState.SELECT),
                    plan.follows.eq(TileState.PULSE),
                    self.selection.eq(Selection.CELL),
                ]
            with m.Case(Opcode.DRIVE):
                m.d.comb += [self.starts.eq(TileState.SELECT), self.selection.eq(Selection.CELL)]
        # Known late, because inputs may be loaded in this cycle.
        with m.If(self.empty):
            m.d.comb += self.selection.eq(Selection.NONE)
            with m.If(self.admitted):
                m.d.comb += self.starts.eq(TileState.RESPOND)
        return m
