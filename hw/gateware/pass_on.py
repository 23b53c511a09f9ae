"""Pins of a component that the one around it has, too."""

from collections.abc import Collection
from typing import Any

from amaranth.hdl import Module, Value
from amaranth.lib.wiring import Out


def pass_on(m: Module, outer: Any, inner: Any, *, but: Collection[str]) -> None:
    """Connect the pins of a component to those of the same names of the one that holds it.

    Parameters
    ----------
    m : Module
    outer, inner : component
    but : collection of str
        Members of the inner one that are connected otherwise.
    """
    for path, member, pin in inner.signature.flatten(inner):
        if path[0] in but:
            continue
        same: Any = outer
        for step in path:
            same = same[step] if isinstance(step, int) else getattr(same, step)
        target, source = (same, pin) if member.flow == Out else (pin, same)
        m.d.comb += Value.cast(target).eq(Value.cast(source))
