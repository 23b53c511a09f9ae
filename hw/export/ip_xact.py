"""The wrappers in IP-XACT (IEEE 1685-2014): bus interfaces and registers, as vendors' tools import them."""

import xml.etree.ElementTree as ET
from collections.abc import Iterable
from typing import Final, NamedTuple

from twinbar.hw.protocol.sizes import ControllerSizes
from twinbar.hw.verilog import ModulePort

from .address_map import TILE_BYTES, MappedField, MappedRegister, bus_page, tile_page

_SPACE: Final = "http://www.accellera.org/XMLSchema/IPXACT/1685-2014"
ET.register_namespace("ipxact", _SPACE)


class Interface(NamedTuple):
    """A bus interface: its type in the library of its maker, and its signals by the ports that carry them.

    Parameters
    ----------
    name : str
    library : tuple of str
        Vendor, library, name of the bus, name of its abstraction, version.
    mode : {"master", "slave"}
    signals : dict of str to str
        Port by signal.
    mapped : bool
        The registers are reached through it.
    """

    name: str
    library: tuple[str, str, str, str, str]
    mode: str
    signals: dict[str, str]
    mapped: bool = False


def ip_xact(
    name: str,
    config: ControllerSizes,
    ports: Iterable[ModulePort],
    interfaces: Iterable[Interface],
    *,
    mailbox: bool,
    release: str,
) -> str:
    """Return the description of a wrapper.

    Parameters
    ----------
    name : str
        Of its module and of its file, without ``.v``.
    config : ControllerSizes
    ports : iterable of ModulePort
    interfaces : iterable of Interface
    mailbox : bool
        See `twinbar.hw.export.address_map.bus_page`.
    release : str
        Version of the core.
    """
    root = ET.Element(_tag("component"))
    for tag, text in (("vendor", "twinbar"), ("library", "cores"), ("name", name), ("version", release)):
        _add(root, tag, text)
    buses = _add(root, "busInterfaces")
    for interface in interfaces:
        _bus(buses, interface)
    memory = _add(_add(root, "memoryMaps"), "memoryMap")
    _add(memory, "name", "registers")
    _block(memory, "bus", 0, bus_page(mailbox=mailbox), TILE_BYTES)
    for tile in range(config.tiles):
        _block(memory, f"tile_{tile}", (tile + 1) * TILE_BYTES, tile_page(config), TILE_BYTES)
    _add(memory, "addressUnitBits", "8")
    model = _add(root, "model")
    view = _add(_add(model, "views"), "view")
    _add(view, "name", "rtl")
    _add(view, "componentInstantiationRef", "verilog")
    instance = _add(_add(model, "instantiations"), "componentInstantiation")
    _add(instance, "name", "verilog")
    _add(instance, "language", "verilog")
    _add(instance, "moduleName", name)
    _add(_add(instance, "fileSetRef"), "localName", "verilog_files")
    listed = _add(model, "ports")
    for port in ports:
        _port(listed, port)
    files = _add(_add(root, "fileSets"), "fileSet")
    _add(files, "name", "verilog_files")
    for source in ("twinbar_controller", name):
        file = _add(files, "file")
        _add(file, "name", f"../rtl/{source}.v")
        _add(file, "fileType", "verilogSource")
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _tag(name: str) -> str:
    return f"{{{_SPACE}}}{name}"


def _add(parent: ET.Element, tag: str, text: str | None = None, **attributes: str) -> ET.Element:
    made = ET.SubElement(parent, _tag(tag), attributes)
    made.text = text
    return made


def _bus(parent: ET.Element, interface: Interface) -> None:
    vendor, library, bus, abstraction, version = interface.library
    made = _add(parent, "busInterface")
    _add(made, "name", interface.name)
    _add(made, "busType", vendor=vendor, library=library, name=bus, version=version)
    kind = _add(_add(made, "abstractionTypes"), "abstractionType")
    _add(kind, "abstractionRef", vendor=vendor, library=library, name=abstraction, version=version)
    maps = _add(kind, "portMaps")
    for signal, port in interface.signals.items():
        pair = _add(maps, "portMap")
        _add(_add(pair, "logicalPort"), "name", signal)
        _add(_add(pair, "physicalPort"), "name", port)
    mode = _add(made, interface.mode)
    if interface.mapped:
        _add(mode, "memoryMapRef", memoryMapRef="registers")


def _block(parent: ET.Element, name: str, base: int, page: Iterable[MappedRegister], size: int) -> None:
    block = _add(parent, "addressBlock")
    _add(block, "name", name)
    _add(block, "baseAddress", f"'h{base:x}")
    _add(block, "range", f"'h{size:x}")
    _add(block, "width", "32")
    for register in page:
        made = _add(block, "register")
        _add(made, "name", register.name)
        if register.about:
            _add(made, "description", register.about)
        if register.count is not None:
            _add(made, "dim", str(register.count))
        _add(made, "addressOffset", f"'h{register.offset:x}")
        _add(made, "size", str(register.size * 8))
        _add(made, "access", "read-write" if register.writable else "read-only")
        for field in register.fields:
            _field(made, field)


def _field(parent: ET.Element, field: MappedField) -> None:
    made = _add(parent, "field")
    _add(made, "name", field.name)
    _add(made, "description", field.about)
    _add(made, "bitOffset", str(field.offset))
    if field.init is not None:
        _add(_add(_add(made, "resets"), "reset"), "value", f"'h{field.init:x}")
    _add(made, "bitWidth", str(field.bits))
    if field.init is None:
        _add(made, "volatile", "true")
    if field.kind is not None:
        values = _add(made, "enumeratedValues")
        for member in field.kind:
            value = _add(values, "enumeratedValue")
            _add(value, "name", member.name)
            _add(value, "value", str(member.value))


def _port(parent: ET.Element, port: ModulePort) -> None:
    made = _add(parent, "port")
    _add(made, "name", port.name)
    wire = _add(made, "wire")
    _add(wire, "direction", "in" if port.direction == "input" else "out")
    if port.bits > 1:
        vector = _add(_add(wire, "vectors"), "vector")
        _add(vector, "left", str(port.bits - 1))
        _add(vector, "right", "0")
