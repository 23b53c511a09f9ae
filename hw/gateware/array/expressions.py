"""Integer functions as lists of steps, each with the range of its values: the form in which the chip gets its physics.

A step's operands are numbers of earlier steps, so that equal expressions are one step. `Builder` computes what is
already known, and the range of everything else; a value that 64 bits cannot hold is an error, not a surprise.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final, TypeAlias

MASK: Final = (1 << 64) - 1
_INT_MIN: Final = -(1 << 63)
_INT_MAX: Final = (1 << 63) - 1


class StepKind(StrEnum):
    """What a step computes of its operands."""

    INPUT = "input"
    """The detail is its name."""
    NUMBER = "number"
    ADD = "add"
    SUBTRACT = "subtract"
    MULTIPLY = "multiply"
    AND = "and"
    XOR = "xor"
    SHIFT = "shift"
    """Right, by the detail."""
    LESS = "less"
    """1 or 0."""
    MINIMUM = "minimum"
    MAXIMUM = "maximum"
    SELECT = "select"
    """The second operand where the first is 1, the third where it is 0."""
    LOOKUP = "lookup"
    """An entry of the table that the detail names."""
    CALL = "call"
    """The result of the routine that the detail names."""
    LOAD_WORD = "load_word"
    """A word of the machine's memory, signed."""
    LOAD_RECORD = "load_record"
    """Four words of it."""
    LOW_HALF = "low_half"
    """The low 32 bits, unsigned."""


class UnsupportedExpression(Exception):
    """An expression that the steps cannot say, or whose values 64 bits cannot hold."""


@dataclass(frozen=True)
class Step:
    """One operation, or an input or a number.

    Parameters
    ----------
    kind : StepKind
    operands : tuple of int
        Places of earlier steps.
    detail : int or str
        See `StepKind`.
    low, high : int
        Least and greatest value. A step that reaches 2**64 - 1 may wrap around there; all others are exact.
    """

    kind: StepKind
    operands: tuple[int, ...]
    detail: int | str
    low: int
    high: int


@dataclass(frozen=True)
class Function:
    """A function of named inputs.

    Parameters
    ----------
    steps : tuple of Step
    results : tuple of int
        Places of the steps whose values it gives.
    """

    steps: tuple[Step, ...]
    results: tuple[int, ...]


Lookup: TypeAlias = Callable[["Builder", int, Step], int]
"""Says how an entry of a table is read, by its place in it and the step that looks it up."""


