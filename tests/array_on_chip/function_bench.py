"""Single functions of the microprogram, interpreted."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from interpreter import Interpreter, signed

from twinbar.hw.gateware.array.assembler import Assembler, Microcode
from twinbar.hw.gateware.array.expressions import Function, StepKind
from twinbar.hw.gateware.array.functions import Functions
from twinbar.hw.gateware.array.instructions import Condition
from twinbar.hw.gateware.array.memory_map import MemoryMap, stored_tables
from twinbar.hw.gateware.array.model import ArrayModel
from twinbar.hw.gateware.controller_config import ControllerConfig


class FunctionBench:
    """A program that loads the inputs of a function from memory, computes it, and stores its results.

    Parameters
    ----------
    controller : ControllerConfig
    model : ArrayModel
    function : Function
    conditions : mapping of str to Condition
        Inputs that are conditions.
    scratch : int
        Registers beside ``t``.
    """

    def __init__(
        self,
        controller: ControllerConfig,
        model: ArrayModel,
        function: Function,
        conditions: Mapping[str, Condition] | None = None,
        scratch: int = 4,
    ) -> None:
        self._conditions = dict(conditions or {})
        names = [str(step.detail) for step in function.steps if step.kind is StepKind.INPUT]
        self._records = {name: 1 + n for n, name in enumerate(names) if name not in self._conditions}
        self._results = [f"result {n}" for n in range(len(function.results))]
        at = MemoryMap.of(controller, model)
        self._first = at.cells
        asm = Assembler()
        begin = asm.skip()
        functions = Functions(asm, model.functions, at)
        asm.land(begin)
        self.first = idle = asm.here
        asm.sleep()
        for name, place in self._records.items():
            asm.load(asm.register(f"input {name}"), asm.constant(self._first + place))
        self.start = asm.here
        homes = {**{name: f"input {name}" for name in self._records}, **self._conditions}
        functions.write(function, homes, self._results, scratch=("t", *[f"s{n}" for n in range(scratch)]))
        self.end = asm.here
        for n, name in enumerate(self._results):
            asm.store(asm.register(name), asm.constant(self._first + len(names) + 1 + n))
        self._result_place = self._first + len(names) + 1
        asm.go(idle)
        self.microcode = asm.finish()
        self._memory = stored_tables(controller, model) + [0] * 4 * (at.cells + 64)
        self.machine = Interpreter(self.microcode, (), self._memory)
        self.machine.run()

    def __call__(self, **inputs: int) -> list[int]:
        """Return the results as signed numbers."""
        machine = self.machine
        machine.conditions = {self._conditions[name] for name in self._conditions if inputs[name]}
        for name, place in self._records.items():
            for word in range(4):
                machine.memory[4 * (self._first + place) + word] = inputs[name] >> 16 * word & 0xFFFF
        machine.run()
        found = []
        for n in range(len(self._results)):
            words: Sequence[int] = machine.memory[4 * (self._result_place + n) :][:4]
            found.append(signed(sum(word << 16 * place for place, word in enumerate(words))))
        return found

    def become(self, instructions: Sequence[int]) -> None:
        """Run other instructions from now on: a mutant."""
        mutant: Microcode = replace(self.microcode, instructions=tuple(instructions))
        self.machine = Interpreter(mutant, (), list(self._memory))
        self.machine.run()
