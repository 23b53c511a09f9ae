"""Current of cells over the voltage of their bit line, read without a pulse."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from twinbar.host.cells.accounted_controller import AccountedController
from twinbar.host.cells.borrowed_registers import borrowed_registers
from twinbar.host.cells.cell_commands import Progress, run_on_cells, tell
from twinbar.host.cells.places import Ints, Places
from twinbar.hw.errors import ConfigError
from twinbar.hw.protocol import registers
from twinbar.hw.protocol.layouts import LINE_BITS
from twinbar.hw.protocol.vocabulary import Mode, Opcode, Record

MOST_CODE: Final = (1 << LINE_BITS) - 1
_DRIVEN: Final = (registers.FIELD_CODES, registers.FIELD_STOP)


@dataclass(frozen=True)
class IvCurve:
    """Read codes of cells over the voltage, or code, of their bit line.

    Parameters
    ----------
    bit_line : float64 [points]
        As it was asked for: volts, or DAC codes.
    drive_codes : int64 [points]
        DAC codes.
    codes, deviation : float64 [..., points]
        Mean and standard deviation of the ADC codes, which are proportional to the current. The leading axes are those
        of the cells; there are none for a single cell.
    current_a : float64 [..., points] or None
        The means in amperes, by the scale of the preset; None where there is none.
    """

    bit_line: npt.NDArray[np.float64]
    drive_codes: Ints
    codes: npt.NDArray[np.float64]
    deviation: npt.NDArray[np.float64]
    current_a: npt.NDArray[np.float64] | None


def iv_sweep(
    controller: AccountedController, places: Places, drive: Ints, samples: int, progress: Progress | None
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Read cells with several codes on their bit lines.

    The tiles are armed for reading at each point; in the end their record READ is what it was, and they are armed as
    before (see `borrowed_registers`).

    Parameters
    ----------
    controller : AccountedController
    places : Places
    drive : int64 [points]
        DAC codes.
    samples : int
        Conversions per point and cell.
    progress : callable or None

    Returns
    -------
    means, deviations : float64 [n, points]
        Of the ADC codes.

    Raises
    ------
    ConfigError
        If a code does not exist.
    RefusedError
        If a tile refuses, for instance because a code lies outside the window of the record READ.
    """
    if drive.ndim != 1 or not len(drive) or drive.min() < 0 or drive.max() > MOST_CODE or samples < 1:
        raise ConfigError(f"a sweep needs points from code 0 to {MOST_CODE}, and 1 sample or more")
    fields = [registers.record_address(Record.READ, field) for field in _DRIVEN]
    repeated = places.part(np.repeat(np.arange(len(places)), samples))
    means, deviations = np.zeros((len(places), len(drive))), np.zeros((len(places), len(drive)))
    with borrowed_registers(controller, np.unique(places.tile), fields, Mode.READ) as record:
        for number, code in enumerate(drive.tolist()):
            record.disarm()
            record.write(record.before & ~MOST_CODE | code)
            record.arm(Mode.READ.value)
            found = run_on_cells(controller, Opcode.CONVERT, repeated, kind="read")["code"].reshape(-1, samples)
            means[:, number], deviations[:, number] = found.mean(axis=1), found.std(axis=1)
            tell(progress, number + 1, len(drive))
    return means, deviations
