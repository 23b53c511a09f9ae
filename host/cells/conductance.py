"""Conductances in siemens: what ADC codes stand for, and how cells are written to any conductance."""

import math
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
import numpy.typing as npt

from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.host.cells.accounted_controller import AccountedController
from twinbar.host.cells.borrowed_registers import borrowed_registers
from twinbar.host.cells.cell_commands import Progress, tell, write_until
from twinbar.host.cells.places import Ints, Places
from twinbar.hw.errors import ConfigError
from twinbar.hw.protocol import registers
from twinbar.hw.protocol.vocabulary import Mode, Opcode

Floats = npt.NDArray[np.float64]

MOST_WINDOWS: Final = registers.LEVELS.most
"""Windows that a tile holds at a time."""
_ROUNDING: Final = 1e-9
"""Relative: conductances that were computed from the ends of the range may lie this far beyond them."""


@dataclass(frozen=True)
class ConductanceScale:
    """What the ADC codes of single reads stand for.

    Parameters
    ----------
    g_min_s, g_max_s : float
        Range of the cells in siemens.
    siemens_per_code : float
    current_per_code_a : float
        Current of one code at the read voltage.
    code_max : int
        Largest code.
    tolerance_s : float
        Half a spacing of the levels, on average, in siemens.
    """

    g_min_s: float
    g_max_s: float
    siemens_per_code: float
    current_per_code_a: float
    code_max: int
    tolerance_s: float

    @classmethod
    def of(cls, config: CrossbarConfig) -> "ConductanceScale":
        """Take it from a configuration."""
        cells = config.cells
        per_code = cells.g_max_s / float(config.levels.centre[-1])
        if config.parts is not None and config.parts.scale is not None:
            read_v = config.parts.scale.read_v
        else:
            read_v = math.sqrt(cells.read_energy_unit_j * (1 << cells.grid_bits) / cells.g_max_s)
        half_level = (cells.g_max_s - cells.g_min_s) / (2 * (len(config.levels) - 1))
        code_max = (1 << config.array.adc_bits) - 1
        tolerance_s = max(half_level, per_code / 2)
        return cls(cells.g_min_s, cells.g_max_s, per_code, per_code * read_v, code_max, tolerance_s)

    def siemens(self, codes: npt.ArrayLike) -> Floats:
        """Return the conductances that codes stand for."""
        return np.asarray(codes, np.float64) * self.siemens_per_code

    def check(self, siemens: Floats, tolerance_s: float) -> None:
        """Refuse conductances that the cells cannot have, and tolerances that the ADC cannot measure.

        Raises
        ------
        ConfigError
            One sentence.
        """
        if not np.isfinite(siemens).all():
            raise ConfigError("a conductance is not a number; give siemens for every cell, or the cells that are meant")
        low, high = self.g_min_s * (1 - _ROUNDING), self.g_max_s * (1 + _ROUNDING)
        beyond = siemens[(siemens < low) | (siemens > high)]
        if beyond.size:
            raise ConfigError(
                f"a conductance of {beyond[0]:.4g} S cannot be written; these cells have {self.g_min_s:.4g} to "
                f"{self.g_max_s:.4g} S"
            )
        least = self.siemens_per_code / 2
        if not (math.isfinite(tolerance_s) and tolerance_s >= least * (1 - _ROUNDING)):
            raise ConfigError(
                f"a tolerance of {tolerance_s:.4g} S cannot be measured; half an ADC code, {least:.4g} S, is the least"
            )


def check_conductances_can_be_written(config: CrossbarConfig) -> None:
    """Refuse write algorithms whose pulses are made for the levels, or that give no codes.

    Raises
    ------
    ConfigError
    """
    table = config.pulse_table
    if table is not None and (table.by_level or table.rules.compare):
        why = "has a gate voltage for each level" if table.by_level else "compares, and gives no code"
        raise ConfigError(
            f"the write algorithm {why}; to write any conductance choose another write.algorithm, and write.verify = "
            "'convert'"
        )


def write_conductance(
    controller: AccountedController,
    places: Places,
    windows: tuple[Ints, Ints],
    attempts: int,
    progress: Progress | None,
) -> dict[str, Ints]:
    """Write cells into windows of codes; the tiles' own level windows are put back in the end.

    Parameters
    ----------
    controller : AccountedController
    places : Places
    windows : (int64 [n], int64 [n])
        Lowest and highest code of each cell.
    attempts : int
        Writes that are spent on a cell.
    progress : callable or None

    Returns
    -------
    dict of int64 arrays [n]
        As of `write_until`.
    """
    values = registers.LEVEL_WINDOW.pack(low=windows[0], high=windows[1])
    distinct, number = np.unique(values, return_inverse=True)
    used = min(len(distinct), MOST_WINDOWS)
    addresses = [registers.LEVELS.address, *range(registers.LEVEL_BASE, registers.LEVEL_BASE + used)]
    found: dict[str, Ints] = {name: np.zeros(len(places), np.int64) for name in ("code", "status", "sets", "resets")}
    if not len(places):
        return found
    done = 0
    with borrowed_registers(controller, np.unique(places.tile), addresses, Mode.WRITE) as table:
        for start in range(0, len(distinct), MOST_WINDOWS):
            held = distinct[start : start + MOST_WINDOWS]
            table.disarm()
            table.write(np.concatenate([[len(held)], held]).astype(np.int64))
            table.arm(Mode.WRITE.value)
            chosen = np.flatnonzero((number >= start) & (number < start + len(held)))
            level = number[chosen] - start
            here = partial(_tell_all, progress, done, len(places))
            written = write_until(controller, Opcode.WRITE, places.part(chosen), level, attempts, here)
            for name, target in found.items():
                target[chosen] = written[name]
            done += len(chosen)
    return found


def _tell_all(progress: Progress | None, before: int, total: int, done: int, _of: int) -> None:
    """Report progress of a part of the cells as that of all."""
    tell(progress, before + done, total)
