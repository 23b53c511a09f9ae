"""The machine in gateware does what the interpreter does, in the cycles that are declared."""

import numpy as np
import pytest
from amaranth.hdl import Module, Signal
from amaranth.sim import Simulator
from interpreter import Interpreter

from twinbar.hw.gateware.array.assembler import Assembler, Microcode
from twinbar.hw.gateware.array.instructions import MachineInput, MachineOutput, Operation
from twinbar.hw.gateware.array.machine import Machine
from twinbar.hw.gateware.array.memory import ArrayMemory

RAM_WORDS = 256
IMAGE = tuple(range(7, 7 + 3 * 100, 3))
INPUTS = {MachineInput.TILE: 0xABCD, MachineInput.WORD: 0x98765432}


def random_program(rng: np.random.Generator) -> Microcode:
    """Write a program that works on random registers and puts all of them into memory in the end."""
    asm = Assembler()
    values = [int(value) for value in rng.integers(0, 1 << 64, 6, np.uint64)] + [0, 1, (1 << 64) - 1, 1 << 63, 77]
    registers = [asm.register(f"r{n}") for n in range(8)]
    sources = registers + [asm.constant(value) for value in values]
    addresses = [asm.constant(value) for value in range(8, 40, 3)]

    def any_of(things):
        return things[int(rng.integers(len(things)))]

    begin, made = asm.skip(), []
    with asm.routine(made):
        asm.add(registers[0], registers[0], registers[1])
    asm.land(begin)
    for register in registers:
        asm.copy(register, any_of(sources))
    for _ in range(60):
        to, a, b = any_of(registers), any_of(sources), any_of(sources)
        kind = int(rng.integers(14))
        if kind < 4:
            (asm.add, asm.subtract, asm.both, asm.xor)[kind](to, a, b)
        elif kind == 4 and to not in (a, b):
            asm.multiply(to, a, b, bits=int(rng.integers(1, 65)))
        elif kind == 5 and to not in (a, b):
            asm.accumulate(to, a, b)
        elif kind == 6:
            asm.shift(to, a, int(rng.integers(1, 65)), logical=bool(rng.integers(2)))
        elif kind == 7:
            asm.shift_by(to, a, b)
        elif kind == 8:
            where = any_of(addresses[:4])
            asm.store(a, where)
            asm.load(to, any_of([where, *addresses[:4]]))
        elif kind == 9:
            where = any_of(addresses)
            asm.store_word(a, where)
            asm.load_word(to, any_of([where, where, *addresses[:2]]))
        elif kind == 10:
            asm.load_image(to, any_of(addresses))
            asm.input(to, any_of([MachineInput.TILE, MachineInput.WORD]))
        elif kind == 11:
            asm.set(to, int(rng.integers(-2048, 2048)))
            asm.subtract(to, to, b)
            asm.either(int(any_of([1, 2, 33, 34])), lambda: asm.set(registers[2], 5), lambda: asm.call(made[-1]))
        elif kind == 12:
            # A register may hold an address and then what was there, and be shifted in place.
            asm.copy(to, any_of(addresses[:4]))
            (asm.load, asm.load_word, asm.load_image)[int(rng.integers(3))](to, to)
            asm.shift(to, to, int(rng.integers(1, 65)), logical=bool(rng.integers(2)))
        else:
            asm.output(MachineOutput.CHANNEL, a)
    for number, register in enumerate(registers):
        asm.store(register, asm.constant(RAM_WORDS // 4 - 1 - number))
    asm.sleep()
    asm.add(registers[3], registers[3], asm.constant(1))
    asm.sleep()
    return asm.finish()


def simulate(program: Microcode, cycles: int) -> tuple[list[int], int, list[int]]:
    """Run a program to its first sleep; gives memory, cycles and outputs."""
    m = Module()
    m.submodules.machine = machine = Machine(program, IMAGE)
    m.submodules.memory = memory = ArrayMemory(RAM_WORDS)
    m.d.comb += [
        memory.address.eq(machine.address),
        memory.reads.eq(machine.reads),
        memory.write.eq(machine.write),
        memory.value.eq(machine.value),
        machine.read.eq(memory.read),
    ]
    with m.Switch(machine.port):
        for port, value in INPUTS.items():
            with m.Case(port):
                m.d.comb += machine.input.eq(Signal(64, init=value).word_select(machine.word, 16))
    outputs, took, words = [], 0, []

    async def bench(context):
        nonlocal took
        while not context.get(machine.sleeping) and took < cycles + 50:
            if context.get(machine.output):
                outputs.append(context.get(machine.value))
            await context.tick()
            took += 1
        words.extend(context.get(memory.memory.data[at]) for at in range(RAM_WORDS))

    simulator = Simulator(m)
    simulator.add_clock(1e-8)
    simulator.add_testbench(bench)
    simulator.run()
    return words, took, outputs


@pytest.mark.parametrize("seed", range(6))
def test_random_programs(seed):
    program = random_program(np.random.default_rng(seed))
    interpreter = Interpreter(program, IMAGE, [0] * RAM_WORDS)
    interpreter.inputs = INPUTS
    interpreter.words = [INPUTS[MachineInput.WORD]]
    expected = interpreter.run()
    memory, took, outputs = simulate(program, expected)
    assert memory == interpreter.memory
    # The cycles from a reset to the first instruction, and the first of the sleep.
    assert took == expected + 3
    kinds = {Operation(word & 31) for word in program.instructions}
    assert len(kinds) > 15
    assert len(outputs) == sum(word & 31 == Operation.OUTPUT for word in program.instructions)
