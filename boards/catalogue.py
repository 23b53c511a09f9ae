"""The boards that Twinbar builds for."""

import importlib
import pkgutil
from functools import cache

import twinbar.boards
from twinbar.boards.board import Board
from twinbar.hw.errors import ConfigError


@cache
def boards() -> dict[str, Board]:
    """Give the boards by name: every module of this folder that declares a ``BOARD``."""
    found = {}
    for module in pkgutil.iter_modules(twinbar.boards.__path__, "twinbar.boards."):
        board = getattr(importlib.import_module(module.name), "BOARD", None)
        if isinstance(board, Board):
            found[board.name] = board
    return dict(sorted(found.items()))


def find(name: str) -> Board:
    """Give a board by name.

    Raises
    ------
    ConfigError
        If there is none of that name.
    """
    try:
        return boards()[name]
    except KeyError:
        raise ConfigError(f"there is no board {name!r}; choose one of {', '.join(boards())}") from None
