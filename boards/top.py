"""The top level of a board: the core in a shell of clock and I/O cells."""

from dataclasses import dataclass, replace
from typing import Any

from amaranth.build import Pins as BoardPins
from amaranth.build import PinsN, Resource
from amaranth.hdl import ClockDomain, Elaboratable, Module, Signal, Value
from amaranth.lib.io import Buffer, FFBuffer

from twinbar.boards.board_clock import BoardClock
from twinbar.boards.board_definition import BoardDefinition
from twinbar.boards.io_attributes import io_attributes
from twinbar.boards.pin_names import FrontEndPin, front_end_pins, open_drain
from twinbar.boards.placement import HEARTBEAT, STOP, WRITE_GATE, Placement, package_pins, place, sockets_of
from twinbar.boards.wiring import Wiring
from twinbar.hw.errors import ConfigError
from twinbar.hw.gateware.board_core import Core, CoreConfig
from twinbar.hw.gateware.heartbeat import Heartbeat
from twinbar.hw.gateware.stop_gate import StopGate
from twinbar.hw.parts.switch import OpenPin

_LIGHTS = (("led_g", 0), ("led", 0))
_RGB_LIGHT = ("rgb_led", 0)
_BUTTON = ("button", 0)


@dataclass(frozen=True)
class Design:
    """A board's design, checked and ready to be built.

    Parameters
    ----------
    board : BoardDefinition
    platform : amaranth platform
        With the resources of the front end added.
    core : CoreConfig
    placement : Placement
    """

    board: BoardDefinition
    platform: Any
    core: CoreConfig
    placement: Placement

    def top(self) -> "BoardTop":
        """Return the top level."""
        return BoardTop(self.board, self.core, self.placement)


class BoardTop(Elaboratable):
    """A core behind the pins of a board.

    Parameters
    ----------
    board : BoardDefinition
    core : CoreConfig
    placement : Placement
    """

    def __init__(self, board: BoardDefinition, core: CoreConfig, placement: Placement) -> None:
        self.board, self.core_config, self.placement = board, core, placement

    def elaborate(self, platform: Any) -> Module:
        """Connect the core."""
        m = Module()
        m.domains.sync = ClockDomain()
        m.submodules.clock = BoardClock(self.board.clock_hz).elaborate(platform)
        m.submodules.core = core = Core(self.core_config)
        uart = platform.request("uart", 0, dir=dict.fromkeys(_uart_pins(platform), "-"))
        m.submodules.rx = rx = Buffer("i", uart.rx)
        m.submodules.tx = tx = Buffer("o", uart.tx)
        m.d.comb += [core.rx.eq(rx.i), tx.o.eq(core.tx)]
        if (light := _light(platform)) is not None:
            m.submodules.light = buffer = Buffer("o", light)
            m.d.comb += buffer.o.eq(core.light)
        m.submodules.stop_gate = stop_gate = StopGate()
        stops: list[Any] = []
        if _BUTTON in platform.resources:
            m.submodules.button = button = Buffer("i", platform.request(*_BUTTON, dir="-"))
            stops.append(button.i)
        pins = front_end_pins(self.core_config, core.tiles[0])
        outputs = self._outputs(m, pins, stop_gate)
        # Serial parts are driven by registers; the strobes of a direct front end are not, so that all its outputs leave
        # through the registers of their I/O cells, a cycle later, and the gate with them.
        kind = Buffer if self.core_config.parts is not None else FFBuffer
        for name, where in self.placement.places.items():
            for number, _ in enumerate(where):
                port = platform.request(_resource_name(name), number, dir="-")
                if name in open_drain(self.core_config):
                    m.submodules[f"pin_{_resource_name(name)}_{number}"] = line = Buffer("io", port)
                    m.d.comb += [line.o.eq(0), line.oe.eq(~Value.cast(outputs[name]))]
                    if name == "dac.data":
                        m.d.comb += core.tiles[0].dac.inputs.eq(line.i)
                    continue
                is_input = _direction(name, pins) == "i"
                makes = Buffer if is_input or name in (WRITE_GATE, HEARTBEAT) else kind
                m.submodules[f"pin_{_resource_name(name)}_{number}"] = buffer = makes("i" if is_input else "o", port)
                if name == STOP:
                    stops.append(buffer.i)
                elif is_input:
                    m.d.comb += Value.cast(pins[name].bit).eq(buffer.i)
                else:
                    m.d.comb += buffer.o.eq(outputs[name])
        for name, level in self.placement.fixed.items():
            if name == STOP:
                stops.append(level)
            else:
                m.d.comb += Value.cast(pins[name].bit).eq(level)
        stop = Value.cast(0)
        for source in stops:
            stop |= source
        m.d.comb += [stop_gate.stop.eq(stop), core.stop.eq(stop_gate.held)]
        return m

    def _outputs(self, m: Module, pins: dict[str, FrontEndPin], stop_gate: StopGate) -> dict[str, Any]:
        """Return what drives the pins of the board."""
        m.submodules.heartbeat = heartbeat = Heartbeat(self.core_config.link.clock_hz)
        m.d.comb += heartbeat.stop.eq(stop_gate.held)
        found = {name: pin.bit for name, pin in pins.items() if not pin.is_input} | {HEARTBEAT: heartbeat.beat}
        if WRITE_GATE in pins:
            gate = Value.cast(pins[WRITE_GATE].bit)
            if self.core_config.parts is None:
                late = Signal()
                m.d.sync += late.eq(gate)
                gate = late
            m.d.comb += stop_gate.gate.eq(gate)
            found[WRITE_GATE] = stop_gate.pin
        return found


