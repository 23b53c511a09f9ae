"""Resistances between the terminals of an array and its cells."""

import math
from dataclasses import dataclass, fields

from twinbar.hw.errors import ConfigError


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
            value = getattr(self, field.name)
            if not (math.isfinite(value) and value >= 0):
                raise ConfigError(f"{field.name} is {value}; it must be a number of ohms, 0 or more")
        for name in ("row_ohm", "column_ohm"):
            if getattr(self, name) == 0:
                raise ConfigError(f"{name} is 0; wires without resistance have nothing to solve: it must be above 0")