@dataclass
class Builder:
    """Writes the steps of a function; values are places of steps."""

    steps: list[Step] = field(default_factory=list)
    _places: dict[Step, int] = field(default_factory=dict)

    # --- leaves --------------------------------------------------------------------------------------------------

    def number(self, value: int) -> int:
        """Return a value that is known."""
        return self._step(StepKind.NUMBER, (), 0, value, value)

    def input(self, name: str, low: int, high: int) -> int:
        """Return a value that is not, of a declared range."""
        return self._step(StepKind.INPUT, (), name, low, high)

    def bits(self, name: str, bits: int) -> int:
        """Return an unsigned input of so many bits."""
        return self.input(name, 0, (1 << bits) - 1)

    def known(self, value: int) -> int | None:
        """Return the number that a value always is; None if it is not."""
        step = self.steps[value]
        return step.low if step.kind is StepKind.NUMBER else None

    # --- arithmetic ----------------------------------------------------------------------------------------------

    def add(self, a: int, b: int, *, wraps: bool = False) -> int:
        """Add."""
        x, y = self.steps[a], self.steps[b]
        if x.kind is StepKind.NUMBER:
            a, b, x, y = b, a, y, x
        if y.kind is StepKind.NUMBER:
            if y.low == 0:
                return a
            if x.kind is StepKind.ADD and (inner := self.known(x.operands[1])) is not None and x.high != MASK:
                return self.add(x.operands[0], self.number(inner + y.low), wraps=wraps)
            if x.kind is StepKind.MULTIPLY and x.high != MASK and (parts := self._shifted_product(x)) is not None:
                return self.add(parts[0], self.number(parts[1] + y.low), wraps=wraps)
        if self._are_trees(a, b):
            return self._spread(lambda p, q: self.add(p, q, wraps=wraps), a, b)
        # Where one of two alternatives adds nothing, the other one alone adds.
        for base, choice in ((a, self.steps[b]), (b, self.steps[a])):
            if choice.kind is StepKind.SELECT and 0 in (self.known(choice.operands[1]), self.known(choice.operands[2])):
                condition, so, otherwise = choice.operands
                return self.select(condition, self.add(base, so, wraps=wraps), self.add(base, otherwise, wraps=wraps))
        return self._wrapping(StepKind.ADD, (a, b), (x.low + y.low, x.high + y.high), wraps)

    def _shifted_product(self, step: Step) -> tuple[int, int] | None:
        """Return ``x * k`` and ``c * k`` for ``(x + c) * k`` with numbers c and k."""
        inner, factor = self.steps[step.operands[0]], self.known(step.operands[1])
        if factor is None or inner.kind is not StepKind.ADD or (offset := self.known(inner.operands[1])) is None:
            return None
        return self.multiply(inner.operands[0], step.operands[1]), offset * factor

    def subtract(self, a: int, b: int) -> int:
        """Subtract ``b`` from ``a``; exact."""
        x, y = self.steps[a], self.steps[b]
        if y.kind is StepKind.NUMBER:
            return self.add(a, self.number(-y.low))
        return self._wrapping(StepKind.SUBTRACT, (a, b), (x.low - y.high, x.high - y.low), wraps=False)

    def multiply(self, a: int, b: int, *, wraps: bool = False) -> int:
        """Multiply."""
        x, y = self.steps[a], self.steps[b]
        if x.kind is StepKind.NUMBER:
            a, b, x, y = b, a, y, x
        if y.kind is StepKind.NUMBER and y.low in (0, 1):
            return a if y.low else b
        if self._are_trees(a, b):
            return self._spread(lambda p, q: self.multiply(p, q, wraps=wraps), a, b)
        corners = [p * q for p in (x.low, x.high) for q in (y.low, y.high)]
        return self._wrapping(StepKind.MULTIPLY, (a, b), (min(corners), max(corners)), wraps)

    def shift(self, a: int, places: int) -> int:
        """Shift right: rounds down, and moves in zeros where the value has no sign."""
        x = self.steps[a]
        if places == 0:
            return a
        if x.kind is StepKind.MULTIPLY and x.high != MASK:
            factor = self.known(x.operands[1])
            if factor is not None and factor >> places << places == factor:
                # Most often a factor of 1 in fixed point.
                return self.multiply(x.operands[0], self.number(factor >> places))
        if self._are_trees(a):
            return self._spread(lambda p: self.shift(p, places), a)
        return self._bounded(StepKind.SHIFT, (a,), x.low >> places, x.high >> places, places)

    def both(self, a: int, b: int) -> int:
        """And, bit by bit, with a number that is not negative."""
        if self.known(a) is not None:
            a, b = b, a
        x, mask = self.steps[a], self.known(b)
        if mask is None or mask < 0:
            raise UnsupportedExpression("bits can be masked with a number that is not negative")
        if x.kind is StepKind.NUMBER:
            return self.number(x.low & mask)
        if mask & mask + 1 == 0 and x.low >= 0 and x.high <= mask:
            return a
        return self._bounded(StepKind.AND, (a, b), 0, min(x.high, mask) if x.low >= 0 else mask)

    def exclusive(self, a: int, b: int) -> int:
        """Exclusive or, bit by bit."""
        x, y = self.steps[a], self.steps[b]
        if x.kind is StepKind.NUMBER:
            a, b, x, y = b, a, y, x
        if y.kind is StepKind.NUMBER:
            if y.low == 0:
                return a
            if x.kind is StepKind.NUMBER:
                return self.number(x.low ^ y.low)
        if min(x.low, y.low) >= 0:
            bits = max(x.high.bit_length(), y.high.bit_length())
            return self._bounded(StepKind.XOR, (a, b), 0, (1 << bits) - 1)
        bits = max(max(abs(step.low), abs(step.high)).bit_length() for step in (x, y))
        return self._bounded(StepKind.XOR, (a, b), -1 << bits, (1 << bits) - 1)

    def disjoint(self, a: int, b: int) -> int:
        """Or, bit by bit, of values that have no bit in common."""
        low, high = sorted((self.steps[a], self.steps[b]), key=lambda step: step.high)
        if low.low < 0 or low.high >> self._zeros(high):
            raise UnsupportedExpression("bits are joined where they are known to be apart")
        return self.exclusive(a, b)

    def _zeros(self, step: Step) -> int:
        """Return the low bits of a value that are 0."""
        if step.kind is StepKind.NUMBER:
            return (step.low & -step.low).bit_length() - 1 if step.low else 64
        parts = [self._zeros(self.steps[place]) for place in step.operands]
        return {StepKind.ADD: min, StepKind.MULTIPLY: sum}.get(step.kind, lambda _: 0)(parts)  # type: ignore[operator]

    # --- choices -------------------------------------------------------------------------------------------------

    def less(self, a: int, b: int) -> int:
        """Return 1 where ``a < b``."""
        x, y = self.steps[a], self.steps[b]
        if x.high < y.low or x.low >= y.high:
            return self.number(int(x.high < y.low))
        if not _INT_MIN <= x.low - y.high <= x.high - y.low <= _INT_MAX:
            raise UnsupportedExpression("numbers that are compared differ by less than 2**63")
        return self._bounded(StepKind.LESS, (a, b), 0, 1)

    def equal(self, a: int, b: int) -> int:
        """Return 1 where two values are equal."""
        x, y = self.steps[a], self.steps[b]
        if x.high < y.low or y.high < x.low:
            return self.number(0)
        if x.kind is StepKind.NUMBER and y.kind is StepKind.NUMBER:
            return self.number(int(x.low == y.low))
        if self._are_trees(a, b):
            return self._spread(self.equal, a, b)
        no = self.number(0)
        return self.select(self.less(a, b), no, self.select(self.less(b, a), no, self.number(1)))

    def minimum(self, a: int, b: int) -> int:
        """Return the smaller one."""
        x, y = self.steps[a], self.steps[b]
        if x.high <= y.low or y.high <= x.low:
            return a if x.high <= y.low else b
        if self._are_trees(a, b):
            return self._spread(self.minimum, a, b)
        return self._bounded(StepKind.MINIMUM, (a, b), min(x.low, y.low), min(x.high, y.high))

    def maximum(self, a: int, b: int) -> int:
        """Return the greater one."""
        x, y = self.steps[a], self.steps[b]
        if x.low >= y.high or y.low >= x.high:
            return a if x.low >= y.high else b
        if self._are_trees(a, b):
            return self._spread(self.maximum, a, b)
        return self._bounded(StepKind.MAXIMUM, (a, b), max(x.low, y.low), max(x.high, y.high))

    def select(self, condition: int, so: int, otherwise: int) -> int:
        """Return ``so`` where the condition is 1, else ``otherwise``."""
        if (known := self.known(condition)) is not None:
            return so if known else otherwise
        if self.steps[condition].kind is StepKind.SELECT:
            inner, one, other = self.steps[condition].operands
            return self.select(inner, self.select(one, so, otherwise), self.select(other, so, otherwise))
        so, otherwise = self._where(so, condition, 1), self._where(otherwise, condition, 2)
        x, y = self.steps[so], self.steps[otherwise]
        if so == otherwise:
            return so
        if x.kind == y.kind and x.kind in (StepKind.LOOKUP, StepKind.LOAD_WORD) and x.detail == y.detail:
            place = self.select(condition, x.operands[0], y.operands[0])
            return self._bounded(x.kind, (place,), min(x.low, y.low), max(x.high, y.high), x.detail)
        if x.kind == y.kind and (x.operands[1:], x.detail) == (y.operands[1:], y.detail):
            if x.kind is StepKind.AND:
                return self.both(self.select(condition, x.operands[0], y.operands[0]), x.operands[1])
            if x.kind is StepKind.SHIFT:
                return self.shift(self.select(condition, x.operands[0], y.operands[0]), int(x.detail))
        return self._bounded(StepKind.SELECT, (condition, so, otherwise), min(x.low, y.low), max(x.high, y.high))

    def among(self, value: int, entries: Sequence[int]) -> int:
        """Return the entry of known numbers at a place that is chosen among numbers.

        Raises
        ------
        UnsupportedExpression
            If it is not.
        """
        if not self._is_tree(value):
            raise UnsupportedExpression("an entry of known numbers at a place that is not")
        return self._spread(lambda place: self.number(entries[self.steps[place].low]), value)

    # --- outside ---------------------------------------------------------------------------------------------------

    def lookup(self, table: str, place: int, low: int, high: int) -> int:
        """Look up an entry of a table, whose entries have a range."""
        return self._bounded(StepKind.LOOKUP, (place,), low, high, table)

    def call(self, routine: str, operands: tuple[int, ...], low: int, high: int) -> int:
        """Call a routine."""
        return self._bounded(StepKind.CALL, operands, low, high, routine)

    def load_word(self, place: int, low: int, high: int) -> int:
        """Load a word of memory."""
        return self._bounded(StepKind.LOAD_WORD, (place,), low, high)

    def load_record(self, place: int) -> int:
        """Load a record of memory."""
        return self._bounded(StepKind.LOAD_RECORD, (place,), _INT_MIN, _INT_MAX)

    def halves(self, record: int, *, upper: bool, low: int, high: int) -> int:
        """Take a number that a record holds: signed in its upper half, unsigned in its lower one."""
        if upper:
            return self._bounded(StepKind.SHIFT, (record,), low, high, 32)
        return self._bounded(StepKind.LOW_HALF, (record,), low, high)

    def inline(self, function: Function, inputs: Mapping[str, int], lookup: Lookup | None = None) -> tuple[int, ...]:
        """Write the steps of a function for inputs whose ranges may be narrower, or that are known.

        Parameters
        ----------
        function : Function
        inputs : mapping of str to int
            Values by name.
        lookup : callable, optional
            Says how its tables are read; without it, lookups stay what they are.
        """
        made: list[int] = []
        for step in function.steps:
            operands = [made[place] for place in step.operands]
            made.append(self.again(step, operands, inputs, lookup))
        return tuple(made[place] for place in function.results)

    def again(
        self,
        step: Step,
        operands: Sequence[int],
        inputs: Mapping[str, int] | None = None,
        lookup: Lookup | None = None,
    ) -> int:
        """Write a step again, of other operands; arguments as in `inline`."""
        wraps = step.high == MASK
        match step.kind:
            case StepKind.INPUT:
                value = (inputs or {})[str(step.detail)]
                given = self.steps[value]
                if not step.low <= given.low <= given.high <= step.high:
                    raise UnsupportedExpression(f"{step.detail} is declared {step.low} to {step.high}")
                return value
            case StepKind.NUMBER:
                return self.number(step.low)
            case StepKind.ADD:
                return self.add(operands[0], operands[1], wraps=wraps)
            case StepKind.MULTIPLY:
                return self.multiply(operands[0], operands[1], wraps=wraps)
            case StepKind.SUBTRACT | StepKind.LESS | StepKind.MINIMUM | StepKind.MAXIMUM | StepKind.SELECT:
                return getattr(self, step.kind)(*operands)
            case StepKind.AND:
                return self.both(*operands)
            case StepKind.XOR:
                return self.exclusive(*operands)
            case StepKind.SHIFT:
                return self.shift(operands[0], int(step.detail))
            case StepKind.LOOKUP if lookup is not None:
                return lookup(self, operands[0], step)
        return self._bounded(step.kind, tuple(operands), step.low, step.high, step.detail)

    def function(self, *results: int) -> Function:
        """Return the function whose results are these, without the steps that it does not need."""
        needed = set(results)
        for place in reversed(range(len(self.steps))):
            if place in needed:
                needed.update(self.steps[place].operands)
        kept = {place: number for number, place in enumerate(sorted(needed))}
        steps = [self.steps[place] for place in kept]
        return Function(
            tuple(replace(step, operands=tuple(kept[place] for place in step.operands)) for step in steps),
            tuple(kept[place] for place in results),
        )

    # --- within ------------------------------------------------------------------------------------------------------

    def _step(self, kind: StepKind, operands: tuple[int, ...], detail: int | str, low: int, high: int) -> int:
        step = Step(kind, operands, detail, low, high)
        if step not in self._places:
            self._places[step] = len(self.steps)
            self.steps.append(step)
        return self._places[step]

    def _bounded(self, kind: StepKind, operands: tuple[int, ...], low: int, high: int, detail: int | str = 0) -> int:
        if low == high and kind is not StepKind.CALL:
            return self.number(low)
        return self._step(kind, operands, detail, low, high)

    def _wrapping(self, kind: StepKind, operands: tuple[int, int], span: tuple[int, int], wraps: bool) -> int:
        low, high = span
        if wraps and not 0 <= low <= high <= MASK:
            if low == high:
                return self.number(low & MASK)
            low, high = 0, MASK
        elif not wraps and not _INT_MIN <= low <= high <= _INT_MAX:
            raise UnsupportedExpression(f"{kind} gives {low} to {high}, which 64 bits cannot hold")
        return self._bounded(kind, operands, low, high)

    def _are_trees(self, *values: int) -> bool:
        """Whether values are choices between numbers, one of them at least not a number alone."""
        return all(map(self._is_tree, values)) and any(self.known(value) is None for value in values)

    def _is_tree(self, value: int) -> bool:
        step = self.steps[value]
        if step.kind is StepKind.SELECT:
            return all(map(self._is_tree, step.operands[1:]))
        return step.kind is StepKind.NUMBER

    def _spread(self, operation: Callable[..., int], *values: int) -> int:
        """Compute with every number among which values are chosen."""
        for value in values:
            step = self.steps[value]
            if step.kind is StepKind.SELECT:
                condition = step.operands[0]
                so, otherwise = ([self._where(one, condition, arm) for one in values] for arm in (1, 2))
                return self.select(condition, self._spread(operation, *so), self._spread(operation, *otherwise))
        return operation(*values)

    def _where(self, value: int, condition: int, arm: int) -> int:
        """Return what a value is on one side of a condition."""
        while (step := self.steps[value]).kind is StepKind.SELECT and step.operands[0] == condition:
            value = step.operands[arm]
        if step.kind is StepKind.SELECT:
            inner, so, otherwise = step.operands
            return self.select(inner, self._where(so, condition, arm), self._where(otherwise, condition, arm))
        return value


def joined(*functions: Function) -> Function:
    """Return one function with the results of all of them; inputs of the same name are one."""
    builder, results = Builder(), list[int]()
    for function in functions:
        inputs = {
            str(step.detail): builder.input(str(step.detail), step.low, step.high)
            for step in function.steps
            if step.kind is StepKind.INPUT
        }
        results += builder.inline(function, inputs)
    return builder.function(*results)
