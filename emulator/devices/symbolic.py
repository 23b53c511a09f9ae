"""Runs the physics' own source on expressions instead of numbers: how it becomes a program for the array on the chip.

A function is executed statement by statement. What is known (a scalar of the cell model, a constant) is computed, and
what is not becomes steps of a `Builder`. Where a condition is not known, both branches run, and a choice between what
they leave is made. Whole numbers are exact, and ``np.uint64`` wraps around, as in the compiled kernels.
"""

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import numpy as np

from twinbar.emulator.devices import physics
from twinbar.hw.gateware.array.expressions import Builder, UnsupportedExpression

_WORD: Final = (1 << 64) - 1


@dataclass(frozen=True)
class Symbol:
    """A value of the builder.

    Parameters
    ----------
    value : int
    word : bool
        It is a ``np.uint64``.
    """

    value: int
    word: bool = False


@dataclass(frozen=True)
class Table:
    """A section of the flat tables.

    Parameters
    ----------
    name : str
    start : int
    entries : tuple of int
    """

    name: str
    start: int
    entries: tuple[int, ...]


@dataclass(frozen=True)
class Scalars:
    """The scalars, all of them known: an array of one record.

    Parameters
    ----------
    fields : mapping
        Numbers, and tuples of them, by name.
    """

    fields: Mapping[str, Any]


@dataclass(frozen=True)
class LookupTables:
    """The tables, in sections; whatever lies in none of them cannot be looked up."""

    sections: Sequence[Table]


@dataclass(frozen=True)
class Called:
    """A function of the physics that stays a routine.

    Parameters
    ----------
    low, high : int
        Range of what it gives.
    """

    low: int
    high: int


@cache
def _functions(module: ModuleType) -> Mapping[str, ast.FunctionDef]:
    assert module.__file__ is not None
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    return {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}


class SourceRunner:
    """Runs functions of the physics.

    Parameters
    ----------
    builder : Builder
        Gets the steps.
    routines : mapping of str to Called
        Functions that are called and not run.
    module : module
        Where the functions are.
    """

    def __init__(self, builder: Builder, routines: Mapping[str, Called], module: ModuleType = physics) -> None:
        self._builder, self._routines, self._module = builder, routines, module

    def run(self, name: str, *arguments: Any) -> Any:
        """Run a function; arguments and results are ints, `Symbol`, `Scalars`, `LookupTables` and tuples of them.

        Raises
        ------
        UnsupportedExpression
            If it does what steps cannot say.
        """
        function = _functions(self._module)[name]
        names = [argument.arg for argument in function.args.args]
        frame = _Frame(self, self._builder, dict(zip(names, arguments, strict=True)))
        result = frame.execute(function.body)
        if result is None:
            raise UnsupportedExpression(f"{name} ends without a result")
        return result

    def call(self, name: str, arguments: Sequence[Any]) -> Any:
        """Run a function, or call it where it is a routine."""
        if name not in self._routines:
            return self.run(name, *arguments)
        routine = self._routines[name]
        values = tuple(as_symbol(self._builder, one).value for one in arguments if not isinstance(one, LookupTables))
        # What a routine gives of 64 bits is a word.
        made = self._builder.call(name, values, routine.low, routine.high)
        return Symbol(made, word=routine.high == _WORD)

    def constant(self, name: str) -> Any:
        """Return a constant of the module."""
        return getattr(self._module, name)

    @property
    def functions(self) -> Mapping[str, ast.FunctionDef]:
        """All functions of the module."""
        return _functions(self._module)


def as_symbol(builder: Builder, one: Any) -> Symbol:
    """Return a number as a value of the builder."""
    if isinstance(one, Symbol):
        return one
    if isinstance(one, np.uint64):
        return Symbol(builder.number(int(one)), word=True)
    if isinstance(one, (int, np.integer)):
        return Symbol(builder.number(int(one)))
    raise UnsupportedExpression(f"a number is needed, not {type(one).__name__}")


