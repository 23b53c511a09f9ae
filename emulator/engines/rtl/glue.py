"""C++ between the harness and a netlist: where the ports of each tile, and its counters, are found."""

from collections.abc import Iterator

from amaranth.hdl import Shape

from twinbar.emulator.engines.rtl.block import mangle, memory_name
from twinbar.emulator.engines.rtl.netlist import AskedSignature
from twinbar.hw.actions import Action
from twinbar.hw.gateware.accounts.accounts import optional_actions
from twinbar.hw.gateware.accounts.counters import counted_places
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.gateware.front_end.handshake import DirectPinsSignature
from twinbar.hw.parts.assembly import SerialParts
from twinbar.hw.parts.i2c import I2cCycles
from twinbar.hw.protocol.layouts import Command, Response
from twinbar.hw.timing import PHASES

_INPUTS = ("code", "compliance", "fault", "over")
_BUSES = ("dac", "adc", "switches")
"""Buses of a serial front end, and their inputs."""


def glue(config: ControllerConfig, parts: SerialParts | None = None, *, composed: bool) -> str:
    """Return the C++ that ``flat.h`` or ``composed.h`` begins with.

    Parameters
    ----------
    config : ControllerConfig
    parts : SerialParts, optional
    composed : bool
        The modules are hub and unit, and not the flat controller.
    """
    lines = ["namespace twinbar {", *geometry_constants(config), *pins_structure(config, parts)]
    if composed:
        lines += [
            *bind_function(config, "unit", ["pins"], ["phase"], parts, ["asked"]),
            *_counted(config, "unit", ["tile"]),
            *_link(config),
        ]
    else:
        tiles = range(config.tiles)
        pins, phases, asked = ([f"{name}__{k}" for k in tiles] for name in ("tiles", "phases", "asked"))
        lines += bind_function(config, "flat", pins, phases, parts, asked)
        lines += _counted(config, "flat", [f"tile_{k}" for k in tiles])
    return "\n".join([*lines, "}", ""])


def _ports(config: ControllerConfig) -> Iterator[tuple[str, int, int]]:
    """Return name, width and number of every pin of a tile; 0 stands for a pin that is not an array."""
    for name, member in DirectPinsSignature(config).members.items():
        yield name, Shape.cast(member.shape).width, member.dimensions[0] if member.dimensions else 0
    yield "phase", (len(PHASES) - 1).bit_length(), 0


def geometry_constants(config: ControllerConfig) -> list[str]:
    """Return what the headers must know of a controller's geometry."""
    constants = {
        "kTiles": config.tiles,
        "kRows": config.rows,
        "kColumns": config.columns,
        "kChannels": config.adc_channels,
        "kFieldBits": config.field_bits,
        "kCompares": int(config.compare),
    }
    return [f"constexpr int {name} = {value};" for name, value in constants.items()]


def pins_structure(config: ControllerConfig, parts: SerialParts | None = None) -> list[str]:
    """Declare pointers to the ports of a tile. What only direct front ends have is bound by ``serial_parts.h``."""
    fields = [
        f"  {'' if name in _INPUTS else 'const '}cxxrtl::value<{width}> *{name}{f'[{count}]' if count else ''};"
        for name, width, count in _ports(config)
    ]
    if parts is not None:
        fields += [f"  BusPins {', '.join(_BUSES)};", "  const uint32_t *switches_open;"]
    return ["struct Pins {", *fields, "};"]


def bind_function(
    config: ControllerConfig,
    module: str,
    prefixes: list[str],
    phases: list[str],
    parts: SerialParts | None = None,
    asked: list[str] | None = None,
) -> list[str]:
    """Find the ports of a tile in a block; with serial parts, what the tile asks of them is elsewhere."""
    lines = [f"inline void bind_{module}(twinbar_{module}::block &top, int tile, Pins &pins) {{"]
    seen = AskedSignature(config).members if parts is not None else {}
    for number, (prefix, phase) in enumerate(zip(prefixes, phases, strict=True)):
        lines.append(f"  if (tile == {number} || {len(prefixes)} == 1) {{")
        for name, _, count in _ports(config):
            if parts is not None and count:
                continue
            place = asked[number] if asked is not None and name in seen else prefix
            port = phase if name == "phase" else f"{place}__{name}"
            lines += [f"    pins.{name}[{n}] = value_of(top.{mangle(f'{port}__{n}')});" for n in range(count)]
            lines += [f"    pins.{name} = value_of(top.{mangle(port)});"] * (not count)
        if parts is not None:
            lines += _bind_buses(prefix, parts)
        lines.append("  }")
    return [*lines, "}"]


