"""The array's machine: runs a microprogram on 64-bit registers, 16 bits at a time."""

from dataclasses import dataclass
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..block_ram import block_ram
from .assembler import Microcode
from .instructions import (
    FIELD_BITS,
    INSTRUCTION_BITS,
    LOADS,
    MULTIPLICATIONS,
    OPERATION_BITS,
    REGISTERS,
    SHIFTS,
    STORES,
    WORD_BITS,
    WORDS,
    Condition,
    Operation,
)
from .lasting import Lasting

ADDRESS_BITS = WORD_BITS + 2
"""Of memory."""


class Machine(wiring.Component):
    """The machine.

    An instruction reads its first word when what it fetched before is there (`waits`), and one word in every cycle from
    then on; what is made of a word is written in the cycle after it was read.

    Parameters
    ----------
    microcode : Microcode
    image : sequence of int
        Constant words for the program.

    Members
    -------
    conditions : In
        Bits by `Condition`, of which the machine itself knows the first three.
    wake : In(1)
        There is something to do.
    sleeping : Out(1)
    port, word : Out
        Which input or output, and which word of it.
    input : In
    output : Out(1)
        The output is set.
    address, reads, write : Out
        Memory: word that is read or written at the end of this cycle.
    value : Out
        What is written, to memory or to an output.
    read : In
        The word of memory that was addressed two cycles before.
    """

    def __init__(self, microcode: Microcode, image: tuple[int, ...]) -> None:
        self.microcode, self.image = microcode, image
        super().__init__(
            {
                "conditions": In(len(Condition)),
                "wake": In(1),
                "sleeping": Out(1),
                "port": Out(FIELD_BITS),
                "word": Out(2),
                "input": In(WORD_BITS),
                "output": Out(1),
                "address": Out(ADDRESS_BITS),
                "reads": Out(1),
                "write": Out(1),
                "value": Out(WORD_BITS),
                "read": In(WORD_BITS),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        lasting = Lasting()
        program = self.microcode.instructions
        m.submodules.program = rom = block_ram(shape=INSTRUCTION_BITS, depth=len(program), init=program)
        fetch = rom.read_port()
        # A reset does not reach what was read from memory last: nothing is done until the first instruction is there.
        begun = lasting.signal()
        now = _decode(m, fetch.data, begun)
        time = self._time(m, lasting, now)
        with m.If(time.last):
            m.d.sync += begun.eq(1)
        m.d.comb += self.sleeping.eq((now.operation == Operation.SLEEP) & ~time.first)

        # What a shift skips: whole words, then bits, which go by multiplication.
        skipped = lasting.signal(2)
        registers = self._registers(m, lasting, now, time, skipped)
        factor, where = _prepare(m, lasting, now, time, registers.read_b, skipped)
        x = self._arithmetic(m, lasting, now, time, registers, factor, where)
        self._surroundings(m, now, time, x, where)
        self._flow(m, lasting, now, time, registers, fetch, begun)
        lasting.reset(m)
        return m

    def _time(self, m: Module, lasting: Lasting, now: "_Instruction") -> "_Time":
        """Say in which cycles an instruction reads words and works on them."""
        first, last = lasting.signal(init=1), Signal()
        waited, index, issued = lasting.signal(2), lasting.signal(3), lasting.signal()
        wait = Mux(now.is_any(Operation.LOAD_IMAGE, Operation.SHIFT_BY), 2, now.multiplies | now.stores)
        wait = Mux(now.loads, 3, wait)
        issues, ends = Signal(), Signal()
        last_index = Mux(now.shifts, WORDS, WORDS - 1 - now.place)
        m.d.comb += [
            issues.eq(~now.stays & ~issued & (waited == wait)),
            ends.eq(issues & (index == last_index)),
        ]
        # A word that was read is worked on in the cycle after: these tell which.
        works, work, worked = lasting.signal(), lasting.signal(3), lasting.signal()
        m.d.sync += [works.eq(issues), work.eq(index), worked.eq(ends), first.eq(last)]
        goes_on = ~first & ((now.operation != Operation.SLEEP) | self.wake)
        m.d.comb += last.eq(Mux(now.stays, goes_on, worked))
        with m.If(issues):
            m.d.sync += index.eq(index + 1)
        with m.Else():
            m.d.sync += waited.eq(waited + 1)
        with m.If(ends):
            m.d.sync += issued.eq(1)
        with m.If(last | now.stays):
            m.d.sync += [waited.eq(0), index.eq(0), issued.eq(0)]
        return _Time(first, last, waited, index, issues, works, work)

    def _registers(
        self, m: Module, lasting: Lasting, now: "_Instruction", time: "_Time", skipped: Signal
    ) -> "_Registers":
        """Keep the registers, twice, so that two words are read at a time."""
        init = [
            self.microcode.registers.get(register, 0) >> WORD_BITS * word & (1 << WORD_BITS) - 1
            for register in range(REGISTERS)
            for word in range(WORDS)
        ]
        m.submodules.registers_a = registers_a = block_ram(shape=WORD_BITS, depth=len(init), init=init)
        m.submodules.registers_b = registers_b = block_ram(shape=WORD_BITS, depth=len(init), init=init)
        read_a, read_b = registers_a.read_port(), registers_b.read_port()
        writes, result, target = Signal(), Signal(WORD_BITS), Signal(3)
        for memory in (registers_a, registers_b):
            port = memory.write_port()
            m.d.comb += [port.addr.eq(Cat(target[:2], now.destination)), port.data.eq(result), port.en.eq(writes)]
        skip, read_index, beyond = Signal(2), Signal(4), lasting.signal()
        m.d.comb += skip.eq(Mux(now.operation == Operation.SHIFT_BY, skipped, now.b[4:]))
        m.d.comb += read_index.eq(time.index + Mux(now.shifts, skip, 0))
        m.d.sync += beyond.eq(read_index[2:].any())
        m.d.comb += [
            read_a.addr.eq(Cat(read_index[:2], now.a)),
            read_b.addr.eq(Cat(time.index[:2], now.b)),
        ]
        with m.If(now.multiplies):
            added_to = Cat((time.index + now.place)[:2], now.destination)
            m.d.comb += read_b.addr.eq(Mux(time.issues, added_to, Cat(now.place, now.b)))
        return _Registers(read_a.data, read_b.data, beyond, writes, result, target)

    def _arithmetic(
        self,
        m: Module,
        lasting: Lasting,
        now: "_Instruction",
        time: "_Time",
        registers: "_Registers",
        factor: Signal,
        where: Signal,
    ) -> Signal:
        """Make a word of the result; gives the word that it is made of."""
        fill, carry = lasting.signal(), lasting.signal(WORD_BITS)
        direct = Signal(WORD_BITS)
        from_outside = now.is_any(Operation.IMMEDIATE, Operation.INPUT, *LOADS)
        image = self._image(m, where, time.issues & (now.operation == Operation.LOAD_IMAGE))
        with m.If(now.loads):
            m.d.comb += direct.eq(self.read)
        with m.Elif(now.operation == Operation.LOAD_IMAGE):
            m.d.comb += direct.eq(image)
        with m.Elif(now.operation == Operation.INPUT):
            m.d.comb += direct.eq(self.input)
        with m.Else():
            m.d.comb += direct.eq(now.number.as_signed())
        filled = Mux(
            now.is_any(Operation.IMMEDIATE, Operation.LOAD_WORD, Operation.LOAD_IMAGE),
            time.work != 0,
            now.shifts & registers.beyond,
        )
        x, y, total = Signal(WORD_BITS), Signal(WORD_BITS), Signal(2 * WORD_BITS)
        with m.If(filled):
            m.d.comb += x.eq(fill.replicate(WORD_BITS))
        with m.Elif(from_outside):
            m.d.comb += x.eq(direct)
        with m.Else():
            m.d.comb += x.eq(registers.read_a)
        subtracts = now.operation == Operation.SUBTRACT
        with m.If(subtracts):
            m.d.comb += y.eq(~registers.read_b)
        with m.Elif(~from_outside & ~now.shifts & ~now.stores & ~now.is_any(Operation.MULTIPLY, Operation.OUTPUT)):
            m.d.comb += y.eq(registers.read_b)
        m.d.comb += total.eq(x * factor + y + carry)
        m.d.sync += carry.eq(Mux(time.works, total[WORD_BITS:], subtracts))
        with m.If(time.works & ~filled):
            m.d.sync += fill.eq(x[-1] & ~now.is_any(Operation.SHIFT_LOGICAL, Operation.LOAD_IMAGE))
        with m.Switch(now.operation):
            with m.Case(Operation.AND):
                m.d.comb += registers.result.eq(x & y)
            with m.Case(Operation.XOR):
                m.d.comb += registers.result.eq(x ^ y)
            with m.Default():
                m.d.comb += registers.result.eq(total)
        outwards = now.stores | (now.operation == Operation.OUTPUT)
        m.d.comb += [
            # The first word of a shift gives nothing but its carry.
            registers.target.eq(Mux(now.shifts, time.work - 1, time.work + now.place)),
            registers.writes.eq(time.works & ~outwards & ~(now.shifts & (time.work == 0))),
        ]
        return x

    def _surroundings(self, m: Module, now: "_Instruction", time: "_Time", x: Signal, where: Signal) -> None:
        """Address memory, inputs and outputs."""
        sole = now.is_any(Operation.LOAD_WORD, Operation.STORE_WORD)
        place = Cat(Mux(now.stores, time.work, time.index + time.issues)[:2], where)
        m.d.comb += [
            self.port.eq(Mux(now.operation == Operation.INPUT, now.a, now.destination)),
            self.word.eq(time.work),
            self.value.eq(x),
            self.output.eq(time.works & (time.work == 0) & (now.operation == Operation.OUTPUT)),
            # Memory is addressed one cycle before a word is read.
            self.address.eq(Mux(sole, where, place)),
            self.reads.eq(now.loads & ((time.waited == 2) | time.issues)),
            self.write.eq(time.works & now.stores & (~sole | (time.work == 0))),
        ]

    def _flow(
        self,
        m: Module,
        lasting: Lasting,
        now: "_Instruction",
        time: "_Time",
        registers: "_Registers",
        fetch: Any,
        begun: Signal,
    ) -> None:
        """Keep the flags, and find the next instruction."""
        # Whether a word is zero is found in the cycle after it was written, in which the next instruction begins.
        lower, latest, fresh = lasting.signal(), lasting.signal(WORD_BITS), lasting.signal()
        zero = Signal()
        m.d.comb += zero.eq((lower | fresh) & (latest == 0))
        with m.If(registers.writes):
            m.d.sync += [lower.eq(zero), fresh.eq(registers.target == 0), latest.eq(registers.result)]
        negative = latest[-1]
        place_in_program = range(len(self.microcode.instructions) + 1)
        counter = lasting.signal(place_in_program)
        callers = [lasting.signal(place_in_program, name=f"caller_{n}") for n in range(2)]
        holds, condition = Signal(), now.destination
        known = Cat(1, zero, negative, self.conditions[3:])
        m.d.comb += [
            holds.eq(known.bit_select(condition[: FIELD_BITS - 1], 1) ^ condition[-1]),
            fetch.addr.eq(counter),
            fetch.en.eq(time.last),
        ]
        with m.If(time.first):
            m.d.sync += counter.eq(counter + 1)
            with m.Switch(now.operation):
                with m.Case(Operation.JUMP):
                    with m.If(holds):
                        m.d.sync += counter.eq(now.number)
                with m.Case(Operation.CALL):
                    m.d.sync += [counter.eq(now.number), callers[0].eq(counter + 1), callers[1].eq(callers[0])]
                with m.Case(Operation.RETURN):
                    m.d.sync += [counter.eq(callers[0]), callers[0].eq(callers[1])]
        with m.If(~begun):
            m.d.sync += counter.eq(0)

    def _image(self, m: Module, where, reads):
        if not self.image:
            return 0
        m.submodules.image = image = block_ram(shape=WORD_BITS, depth=len(self.image), init=self.image)
        port = image.read_port()
        m.d.comb += [port.addr.eq(where), port.en.eq(reads)]
        return port.data


@dataclass(frozen=True)
class _Instruction:
    """What is done now: an instruction's fields, and kinds of operations."""

    operation: Signal
    destination: Any
    a: Any
    b: Any
    number: Any
    shifts: Any
    stores: Any
    loads: Any
    multiplies: Any
    stays: Any
    place: Any
    """Word of ``b`` by which is multiplied."""

    def is_any(self, *operations: Operation) -> Any:
        """Whether it is one of these."""
        return _is_any(self.operation, *operations)


@dataclass(frozen=True)
class _Time:
    """How far an instruction is: its first and last cycle, cycles waited, and the words that are read and worked on."""

    first: Signal
    last: Signal
    waited: Signal
    index: Signal
    issues: Signal
    works: Signal
    work: Signal


@dataclass(frozen=True)
class _Registers:
    """Words that were read, and the word that is written.

    ``beyond`` tells that a shift reads above the register.
    """

    read_a: Any
    read_b: Any
    beyond: Signal
    writes: Signal
    result: Signal
    target: Signal


def _is_any(operation: Signal, *operations: Operation) -> Any:
    return Cat(operation == one for one in operations).any()


def _decode(m: Module, instruction: Any, begun: Signal) -> _Instruction:
    """Take an instruction apart."""
    operation = Signal(OPERATION_BITS)
    m.d.comb += operation.eq(Mux(begun, instruction[:OPERATION_BITS], Operation.JUMP))
    destination, a, b = (instruction[OPERATION_BITS + place * FIELD_BITS :][:FIELD_BITS] for place in range(3))
    later = (Operation.ACCUMULATE_1, Operation.ACCUMULATE_2, Operation.ACCUMULATE_3)
    return _Instruction(
        operation,
        destination,
        a,
        b,
        number=Cat(a, b),
        shifts=_is_any(operation, *SHIFTS),
        stores=_is_any(operation, *STORES),
        loads=_is_any(operation, Operation.LOAD, Operation.LOAD_WORD),
        multiplies=_is_any(operation, *MULTIPLICATIONS),
        stays=_is_any(operation, Operation.JUMP, Operation.CALL, Operation.RETURN, Operation.SLEEP),
        place=Mux(_is_any(operation, *later), (operation - Operation.ACCUMULATE_0)[:2], 0),
    )


def _prepare(
    m: Module, lasting: Lasting, now: _Instruction, time: _Time, read_b: Any, skipped: Signal
) -> tuple[Signal, Signal]:
    """Fetch what an instruction needs before it begins: the factor by which it multiplies, and an address."""
    factor, where = lasting.signal(WORD_BITS), lasting.signal(WORD_BITS)

    def power(shift: Any) -> Any:
        return Cat(shift == 15 - bit for bit in range(WORD_BITS))

    fetched = ~time.first & (time.waited == 1) & (time.index == 0)
    with m.If(time.first):
        m.d.sync += factor.eq(Mux(now.shifts, power(now.b[:4]), 1))
    with m.Elif(fetched & (now.multiplies | (now.operation == Operation.SHIFT_BY))):
        m.d.sync += [
            factor.eq(Mux(now.multiplies, read_b, power(read_b[:4]))),
            skipped.eq(read_b[4:6]),
        ]
    # A multiplication and a store read their first word in this very cycle.
    with m.If(fetched):
        m.d.sync += where.eq(read_b)
    return factor, where