class _Frame:
    """A function that is running."""

    def __init__(self, runner: SourceRunner, builder: Builder, names: dict[str, Any]) -> None:
        self._runner, self._builder, self._names = runner, builder, names

    # --- statements ------------------------------------------------------------------------------------------------

    def execute(self, body: Sequence[ast.stmt]) -> Any:
        """Execute statements; gives what is returned, or None."""
        for statement in body:
            match statement:
                case ast.Expr(value=ast.Constant()):
                    pass
                case ast.Return(value=value) if value is not None:
                    return self._evaluate(value)
                case ast.Assign(targets=[target], value=value):
                    self._assign(target, self._evaluate(value))
                case ast.AugAssign(target=ast.Name(id=name), op=op, value=value):
                    self._names[name] = self._binary(op, self._names[name], self._evaluate(value))
                case ast.If(test=test, body=so, orelse=otherwise):
                    self._branch(self._evaluate(test), so, otherwise)
                case _:
                    raise UnsupportedExpression(f"line {statement.lineno}: {type(statement).__name__}")
        return None

    def _assign(self, target: ast.expr, value: Any) -> None:
        match target:
            case ast.Name(id=name):
                self._names[name] = value
            case ast.Tuple(elts=targets) if isinstance(value, tuple):
                for one, part in zip(targets, value, strict=True):
                    self._assign(one, part)
            case _:
                raise UnsupportedExpression(f"line {target.lineno}: an assignment to {type(target).__name__}")

    def _branch(self, test: Any, so: Sequence[ast.stmt], otherwise: Sequence[ast.stmt]) -> None:
        if not isinstance(test, Symbol):
            returned = self.execute(so if test else otherwise)
            if returned is not None:
                raise UnsupportedExpression("a branch returns")
            return
        before, left = self._names, []
        for body in (so, otherwise):
            self._names = dict(before)
            if self.execute(body) is not None:
                raise UnsupportedExpression("a branch returns")
            left.append(self._names)
        self._names = before
        for name in left[0].keys() & left[1].keys():
            self._names[name] = self._choose(test, left[0][name], left[1][name])

    # --- expressions -------------------------------------------------------------------------------------------------

    def _evaluate(self, node: ast.expr) -> Any:
        match node:
            case ast.Constant(value=value):
                return value
            case ast.Name(id=name):
                return self._names[name] if name in self._names else self._runner.constant(name)
            case ast.Tuple(elts=parts):
                return tuple(self._evaluate(part) for part in parts)
            case ast.BinOp(left=left, op=op, right=right):
                return self._binary(op, self._evaluate(left), self._evaluate(right))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self._binary(ast.Sub(), 0, self._evaluate(operand))
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                return self._compare(op, self._evaluate(left), self._evaluate(right))
            case ast.BoolOp(op=ast.And(), values=values):
                return self._all([self._evaluate(value) for value in values])
            case ast.IfExp(test=test, body=so, orelse=otherwise):
                condition = self._evaluate(test)
                if not isinstance(condition, Symbol):
                    return self._evaluate(so if condition else otherwise)
                return self._choose(condition, self._evaluate(so), self._evaluate(otherwise))
            case ast.Attribute(value=ast.Subscript(value=array, slice=ast.Constant(value=0)), attr=field):
                return self._field(self._evaluate(array), field)
            case ast.Subscript(value=value, slice=place):
                return self._subscript(self._evaluate(value), self._evaluate(place))
            case ast.Call(func=function, args=arguments, keywords=[]):
                return self._call(function, [self._evaluate(argument) for argument in arguments])
        raise UnsupportedExpression(f"line {node.lineno}: {ast.unparse(node)}")

    def _call(self, function: ast.expr, arguments: list[Any]) -> Any:
        builder = self._builder
        match function:
            case ast.Attribute(value=ast.Name(id="np"), attr="int64" | "uint64" as kind):
                return self._cast(arguments[0], word=kind == "uint64")
            case ast.Name(id="min" | "max" as name):
                if not any(isinstance(one, Symbol) for one in arguments):
                    return min(*arguments) if name == "min" else max(*arguments)
                a, b = (as_symbol(builder, one) for one in arguments)
                return self._made((builder.minimum if name == "min" else builder.maximum)(a.value, b.value), word=False)
            case ast.Name(id=name) if name in self._runner.functions:
                return self._runner.call(name, arguments)
        raise UnsupportedExpression(f"line {function.lineno}: a call of {ast.unparse(function)}")

    def _cast(self, one: Any, *, word: bool) -> Any:
        if not isinstance(one, Symbol):
            return np.uint64(one) if word else int(one)
        step = self._builder.steps[one.value]
        if (step.low < 0) if word else (step.high > _WORD >> 1):
            raise UnsupportedExpression(f"{step.low} to {step.high} does not survive a cast")
        return self._made(one.value, word=word)

    def _made(self, value: int, *, word: bool) -> Any:
        known = self._builder.known(value)
        if known is None:
            return Symbol(value, word)
        return np.uint64(known) if word else known

    def _binary(self, op: ast.operator, left: Any, right: Any) -> Any:
        builder = self._builder
        a, b = as_symbol(builder, left), as_symbol(builder, right)
        word = a.word or b.word
        if word and not (a.word and b.word):
            raise UnsupportedExpression("np.uint64 and a signed number make a float")
        match op:
            case ast.Add():
                made = builder.add(a.value, b.value, wraps=word)
            case ast.Sub() if not word:
                made = builder.subtract(a.value, b.value)
            case ast.Mult():
                made = builder.multiply(a.value, b.value, wraps=word)
            case ast.BitAnd():
                made = builder.both(a.value, b.value)
            case ast.BitXor():
                made = builder.exclusive(a.value, b.value)
            case ast.RShift() if (places := builder.known(b.value)) is not None:
                made = builder.shift(a.value, places)
            case ast.LShift() if (places := builder.known(b.value)) is not None:
                made = builder.multiply(a.value, builder.number(1 << places), wraps=word)
            case ast.BitOr():
                made = builder.disjoint(a.value, b.value)
            case ast.FloorDiv() if None not in (known := (builder.known(a.value), builder.known(b.value))):
                made = builder.number(known[0] // known[1])  # type: ignore[operator]
            case _:
                raise UnsupportedExpression(f"{type(op).__name__} of what is not known")
        return self._made(made, word=word)

    def _compare(self, op: ast.cmpop, left: Any, right: Any) -> Any:
        builder = self._builder
        a, b = as_symbol(builder, left).value, as_symbol(builder, right).value
        match op:
            case ast.Lt():
                made = builder.less(a, b)
            case ast.Gt():
                made = builder.less(b, a)
            case ast.Eq():
                made = builder.equal(a, b)
            case ast.NotEq():
                made = builder.select(builder.equal(a, b), builder.number(0), builder.number(1))
            case _:
                raise UnsupportedExpression(f"a comparison by {type(op).__name__}")
        return self._made(made, word=False)

    def _all(self, values: list[Any]) -> Any:
        if any(not isinstance(value, Symbol) and not value for value in values):
            return False
        open_ones = [value for value in values if isinstance(value, Symbol)]
        if len(open_ones) > 1:
            raise UnsupportedExpression("two conditions that are not known")
        return open_ones[0] if open_ones else True

    def _choose(self, condition: Symbol, so: Any, otherwise: Any) -> Any:
        if so is otherwise:
            return so
        if isinstance(so, tuple):
            return tuple(self._choose(condition, one, other) for one, other in zip(so, otherwise, strict=True))
        a, b = as_symbol(self._builder, so), as_symbol(self._builder, otherwise)
        return self._made(self._builder.select(condition.value, a.value, b.value), word=a.word)

    def _field(self, what: Any, name: str) -> Any:
        if not isinstance(what, Scalars) or name not in what.fields:
            raise UnsupportedExpression(f"there is no scalar {name!r}")
        return what.fields[name]

    def _subscript(self, what: Any, place: Any) -> Any:
        if isinstance(what, tuple):
            if not isinstance(place, Symbol):
                return what[place]
            return self._made(self._builder.among(place.value, what), word=False)
        if not isinstance(what, LookupTables):
            raise UnsupportedExpression("only tuples and tables have entries")
        builder = self._builder
        index = as_symbol(builder, place).value
        step = builder.steps[index]
        for table in what.sections:
            first, last = step.low - table.start, step.high - table.start
            if 0 <= first <= last < len(table.entries):
                entries = table.entries[first : last + 1]
                at = builder.add(index, builder.number(-table.start))
                return self._made(builder.lookup(table.name, at, min(entries), max(entries)), word=False)
        raise UnsupportedExpression(f"tables[{step.low}..{step.high}] lies in no table that is given")
