"""Windows of levels by a calibration of reads: a level stands for a conductance, whatever the gain of a channel is."""

from collections.abc import Mapping
from functools import partial

import numpy as np

from twinbar.emulator.crossbar.levels import LevelTable
from twinbar.host.cells.accounted_controller import AccountedController
from twinbar.host.cells.borrowed_registers import borrowed_registers
from twinbar.host.cells.cell_commands import Progress, tell, write_until
from twinbar.host.cells.conductance import ConductanceScale
from twinbar.host.cells.places import Ints, Places
from twinbar.host.cells.read_calibration import ReadCalibration
from twinbar.hw.protocol import registers
from twinbar.hw.protocol.vocabulary import Mode, Opcode


def calibrated_windows(
    levels: LevelTable, scale: ConductanceScale, calibration: ReadCalibration, column: int
) -> tuple[Ints, Ints]:
    """Return lowest and highest code of each level in the ADC channel of a column.

    A window holds the codes whose conductances lie in the nominal window, half a code at either end included, and in
    any case the code next to the level's conductance. Where a nominal window ends with the converter, so does this one.

    Parameters
    ----------
    levels : LevelTable
        The nominal ones.
    scale : ConductanceScale
        What nominal codes stand for.
    calibration : ReadCalibration
    column : int

    Returns
    -------
    (int64 [levels], int64 [levels])
    """

    def codes(nominal: np.ndarray) -> np.ndarray:
        return calibration.codes(nominal * scale.siemens_per_code, np.full(len(nominal), column))

    nearest = np.floor(codes(levels.centre) + 0.5).clip(0, scale.code_max)
    low = np.minimum(np.ceil(codes(levels.low - 0.5)).clip(0, scale.code_max), nearest)
    high = np.maximum((np.ceil(codes(levels.high + 0.5)) - 1).clip(0, scale.code_max), nearest)
    low[levels.low == 0] = 0
    high[levels.high == scale.code_max] = scale.code_max
    return low.astype(np.int64), high.astype(np.int64)


def write_calibrated(
    controller: AccountedController,
    opcode: Opcode,
    places: Places,
    level: Ints,
    windows: list[tuple[Ints, Ints]],
    attempts: int,
    progress: Progress | None = None,
    *,
    fields: Mapping[str, Ints],
) -> dict[str, Ints]:
    """Write (or form) cells of one tile to levels, each by the windows of its ADC channel; the tile's are put back.

    Parameters
    ----------
    controller, opcode, places, level, attempts, progress, fields
        As of `write_until`.
    windows : list of (int64 [levels], int64 [levels])
        By ADC channel.
    """
    found: dict[str, Ints] = {name: np.zeros(len(places), np.int64) for name in ("code", "status", "sets", "resets")}
    if not len(places):
        return found
    count = len(windows[0][0])
    addresses = [registers.LEVELS.address, *range(registers.LEVEL_BASE, registers.LEVEL_BASE + count)]
    done = 0
    with borrowed_registers(controller, np.unique(places.tile), addresses, Mode.WRITE) as table:
        for channel in np.unique(places.column % len(windows)).tolist():
            low, high = windows[channel]
            values = np.asarray(registers.LEVEL_WINDOW.pack(low=low, high=high))
            table.disarm()
            table.write(np.concatenate([[count], values]).astype(np.int64))
            table.arm(Mode.WRITE.value)
            chosen = np.flatnonzero(places.column % len(windows) == channel)
            given = {name: of_cells[chosen] for name, of_cells in fields.items()}
            here = partial(_tell_all, progress, done, len(places))
            written = write_until(controller, opcode, places.part(chosen), level[chosen], attempts, here, fields=given)
            for name, target in found.items():
                target[chosen] = written[name]
            done += len(chosen)
    return found


def _tell_all(progress: Progress | None, before: int, total: int, done: int, _of: int) -> None:
    tell(progress, before + done, total)
