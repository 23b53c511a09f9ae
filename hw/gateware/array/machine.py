"""The array's machine: runs a microprogram on 64-bit registers, 16 bits at a time."""

from amaranth.hdl import Cat, Module, Mux
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect

from ..block_ram import block_ram
from .assembler import Microcode
from .instructions import FIELD_BITS, INSTRUCTION_BITS, OPERATION_BITS, SHIFTS, STORES, WORD_BITS, Condition, Operation
from .machine_pace import MachinePace, is_any, place_of
from .machine_registers import MachineRegisters
from .program_counter import ProgramCounter
from .word_arithmetic import WordArithmetic

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
        program = self.microcode.instructions
        m.submodules.program = rom = block_ram(shape=INSTRUCTION_BITS, depth=len(program), init=program)
        m.submodules.pace = timing = MachinePace()
        m.submodules.registers = registers = MachineRegisters(self.microcode)
        m.submodules.arithmetic = arithmetic = WordArithmetic()
        m.submodules.counter = counter = ProgramCounter(len(program))
        connect(m, timing.pace, registers.pace, arithmetic.pace, counter.pace)
        pace, operation, fetch = timing.pace, timing.pace.operation, rom.read_port()
        fields = [fetch.data[OPERATION_BITS + place * FIELD_BITS :][:FIELD_BITS] for place in range(3)]
        destination, a, b = fields
        number = Cat(a, b)
        shifts, stores = is_any(operation, *SHIFTS), is_any(operation, *STORES)
        loads = is_any(operation, Operation.LOAD, Operation.LOAD_WORD)
        m.d.comb += [
            timing.code.eq(fetch.data[:OPERATION_BITS]),
            timing.wake.eq(self.wake),
            self.sleeping.eq((operation == Operation.SLEEP) & ~pace.first),
            fetch.addr.eq(counter.address),
            fetch.en.eq(pace.last),
            counter.condition.eq(destination),
            counter.target.eq(number),
            counter.conditions.eq(self.conditions),
            counter.writes.eq(registers.writes),
            counter.word.eq(registers.target),
            counter.result.eq(arithmetic.result),
        ]

        # --- words -------------------------------------------------------------------------------------------------
        image = self._image(m, registers.where, pace.issues & (operation == Operation.LOAD_IMAGE))
        with m.If(loads):
            m.d.comb += arithmetic.outside.eq(self.read)
        with m.Elif(operation == Operation.LOAD_IMAGE):
            m.d.comb += arithmetic.outside.eq(image)
        with m.Elif(operation == Operation.INPUT):
            m.d.comb += arithmetic.outside.eq(self.input)
        with m.Else():
            m.d.comb += arithmetic.outside.eq(number.as_signed())
        outwards = stores | (operation == Operation.OUTPUT)
        m.d.comb += [
            registers.destination.eq(destination),
            registers.a.eq(a),
            registers.b.eq(b),
            # The first word of a shift gives nothing but its carry.
            registers.target.eq(Mux(shifts, pace.work - 1, pace.work + place_of(operation))),
            registers.writes.eq(pace.works & ~outwards & ~(shifts & (pace.work == 0))),
            registers.result.eq(arithmetic.result),
            arithmetic.word_a.eq(registers.word_a),
            arithmetic.word_b.eq(registers.word_b),
            arithmetic.factor.eq(registers.factor),
            arithmetic.beyond.eq(registers.beyond),
        ]

        # --- surroundings ------------------------------------------------------------------------------------------
        sole, where = is_any(operation, Operation.LOAD_WORD, Operation.STORE_WORD), registers.where
        m.d.comb += [
            self.port.eq(Mux(operation == Operation.INPUT, a, destination)),
            self.word.eq(pace.work),
            self.value.eq(arithmetic.x),
            self.output.eq(pace.works & (pace.work == 0) & (operation == Operation.OUTPUT)),
            # Memory is addressed one cycle before a word is read.
            self.address.eq(
                Mux(sole, where, Cat(Mux(stores, pace.work, pace.index + pace.issues)[:2], where)),
            ),
            self.reads.eq(loads & ((pace.waited == 2) | pace.issues)),
            self.write.eq(pace.works & stores & (~sole | (pace.work == 0))),
        ]
        return m

    def _image(self, m: Module, where, reads):
        if not self.image:
            return 0
        m.submodules.image = image = block_ram(shape=WORD_BITS, depth=len(self.image), init=self.image)
        port = image.read_port()
        m.d.comb += [port.addr.eq(where), port.en.eq(reads)]
        return port.data
