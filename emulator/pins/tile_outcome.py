"""How it ended that the compiled array looked at the pins of its tile: each is declared here, for C++ too."""

from enum import IntEnum
from typing import Final


class TileOutcome(IntEnum):
    """How a cycle at a tile's direct pins, or the evaluation of a program, ended."""

    DONE = 0
    UNFINISHED = 1
    GATE_WITH_READ_PATH = 2
    DRIVE_CHANGED = 3
    CONVERT_WITHOUT_READ_PATH = 4
    GATE_WITHOUT_CELL = 5
    PARTS_COMPLAIN = 6

    @property
    def sentence(self) -> str:
        """What the pins did that would harm an array."""
        return _HARM[self]


_HARM: Final = {
    TileOutcome.GATE_WITH_READ_PATH: "the write gate was open with the read path connected",
    TileOutcome.DRIVE_CHANGED: "the drive or the selector changed while the write gate was open",
    TileOutcome.CONVERT_WITHOUT_READ_PATH: "a conversion began without the read path",
    TileOutcome.GATE_WITHOUT_CELL: "the write gate opened while no cell was selected",
}
