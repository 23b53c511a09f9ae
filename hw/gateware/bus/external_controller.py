"""A controller that lies in a file of its own: what stands around it is exported without it."""

from amaranth.hdl import ClockSignal, Instance, Module, ResetSignal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from twinbar.hw.parts.assembly import SerialParts

from ..controller import Controller
from ..controller_config import ControllerConfig


class ExternalController(wiring.Component):
    """An instance of the exported controller; its members are those of `Controller`.

    Parameters
    ----------
    config : ControllerConfig
    parts : SerialParts, optional
        See `Controller`.
    name : str
        Of the exported module.
    """

    def __init__(self, config: ControllerConfig, parts: SerialParts | None, name: str) -> None:
        self.config, self.name = config, name
        super().__init__(Controller.signature_of(config, parts))

    def elaborate(self, platform) -> Module:
        m = Module()
        connections = {
            f"{'i' if member.flow == In else 'o'}_{'__'.join(map(str, path))}": Value.cast(value)
            for path, member, value in self.signature.flatten(self)
        }
        m.submodules.core = Instance(self.name, i_clk=ClockSignal(), i_rst=ResetSignal(), **connections)
        return m
