"""The source of functions runs on expressions as it runs on numbers, and what cannot be said is refused."""

from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from evaluation import evaluate

from twinbar.emulator.devices.symbolic import LookupTables, Scalars, SourceRunner, Symbol, Table, as_symbol
from twinbar.hw.gateware.array.expressions import Builder, Step, StepKind, UnsupportedExpression

SOURCE = '''
import numpy as np

_FACTOR = np.uint64(0x9E3779B97F4A7C15)
BASE = 10


def inner(x, scalars):
    """Doubles or not."""
    if scalars[0].doubles:
        x = x * 2
    return x


def pair(x, y):
    return x + y, x - y


def several(x, y, scalars, tables):
    first, second = pair(x, y)
    if x < y:
        first = inner(first, scalars)
        second += 3
    elif x > 5:
        second = -second
    else:
        first = min(first, 7)
    unset = 1 if scalars[0].unset else first
    entry = np.int64(tables[BASE + (x & 3)])
    return first, max(second, -2), entry * unset, scalars[0].pair[1 if x == y else 0]


def wrapping(word):
    bits = (np.uint64(word) ^ (np.uint64(word) >> np.uint64(7))) * _FACTOR + np.uint64(5)
    return np.int64(bits >> np.uint64(3)), (np.uint64(1) << np.uint64(63)) | np.uint64(5)


def lazily(x, scalars):
    if x != 3 and scalars[0].unset:
        x = x // 0
    return x


def mixed(x, word):
    return x + np.uint64(word)


def looping(x):
    while x > 3:
        x >>= 1
    return x


def returning(x):
    if x > 3:
        return 1
    return 0


def dividing(x):
    return x // 3


def overlapping(x):
    return (x << 2) | x


def reaching(x, tables):
    return tables[x]
'''
SCALARS = {"doubles": 1, "unset": 0, "pair": (0, 1)}
ENTRIES = (100, -200, 300, 5)


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    path = tmp_path_factory.mktemp("source") / "toy_physics.py"
    path.write_text(SOURCE)
    made = ModuleType("toy_physics")
    made.__file__ = str(path)
    exec(compile(SOURCE, path, "exec"), made.__dict__)
    return made


def run(module: ModuleType, name: str, *arguments: Callable[[Builder], Any] | Any) -> tuple[Builder, Any]:
    builder = Builder()
    made = [one(builder) if callable(one) else one for one in arguments]
    return builder, SourceRunner(builder, {}, module).run(name, *made)


def ranged(name: str, low: int, high: int) -> Callable[[Builder], Symbol]:
    return lambda builder: Symbol(builder.input(name, low, high))


def word(builder: Builder) -> Symbol:
    return Symbol(builder.bits("word", 64), word=True)


TABLES = LookupTables([Table("entries", 10, ENTRIES)])


def test_branches_calls_and_tables_come_to_what_python_computes(module: ModuleType) -> None:
    builder, results = run(module, "several", ranged("x", 0, 12), ranged("y", 0, 12), Scalars(SCALARS), TABLES)
    function = builder.function(*[as_symbol(builder, one).value for one in results])
    tables = [0] * 10 + list(ENTRIES)

    def look_up(step: Step, operands: list[int]) -> int:
        assert step.kind is StepKind.LOOKUP
        return ENTRIES[operands[0]]

    for x in range(13):
        for y in range(13):
            expected = module.several(x, y, [SimpleNamespace(**SCALARS)], tables)
            assert evaluate(function, {"x": x, "y": y}, look_up) == [int(one) for one in expected]


def test_unsigned_words_wrap_and_signed_numbers_do_not(module: ModuleType) -> None:
    builder, results = run(module, "wrapping", word)
    function = builder.function(*[as_symbol(builder, one).value for one in results])
    rng = np.random.default_rng(1)
    with np.errstate(over="ignore"):
        for value in rng.integers(1 << 64, size=100, dtype=np.uint64):
            assert evaluate(function, {"word": int(value)}) == [int(one) for one in module.wrapping(value)]


def test_what_is_known_to_be_false_is_not_run(module: ModuleType) -> None:
    builder, result = run(module, "lazily", ranged("x", 0, 9), Scalars({"unset": 0}))
    assert builder.steps[result.value].kind is StepKind.INPUT


@pytest.mark.parametrize(
    ("name", "arguments", "sentence"),
    [
        ("mixed", (ranged("x", 0, 9), word), "make a float"),
        ("looping", (ranged("x", 0, 9),), "While"),
        ("returning", (ranged("x", 0, 9),), "a branch returns"),
        ("dividing", (ranged("x", 0, 9),), "FloorDiv of what is not known"),
        ("overlapping", (ranged("x", 0, 9),), "known to be apart"),
        ("reaching", (ranged("x", 0, 13), TABLES), r"tables\[0..13\] lies in no table"),
        ("reaching", (ranged("x", 11, 14), TABLES), r"tables\[11..14\] lies in no table"),
    ],
)
def test_what_steps_cannot_say_is_refused(
    module: ModuleType, name: str, arguments: tuple[Any, ...], sentence: str
) -> None:
    with pytest.raises(UnsupportedExpression, match=sentence):
        run(module, name, *arguments)
