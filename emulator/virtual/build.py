"""Compiles the core of a board with the models of what is on its pins, once per content."""

from importlib import resources
from pathlib import Path
from typing import Final

from twinbar.emulator.engines.rtl.build import cached_library, packed_block
from twinbar.emulator.engines.rtl.netlist import rtlil_text
from twinbar.emulator.engines.rtl.rtlil import Bit, parse
from twinbar.emulator.engines.rtl.timers import with_outputs
from twinbar.emulator.pins.models import front_end_text, model_text
from twinbar.emulator.virtual.design import BUSY, PHASE, design_text
from twinbar.emulator.virtual.partition import CORE, partition
from twinbar.hw.gateware.core import Core, CoreConfig

_TRANSLATORS: Final = {
    "engines.rtl": ("build.py", "generated.py", "glue.py", "rtlil.py", "timers.py", "yosys.py"),
    "virtual": ("build.py", "design.py", "partition.py"),
}
_ARRAY: Final = ("crossbar.h", "words.h", "uart.h", "ports.h", "tables.h")


def compiled_core(core: CoreConfig) -> Path:
    """Give the shared library of a core; it is compiled where the cache does not hold it.

    Parameters
    ----------
    core : CoreConfig

    Raises
    ------
    ToolMissingError
        If the compiler or Yosys is not installed.
    BuildError
        If the netlist cannot be translated or compiled.
    """
    text = rtlil_text(Core(core))
    tile = "serial_tile.h" if core.parts else "direct_tile.h" if core.array is None else "emulated_tile.h"
    before = [_file("engines.rtl", "packed.h")]
    models = [
        _file("engines.rtl", "blocks.h"),
        model_text(),
        front_end_text(),
        _file("engines.rtl", "array.h"),
        *(_file("virtual", name) for name in _ARRAY),
    ]
    after = [_file("virtual", tile), _file("virtual", "board.h")]

    def write(folder: Path) -> str:
        parts = partition(text, folder, arrays=core.array is not None)
        parts.texts[CORE] = _with_observation(parts.texts[CORE], core.controller.tiles)
        blocks = [packed_block(name, flat, folder) for name, flat in parts.texts.items()]
        return "\n".join([*before, *blocks, *models, design_text(core, parts), *after])

    translators = [_file(package, name) for package, names in _TRANSLATORS.items() for name in names]
    return cached_library([text, *before, *models, *after, *translators], write)


def _with_observation(text: str, tiles: int) -> str:
    """Give the core outputs for what its controller shows."""
    netlist = parse(text)
    shown = {"\\controller.busy": BUSY}
    shown |= {f"\\controller.controller.phases__{tile}": PHASE.format(tile) for tile in range(tiles)}
    signals: dict[tuple[Bit, ...], str] = {
        tuple((wire, bit) for bit in range(netlist.widths[wire])): name for wire, name in shown.items()
    }
    return with_outputs(text, signals)


def _file(package: str, name: str) -> str:
    return (resources.files(f"twinbar.emulator.{package}") / name).read_text()
