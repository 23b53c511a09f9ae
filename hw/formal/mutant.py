"""Deliberate faults in the hardware: a text of a source file, and what stands there instead."""

import ast
import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

_PACKAGE = "twinbar.hw"


@dataclass(frozen=True)
class Mutant:
    """A deliberate fault of a class or function.

    Parameters
    ----------
    about : str
        What it does wrong, as a phrase.
    module : str
        Where it is, below `twinbar.hw`.
    old, new : str
        A text that the module has once, within a class or a function, and what stands there instead.
    """

    about: str
    module: str
    old: str
    new: str

    @contextmanager
    def injected(self) -> Iterator[None]:
        """Let every loaded module of `twinbar.hw` use the faulty class or function instead of the right one.

        Raises
        ------
        ValueError
            If the module does not have the text once, in a class or function of its own.
        """
        module = importlib.import_module(f"{_PACKAGE}.{self.module}")
        name, faulty = self._faulty(module)
        right = vars(module)[name]
        users = [
            (user, attribute)
            for path, user in list(sys.modules.items())
            if path.startswith(_PACKAGE)
            for attribute, value in list(vars(user).items())
            if value is right
        ]
        for user, attribute in users:
            setattr(user, attribute, faulty)
        try:
            yield
        finally:
            for user, attribute in users:
                setattr(user, attribute, right)

    def _faulty(self, module: ModuleType) -> tuple[str, object]:
        assert module.__file__ is not None
        text = Path(module.__file__).read_text(encoding="utf-8")
        if text.count(self.old) != 1:
            raise ValueError(f"{self.module} has the text {self.old!r} {text.count(self.old)} times, not once")
        line = text[: text.index(self.old)].count("\n") + 1
        for node in ast.parse(text).body:
            if not isinstance(node, ast.ClassDef | ast.FunctionDef):
                continue
            first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
            if first <= line <= (node.end_lineno or 0):
                changed = text.replace(self.old, self.new).splitlines(keepends=True)
                added = self.new.count("\n") - self.old.count("\n")
                # Blank lines before it keep its line numbers.
                source = "\n" * (first - 1) + "".join(changed[first - 1 : (node.end_lineno or 0) + added])
                names = dict(vars(module))
                exec(compile(source, module.__file__, "exec"), names)
                return node.name, names[node.name]
        raise ValueError(f"{self.module} has the text {self.old!r} outside of its classes and functions")
