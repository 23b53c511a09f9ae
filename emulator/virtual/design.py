"""C++ of a core that was taken apart: its blocks, what is wired between them, and where the pins are."""

from twinbar.emulator.engines.rtl.block import mangle
from twinbar.emulator.engines.rtl.glue import bind_function, geometry_constants, pins_structure
from twinbar.emulator.virtual.partition import CORE, LINK, BlockPort, Partition, is_serialiser
from twinbar.hw.errors import ConfigError
from twinbar.hw.gateware.board_core import CoreConfig

BUSY, PHASE = "shown_busy", "shown_phase_{}"
"""Outputs that the core gets for the harness: what the controller shows for observation."""
_UART = {"receiver": "controller_link_uart_receiver", "transmitter": "controller_link_uart_transmitter"}


def design_text(core: CoreConfig, parts: Partition) -> str:
    """Return the C++ that declares ``Design``, and what its tiles are found by."""
    config = core.controller
    blocks = [CORE, LINK, *(name for name in parts.texts if name not in (CORE, LINK))]
    lines = ["namespace twinbar {", *geometry_constants(config)]
    if core.parts is None and core.array is None:
        tiles = range(config.tiles)
        lines += pins_structure(config)
        lines += bind_function(config, CORE, [f"tiles__{k}" for k in tiles], [PHASE.format(k) for k in tiles])
    return "\n".join([*lines, *_design(core, parts, blocks), "}", ""])


def _design(core: CoreConfig, parts: Partition, blocks: list[str]) -> list[str]:
    """Declare the blocks and their schedule. Serialisers show their outputs before the core is evaluated."""
    members = [f"  Block<twinbar_{name}::block> {name};" for name in blocks]
    serialisers = [name for name in blocks if is_serialiser(name)]
    arrays = [name for name in blocks[2:] if name not in serialisers]
    cases = list(enumerate(blocks))
    return [
        "struct Design {",
        *members,
        "  bool words = false;  // the serialisers are passed by",
        "  Uart uart;",
        f"  const uint32_t *busy = {_address(BlockPort(CORE, BUSY))};",
        f"  uint32_t *stop = {_address(parts.pins['stop'])};",
        *_uart(parts, blocks),
        f"  bool whole() const {{ return {' && '.join(f'{name}.top.whole()' for name in blocks)}; }}",
        *_awake(cases),
        *_touch(cases),
        *_evaluate(parts, serialisers, arrays),
        f"  void finish(int64_t cycle) {{ {' '.join(f'{name}.finish(cycle, true);' for name in blocks)} }}",
        "  int64_t wakes() const {",
        f"    int64_t first = {CORE}.wakes;",
        *(f"    first = std::min(first, {name}.wakes);" for name in (LINK, *arrays)),
        *(f"    if (!words) first = std::min(first, {name}.wakes);" for name in serialisers),
        "    return first;",
        "  }",
        *_tiles(core, parts, blocks),
        "};",
    ]


def _address(port: BlockPort | None) -> str:
    """Return the C++ address of the first word of a port."""
    if port is None:
        return "nullptr"
    return f"const_cast<uint32_t *>(value_of({port.block}.top.{mangle(port.name)})->data)"


def _uart(parts: Partition, blocks: list[str]) -> list[str]:
    receiver, transmitter = _UART.values()
    ports = {
        "rx": parts.pins["rx"],
        "tx": parts.pins["tx"],
        "data": BlockPort(LINK, f"{receiver}__data"),
        "valid": BlockPort(LINK, f"{receiver}__valid"),
        "sends": BlockPort(LINK, f"{transmitter}__i__valid"),
        "sent": BlockPort(LINK, f"{transmitter}__i__payload"),
        "ready": BlockPort(LINK, f"{transmitter}__i__ready"),
    }
    addresses = ", ".join(_address(port) for port in ports.values())
    return [f"  Design() : uart{{{blocks.index(receiver)}, {blocks.index(LINK)}, {addresses}}} {{}}"]


