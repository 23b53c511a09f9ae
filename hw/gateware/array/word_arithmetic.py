"""What the array's machine makes of the words that it has read."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .instructions import LOADS, SHIFTS, STORES, WORD_BITS, Operation
from .lasting import Lasting
from .machine_pace import PaceSignature, is_any


class WordArithmetic(wiring.Component):
    """Multiplies, adds and combines words, the lowest of a register first.

    Members
    -------
    pace : In(PaceSignature)
    word_a, word_b, factor, beyond : In
        See `MachineRegisters`.
    outside : In
        A word that comes from elsewhere: from memory, the image, an input or the instruction.
    x : Out
        The first operand, extended by its sign or by zeros.
    result : Out
    """

    pace: In(PaceSignature())
    word_a: In(WORD_BITS)
    word_b: In(WORD_BITS)
    factor: In(WORD_BITS)
    beyond: In(1)
    outside: In(WORD_BITS)
    x: Out(WORD_BITS)
    result: Out(WORD_BITS)

    def elaborate(self, platform) -> Module:
        m = Module()
        pace, lasting, operation = self.pace, Lasting(), self.pace.operation
        shifts = is_any(operation, *SHIFTS)
        from_outside = is_any(operation, Operation.IMMEDIATE, Operation.INPUT, *LOADS)
        fill, carry = lasting.signal(), lasting.signal(WORD_BITS)
        filled = Mux(
            is_any(operation, Operation.IMMEDIATE, Operation.LOAD_WORD, Operation.LOAD_IMAGE),
            pace.work != 0,
            shifts & self.beyond,
        )
        x, y, total = self.x, Signal(WORD_BITS), Signal(2 * WORD_BITS)
        with m.If(filled):
            m.d.comb += x.eq(fill.replicate(WORD_BITS))
        with m.Elif(from_outside):
            m.d.comb += x.eq(self.outside)
        with m.Else():
            m.d.comb += x.eq(self.word_a)
        subtracts = operation == Operation.SUBTRACT
        sole = shifts | is_any(operation, *STORES) | is_any(operation, Operation.MULTIPLY, Operation.OUTPUT)
        with m.If(subtracts):
            m.d.comb += y.eq(~self.word_b)
        with m.Elif(~from_outside & ~sole):
            m.d.comb += y.eq(self.word_b)
        m.d.comb += total.eq(x * self.factor + y + carry)
        m.d.sync += carry.eq(Mux(pace.works, total[WORD_BITS:], subtracts))
        with m.If(pace.works & ~filled):
            m.d.sync += fill.eq(x[-1] & ~is_any(operation, Operation.SHIFT_LOGICAL, Operation.LOAD_IMAGE))
        with m.Switch(operation):
            with m.Case(Operation.AND):
                m.d.comb += self.result.eq(x & y)
            with m.Case(Operation.XOR):
                m.d.comb += self.result.eq(x ^ y)
            with m.Default():
                m.d.comb += self.result.eq(total)
        lasting.reset(m)
        return m
