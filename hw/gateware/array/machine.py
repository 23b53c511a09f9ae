"""The array's machine: runs a microprogram on 64-bit registers, 16 bits at a time."""

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
        instruction = fetch.data
        # A reset does not reach what was read from memory last: nothing is done until the first instruction is there.
        begun, operation = lasting.signal(), Signal(OPERATION_BITS)
        m.d.comb += operation.eq(Mux(begun, instruction[:OPERATION_BITS], Operation.JUMP))
        fields = [instruction[OPERATION_BITS + place * FIELD_BITS :][:FIELD_BITS] for place in range(3)]
        destination, a, b = fields
        number = Cat(a, b)

        def is_any(*operations):
            return Cat(operation == one for one in operations).any()

        shifts, stores = is_any(*SHIFTS), is_any(*STORES)
        multiplies = is_any(*MULTIPLICATIONS)
        stays = is_any(Operation.JUMP, Operation.CALL, Operation.RETURN, Operation.SLEEP)
        place = (operation - Operation.ACCUMULATE_0)[:2]
        place = Mux(is_any(Operation.ACCUMULATE_1, Operation.ACCUMULATE_2, Operation.ACCUMULATE_3), place, 0)

        # --- time --------------------------------------------------------------------------------------------------
        first, last = lasting.signal(init=1), Signal()
        waited, index, issued = lasting.signal(2), lasting.signal(3), lasting.signal()
        loads = is_any(Operation.LOAD, Operation.LOAD_WORD)
        wait = Mux(is_any(Operation.LOAD_IMAGE, Operation.SHIFT_BY), 2, multiplies | stores)
        wait = Mux(loads, 3, wait)
        issues, ends = Signal(), Signal()
        last_index = Mux(shifts, WORDS, WORDS - 1 - place)
        m.d.comb += [
            issues.eq(~stays & ~issued & (waited == wait)),
            ends.eq(issues & (index == last_index)),
        ]
        # A word that was read is worked on in the cycle after: these tell which.
        works, work, beyond, worked = lasting.signal(), lasting.signal(3), lasting.signal(), lasting.signal()
        m.d.sync += [works.eq(issues), work.eq(index), worked.eq(ends), first.eq(last)]
        m.d.comb += last.eq(Mux(stays, ~first & ((operation != Operation.SLEEP) | self.wake), worked))
        with m.If(issues):
            m.d.sync += index.eq(index + 1)
        with m.Else():
            m.d.sync += waited.eq(waited + 1)
        with m.If(ends):
            m.d.sync += issued.eq(1)
        with m.If(last | stays):
            m.d.sync += [waited.eq(0), index.eq(0), issued.eq(0)]
        with m.If(last):
            m.d.sync += begun.eq(1)
        m.d.comb += self.sleeping.eq((operation == Operation.SLEEP) & ~first)

        # --- registers ---------------------------------------------------------------------------------------------
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
            m.d.comb += [port.addr.eq(Cat(target[:2], destination)), port.data.eq(result), port.en.eq(writes)]

        # What a shift skips: whole words, then bits, which go by multiplication.
        skipped, skip = lasting.signal(2), Signal(2)
        m.d.comb += skip.eq(Mux(operation == Operation.SHIFT_BY, skipped, b[4:]))
        read_index = Signal(4)
        m.d.comb += read_index.eq(index + Mux(shifts, skip, 0))
        m.d.sync += beyond.eq(read_index[2:].any())
        m.d.comb += [
            read_a.addr.eq(Cat(read_index[:2], a)),
            read_b.addr.eq(Cat(index[:2], b)),
        ]
        with m.If(multiplies):
            m.d.comb += read_b.addr.eq(Mux(issues, Cat((index + place)[:2], destination), Cat(place, b)))

        # --- what instructions fetch before they begin ---------------------------------------------------------------
        factor, where = lasting.signal(WORD_BITS), lasting.signal(WORD_BITS)

        def power(shift):
            return Cat(shift == 15 - bit for bit in range(WORD_BITS))

        fetched = ~first & (waited == 1) & (index == 0)
        with m.If(first):
            m.d.sync += factor.eq(Mux(shifts, power(b[:4]), 1))
        with m.Elif(fetched & (multiplies | (operation == Operation.SHIFT_BY))):
            m.d.sync += [
                factor.eq(Mux(multiplies, read_b.data, power(read_b.data[:4]))),
                skipped.eq(read_b.data[4:6]),
            ]
        # A multiplication and a store read their first word in this very cycle.
        with m.If(fetched):
            m.d.sync += where.eq(read_b.data)

        # --- arithmetic --------------------------------------------------------------------------------------------
        fill, carry = lasting.signal(), lasting.signal(WORD_BITS)
        direct = Signal(WORD_BITS)
        from_outside = is_any(Operation.IMMEDIATE, Operation.INPUT, *LOADS)
        image = self._image(m, where, issues & (operation == Operation.LOAD_IMAGE))
        with m.If(loads):
            m.d.comb += direct.eq(self.read)
        with m.Elif(operation == Operation.LOAD_IMAGE):
            m.d.comb += direct.eq(image)
        with m.Elif(operation == Operation.INPUT):
            m.d.comb += direct.eq(self.input)
        with m.Else():
            m.d.comb += direct.eq(number.as_signed())
        filled = Mux(
            is_any(Operation.IMMEDIATE, Operation.LOAD_WORD, Operation.LOAD_IMAGE),
            work != 0,
            shifts & beyond,
        )
        x, y, total = Signal(WORD_BITS), Signal(WORD_BITS), Signal(2 * WORD_BITS)
        with m.If(filled):
            m.d.comb += x.eq(fill.replicate(WORD_BITS))
        with m.Elif(from_outside):
            m.d.comb += x.eq(direct)
        with m.Else():
            m.d.comb += x.eq(read_a.data)
        subtracts = operation == Operation.SUBTRACT
        with m.If(subtracts):
            m.d.comb += y.eq(~read_b.data)
        with m.Elif(~from_outside & ~shifts & ~stores & ~is_any(Operation.MULTIPLY, Operation.OUTPUT)):
            m.d.comb += y.eq(read_b.data)
        m.d.comb += total.eq(x * factor + y + carry)
        m.d.sync += carry.eq(Mux(works, total[WORD_BITS:], subtracts))
        with m.If(works & ~filled):
            m.d.sync += fill.eq(x[-1] & ~is_any(Operation.SHIFT_LOGICAL, Operation.LOAD_IMAGE))
        with m.Switch(operation):
            with m.Case(Operation.AND):
                m.d.comb += result.eq(x & y)
            with m.Case(Operation.XOR):
                m.d.comb += result.eq(x ^ y)
            with m.Default():
                m.d.comb += result.eq(total)
        outwards = stores | (operation == Operation.OUTPUT)
        m.d.comb += [
            # The first word of a shift gives nothing but its carry.
            target.eq(Mux(shifts, work - 1, work + place)),
            writes.eq(works & ~outwards & ~(shifts & (work == 0))),
        ]

        # --- surroundings ------------------------------------------------------------------------------------------
        sole = is_any(Operation.LOAD_WORD, Operation.STORE_WORD)
        m.d.comb += [
            self.port.eq(Mux(operation == Operation.INPUT, a, destination)),
            self.word.eq(work),
            self.value.eq(x),
            self.output.eq(works & (work == 0) & (operation == Operation.OUTPUT)),
            # Memory is addressed one cycle before a word is read.
            self.address.eq(Mux(sole, where, Cat(Mux(stores, work, index + issues)[:2], where))),
            self.reads.eq(loads & ((waited == 2) | issues)),
            self.write.eq(works & stores & (~sole | (work == 0))),
        ]

        # --- flags and jumps ---------------------------------------------------------------------------------------
        # Whether a word is zero is found in the cycle after it was written, in which the next instruction begins.
        lower, latest, fresh = lasting.signal(), lasting.signal(WORD_BITS), lasting.signal()
        zero = Signal()
        m.d.comb += zero.eq((lower | fresh) & (latest == 0))
        with m.If(writes):
            m.d.sync += [lower.eq(zero), fresh.eq(target == 0), latest.eq(result)]
        negative = latest[-1]
        place_in_program = range(len(program) + 1)
        counter = lasting.signal(place_in_program)
        callers = [lasting.signal(place_in_program, name=f"caller_{n}") for n in range(2)]
        holds = Signal()
        known = Cat(1, zero, negative, self.conditions[3:])
        m.d.comb += [
            holds.eq(known.bit_select(destination[: FIELD_BITS - 1], 1) ^ destination[-1]),
            fetch.addr.eq(counter),
            fetch.en.eq(last),
        ]
        with m.If(first):
            m.d.sync += counter.eq(counter + 1)
            with m.Switch(operation):
                with m.Case(Operation.JUMP):
                    with m.If(holds):
                        m.d.sync += counter.eq(number)
                with m.Case(Operation.CALL):
                    m.d.sync += [counter.eq(number), callers[0].eq(counter + 1), callers[1].eq(callers[0])]
                with m.Case(Operation.RETURN):
                    m.d.sync += [counter.eq(callers[0]), callers[0].eq(callers[1])]
        with m.If(~begun):
            m.d.sync += counter.eq(0)
        lasting.reset(m)
        return m

    def _image(self, m: Module, where, reads):
        if not self.image:
            return 0
        m.submodules.image = image = block_ram(shape=WORD_BITS, depth=len(self.image), init=self.image)
        port = image.read_port()
        m.d.comb += [port.addr.eq(where), port.en.eq(reads)]
        return port.data
