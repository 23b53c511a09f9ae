"""Runs a microprogram instruction by instruction: fast enough for thousands of draws, pulses and conversions."""

from twinbar.hw.gateware.array.assembler import Microcode
from twinbar.hw.gateware.array.instructions import (
    FIELD_BITS,
    IMMEDIATE_BITS,
    LOADS,
    MASK,
    MULTIPLICATIONS,
    OPERATION_BITS,
    REGISTERS,
    STORES,
    Condition,
    MachineInput,
    MachineOutput,
    Operation,
    cycles,
)


def signed(value: int, bits: int = 64) -> int:
    value &= (1 << bits) - 1
    return value - (value >> bits - 1 << bits)


_ALU = {
    Operation.ADD: lambda x, y, b: x + y,
    Operation.SUBTRACT: lambda x, y, b: x - y,
    Operation.AND: lambda x, y, b: x & y,
    Operation.XOR: lambda x, y, b: x ^ y,
    Operation.SHIFT_LOGICAL: lambda x, y, b: x >> b + 1,
    Operation.SHIFT_SIGNED: lambda x, y, b: signed(x) >> b + 1,
    Operation.SHIFT_BY: lambda x, y, b: signed(x) >> (y & 63) + 1,
}
"""What is made of two registers, and the field b."""


def _decode(instruction: int) -> tuple[Operation, int, int, int, int, int]:
    """Return operation, cycles, the three fields, and the number in the last two."""
    operation = Operation(instruction & 31)
    field = (1 << FIELD_BITS) - 1
    fields = [instruction >> OPERATION_BITS + FIELD_BITS * place & field for place in range(3)]
    return operation, cycles(operation), *fields, instruction >> OPERATION_BITS + FIELD_BITS  # type: ignore[return-value]


class Interpreter:
    """The machine with its memory; ``conditions``, ``inputs`` and row ``words`` are set by whoever runs it."""

    def __init__(self, microcode: Microcode, image, memory: list[int]) -> None:
        self.image, self.memory = image, memory
        self.registers = [microcode.registers.get(number, 0) for number in range(REGISTERS)]
        self.conditions: set[Condition] = set()
        self.inputs: dict[MachineInput, int] = {}
        self.trims: dict[int, int] = {}
        self.words: list[int] = []
        self.active: set[int] = set()
        self.codes: dict[int, int] = {}
        self.finished = 0
        self.cycles = 0
        self._outputs = {MachineOutput.CHANNEL: 0, MachineOutput.WORD: 0}
        self._zero = self._negative = False
        self._at = 0
        self._callers: list[int] = []
        self._decoded = [_decode(instruction) for instruction in microcode.instructions]

    def run(self) -> int:
        """Run to the next sleep, or on from there; gives the cycles."""
        before = self.cycles
        if self._decoded[self._at][0] is Operation.SLEEP:
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
            Condition.ACTIVE: self._outputs[MachineOutput.CHANNEL] in self.active,
        }.get(kind, kind in self.conditions)
        return holds != bool(condition >> 5)

    def _input(self, source: int) -> int:
        kind = MachineInput(source)
        if kind is MachineInput.WORD:
            return self.words[self._outputs[MachineOutput.WORD]]
        if kind is MachineInput.TRIM:
            return self.trims.get(self._outputs[MachineOutput.CHANNEL], 128)
        return self.inputs[kind]

    def _step(self) -> bool:
        operation, taken, destination, a, b, number = self._decoded[self._at]
        if operation is Operation.SLEEP:
            return False
        self.cycles += taken
        self._at += 1
        if operation is Operation.JUMP:
            if self._holds(destination):
                self._at = number
        elif operation is Operation.CALL:
            self._callers.append(self._at)
            assert len(self._callers) <= 2
            self._at = number
        elif operation is Operation.RETURN:
            self._at = self._callers.pop()
        elif operation is Operation.OUTPUT:
            self._output(MachineOutput(destination), self.registers[a])
        elif operation in STORES:
            self._store(operation, self.registers[a], self.registers[b] & 0xFFFF)
        else:
            self._compute(operation, destination, a, b, number)
        return True

    def _store(self, operation: Operation, x: int, where: int) -> None:
        if operation is Operation.STORE:
            self.memory[4 * where : 4 * where + 4] = [x >> 16 * place & 0xFFFF for place in range(4)]
        else:
            self.memory[where] = x & 0xFFFF

    def _compute(self, operation: Operation, destination: int, a: int, b: int, number: int) -> None:
        registers = self.registers
        x, y = registers[a], registers[b]
        if operation in MULTIPLICATIONS:
            place = MULTIPLICATIONS[operation]
            result = x * (y >> 16 * place & 0xFFFF) << 16 * place
            result += 0 if operation is Operation.MULTIPLY else registers[destination]
        elif operation is Operation.IMMEDIATE:
            result = signed(number, IMMEDIATE_BITS)
        elif operation is Operation.INPUT:
            result = self._input(a)
        elif operation in LOADS:
            result = self._load(operation, y & 0xFFFF)
        else:
            result = _ALU[operation](x, y, b)
        result &= MASK
        registers[destination] = result
        self._zero, self._negative = result == 0, bool(result >> 63)

    def _load(self, operation: Operation, where: int) -> int:
        if operation is Operation.LOAD:
            return sum(self.memory[4 * where + n] << 16 * n for n in range(4))
        if operation is Operation.LOAD_WORD:
            return signed(self.memory[where], 16)
        return self.image[where]

    def _output(self, sink: MachineOutput, value: int) -> None:
        if sink is MachineOutput.CODE:
            self.codes[self._outputs[MachineOutput.CHANNEL]] = signed(value, 16)
        elif sink is MachineOutput.FINISHED:
            self.finished |= value & 15
        else:
            self._outputs[sink] = value & 0xFFFF
