"""Lowers integer functions to the machine: steps become instructions, and their values get registers.

Steps are written in their order; what only one side of a choice needs is computed on that side.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from .assembler import Assembler, Routine
from .expressions import Builder, Step, StepKind
from .instructions import NOT, Condition

_SIGN: Final = 1 << 63
_HALF_BITS: Final = 32

_Block: TypeAlias = tuple[tuple[int, int], ...]
"""Sides of choices, from the outside: the place of the choice, and which of its operands."""


@dataclass(frozen=True)
class Convention:
    """How a routine is called.

    Parameters
    ----------
    routine : Routine
    operands : tuple of str
        Registers of its operands.
    result : str
    changes : frozenset of str
        Registers that it writes to.
    """

    routine: Routine
    operands: tuple[str, ...]
    result: str
    changes: frozenset[str]


@dataclass
class Lowering:
    """Writes the steps of a builder.

    Parameters
    ----------
    asm : Assembler
    builder : Builder
        What is to be lowered, with reads of memory in place of lookups.
    inputs : mapping of str to str or Condition
        Registers of the inputs, or the condition that tells an input of one bit.
    scratch : sequence of str
        Registers for everything else.
    routines : mapping of str to Convention
    used_up : collection of str
        Registers of inputs that may be written to.
    """

    asm: Assembler
    builder: Builder
    inputs: Mapping[str, str | Condition]
    scratch: Sequence[str]
    routines: Mapping[str, Convention] = field(default_factory=dict)
    used_up: Collection[str] = ()
    changes: set[str] = field(default_factory=set)
    _blocks: dict[int, _Block] = field(default_factory=dict)
    _left: Counter[int] = field(default_factory=Counter)
    _ends: dict[int, int] = field(default_factory=dict)
    _homes: dict[int, str] = field(default_factory=dict)
    _wanted: dict[int, str] = field(default_factory=dict)
    _factors: set[int] = field(default_factory=set)
    _flags: int | None = None

    def write(self, results: Mapping[str, int]) -> None:
        """Write what gives these values in these registers; ``changes`` are the registers written to."""
        self._plan(results)
        self._write_block(())
        for name, value in results.items():
            if self._homes.get(value) != name:
                assert name not in self._homes.values()
                self._set(name, value)
            self._homes[value] = name

    # --- plan --------------------------------------------------------------------------------------------------------

    def _plan(self, results: Mapping[str, int]) -> None:
        """Find where every step is computed, how often and how long it is used, and which register suits it best."""
        steps = self.builder.steps
        for name, value in results.items():
            self._use(value, (), len(steps))
            self._wanted[value] = name
        for place in reversed(range(len(steps))):
            step = steps[place]
            if place not in self._blocks:
                continue
            if step.kind is StepKind.CALL:
                # Calls are made whatever is chosen.
                self._blocks[place] = ()
            block = self._blocks[place]
            # What is on one side of a choice is computed with it, and what is compared is read where it decides.
            at = self._ends[place] if step.kind is StepKind.LESS else block[0][0] if block else place
            for number, operand in enumerate(step.operands):
                inside = (*block, (place, number)) if step.kind is StepKind.SELECT and number else block
                self._use(operand, inside, at)
            if step.kind is StepKind.CALL:
                for operand, name in zip(step.operands, self.routines[str(step.detail)].operands, strict=True):
                    self._wanted.setdefault(operand, name)
            if step.kind in (StepKind.MINIMUM, StepKind.MAXIMUM, StepKind.SELECT) and place in self._wanted:
                # Choices are made in the register of one of their sides.
                for operand in step.operands[-2:]:
                    self._wanted.setdefault(operand, self._wanted[place])
            if step.kind is StepKind.INPUT and isinstance(home := self.inputs[str(step.detail)], str):
                self._homes[place] = home
        self._factors = self._find_factors()

    def _use(self, value: int, block: _Block, at: int) -> None:
        self._left[value] += 1
        self._ends[value] = max(self._ends.get(value, 0), at)
        before = self._blocks.get(value, block)
        common = 0
        while common < min(len(before), len(block)) and before[common] == block[common]:
            common += 1
        self._blocks[value] = block[:common]

    def _find_factors(self) -> set[int]:
        """Return the low halves of records that take part in nothing but a multiplication by their 32 bits."""
        steps = self.builder.steps
        halves = {place for place in self._blocks if steps[place].kind is StepKind.LOW_HALF}
        for place in self._blocks:
            step = steps[place]
            by = step.operands[self._factor(step)] if step.kind is StepKind.MULTIPLY else None
            halves -= {operand for operand in step.operands if operand != by}
        return halves

    # --- registers ---------------------------------------------------------------------------------------------------

    def _register(self, value: int) -> int:
        return self.asm.register(self._homes[value])

    def _written(self, name: str) -> int:
        """Return a register that is written to."""
        self.changes.add(name)
        return self.asm.register(name)

    def _is_kept(self, value: int) -> bool:
        return self.builder.steps[value].kind is StepKind.INPUT and self._homes.get(value) not in self.used_up

    def _release(self, *values: int) -> None:
        """Count one use of each, and forget where those are that are not needed any more."""
        for value in values:
            self._left[value] -= 1
            if not self._left[value]:
                if self.builder.steps[value].kind is StepKind.LESS:
                    self._release(*self.builder.steps[value].operands)
                elif value in self._homes and not self._is_kept(value):
                    del self._homes[value]

    def _home(self, place: int, block: _Block, *, beside: Collection[str] = ()) -> str:
        """Return a register for the value of a step: that of the choice one of whose sides it is."""
        choices: set[int] = set()
        if block and self.builder.steps[block[-1][0]].operands[block[-1][1]] == place:
            wanted = self._wanted[place] = self._homes[block[-1][0]]
            choices = {choice for choice, _ in block if self._homes[choice] == wanted}
        return self._free(place, beside=beside, within=choices)

    def _free(self, place: int, *, beside: Collection[str] = (), within: Collection[int] = ()) -> str:
        """Return a register for the value of a step: the one where it is wanted, if that can be.

        ``within`` are choices whose register the value may take.
        """
        taken = {name for value, name in self._homes.items() if value not in within} | set(beside)
        changed = self._changed_between(place, self._ends[place])
        wanted = self._wanted.get(place)
        for name in [*([wanted] if wanted else []), *self.scratch]:
            if name not in taken and name not in changed:
                return name
        raise AssertionError("the function needs more scratch registers")

    def _changed_between(self, start: int, end: int) -> set[str]:
        """Return the registers that calls between two steps write to."""
        calls = (self.builder.steps[place] for place in range(start + 1, end) if place in self._blocks)
        return {
            name for step in calls if step.kind is StepKind.CALL for name in self.routines[str(step.detail)].changes
        }

    def _operand(self, number: int, beside: list[str]) -> int:
        """Return a register that holds a number: a constant's, or a scratch register, which is added to ``beside``."""
        if self.asm.is_constant(number):
            return self.asm.constant(number)
        name = self._spare(beside)
        beside.append(name)
        self.asm.set(self._written(name), number)
        return self.asm.register(name)

    def _spare(self, beside: Collection[str] = ()) -> str:
        """Return a scratch register that holds nothing now."""
        taken = {*self._homes.values(), *beside}
        if (name := next((name for name in self.scratch if name not in taken), None)) is None:
            raise AssertionError(f"the function needs more scratch registers than {self.scratch} beside {taken}")
        return name

    def _set(self, name: str, value: int) -> None:
        """Set a register to a value that is there."""
        known = self.builder.known(value)
        if known is not None:
            self.asm.set(self._written(name), known)
        else:
            self.asm.copy(self._written(name), self._register(value))
        self._flags = None

    # --- steps -------------------------------------------------------------------------------------------------------

    def _write_block(self, block: _Block) -> None:
        for place, step in enumerate(self.builder.steps):
            if self._blocks.get(place) != block:
                continue
            if step.kind is StepKind.CALL:
                assert not block
                self._call(place, step)
            elif step.kind is StepKind.SELECT:
                self._select(place, step, block)
            elif step.kind in (StepKind.MINIMUM, StepKind.MAXIMUM):
                self._bound(place, step, block)
            elif place in self._factors:
                self._homes[place] = self._homes[step.operands[0]]
                self._release(*step.operands)
            elif step.kind not in (StepKind.INPUT, StepKind.NUMBER, StepKind.LESS):
                self._compute(place, step, block)

    def _compute(self, place: int, step: Step, block: _Block) -> None:
        """Write a step of one instruction, and before it the number that it may need."""
        asm = self.asm
        operands = list(step.operands)
        subtracts = step.kind is StepKind.SUBTRACT
        number = next((n for n, value in enumerate(operands) if self.builder.known(value) is not None), None)
        sources = [self._homes[value] for n, value in enumerate(operands) if n != number]
        registers = [0 if n == number else self._register(value) for n, value in enumerate(operands)]
        multiplies = step.kind is StepKind.MULTIPLY
        if not multiplies:
            self._release(*operands)
        if number is not None:
            value = self.builder.steps[operands[number]].low
            if step.kind is StepKind.ADD and value < 0 and not asm.is_short(value):
                value, subtracts = -value, True
            registers[number] = self._operand(value, sources)
        if step.kind is StepKind.LOW_HALF:
            registers.append(self._operand((1 << _HALF_BITS) - 1, sources))
        home = self._home(place, block, beside=sources if multiplies else ())
        if multiplies:
            self._release(*operands)
        self._homes[place] = home
        self._emit(step, self._written(home), registers, subtracts=subtracts)
        self._flags = None if multiplies else place

    def _emit(self, step: Step, to: int, registers: Sequence[int], *, subtracts: bool) -> None:
        asm = self.asm
        match step.kind:
            case StepKind.ADD | StepKind.SUBTRACT:
                (asm.subtract if subtracts else asm.add)(to, *registers)
            case StepKind.AND | StepKind.LOW_HALF:
                asm.both(to, *registers)
            case StepKind.XOR:
                asm.xor(to, *registers)
            case StepKind.SHIFT:
                logical = self.builder.steps[step.operands[0]].high >= _SIGN
                asm.shift(to, registers[0], int(step.detail), logical=logical)
            case StepKind.MULTIPLY:
                by = self._factor(step)
                bits = self._factor_bits(step.operands[by])
                asm.multiply(to, registers[1 - by], registers[by], bits=bits)
            case StepKind.LOAD_WORD:
                asm.load_word(to, registers[0])
            case StepKind.LOAD_RECORD:
                asm.load(to, registers[0])
            case _:
                raise AssertionError(step)

    def _factor(self, step: Step) -> int:
        """Return the operand by whose words is multiplied: the shorter one."""
        return int(self._factor_bits(step.operands[1]) <= self._factor_bits(step.operands[0]))

    def _factor_bits(self, value: int) -> int:
        step = self.builder.steps[value]
        return 64 if step.low < 0 else step.high.bit_length()

    def _call(self, place: int, step: Step) -> None:
        convention = self.routines[str(step.detail)]
        for value, name in zip(step.operands, convention.operands, strict=True):
            if self._homes.get(value) != name:
                self._evict(name)
                self._set(name, value)
                if self.builder.known(value) is None and not self._is_kept(value) and name not in convention.changes:
                    self._homes[value] = name
        self._release(*step.operands)
        assert not convention.changes & set(self._homes.values())
        self.asm.call(convention.routine)
        self.changes |= convention.changes
        self._homes[place] = convention.result
        self._flags = None
        if convention.result in self._changed_between(place, self._ends[place]):
            home = self._free(place)
            self._set(home, place)
            self._homes[place] = home

    def _evict(self, name: str) -> None:
        """Make room in a register."""
        for value in [value for value, home in self._homes.items() if home == name]:
            assert not self._is_kept(value), f"{name} is an input"
            home = self._free(value, beside=[name])
            self._set(home, value)
            self._homes[value] = home

    # --- choices -----------------------------------------------------------------------------------------------------

    def _bound(self, place: int, step: Step, block: _Block) -> None:
        """Keep a value within a bound, which may be a number."""
        value, bound = step.operands
        if self.builder.known(value) is not None:
            value, bound = bound, value
        beyond = Condition.NEGATIVE if step.kind is StepKind.MAXIMUM else Condition.NEGATIVE ^ NOT
        home = self._begin_with(place, value, block)
        self._homes[place] = home
        self._compare(value, bound)
        with self.asm.when(beyond):
            self._set(home, bound)
        self._release(value, bound)
        self._flags = None

    def _select(self, place: int, step: Step, block: _Block) -> None:
        condition, so, otherwise = step.operands
        computed = [self._is_computed((*block, (place, side))) for side in (1, 2)]
        if all(computed):
            self._homes[place] = self._home(place, block)
            holds = self._condition(condition)
            self.asm.either(
                holds, lambda: self._side(place, 1, so, block), lambda: self._side(place, 2, otherwise, block)
            )
        else:
            # One side is there, and stays where the other one is not computed in its place.
            first, number = (otherwise, 1) if computed[0] or not computed[1] else (so, 2)
            if not any(computed) and self._dies_in(so, place) and not self._dies_in(otherwise, place):
                first, number = so, 2
            other = step.operands[number]
            self._homes[place] = self._begin_with(place, first, block)
            holds = self._condition(condition)
            self._release(first)
            with self.asm.when(holds if number == 1 else holds ^ NOT):
                self._side(place, number, other, block)
            self._left[first] += 1
        self._release(condition, so, otherwise)
        self._flags = None

    def _is_computed(self, side: _Block) -> bool:
        """Whether a side of a choice takes instructions of its own."""
        return any(
            block[: len(side)] == side and self.builder.steps[place].kind not in (StepKind.INPUT, StepKind.NUMBER)
            for place, block in self._blocks.items()
        )

    def _dies_in(self, value: int, place: int) -> bool:
        """Whether a value is not needed after a choice, so that its register can hold what is chosen."""
        return value in self._homes and not self._is_kept(value) and self._ends[value] <= place

    def _begin_with(self, place: int, value: int, block: _Block) -> str:
        """Return the register of a choice, which holds one of its sides already."""
        if self._dies_in(value, place):
            home = self._homes[value]
            stays = home not in self._changed_between(place, self._ends[place])
            if stays and self._wanted.get(place) in (None, home):
                return home
        home = self._home(place, block)
        if self._homes.get(value) != home:
            self._set(home, value)
        return home

    def _side(self, place: int, number: int, value: int, block: _Block) -> None:
        """Write one side of a choice."""
        home = self._homes[place]
        self._flags = None
        self._write_block((*block, (place, number)))
        if self._homes.get(value) != home:
            self._set(home, value)

    def _condition(self, value: int) -> int:
        """Return the condition that tells whether a value is 1, after what sets the flags."""
        step = self.builder.steps[value]
        if step.kind is StepKind.INPUT:
            condition = self.inputs[str(step.detail)]
            assert isinstance(condition, Condition)
            return condition
        assert step.kind is StepKind.LESS
        self._compare(*step.operands)
        return Condition.NEGATIVE

    def _compare(self, a: int, b: int) -> None:
        """Let the flags tell whether ``a < b``."""
        asm = self.asm
        known, bound = self.builder.known(a), self.builder.known(b)
        if bound == 0 and self._flags == a:
            return
        name = self._spare()
        if bound is not None:
            asm.less(self._written(name), self._register(a), bound)
        elif known is not None:
            asm.subtract(self._written(name), self._operand(known, []), self._register(b))
        else:
            asm.subtract(self._written(name), self._register(a), self._register(b))
