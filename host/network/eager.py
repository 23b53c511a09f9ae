"""Keeps a function out of graphs that `torch.compile` builds: its caller is compiled around it."""

import functools
import sys
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def eager(function: Callable[P, R]) -> Callable[P, R]:
    """Let a function run in Python, with all that it calls, where its caller is compiled.

    It is what `torch.compiler.disable` does, without importing the compiler where nobody uses it.
    """

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        compiler = sys.modules.get("torch._dynamo")
        if compiler is None:
            return function(*args, **kwargs)
        undisturbed: Callable[P, R] = compiler.disable(function)
        return undisturbed(*args, **kwargs)

    # The compiler looks for this mark.
    run._torchdynamo_disable = True  # type: ignore[attr-defined]
    return run
