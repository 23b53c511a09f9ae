"""The C++ of what is behind pins, to be compiled with what drives them."""

from importlib import resources
from typing import Final

from twinbar.emulator.pins.constants import breaches_text, constants_text

_MODELS: Final = ("part_tables.h", "device.h", "parts.h", "i2c_bus.h")


def model_text() -> str:
    """Return the C++ of the models of single parts, and of what they can complain of."""
    return f"{breaches_text()}\n{_files(*_MODELS)}"


def front_end_text() -> str:
    """Return the C++ of all parts of a front end at its buses; it comes after `model_text` and ``rtl/blocks.h``."""
    return _files("front_end.h")


def cells_text() -> str:
    """Return the C++ of the protocol's constants, and of the cells behind all pins; it comes after ``rtl/blocks.h``."""
    return f"{constants_text()}\n{_files('cells.h')}"


def bench_text(*, serial: bool) -> str:
    """Return the C++ of what the rtl engine has at the pins of a tile; it comes after the netlist's ``Pins``.

    The array follows from what a tile asks for; serial parts carry its codes, and are checked against it.
    """
    return _files("tile_array.h", "serial_parts.h" if serial else "direct_parts.h")


def crossbar_text() -> str:
    """Return the C++ of a crossbar behind serial parts; it comes after `front_end_text` and `cells_text`."""
    return _files("crossbar.h", "words.h", "tile_ports.h")


def tile_text(*, serial: bool, emulated: bool) -> str:
    """Return the C++ of what a board has at the pins of a tile; it comes after the board's ``Design``."""
    if emulated:
        return _files("emulated_tile.h")
    return _files("serial_tile.h") if serial else _files("tile_array.h", "direct_tile.h")


def _files(*names: str) -> str:
    package = resources.files("twinbar.emulator.pins")
    return "\n".join((package / name).read_text(encoding="utf-8") for name in names)
