"""Computes functions step by step: what their steps say, without the machine."""

from collections.abc import Callable, Mapping

from twinbar.hw.gateware.array.expressions import MASK, Function, Step, StepKind

Outside = Callable[[Step, list[int]], int]


def evaluate(function: Function, inputs: Mapping[str, int], outside: Outside | None = None) -> list[int]:
    """Return the results; ``outside`` gives those of lookups and calls."""
    values: list[int] = []
    for step in function.steps:
        operands = [values[place] for place in step.operands]
        value = _compute(step, operands, inputs, outside)
        if step.high == MASK:
            value &= MASK
        assert step.low <= value <= step.high, step
        values.append(value)
    return [values[place] for place in function.results]


def _compute(step: Step, operands: list[int], inputs: Mapping[str, int], outside: Outside | None) -> int:
    match step.kind, operands:
        case StepKind.INPUT, []:
            return inputs[str(step.detail)]
        case StepKind.NUMBER, []:
            return step.low
        case StepKind.ADD, [a, b]:
            return a + b
        case StepKind.SUBTRACT, [a, b]:
            return a - b
        case StepKind.MULTIPLY, [a, b]:
            return a * b
        case StepKind.AND, [a, b]:
            return a & b
        case StepKind.XOR, [a, b]:
            return a ^ b
        case StepKind.SHIFT, [a]:
            return a >> int(step.detail)
        case StepKind.LESS, [a, b]:
            return int(a < b)
        case StepKind.MINIMUM, [a, b]:
            return min(a, b)
        case StepKind.MAXIMUM, [a, b]:
            return max(a, b)
        case StepKind.SELECT, [condition, a, b]:
            return a if condition else b
    assert outside is not None
    return outside(step, operands)
