"""Twinbar: train quantized neural networks in situ on memristor crossbars, and know what it cost.

Names are loaded when they are first used: importing the package takes milliseconds, and neither PyTorch nor Numba.
"""

import importlib.util
import os
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from twinbar.boards.known_boards import board_names as boards
    from twinbar.host.board.board import Board
    from twinbar.host.catalogue import energy_tables, policies, presets
    from twinbar.host.cells.chip import Chip
    from twinbar.host.experiment.finished_run import FinishedRun
    from twinbar.host.experiment.from_python import compare, train
    from twinbar.host.experiment.reproduction_from_python import reproduce
    from twinbar.host.experiment.sweep_from_python import sweep
    from twinbar.host.network.convert import convert
    from twinbar.host.network.network import Network
    from twinbar.host.virtual.virtual_board import VirtualBoard
    from twinbar.hw.errors import ConfigError, LinkError, ToolMissingError, TwinbarError

    __version__: str

__all__ = [
    "Board",
    "Chip",
    "ConfigError",
    "FinishedRun",
    "LinkError",
    "Network",
    "ToolMissingError",
    "TwinbarError",
    "VirtualBoard",
    "__version__",
    "boards",
    "compare",
    "convert",
    "energy_tables",
    "policies",
    "presets",
    "reproduce",
    "sweep",
    "train",
]

_HOMES: Final = {
    "Board": "twinbar.host.board.board",
    "Chip": "twinbar.host.cells.chip",
    "ConfigError": "twinbar.hw.errors",
    "FinishedRun": "twinbar.host.experiment.finished_run",
    "LinkError": "twinbar.hw.errors",
    "Network": "twinbar.host.network.network",
    "ToolMissingError": "twinbar.hw.errors",
    "TwinbarError": "twinbar.hw.errors",
    "VirtualBoard": "twinbar.host.virtual.virtual_board",
    "compare": "twinbar.host.experiment.from_python",
    "convert": "twinbar.host.network.convert",
    "energy_tables": "twinbar.host.catalogue",
    "policies": "twinbar.host.catalogue",
    "presets": "twinbar.host.catalogue",
    "reproduce": "twinbar.host.experiment.reproduction_from_python",
    "sweep": "twinbar.host.experiment.sweep_from_python",
    "train": "twinbar.host.experiment.from_python",
}
"""The module that has each name."""


def _find_rooms_of_a_clone() -> None:
    """Find the sub-packages of a clone that is not installed: they are folders beside this one.

    Python that runs in the folder of a clone imports the package from there, even where a wheel is installed.
    """
    clone = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    if importlib.util.find_spec("twinbar.hw") is None and os.path.isdir(os.path.join(clone, "hw", "protocol")):
        __path__.append(clone)


_find_rooms_of_a_clone()


def __getattr__(name: str) -> Any:
    """Import what is asked for."""
    if name == "__version__":
        from importlib.metadata import PackageNotFoundError, version

        try:
            value: Any = version("twinbar")
        except PackageNotFoundError:  # a source tree on the path, which nobody has installed
            value = "0+unknown"
    elif name == "boards":  # the package of that name lists them when it is called
        value = importlib.import_module("twinbar.boards")
    elif name in _HOMES:
        value = getattr(importlib.import_module(_HOMES[name]), name)
    else:
        raise AttributeError(f"module 'twinbar' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
