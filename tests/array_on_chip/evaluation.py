"""Computes functions step by step: what their steps say, without the machine."""

from collections.abc import Callable, Mapping

from twinbar.hw.gateware.array.expressions import MASK, Function, Kind, Step

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
        case Kind.INPUT, []:
            return inputs[str(step.detail)]
        case Kind.NUMBER, []:
            return step.low
        case Kind.ADD, [a, b]:
            return a + b
        case Kind.SUBTRACT, [a, b]:
            return a - b
        case Kind.MULTIPLY, [a, b]:
            return a * b
        case Kind.AND, [a, b]:
            return a & b
        case Kind.XOR, [a, b]:
            return a ^ b
        case Kind.SHIFT, [a]:
            return a >> int(step.detail)
        case Kind.LESS, [a, b]:
            return int(a < b)
        case Kind.MINIMUM, [a, b]:
            return min(a, b)
        case Kind.MAXIMUM, [a, b]:
            return max(a, b)
        case Kind.SELECT, [condition, a, b]:
            return a if condition else b
    assert outside is not None
    return outside(step, operands)
