"""The boards that Twinbar builds for, those of plug-ins too."""

from typing import Final

from twinbar.boards.board_definition import BoardDefinition
from twinbar.hw.built_in import declared
from twinbar.hw.errors import ConfigError
from twinbar.hw.registry import Registry, Unfit, is_reference


def _accept(found: object) -> BoardDefinition:
    if not isinstance(found, BoardDefinition):
        raise Unfit(f"is {found!r}; it must be a twinbar.boards.board_definition.BoardDefinition")
    return found


BOARDS: Final = Registry(
    "board", "twinbar.boards", declared("twinbar.boards", "BOARD"), _accept, lambda board: board.name
)


def boards() -> dict[str, BoardDefinition]:
    """Return the built-in boards by name: every module of this folder that declares a ``BOARD``."""
    return BOARDS.built_in()


def board_names() -> list[str]:
    """Return the names of the boards, those of plug-ins included."""
    return list(BOARDS.names())


def find(name: str) -> BoardDefinition:
    """Return a board by name, or as ``package.module:NAME``.

    Raises
    ------
    ConfigError
        If there is none of that name, or it comes from a plug-in and cannot be used.
    """
    if not is_reference(name) and name not in BOARDS.names():
        raise ConfigError(f"there is no board {name!r}; choose one of {', '.join(BOARDS.names())}")
    return BOARDS.load(name)
