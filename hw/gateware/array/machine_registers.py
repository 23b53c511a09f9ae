"""The registers of the array's machine, and what an instruction fetches from them before it begins."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..block_ram import block_ram
from .assembler import Microcode
from .instructions import FIELD_BITS, MULTIPLICATIONS, REGISTERS, SHIFTS, WORD_BITS, WORDS, Operation
from .lasting import Lasting
from .machine_pace import PaceSignature, is_any, place_of


def _power(shift):
    """Return the factor that stands for a shift to the right by ``shift`` + 1."""
    return Cat(shift == 15 - bit for bit in range(WORD_BITS))


class MachineRegisters(wiring.Component):
    """Registers in two block RAMs, so that two words are read in a cycle.

    Parameters
    ----------
    microcode : Microcode

    Members
    -------
    pace : In(PaceSignature)
    destination, a, b : In
        Fields of the instruction.
    writes, target, result : In
        A word of the destination is written at the end of this cycle.
    word_a, word_b : Out
        What was read in the cycle before.
    factor : Out
        Second factor of a multiplication, or a shift as a factor.
    where : Out
        Address in memory.
    beyond : Out(1)
        The word that was read lies behind the register's last one: a shift fills it.
    """

    def __init__(self, microcode: Microcode) -> None:
        self.microcode = microcode
        super().__init__(
            {
                "pace": In(PaceSignature()),
                "destination": In(FIELD_BITS),
                "a": In(FIELD_BITS),
                "b": In(FIELD_BITS),
                "writes": In(1),
                "target": In(3),
                "result": In(WORD_BITS),
                "word_a": Out(WORD_BITS),
                "word_b": Out(WORD_BITS),
                "factor": Out(WORD_BITS),
                "where": Out(WORD_BITS),
                "beyond": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        pace, lasting, operation, b = self.pace, Lasting(), self.pace.operation, self.b
        init = [
            self.microcode.registers.get(register, 0) >> WORD_BITS * word & (1 << WORD_BITS) - 1
            for register in range(REGISTERS)
            for word in range(WORDS)
        ]
        m.submodules.registers_a = registers_a = block_ram(shape=WORD_BITS, depth=len(init), init=init)
        m.submodules.registers_b = registers_b = block_ram(shape=WORD_BITS, depth=len(init), init=init)
        read_a, read_b = registers_a.read_port(), registers_b.read_port()
        for memory in (registers_a, registers_b):
            port = memory.write_port()
            m.d.comb += [
                port.addr.eq(Cat(self.target[:2], self.destination)),
                port.data.eq(self.result),
                port.en.eq(self.writes),
            ]
        shifts, multiplies = is_any(operation, *SHIFTS), is_any(operation, *MULTIPLICATIONS)

        # What a shift skips: whole words, then bits, which go by multiplication.
        skipped, skip = lasting.signal(2), Signal(2)
        factor, where, beyond = lasting.signal(WORD_BITS), lasting.signal(WORD_BITS), lasting.signal()
        read_index, place = Signal(4), place_of(operation)
        m.d.comb += [
            skip.eq(Mux(operation == Operation.SHIFT_BY, skipped, b[4:])),
            read_index.eq(pace.index + Mux(shifts, skip, 0)),
            read_a.addr.eq(Cat(read_index[:2], self.a)),
            read_b.addr.eq(Cat(pace.index[:2], b)),
            self.word_a.eq(read_a.data),
            self.word_b.eq(read_b.data),
            self.factor.eq(factor),
            self.where.eq(where),
            self.beyond.eq(beyond),
        ]
        m.d.sync += beyond.eq(read_index[2:].any())
        with m.If(multiplies):
            own_word = Cat((pace.index + place)[:2], self.destination)
            m.d.comb += read_b.addr.eq(Mux(pace.issues, own_word, Cat(place, b)))

        with m.If(pace.first):
            m.d.sync += factor.eq(Mux(shifts, _power(b[:4]), 1))
        with m.Elif(pace.fetched & (multiplies | (operation == Operation.SHIFT_BY))):
            m.d.sync += [
                factor.eq(Mux(multiplies, read_b.data, _power(read_b.data[:4]))),
                skipped.eq(read_b.data[4:6]),
            ]
        # A multiplication and a store read their first word in this very cycle.
        with m.If(pace.fetched):
            m.d.sync += where.eq(read_b.data)
        lasting.reset(m)
        return m
