"""The exported Verilog is the netlist that the proofs are about."""

import re
from collections.abc import Callable
from typing import Any, Final

from amaranth.back import rtlil

from twinbar.hw.verilog import escaped_verilog, export_component
from twinbar.hw.verilog_names import plain_names

from .solver import ProofNetlist

_NAME: Final = "exported"
_ESCAPED: Final = re.compile(r"\\([^\s]+)")


def exported_beside(make: Callable[[], Any]) -> ProofNetlist:
    """Return a component as the proofs see it, and as it is exported: both are to be equal, register by register.

    Parameters
    ----------
    make : callable
        Returns the component.
    """
    # Yosys tells ports and registers by their names, so the netlist takes those of the Verilog.
    _, modules = escaped_verilog(make(), _NAME)
    plain = plain_names(modules)
    netlist = rtlil.convert(make(), name=_NAME, emit_src=False)
    netlist = _ESCAPED.sub(lambda found: "\\" + plain.get(found[1], found[1]), netlist)
    return ProofNetlist(netlist, export_component(make(), _NAME), _NAME, equal=True)
