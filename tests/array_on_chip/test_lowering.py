"""Random functions come to the same on the machine as step by step."""

import numpy as np
import pytest
from chip_samples import crossbar
from evaluation import evaluate
from function_bench import FunctionBench

from twinbar.emulator.crossbar.chip_array import chip_model
from twinbar.hw.gateware.array.expressions import MASK, Builder, Step, StepKind, UnsupportedExpression
from twinbar.hw.gateware.array.hoisting import hoist
from twinbar.hw.gateware.array.instructions import Condition
from twinbar.hw.gateware.controller_config import ControllerConfig

CONTROLLER = ControllerConfig(rows=4, columns=4)
RANGES = {"a": (-1000, 70_000), "b": (0, 1), "c": (-(1 << 40), 1 << 40), "d": (5, 5 + (1 << 31)), "w": (0, MASK)}
OPERATIONS = ("add", "add", "subtract", "multiply", "shift", "both", "exclusive", "minimum", "maximum", "select")


@pytest.fixture(scope="module")
def model():
    return chip_model(crossbar(CONTROLLER))


def random_builder(rng: np.random.Generator, *, calls: int) -> tuple[Builder, list[int]]:
    """Write random steps; gives values that 64 bits hold with a sign."""
    builder = Builder()
    words = [builder.input("w", *RANGES["w"])]
    values = [builder.input(name, *RANGES[name]) for name in "acd"] + [builder.number(3), builder.number(-70_000)]
    flags = [builder.input("b", 0, 1)]

    def one(things: list[int]) -> int:
        return things[int(rng.integers(len(things)))]

    for _ in range(calls):
        x = builder.exclusive(one(words), builder.number(int(rng.integers(1 << 63))))
        key, number = builder.multiply(x, one(words), wraps=True), builder.add(one(words), x, wraps=True)
        words.append(builder.call("event_bits", (key, number), 0, MASK))
        values.append(builder.shift(words[-1], int(rng.integers(8, 50))))
    while len(values) < 24:
        operation, a, b = str(rng.choice(OPERATIONS)), one(values), one(values)
        try:
            match operation:
                case "shift":
                    values.append(builder.shift(a, int(rng.integers(1, 40))))
                case "both":
                    values.append(builder.both(a, builder.number(int(rng.integers(1 << 30)))))
                case "select":
                    flag = one(flags) if rng.integers(2) else builder.less(one(values), one(values))
                    values.append(builder.select(flag, a, b))
                case _:
                    values.append(getattr(builder, operation)(a, b))
        except UnsupportedExpression:
            continue
    return builder, values


def random_inputs(rng: np.random.Generator) -> dict[str, int]:
    inputs = {}
    for name, (low, high) in RANGES.items():
        inner = low + int(rng.integers(1 << 64, dtype=np.uint64)) % (high - low + 1)
        inputs[name] = int([low, high, inner, inner][int(rng.integers(4))])
    return inputs


@pytest.mark.parametrize("calls", [0, 2])
@pytest.mark.parametrize("seed", range(12))
def test_random_functions(model, seed: int, calls: int) -> None:
    rng = np.random.default_rng(seed)
    builder, values = random_builder(rng, calls=calls)
    function = builder.function(values[-1], values[-4])
    names = {step.detail for step in function.steps if step.kind is StepKind.INPUT}
    bench = FunctionBench(CONTROLLER, model, function, {"b": Condition.RESETS} if "b" in names else {}, scratch=14)

    def draw(step: Step, operands: list[int]) -> int:
        return evaluate(model.functions.event_bits, dict(zip(("key", "number"), operands, strict=True)), mix)[0]

    def mix(step: Step, operands: list[int]) -> int:
        return evaluate(model.functions.mix, {"x": operands[0]})[0]

    for _ in range(60):
        inputs = {name: value for name, value in random_inputs(rng).items() if name in names}
        assert bench(**inputs) == evaluate(function, inputs, draw), inputs


def test_what_is_known_takes_no_instructions(model) -> None:
    builder = Builder()
    a = builder.input("a", 0, 100)
    scaled = builder.shift(builder.multiply(a, builder.number(4096)), 12)
    assert builder.minimum(builder.maximum(scaled, builder.number(0)), builder.number(100)) == a
    assert builder.known(builder.less(a, builder.number(101))) == 1
    assert builder.known(builder.equal(a, builder.number(-1))) == 0
    function = builder.function(a)
    bench = FunctionBench(CONTROLLER, model, function)
    assert bench.end - bench.start == 1


def test_values_that_64_bits_cannot_hold_are_refused() -> None:
    builder = Builder()
    a = builder.input("a", 0, (1 << 62) + 1)
    with pytest.raises(UnsupportedExpression, match="which 64 bits cannot hold"):
        builder.add(a, a)
    with pytest.raises(UnsupportedExpression, match="which 64 bits cannot hold"):
        builder.multiply(a, a)
    assert builder.steps[builder.multiply(a, a, wraps=True)].high == MASK


def test_an_input_beyond_its_declared_range_is_refused() -> None:
    narrow = Builder()
    function = narrow.function(narrow.add(narrow.input("a", 0, 9), narrow.number(1)))
    wide = Builder()
    with pytest.raises(UnsupportedExpression, match="a is declared 0 to 9"):
        wide.inline(function, {"a": wide.input("a", 0, 10)})


@pytest.mark.parametrize("kind", ["sum", "exclusive or"])
def test_what_is_known_early_is_computed_once(kind: str) -> None:
    rng = np.random.default_rng(5)
    builder = Builder()
    tile, cell = builder.bits("tile", 8), builder.bits("cell", 16)
    golden = builder.number(0x9E3779B97F4A7C15)
    if kind == "sum":
        inner = builder.add(builder.multiply(tile, builder.number(1 << 32)), cell)
        operand = builder.multiply(builder.add(inner, builder.number(1)), golden, wraps=True)
    else:
        operand = builder.exclusive(golden, builder.disjoint(builder.multiply(tile, builder.number(1 << 16)), cell))
    function = builder.function(builder.call("mix", (operand,), 0, MASK))
    early, rest = hoist(function, ("cell",))
    assert early is not None
    assert {step.detail for step in early.steps if step.kind is StepKind.INPUT} == {"tile"}
    assert {step.detail for step in rest.steps if step.kind is StepKind.INPUT} == {"early", "cell"}

    def mixed(step: Step, operands: list[int]) -> int:
        return operands[0]

    for _ in range(50):
        inputs = {"tile": int(rng.integers(256)), "cell": int(rng.integers(1 << 16))}
        known = evaluate(early, inputs)[0] & MASK
        assert evaluate(rest, {"early": known, **inputs}, mixed) == evaluate(function, inputs, mixed)


def test_inputs_that_meet_twice_cannot_be_split() -> None:
    builder = Builder()
    a, b, c = (builder.bits(name, 8) for name in "abc")
    twice = builder.multiply(builder.add(a, c), builder.add(b, c))
    with pytest.raises(UnsupportedExpression, match="meet in two places"):
        hoist(builder.function(twice), ("c",))
