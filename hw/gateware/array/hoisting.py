"""Splits functions by when their inputs are known, so that what is known early is computed once."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from .expressions import MASK, Builder, Function, StepKind, UnsupportedExpression

_Term: TypeAlias = tuple[int, tuple[int, ...]]
"""A value, and the numbers by which it is multiplied."""


def hoist(function: Function, late: Collection[str]) -> tuple[Function | None, Function]:
    """Split a function whose late inputs meet the others in one sum, or one exclusive or.

    Returns
    -------
    early : Function or None
        The terms that depend on none of the late inputs; None if there are no other inputs.
    rest : Function
        The function itself, of the late inputs and of the sum of those terms, its input ``early``.

    Raises
    ------
    UnsupportedExpression
        If they meet elsewhere too.
    """
    split = _Split(function, frozenset(late))
    results = [split.rest(place) for place in function.results]
    early = None if split.early is None else split.before.function(split.early)
    return early, split.after.function(*results)


@dataclass
class _Split:
    function: Function
    late: frozenset[str]
    before: Builder = field(default_factory=Builder)
    after: Builder = field(default_factory=Builder)
    early: int | None = None

    def rest(self, place: int) -> int:
        """Return a value of the function after what was early."""
        step = self.function.steps[place]
        if not self._inputs(place):
            return self._copy(place)
        if not self._depends(place):
            return self._hoisted([(place, ())], step.kind, wraps=False)
        if step.kind is StepKind.INPUT:
            return self.after.input(str(step.detail), step.low, step.high)
        if step.kind in (StepKind.ADD, StepKind.XOR, StepKind.MULTIPLY):
            kind, wraps = StepKind.XOR if step.kind is StepKind.XOR else StepKind.ADD, step.high == MASK
            terms = [*self._terms(place, (), kind)]
            early = [term for term in terms if not self._depends(term[0])]
            if len(terms) > 1 and any(self._inputs(term[0]) for term in early):
                total = self._hoisted(early, kind, wraps=wraps)
                for term, factors in terms:
                    if self._depends(term):
                        part = self.rest(term)
                        for factor in factors:
                            part = self.after.multiply(part, self.after.number(factor), wraps=wraps)
                        total = _join(self.after, kind, total, part, wraps=wraps)
                return total
        return self.after.again(step, [self.rest(operand) for operand in step.operands])

    def _hoisted(self, terms: Collection[_Term], kind: StepKind, *, wraps: bool) -> int:
        """Compute terms early; gives their sum as an input."""
        builder, total = self.before, self.before.number(0)
        for place, factors in terms:
            term = Builder([*self.function.steps]).function(place)
            inputs = {name: builder.input(name, low, high) for name, (low, high) in self._inputs(place).items()}
            (value,) = builder.inline(term, inputs)
            for factor in factors:
                value = builder.multiply(value, builder.number(factor), wraps=wraps)
            total = _join(builder, kind, total, value, wraps=wraps)
        if self.early not in (None, total):
            raise UnsupportedExpression("early and late inputs meet in two places")
        self.early = total
        return self.after.input("early", builder.steps[total].low, builder.steps[total].high)

    def _copy(self, place: int) -> int:
        (value,) = self.after.inline(Builder([*self.function.steps]).function(place), {})
        return value

    def _terms(self, place: int, factors: tuple[int, ...], kind: StepKind) -> Iterator[_Term]:
        """Return the terms of a sum, each with what it is multiplied by in turn; or those of an exclusive or."""
        step = self.function.steps[place]
        if step.kind is kind:
            for operand in step.operands:
                yield from self._terms(operand, factors, kind)
        elif kind is StepKind.ADD and step.kind is StepKind.MULTIPLY and not self._inputs(step.operands[1]):
            known = self.function.steps[step.operands[1]].low
            yield from self._terms(step.operands[0], (known, *factors), kind)
        else:
            yield place, factors

    def _depends(self, place: int) -> bool:
        return not self.late.isdisjoint(self._inputs(place))

    def _inputs(self, place: int) -> dict[str, tuple[int, int]]:
        """Return the names and ranges of the inputs that a value depends on."""
        step = self.function.steps[place]
        if step.kind is StepKind.INPUT:
            return {str(step.detail): (step.low, step.high)}
        return {name: span for operand in step.operands for name, span in self._inputs(operand).items()}


def _join(builder: Builder, kind: StepKind, a: int, b: int, *, wraps: bool) -> int:
    return builder.exclusive(a, b) if kind is StepKind.XOR else builder.add(a, b, wraps=wraps)
