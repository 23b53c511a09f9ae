"""A controller behind its link: the vendor-free core of a board."""

from typing import Any

from amaranth.hdl import Module, ResetInserter
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect

from twinbar.hw.link.front_end_number import DIRECT
from twinbar.hw.link.link_config import LinkConfig

from ..pass_on import pass_on
from .serial_link import SerialLink

_LINKED = ("commands", "responses")


class LinkedController(wiring.Component):
    """A controller whose streams go over a UART. Its other pins are passed on.

    Parameters
    ----------
    controller : component
        `twinbar.hw.gateware.controller.Controller`, or one like it.
    link : LinkConfig
    front_end : int
        What the board says of its front end (`twinbar.hw.link.front_end_number`).

    Members
    -------
    rx : In(1)
    tx : Out(1)
        Pins of the UART.
    """

    def __init__(self, controller: Any, link: LinkConfig, front_end: int = DIRECT) -> None:
        self.controller = controller
        self.link = link
        self.front_end = front_end
        pins = {name: member for name, member in controller.signature.members.items() if name not in _LINKED}
        super().__init__({**pins, "rx": In(1, init=1), "tx": Out(1, init=1)})

    def elaborate(self, platform) -> Module:
        m = Module()
        controller = self.controller
        m.submodules.link = link = SerialLink(controller.config, self.link, self.front_end)
        m.submodules.controller = ResetInserter(link.reset)(controller)
        connect(m, link.commands, controller.commands)
        connect(m, controller.responses, link.responses)
        m.d.comb += [link.rx.eq(self.rx), self.tx.eq(link.tx), link.busy.eq(controller.busy)]
        m.d.comb += controller.alive.eq(link.alive)
        pass_on(m, self, controller, but=_LINKED)
        return m