def design(board: BoardDefinition, core: CoreConfig, wiring: Wiring | None) -> Design:
    """Put a core on a board. A core that emulates its arrays takes no wiring, and brings its own clock rate.

    Raises
    ------
    ConfigError
        If the wiring is not for this board, or something is wrong with it.
    """
    assert (wiring is None) == (core.array is not None)
    if wiring is None:
        return Design(replace(board, clock_hz=core.link.clock_hz), board.make_platform(), core, Placement({}, {}))
    if board.name not in wiring.boards:
        raise ConfigError(
            f"the wiring {wiring.title!r} is for {', '.join(wiring.boards)}, not for {board.name}; add the board "
            "to its `boards` if its connectors agree"
        )
    if core.controller.tiles != 1:
        raise ConfigError(
            f"controller.tiles is {core.controller.tiles}; a wiring file describes the front end of one tile"
        )
    platform = board.make_platform()
    pins = front_end_pins(core, core.pins.create())
    own = [("uart", 0), (platform.default_clk, 0), _BUTTON, _light_of(platform)]
    taken = package_pins(platform, [name for name in own if name in platform.resources])
    placement = place(wiring, pins, sockets_of(platform), taken)
    if STOP not in placement.places and STOP not in placement.fixed and _BUTTON not in platform.resources:
        raise ConfigError(
            f"the wiring {wiring.title!r} has no emergency stop, and {board.name} has no button for it; give `stop` a "
            "pin under [pins], or write stop = 0 under [fixed] if a switch in the supply of the array stops it"
        )
    # The reset of a switch is active low, an output enable is not: see `OpenPin`.
    opens_low = core.parts is not None and core.parts.switch.open_pin is OpenPin.RESET
    for name, where in placement.places.items():
        safety = wiring.safety_input(name)
        active_low = safety.active == "low" if safety is not None else opens_low and name == "switches_open"
        kind = PinsN if active_low else BoardPins
        attributes = io_attributes(platform.device, name, None if safety is None else safety.chosen_pull)
        direction = "io" if name in open_drain(core) else _direction(name, pins)
        for number, socket in enumerate(where):
            platform.add_resources([Resource(_resource_name(name), number, kind(socket, dir=direction), attributes)])
    return Design(board, platform, core, placement)


def _direction(name: str, pins: dict[str, FrontEndPin]) -> str:
    return "i" if name == STOP or (name in pins and pins[name].is_input) else "o"


def _resource_name(name: str) -> str:
    return f"front_{name.replace('.', '_')}"


def _uart_pins(platform: Any) -> list[str]:
    return [signal.name for signal in platform.resources["uart", 0].ios if hasattr(signal, "name")]


def _light_of(platform: Any) -> tuple[str, int]:
    return next((name for name in _LIGHTS if name in platform.resources), _RGB_LIGHT)


def _light(platform: Any) -> Any:
    name = _light_of(platform)
    if name not in platform.resources:
        return None
    if name == _RGB_LIGHT:
        return platform.request(*name, dir={"r": "-", "g": "-", "b": "-"}).g
    return platform.request(*name, dir="-")
