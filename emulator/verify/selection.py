"""Chooses the controllers on which engines are compared, and says which option leaves others out."""

from dataclasses import dataclass
from typing import Final

from twinbar.emulator.verify.elaborations import ELABORATIONS, SERIAL, Elaboration
from twinbar.hw.errors import ConfigError


@dataclass(frozen=True)
class ElaborationChoice:
    """Controllers on which engines are compared.

    Parameters
    ----------
    chosen : list of Elaboration
    left_out : dict of str to str
        Options that left the others out, by their names.
    """

    chosen: list[Elaboration]
    left_out: dict[str, str]


def front_end_of(elaboration: Elaboration) -> str:
    """Return the kind of an elaboration's front end, "direct" or "serial"."""
    return "direct" if elaboration.parts is None else "serial"


def parse_tiles(text: str) -> tuple[int, int]:
    """Read a number of tiles, such as 2, or a range, such as 1-4; gives the first and the last.

    Raises
    ------
    ConfigError
        If it is neither.
    """
    first, dash, last = text.strip().partition("-")
    try:
        least, most = int(first), int(last if dash else first)
    except ValueError:
        least, most = 0, -1
    if not 0 < least <= most:
        raise ConfigError(f"--tiles {text} is not a number of tiles; give one, such as 2, or a range, such as 1-4")
    return least, most


def select(tiles: str | None = None, front_end: str | None = None) -> ElaborationChoice:
    """Choose every controller that was asked for.

    Parameters
    ----------
    tiles : str, optional
        As `parse_tiles` reads it; any number if it is not given.
    front_end : str, optional
        "direct" or "serial"; both if it is not given.

    Raises
    ------
    ConfigError
        If none is left.
    """
    least, most = (1, max(each.controller.tiles for each in _EVERY)) if tiles is None else parse_tiles(tiles)
    chosen: list[Elaboration] = []
    left_out: dict[str, str] = {}
    for each in _EVERY:
        reason = None
        if not least <= each.controller.tiles <= most:
            reason = f"--tiles {tiles}"
        elif front_end not in (None, front_end_of(each)):
            reason = f"--front-end {front_end}"
        if reason is None:
            chosen.append(each)
        else:
            left_out[each.name] = reason
    if not chosen:
        raise ConfigError(_why_none(tiles, front_end))
    return ElaborationChoice(chosen, left_out)


_EVERY: Final = (*ELABORATIONS.values(), *SERIAL.values())


def _why_none(tiles: str | None, front_end: str | None) -> str:
    known = sorted({each.controller.tiles for each in _EVERY if front_end in (None, front_end_of(each))})
    kind = "" if front_end is None else f" and a {front_end} front end"
    return f"no controller with {tiles} tiles{kind} is compared; choose from {known[0]} to {known[-1]} tiles"
