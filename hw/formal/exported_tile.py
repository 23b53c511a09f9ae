"""The exported Verilog of a tile, with the properties that are proven of its netlist."""

from typing import Any, Final

from amaranth.hdl import ClockSignal, Cover, Instance, Module, ResetSignal, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.gateware.pass_on import pass_on
from twinbar.hw.gateware.tile import Tile
from twinbar.hw.verilog import export_component, ports_of

from .gate import GateProperties, ObservationSignature
from .solver import ProofNetlist
from .symbols import netlist_text, opened

NAME: Final = "observed_tile"
_OBSERVED: Final = "observed"


class ObservedTile(wiring.Component):
    """A tile that shows what `GateProperties` look at: Yosys sees no names within a module of Verilog.

    Parameters
    ----------
    config : ControllerConfig
    """

    def __init__(self, config: ControllerConfig) -> None:
        self._tile = Tile(config)
        observed = {_OBSERVED: Out(ObservationSignature().flip())}
        super().__init__({**dict(self._tile.signature.members), **observed})

    def elaborate(self, platform: Any) -> Module:
        """Show it."""
        m = Module()
        m.submodules.tile = inside = opened(self._tile, platform)
        pass_on(m, self, self._tile)
        looks = GateProperties()
        looks._MustUse__used = True
        looks.observe(m, inside.submodules.control, inside.submodules.drive, self._tile.front)
        for name in looks.signature.members:
            shown, seen = getattr(getattr(self, _OBSERVED), name), getattr(looks, name)
            m.d.comb += Value.cast(shown).eq(Value.cast(seen))
        return m


class ExportedTileProof(wiring.Component):
    """`GateProperties` around the Verilog of a tile.

    Parameters
    ----------
    config : ControllerConfig
    """

    def __init__(self, config: ControllerConfig) -> None:
        self._ports = [port for port in ports_of(ObservedTile(config).signature) if port.name not in ("clk", "rst")]
        inputs = {port.name: In(port.bits) for port in self._ports if port.direction == "input"}
        super().__init__(inputs)

    def elaborate(self, platform: Any) -> Module:
        """Connect the properties to the ports."""
        m = Module()
        m.submodules.properties = properties = GateProperties()
        seen = {f"{_OBSERVED}__{name}": getattr(properties, name) for name in properties.signature.members}
        connections: dict[str, Any] = {}
        for port in self._ports:
            if port.direction == "input":
                connections[f"i_{port.name}"] = getattr(self, port.name)
            elif port.name in seen:
                shown = Signal(port.bits, name=f"shown_{port.name}")
                connections[f"o_{port.name}"] = shown
                m.d.comb += Value.cast(seen[port.name]).eq(shown)
        m.d.comb += Cover(properties.write_gate)
        m.submodules.tile = Instance(NAME, i_clk=ClockSignal(), i_rst=ResetSignal(), **connections)
        return m


def exported_tile(config: ControllerConfig) -> ProofNetlist:
    """Return the Verilog of a tile with the properties around it."""
    return ProofNetlist(netlist_text(ExportedTileProof(config)), export_component(ObservedTile(config), NAME))
