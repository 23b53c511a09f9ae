"""Where heat is dissipated inside cells: the accounts of the data-dependent energy."""

from enum import IntEnum
from typing import Final


class CellEnergy(IntEnum):
    """Where heat is dissipated inside cells; the integer unit of each comes from the configuration."""

    SET = 0
    """By SET pulses."""
    RESET = 1
    """By RESET pulses."""
    VERIFY = 2
    """By the read voltage of single-cell reads."""
    FORWARD = 3
    """By the read voltage of multiplications."""


CELL_ENERGIES: Final = tuple(kind.name.lower() for kind in CellEnergy)
"""Names of the cell energies, in the order of their numbers."""
