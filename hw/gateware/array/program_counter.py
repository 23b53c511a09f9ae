"""Which instruction the array's machine runs next: flags, jumps and calls."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .instructions import FIELD_BITS, IMMEDIATE_BITS, WORD_BITS, Condition, Operation
from .lasting import Lasting
from .machine_pace import PaceSignature


class ProgramCounter(wiring.Component):
    """The address of the next instruction.

    Parameters
    ----------
    places : int
        Instructions of the program.

    Members
    -------
    pace : In(PaceSignature)
    condition : In
        Field of a jump.
    target : In
        Where it leads.
    conditions : In
        Bits by `Condition`; the machine itself knows the first three.
    writes, word, result : In
        A word of a register is written at the end of this cycle: its number's lowest bits, and its value.
    address : Out
    """

    def __init__(self, places: int) -> None:
        super().__init__(
            {
                "pace": In(PaceSignature()),
                "condition": In(FIELD_BITS),
                "target": In(IMMEDIATE_BITS),
                "conditions": In(len(Condition)),
                "writes": In(1),
                "word": In(3),
                "result": In(WORD_BITS),
                "address": Out(range(places + 1)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        lasting, condition = Lasting(), self.condition
        # Whether a word is zero is found in the cycle after it was written, in which the next instruction begins.
        lower, latest, fresh = lasting.signal(), lasting.signal(WORD_BITS), lasting.signal()
        zero, holds = Signal(), Signal()
        known = Cat(1, zero, latest[-1], self.conditions[3:])
        m.d.comb += [
            zero.eq((lower | fresh) & (latest == 0)),
            holds.eq(known.bit_select(condition[: FIELD_BITS - 1], 1) ^ condition[-1]),
        ]
        with m.If(self.writes):
            m.d.sync += [lower.eq(zero), fresh.eq(self.word == 0), latest.eq(self.result)]
        counter = lasting.signal(self.address.shape())
        callers = [lasting.signal(self.address.shape(), name=f"caller_{n}") for n in range(2)]
        m.d.comb += self.address.eq(counter)
        with m.If(self.pace.first):
            m.d.sync += counter.eq(counter + 1)
            with m.Switch(self.pace.operation):
                with m.Case(Operation.JUMP):
                    with m.If(holds):
                        m.d.sync += counter.eq(self.target)
                with m.Case(Operation.CALL):
                    m.d.sync += [counter.eq(self.target), callers[0].eq(counter + 1), callers[1].eq(callers[0])]
                with m.Case(Operation.RETURN):
                    m.d.sync += [counter.eq(callers[0]), callers[0].eq(callers[1])]
        with m.If(~self.pace.begun):
            m.d.sync += counter.eq(0)
        lasting.reset(m)
        return m
