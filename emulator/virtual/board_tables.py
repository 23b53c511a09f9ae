"""Tables of a board for its compiled models: those of its parts, and what the board adds."""

import ctypes
from typing import Any, Final

from twinbar.emulator.pins import part_tables
from twinbar.hw.errors import ConfigError
from twinbar.hw.gateware.board_core import CoreConfig
from twinbar.hw.parts.assembly import DrivenLine, DrivePath, SerialParts

_PULSE_LINES: Final = (DrivenLine.BIT_LINE, DrivenLine.SOURCE_LINE, DrivenLine.WORD_LINE)


class BoardStructure(ctypes.Structure):
    """The structure ``BoardTables`` of ``board_tables.h``."""

    _fields_ = [("divisor", ctypes.c_int64), ("words", ctypes.c_int64), ("tile", part_tables.Tile)]


class BoardTables:
    """The tables of a core, and the memory that they point to.

    Parameters
    ----------
    core : CoreConfig
    words : bool
        Bytes and words pass the serialisers by.

    Raises
    ------
    ConfigError
        If the array model cannot follow from what the parts drive.
    """

    def __init__(self, core: CoreConfig, *, words: bool) -> None:
        tile: Any = part_tables.Tile(period=1e9 / core.link.clock_hz)
        if core.parts is not None:
            _check_lines(core.parts)
            self._parts = part_tables.FrontEndTables(core.controller, core.parts)
            tile = self._parts.tile
        self.board = BoardStructure(divisor=core.link.divisor, words=words, tile=tile)


def _check_lines(parts: SerialParts) -> None:
    driven = {output.line for output in parts.outputs if DrivePath.WRITE in output.drives}
    missing = [line.name.lower() for line in _PULSE_LINES if line not in driven]
    if missing:
        raise ConfigError(
            f"no output of the DACs drives the {' and the '.join(missing)} in a pulse; the array model needs all three "
            "lines, so name an output for each in the wiring"
        )
