"""A controller on AXI: registers by AXI4-Lite, commands and responses by AXI4-Stream."""

from typing import Any, Final

from amaranth.hdl import ClockDomain, ClockSignal, Module, ResetSignal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect

from twinbar.hw.protocol.layouts import COMMAND

from ..pass_on import pass_on
from .axi_lite_port import AxiLitePort, AxiLiteSignature
from .register_window import RegisterWindow

RESPONSE_DATA_BITS: Final = 128
"""A response beat with zeros above it: a power of two of bytes, as interconnects take it."""
_OTHERWISE: Final = ("commands", "responses", "stop")


class AxiController(wiring.Component):
    """A controller whose registers lie behind AXI4-Lite and whose streams are AXI4-Stream.

    Its clock and its reset are ports, named as AXI names them. Other pins are passed on.

    Parameters
    ----------
    controller : component
        `twinbar.hw.gateware.controller.Controller`, or one like it.

    Members
    -------
    aclk, aresetn : In(1)
        Clock, and reset that is active low and synchronous.
    s_axil_... :
        The channels of AXI4-Lite (`AxiLiteSignature`).
    s_axis_tdata, s_axis_tvalid, s_axis_tready
        Command beats.
    m_axis_tdata, m_axis_tlast, m_axis_tvalid, m_axis_tready
        Response beats, each a packet of its own.
    stop : In(1)
        Asynchronous: halts and disarms all tiles while it is high.
    """

    def __init__(self, controller: Any) -> None:
        self.controller = controller
        pins = {name: member for name, member in controller.signature.members.items() if name not in _OTHERWISE}
        super().__init__(
            {
                "aclk": In(1),
                "aresetn": In(1),
                **{f"s_axil_{name}": member for name, member in AxiLiteSignature(controller.config).members.items()},
                "s_axis_tdata": In(COMMAND.bits),
                "s_axis_tvalid": In(1),
                "s_axis_tready": Out(1),
                "m_axis_tdata": Out(RESPONSE_DATA_BITS),
                "m_axis_tlast": Out(1),
                "m_axis_tvalid": Out(1),
                "m_axis_tready": In(1),
                "stop": In(1),
                **pins,
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        controller = self.controller
        m.domains.sync = ClockDomain()
        m.submodules.controller = controller
        m.submodules.port = port = AxiLitePort(controller.config)
        m.submodules.window = window = RegisterWindow(controller.config, mailbox=False)
        connect(m, port.bus, window.bus)
        connect(m, window.commands, controller.commands)
        connect(m, controller.responses, window.responses)
        m.d.comb += [
            ClockSignal().eq(self.aclk),
            ResetSignal().eq(~self.aresetn),
            controller.stop.eq(self.stop | window.stop),
            window.busy.eq(controller.busy),
            window.outer_commands.payload.eq(self.s_axis_tdata),
            window.outer_commands.valid.eq(self.s_axis_tvalid),
            self.s_axis_tready.eq(window.outer_commands.ready),
            self.m_axis_tdata.eq(window.outer_responses.payload.as_value()),
            self.m_axis_tlast.eq(1),
            self.m_axis_tvalid.eq(window.outer_responses.valid),
            window.outer_responses.ready.eq(self.m_axis_tready),
        ]
        pass_on(m, self, port.axi, prefix="s_axil_")
        pass_on(m, self, controller, but=_OTHERWISE)
        return m
