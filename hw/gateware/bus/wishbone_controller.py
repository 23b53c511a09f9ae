"""A controller on Wishbone: registers, commands and responses are words of the bus."""

from typing import Any, Final

from amaranth.hdl import ClockDomain, ClockSignal, Module, ResetSignal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect

from ..pass_on import pass_on
from .register_window import RegisterWindow
from .wishbone_port import WishbonePort, WishboneSignature

_OTHERWISE: Final = ("commands", "responses", "stop")


class WishboneController(wiring.Component):
    """A controller whose registers, commands and responses lie behind Wishbone. Other pins are passed on.

    Parameters
    ----------
    controller : component
        `twinbar.hw.gateware.controller.Controller`, or one like it.

    Members
    -------
    clk_i, rst_i : In(1)
        Clock, and synchronous reset.
    wb_... :
        The signals of Wishbone (`WishboneSignature`).
    irq : Out(1)
        High while a response waits in the mailbox.
    stop : In(1)
        Asynchronous: halts and disarms all tiles while it is high.
    """

    def __init__(self, controller: Any) -> None:
        self.controller = controller
        pins = {name: member for name, member in controller.signature.members.items() if name not in _OTHERWISE}
        super().__init__(
            {
                "clk_i": In(1),
                "rst_i": In(1),
                **{f"wb_{name}": member for name, member in WishboneSignature(controller.config).members.items()},
                "irq": Out(1),
                "stop": In(1),
                **pins,
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        controller = self.controller
        m.domains.sync = ClockDomain()
        m.submodules.controller = controller
        m.submodules.port = port = WishbonePort(controller.config)
        m.submodules.window = window = RegisterWindow(controller.config, mailbox=True)
        connect(m, port.bus, window.bus)
        connect(m, window.commands, controller.commands)
        connect(m, controller.responses, window.responses)
        m.d.comb += [
            ClockSignal().eq(self.clk_i),
            ResetSignal().eq(self.rst_i),
            controller.stop.eq(self.stop | window.stop),
            window.busy.eq(controller.busy),
            self.irq.eq(window.response_waits),
        ]
        pass_on(m, self, port.wishbone, prefix="wb_")
        pass_on(m, self, controller, but=_OTHERWISE)
        return m
