"""FPGA boards: definitions, wirings, builds. The package can be called: ``twinbar.boards()`` lists their names."""

import sys
from types import ModuleType


class _Boards(ModuleType):
    # `twinbar.boards` is this package wherever it has been imported, and a function of the Python interface.
    def __call__(self) -> list[str]:
        from twinbar.boards.known_boards import board_names

        return board_names()


sys.modules[__name__].__class__ = _Boards
