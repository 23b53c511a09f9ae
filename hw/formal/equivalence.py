"""The exported Verilog is the netlist that the proofs are about."""

from collections.abc import Callable
from typing import Any, Final

from amaranth.back import rtlil

from twinbar.hw.verilog import export_component

from .solver import ProofNetlist

_NAME: Final = "exported"


def exported_beside(make: Callable[[], Any]) -> ProofNetlist:
    """Return a component as the proofs see it, and as it is exported: both are to be equal, register by register.

    Parameters
    ----------
    make : callable
        Returns the component; without memories.
    """
    netlist = rtlil.convert(make(), name=_NAME, emit_src=False)
    return ProofNetlist(netlist, export_component(make(), _NAME), _NAME, equal=True)
