"""What proofs need beside signals: numbers that may be any and do not change, and a look into a component."""

from typing import Any

from amaranth.back import rtlil
from amaranth.hdl import Instance, Module, Signal


def any_number(m: Module, shape: Any, name: str) -> Signal:
    """Return a signal with any value, the same in all cycles."""
    number = Signal(shape, name=name)
    m.submodules[f"any_{name}"] = Instance("$anyconst", p_WIDTH=len(number), o_Y=number)
    return number


def opened(component: Any, platform: Any) -> Module:
    """Return the module that a component becomes, so that its submodules can be reached; it is used in its stead."""
    component._MustUse__used = True
    module: Module = component.elaborate(platform)
    return module


def netlist_text(component: Any) -> str:
    """Return a component with its properties as RTLIL, in which any numbers are cells of Yosys's own."""
    text: str = rtlil.convert(component, platform="formal")
    return text.replace("cell \\$anyconst ", "cell $anyconst ")
