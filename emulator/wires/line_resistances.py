"""Resistances between the terminals of an array and its cells."""

import math
from dataclasses import dataclass, fields

from twinbar.hw.errors import ConfigError


def check_ohms(name: str, ohm: float, *, wire: bool = False) -> None:
    """Refuse what is no resistance, by the name under which it was given; a wire has some.

    Raises
    ------
    ConfigError
        If it is negative, or no number, or 0 and that of a wire.
    """
    if not (math.isfinite(ohm) and ohm >= 0):
        raise ConfigError(f"{name} is {ohm}; it must be a number of ohms, 0 or more")
    if wire and ohm == 0:
        raise ConfigError(f"{name} is 0; wires without resistance have nothing to solve: it must be above 0")


@dataclass(frozen=True)
class LineResistances:
    """Resistances of rows, columns, and what is at their ends.

    The driver of a row is next to column 0, the terminal of a column next to row 0.

    Parameters
    ----------
    row_ohm, column_ohm : float
        Wire from one cell of a row, or of a column, to the next; above 0.
    driver_ohm, terminal_ohm : float
        From the source of a row to its first cell, and from the first cell of a column to its terminal.
    selector_ohm : float
        In series with each cell: an access transistor that is switched on.

    Raises
    ------
    ConfigError
        If a resistance is negative, or no number, or a wire has none.
    """

    row_ohm: float
    column_ohm: float
    driver_ohm: float = 0.0
    terminal_ohm: float = 0.0
    selector_ohm: float = 0.0

    def __post_init__(self) -> None:
        for field in fields(self):
            check_ohms(field.name, getattr(self, field.name), wire=field.name in ("row_ohm", "column_ohm"))
