"""Compiles the core of a board with the models of what is on its pins, once per content."""

from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Final

from twinbar.emulator.engines.rtl.netlist import rtlil_text
from twinbar.emulator.engines.rtl.netlist_library import cached_library, library_text, packed_block, translator_texts
from twinbar.emulator.engines.rtl.rtlil import Bit, parse
from twinbar.emulator.engines.rtl.timers import with_outputs
from twinbar.emulator.pins.harness_text import cells_text, crossbar_text, front_end_text, model_text, tile_text
from twinbar.emulator.virtual.design import BUSY, PHASE, design_text
from twinbar.emulator.virtual.partition import CORE, partition
from twinbar.hw.gateware.board_core import Core, CoreConfig

_SECONDS: Final = 60.0
"""Usual time of a core."""


def compiled_core(core: CoreConfig) -> Path:
    """Return the shared library of a core; it is compiled where the cache does not hold it.

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
    text = _core_text(core)
    models = [_file("engines.rtl", "blocks.h"), cells_text(), model_text(), front_end_text(), crossbar_text()]
    models += [_file("virtual", name) for name in ("uart.h", "board_tables.h")]
    after = [tile_text(serial=core.parts is not None, emulated=core.array is not None), _file("virtual", "board.h")]

    def write(folder: Path) -> str:
        parts = partition(text, folder, arrays=core.array is not None)
        parts.texts[CORE] = _with_observation(parts.texts[CORE], core.controller.tiles)
        blocks = [packed_block(name, flat, folder) for name, flat in parts.texts.items()]
        return "\n".join([library_text(), *blocks, *models, design_text(core, parts), *after])

    translators = [_file("virtual", name) for name in ("core_library.py", "design.py", "partition.py")]
    return cached_library([text, *models, *after, *translators, *translator_texts()], write, about_s=_SECONDS)


@lru_cache(maxsize=16)
def _core_text(core: CoreConfig) -> str:
    """Return the netlist of a core: the last ones are kept, as those of `controller_texts`."""
    return rtlil_text(Core(core))


def _with_observation(text: str, tiles: int) -> str:
    """Return the core outputs for what its controller shows."""
    netlist = parse(text)
    shown = {"\\controller.busy": BUSY}
    shown |= {f"\\controller.controller.phases__{tile}": PHASE.format(tile) for tile in range(tiles)}
    signals: dict[tuple[Bit, ...], str] = {
        tuple((wire, bit) for bit in range(netlist.widths[wire])): name for wire, name in shown.items()
    }
    return with_outputs(text, signals)


def _file(package: str, name: str) -> str:
    return (resources.files(f"twinbar.emulator.{package}") / name).read_text(encoding="utf-8")
