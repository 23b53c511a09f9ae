"""Runs a microprogram instruction by instruction: fast enough for thousands of draws, pulses and conversions."""

from twinbar.hw.gateware.array.assembler import Microcode
from twinbar.hw.gateware.array.instructions import (
    FIELD_BITS,
    IMMEDIATE_BITS,
    MASK,
    MULTIPLICATIONS,
    OPERATION_BITS,
    REGISTERS,
    Condition,
    Input,
    Operation,
    Output,
    cycles,
)


def signed(value: int, bits: int = 64) -> int:
    value &= (1 << bits) - 1
    return value - (value >> bits - 1 << bits)


class Interpreter:
    """The machine with its memory; ``conditions``, ``inputs`` and row ``words`` are set by whoever runs it."""

    def __init__(self, microcode: Microcode, image, memory: list[int]) -> None:
        self.instructions, self.image, self.memory = microcode.instructions, image, memory
        self.registers = [microcode.registers.get(number, 0) for number in range(REGISTERS)]
        self.conditions: set[Condition] = set()
        self.inputs: dict[Input, int] = {}
        self.trims: dict[int, int] = {}
        self.words: list[int] = []
        self.active: set[int] = set()
        self.codes: dict[int, int] = {}
        self.finished = 0
        self.cycles = 0
        self._outputs = {Output.CHANNEL: 0, Output.WORD: 0}
        self._zero = self._negative = False
        self._at = 0
        self._callers: list[int] = []

    def run(self) -> int:
        """Run to the next sleep, or on from there; gives the cycles."""
        before = self.cycles
        if Operation(self.instructions[self._at] & 31) is Operation.SLEEP:
            self._at += 1
        while self._step():
            pass
        return self.cycles - before

    def _holds(self, condition: int) -> bool:
        kind = Condition(condition & 31)
        holds = {
            Condition.ALWAYS: True,
            Condition.ZERO: self._zero,
            Condition.NEGATIVE: self._negative,
            Condition.ACTIVE: self._outputs[Output.CHANNEL] in self.active,
        }.get(kind, kind in self.conditions)
        return holds != bool(condition >> 5)

    def _input(self, source: int) -> int:
        kind = Input(source)
        if kind is Input.WORD:
            return self.words[self._outputs[Output.WORD]]
        if kind is Input.TRIM:
            return self.trims.get(self._outputs[Output.CHANNEL], 128)
        return self.inputs[kind]

    def _step(self) -> bool:
        instruction = self.instructions[self._at]
        operation = Operation(instruction & 31)
        if operation is Operation.SLEEP:
            return False
        self.cycles += cycles(operation)
        field = (1 << FIELD_BITS) - 1
        destination, a, b = (instruction >> OPERATION_BITS + FIELD_BITS * place & field for place in range(3))
        number = instruction >> OPERATION_BITS + FIELD_BITS
        self._at += 1
        if operation is Operation.JUMP:
            if self._holds(destination):
                self._at = number
            return True
        if operation is Operation.CALL:
            self._callers.append(self._at)
            assert len(self._callers) <= 2
            self._at = number
            return True
        if operation is Operation.RETURN:
            self._at = self._callers.pop()
            return True
        self._compute(operation, destination, a, b, number)
        return True

    def _compute(self, operation: Operation, destination: int, a: int, b: int, number: int) -> None:
        registers, memory = self.registers, self.memory
        x, y = registers[a], registers[b]
        if operation is Operation.OUTPUT:
            self._output(Output(destination), x)
            return
        if operation is Operation.STORE:
            for place in range(4):
                memory[4 * (y & 0xFFFF) + place] = x >> 16 * place & 0xFFFF
            return
        if operation is Operation.STORE_WORD:
            memory[y & 0xFFFF] = x & 0xFFFF
            return
        if operation in MULTIPLICATIONS:
            place = MULTIPLICATIONS[operation]
            result = x * (y >> 16 * place & 0xFFFF) << 16 * place
            result += 0 if operation is Operation.MULTIPLY else registers[destination]
        else:
            result = {
                Operation.IMMEDIATE: lambda: signed(number, IMMEDIATE_BITS),
                Operation.ADD: lambda: x + y,
                Operation.SUBTRACT: lambda: x - y,
                Operation.AND: lambda: x & y,
                Operation.XOR: lambda: x ^ y,
                Operation.SHIFT_LOGICAL: lambda: x >> b + 1,
                Operation.SHIFT_SIGNED: lambda: signed(x) >> b + 1,
                Operation.SHIFT_BY: lambda: signed(x) >> (y & 63) + 1,
                Operation.LOAD: lambda: sum(memory[4 * (y & 0xFFFF) + n] << 16 * n for n in range(4)),
                Operation.LOAD_WORD: lambda: signed(memory[y & 0xFFFF], 16),
                Operation.LOAD_IMAGE: lambda: self.image[y & 0xFFFF],
                Operation.INPUT: lambda: self._input(a),
            }[operation]()
        registers[destination] = result & MASK
        self._zero, self._negative = result & MASK == 0, bool(result & MASK) and signed(result) < 0

    def _output(self, sink: Output, value: int) -> None:
        if sink is Output.CODE:
            self.codes[self._outputs[Output.CHANNEL]] = signed(value, 16)
        elif sink is Output.FINISHED:
            self.finished |= value & 15
        else:
            self._outputs[sink] = value & 0xFFFF
