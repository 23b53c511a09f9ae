"""Draw the staircase of a cell model with characters."""

from typing import Final

import numpy as np

from twinbar.emulator.devices.staircase import Staircase

_SI_PREFIXES: Final = ((1.0, "S"), (1e-3, "mS"), (1e-6, "uS"), (1e-9, "nS"), (1e-12, "pS"))


def si_unit(largest_s: float) -> tuple[float, str]:
    """Return the unit, as factor and name, in which a conductance reads best."""
    return next((unit for unit in _SI_PREFIXES if largest_s >= unit[0]), _SI_PREFIXES[-1])


def draw_text(stairs: Staircase, *, width: int = 72, height: int = 14) -> str:
    """Draw the staircase with characters: ``•`` is the median, ``░`` the band from the 10 % to the 90 % quantile."""
    factor, unit = si_unit(float(stairs.high_s.max()))
    at = np.round(np.linspace(0, 2 * stairs.pulses, width)).astype(int)
    low, median, high = (values[at] / factor for values in (stairs.low_s, stairs.median_s, stairs.high_s))
    bottom, top = float(low.min()), float(high.max())
    scale = (height - 1) / (top - bottom) if top > bottom else 0.0
    rows = [[" "] * len(at) for _ in range(height)]
    for column in range(len(at)):
        first, middle, last = (round((values[column] - bottom) * scale) for values in (low, median, high))
        for row in range(first, last + 1):
            rows[height - 1 - row][column] = "░"
        rows[height - 1 - middle][column] = "•"
    marks = {0: top, height // 2: (top + bottom) / 2, height - 1: bottom}
    lines = [f"{f'{marks[i]:.3g}' if i in marks else '':>8} ┤{''.join(row)}" for i, row in enumerate(rows)]
    turn = int(np.searchsorted(at, stairs.pulses))
    lines.append(" " * 8 + " └" + "".join("┴" if column == turn else "─" for column in range(len(at))))
    axis = f"SET 1 to {stairs.pulses}"
    lines.append(" " * 10 + axis.ljust(turn + 1) + f"RESET 1 to {stairs.pulses}")
    lines.append(f"{'':10}G in {unit}; median • and 10 to 90 % ░ of {stairs.cells} cells, {stairs.algorithm} pulses")
    return "\n".join(lines)
