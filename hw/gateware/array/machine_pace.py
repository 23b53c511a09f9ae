"""Where the array's machine is in an instruction: which word it reads, and which it works on."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .instructions import (
    LOADS,
    MULTIPLICATIONS,
    OPERATION_BITS,
    SHIFTS,
    STORES,
    WORDS,
    Operation,
    cycles,
)
from .lasting import Lasting


def is_any(operation, *operations: Operation):
    """Whether an operation is one of several."""
    return Cat(operation == one for one in operations).any()


def place_of(operation):
    """Return the word of the second factor by which an operation multiplies; 0 for others."""
    place = (operation - Operation.ACCUMULATE_0)[:2]
    return Mux(is_any(operation, Operation.ACCUMULATE_1, Operation.ACCUMULATE_2, Operation.ACCUMULATE_3), place, 0)


class PaceSignature(wiring.Signature):
    """Where the machine is in an instruction.

    Members
    -------
    operation : Out
    begun : Out(1)
        The first instruction is there.
    first, last : Out(1)
        First and last cycle of the instruction.
    waited : Out
        Cycles before the first word is read that have passed.
    fetched : Out(1)
        What the instruction fetches before it begins is read in this cycle.
    issues, index : Out
        A word is read at the end of this cycle, and which.
    works, work : Out
        What was read in the cycle before is worked on, and which word it is.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "operation": Out(OPERATION_BITS),
                "begun": Out(1),
                "first": Out(1),
                "last": Out(1),
                "waited": Out(2),
                "fetched": Out(1),
                "issues": Out(1),
                "index": Out(3),
                "works": Out(1),
                "work": Out(3),
            }
        )


class MachinePace(wiring.Component):
    """Counts the cycles of an instruction.

    Members
    -------
    code : In
        Operation of the instruction that was read from memory last.
    wake : In(1)
        SLEEP ends.
    pace : Out(PaceSignature)
    """

    code: In(OPERATION_BITS)
    wake: In(1)
    pace: Out(PaceSignature())

    @staticmethod
    def cycles(operation: Operation) -> int:
        """Return the cycles that an instruction takes; SLEEP, if there is something to do."""
        return cycles(operation)

    def elaborate(self, platform) -> Module:
        m = Module()
        pace, lasting, operation = self.pace, Lasting(), self.pace.operation
        begun, first, issued = lasting.signal(), lasting.signal(init=1), lasting.signal()
        waited, index = lasting.signal(2), lasting.signal(3)
        # A word that was read is worked on in the cycle after: these tell which.
        works, work, worked = lasting.signal(), lasting.signal(3), lasting.signal()
        shifts = is_any(operation, *SHIFTS)
        stays = is_any(operation, Operation.JUMP, Operation.CALL, Operation.RETURN, Operation.SLEEP)
        wait = Mux(
            is_any(operation, Operation.LOAD_IMAGE, Operation.SHIFT_BY),
            2,
            is_any(operation, *MULTIPLICATIONS) | is_any(operation, *STORES),
        )
        wait = Mux(is_any(operation, *(load for load in LOADS if load is not Operation.LOAD_IMAGE)), 3, wait)
        ends = Signal()
        m.d.comb += [
            # A reset does not reach what was read from memory last: nothing is done until the first instruction is
            # there.
            operation.eq(Mux(begun, self.code, Operation.JUMP)),
            pace.issues.eq(~stays & ~issued & (waited == wait)),
            ends.eq(pace.issues & (index == Mux(shifts, WORDS, WORDS - 1 - place_of(operation)))),
            pace.last.eq(Mux(stays, ~first & ((operation != Operation.SLEEP) | self.wake), worked)),
            pace.fetched.eq(~first & (waited == 1) & (index == 0)),
            pace.begun.eq(begun),
            pace.first.eq(first),
            pace.waited.eq(waited),
            pace.index.eq(index),
            pace.works.eq(works),
            pace.work.eq(work),
        ]
        m.d.sync += [works.eq(pace.issues), work.eq(index), worked.eq(ends), first.eq(pace.last)]
        with m.If(pace.issues):
            m.d.sync += index.eq(index + 1)
        with m.Else():
            m.d.sync += waited.eq(waited + 1)
        with m.If(ends):
            m.d.sync += issued.eq(1)
        with m.If(pace.last | stays):
            m.d.sync += [waited.eq(0), index.eq(0), issued.eq(0)]
        with m.If(pace.last):
            m.d.sync += begun.eq(1)
        lasting.reset(m)
        return m
