"""Pins of a component that the one around it has, too."""

from collections.abc import Collection
from typing import Any

from amaranth.hdl import Module, Value
from amaranth.lib.wiring import Out


def pass_on(m: Module, outer: Any, inner: Any, *, but: Collection[str] = (), prefix: str = "") -> None:
    """Connect the pins of a component to those of the same names of the one that holds it.

    Parameters
    ----------
    m : Module
    outer : component
    inner : component or interface
    but : collection of str
        Members of the inner one that are connected otherwise.
    prefix : str
        What the names of the outer one begin with.
    """
    for path, member, pin in inner.signature.flatten(inner):
        if path[0] in but:
            continue
        same: Any = getattr(outer, f"{prefix}{path[0]}")
        for step in path[1:]:
            same = same[step] if isinstance(step, int) else getattr(same, step)
        target, source = (same, pin) if member.flow == Out else (pin, same)
        m.d.comb += Value.cast(target).eq(Value.cast(source))