def _awake(cases: list[tuple[int, str]]) -> list[str]:
    """Say whether a block takes part in this cycle."""
    found = [f"      case {number}: return {name}.awake;" for number, name in cases]
    return ["  bool awake(int block) const {", "    switch (block) {", *found, "    }", "    return false;", "  }"]


def _touch(cases: list[tuple[int, str]]) -> list[str]:
    """Say that an input of a block has changed."""
    found = [f"      case {number}: return {name}.touch(cycle);" for number, name in cases]
    return ["  void touch(int block, int64_t cycle) {", "    switch (block) {", *found, "    }", "  }"]


def _evaluate(parts: Partition, serialisers: list[str], arrays: list[str]) -> list[str]:
    """Evaluate what has to be, and tell the others of it, until nothing changes."""
    lines = ["  void evaluate(int64_t cycle) {"]
    lines += [f"    if ({name}.wakes <= cycle) {name}.rouse(cycle);" for name in (CORE, LINK, *arrays)]
    lines += [f"    if (!words && {name}.wakes <= cycle) {name}.rouse(cycle);" for name in serialisers]
    lines += ["    for (bool again = true; again;) {"]
    for name in (*serialisers, *arrays):
        lines += [f"      if ({name}.evaluate()) {{", *_tell(parts, name), "      }"]
    lines.append("      again = false;")
    for name in (LINK, CORE):
        lines += [f"      if ({name}.evaluate()) {{", "        again = true;", *_tell(parts, name), "      }"]
    return [*lines, "    }", "  }"]


def _tell(parts: Partition, source: str) -> list[str]:
    """Tell the others what a block shows; the payload of a stream only while there is one."""
    targets = dict.fromkeys(wire.target.block for wire in parts.wires_from(source))
    lines = []
    for target in targets:
        changes = []
        for wire in parts.wires_from(source):
            if wire.target.block != target:
                continue
            source_port, target_port = (mangle(port.name) for port in (wire.source, wire.target))
            told = f"change({target}.top.{target_port}, *value_of({source}.top.{source_port}))"
            if wire.valid is not None:
                told = f"({source}.top.{mangle(wire.valid.name)}.template get<bool>() && {told})"
            changes.append(told.replace(".template ", "."))
        condition = " | ".join(f"bool({change})" for change in changes)
        unless = "!words && " * is_serialiser(target)
        lines.append(f"        if ({unless}({condition})) {target}.touch(cycle);")
    return lines


def _tiles(core: CoreConfig, parts: Partition, blocks: list[str]) -> list[str]:
    """Find the pins of a tile."""
    if core.array is not None:
        return []
    if core.parts is None:
        return [f"  void bind(int tile, Pins &pins) {{ bind_{CORE}({CORE}.top, tile, pins); }}"]
    known = {(wire.source, wire.target) for wire in parts.wires}
    at_core = {port for wire in known for port in wire if port.block == CORE}
    lines = ["  TilePins tile_pins(int tile) {"]
    for tile in range(core.controller.tiles):
        buses = []
        for name, module in (("dac", "dac_bus"), ("adc", "adc_bus"), ("switches", "switch_bus")):
            block = f"controller_controller_front_end_{tile}_{module}"
            pins = [parts.pins.get(f"tiles__{tile}__{name}__{pin}") for pin in ("clock", "data", "select_n", "inputs")]
            streams = (
                "words__valid",
                "words__payload",
                "reset",
                "words__ready",
                "received__valid",
                "received__payload",
            )
            ports = [BlockPort(CORE, f"{block}__{port}") for port in streams]
            found = [*pins, *(port if port in at_core else None for port in ports)]
            if block not in blocks:
                raise ConfigError(f"the core of this board has no block {block}; please report this")
            addresses = [_address(port) for port in found]
            buses.append(f"{{{blocks.index(block)}, {{{', '.join(addresses[:4])}}}, {', '.join(addresses[4:])}}}")
        single = ("switches_open", "write_gate", "read_enable", "range", "compliance_code", "compliance")
        others = [_address(parts.pins[f"tiles__{tile}__{pin}"]) for pin in single]
        lines.append(f"    if (tile == {tile}) return {{{', '.join([*buses, *others])}}};")
    return [*lines, "    return {};", "  }"]
