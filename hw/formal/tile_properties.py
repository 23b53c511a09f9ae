"""All properties of a tile, for every input and register setting."""

from typing import Any

from amaranth.hdl import Cover, Elaboratable, Module

from twinbar.hw.gateware.controller_config import ControllerConfig

from .armed_records import ArmedProperties
from .compliance_closing import ComplianceProperties
from .count_use import CountProperties
from .gate import GateProperties
from .one_response import AnswerProperties
from .pulse_safety import PulseProperties
from .settling import SettlingProperties


class TileProperties(Elaboratable):
    """All properties of a tile.

    Parameters
    ----------
    config : ControllerConfig
    control, drive, accounts : component
        Rooms of the tile.
    front : FrontEndSignature
        The tile's side of its front end.
    """

    def __init__(self, config: ControllerConfig, control: Any, drive: Any, accounts: Any, front: Any) -> None:
        self._config, self._control, self._drive, self._accounts, self._front = config, control, drive, accounts, front

    def elaborate(self, platform: Any) -> Module:
        """Put the properties together."""
        m = Module()
        control, drive, front = self._control, self._drive, self._front
        m.submodules.gate = gate = GateProperties()
        gate.observe(m, control, drive, front)
        m.submodules.pulses = pulses = PulseProperties()
        pulses.observe(m, control, drive)
        m.submodules.settling = SettlingProperties(control, drive, front)
        m.submodules.answers = AnswerProperties(control)
        m.submodules.compliance = ComplianceProperties(control)
        m.submodules.armed = ArmedProperties(self._config, control, drive)
        m.submodules.counted = CountProperties(control, self._accounts.counters)
        gate, halted = control.sequencer.write_gate, control.supervisor.halt
        trips = gate & control.inputs[0] & control.sequencer.watch.trip
        m.d.comb += [Cover(gate), Cover(gate & halted), Cover(trips)]
        return m