def _bind_buses(prefix: str, parts: SerialParts) -> list[str]:
    """Find the pins of a serial front end's buses: clock, data, chip selects, and what comes back."""
    i2c = isinstance(parts.dac_cycles, I2cCycles)
    missing = {("dac", "select_n" if i2c else "inputs"), ("switches", "inputs")}

    def word(pin: str) -> str:
        return f"const_cast<uint32_t *>(value_of(top.{mangle(f'{prefix}__{pin}')})->data)"

    lines = [f"    pins.switches_open = {word('switches_open')};"]
    for bus in _BUSES:
        pins = ("clock", "data", "select_n", "inputs")
        words = ["nullptr" if (bus, pin) in missing else word(f"{bus}__{pin}") for pin in pins]
        lines.append(f"    pins.{bus} = {{{', '.join(words)}}};")
    return lines


def _counted(config: ControllerConfig, module: str, tiles: list[str]) -> list[str]:
    """Read a counter of actions between programs: what is still on its way to its memory is added."""
    optional = optional_actions(config)
    waiting = {Action.COMMAND_BEAT: "waiting"}
    if optional:
        waiting = {each: f"pending.waiting_{each.name.lower()}" for each in (Action.COMMAND_BEAT, *optional)}

    def register(tile: str, name: str) -> str:
        return f"top.{mangle(f'{tile}.accounts.counters.{name}')}.curr.template get<uint64_t>()"

    lines = [
        f"inline uint64_t counted_{module}(twinbar_{module}::block &top, int tile, int action) {{",
        f"  if (action >= {counted_places(optional)}) return 0;",
    ]
    for number, tile in enumerate(tiles):
        memory = f"top.{memory_name(f'{tile}.accounts.counters.actions.storage')}"
        adding = f"{register(tile, 'actions.adding')} && {register(tile, 'actions.index')} == uint64_t(action)"
        added = f"{register(tile, 'actions.value')} + {register(tile, 'actions.amount')}"
        lines += [
            f"  if (tile == {number} || {len(tiles)} == 1) {{",
            f"    const uint64_t count = {adding} ? {added} : {memory}.data[action].get<uint64_t>();",
            *(
                f"    if (action == {int(each)}) return count + {register(tile, name)};"
                for each, name in waiting.items()
            ),
            "    return count;",
            "  }",
        ]
    return [*lines, "  return 0;", "}"]


def _link(config: ControllerConfig) -> list[str]:
    """Find the hub's ports for a unit."""
    beat, answer = Shape.cast(Command).width, Shape.cast(Response).width
    ports = {
        "sent": ("to_tile__{}__valid", 1, "const "),
        "command": ("to_tile__{}__payload", beat, "const "),
        "room": ("to_tile__{}__ready", 1, ""),
        "offers": ("from_tile__{}__valid", 1, ""),
        "answer": ("from_tile__{}__payload", answer, ""),
        "taken": ("from_tile__{}__ready", 1, "const "),
    }
    lines = ["struct Link {"]
    lines += [f"  {const}cxxrtl::value<{width}> *{name};" for name, (_, width, const) in ports.items()]
    lines += ["};", "inline void bind_hub(twinbar_hub::block &top, int tile, Link &link) {"]
    for number in range(config.tiles):
        found = [f"link.{name} = &top.{mangle(port.format(number))};" for name, (port, _, _) in ports.items()]
        lines.append(f"  if (tile == {number}) {{ {' '.join(found)} }}")
    return [*lines, "}"]
