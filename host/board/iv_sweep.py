"""Current of a cell over the voltage of its bit line, read without a pulse."""

import contextlib
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from twinbar.host.board.commands import Ints, Progress, run, tell
from twinbar.host.transport.link import Link
from twinbar.host.transport.registers import read_registers, write_registers
from twinbar.hw.errors import ConfigError, LinkError
from twinbar.hw.protocol import registers
from twinbar.hw.protocol.layouts import LINE_BITS
from twinbar.hw.protocol.packing import pack, unpack_results
from twinbar.hw.protocol.vocabulary import Mode, Opcode, Record

MOST_CODE: Final = (1 << LINE_BITS) - 1
_DRIVEN: Final = (registers.FIELD_CODES, registers.FIELD_STOP)


@dataclass(frozen=True)
class IvCurve:
    """Read codes of one cell over the voltage, or code, of its bit line.

    Parameters
    ----------
    bit_line : float64 [points]
        As it was asked for: volts, or DAC codes.
    drive_codes : int64 [points]
        DAC codes.
    codes, deviation : float64 [points]
        Mean and standard deviation of the ADC codes, which are proportional to the current.
    """

    bit_line: npt.NDArray[np.float64]
    drive_codes: Ints
    codes: npt.NDArray[np.float64]
    deviation: npt.NDArray[np.float64]


def iv_sweep(
    link: Link, cell: tuple[int, int, int], drive: Ints, samples: int, progress: Progress | None
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Read a cell with several codes on its bit line.

    The tile is armed for reading at each point; in the end its record READ is what it was, and it is disarmed.

    Parameters
    ----------
    link : Link
    cell : (int, int, int)
        Tile, row, column.
    drive : int64 [points]
        DAC codes.
    samples : int
        Conversions per point.
    progress : callable or None

    Returns
    -------
    means, deviations : float64 [points]
        Of the ADC codes.

    Raises
    ------
    ConfigError
        If a code does not exist.
    LinkError
        If the tile refuses, for instance because a code lies outside the window of the record READ.
    """
    tile, row, column = cell
    if not len(drive) or drive.min() < 0 or drive.max() > MOST_CODE or samples < 1:
        raise ConfigError(f"a sweep needs points from code 0 to {MOST_CODE}, and 1 sample or more")
    fields = [registers.record_address(Record.READ, field) for field in _DRIVEN]
    before = dict(zip(fields, read_registers(link, tile, fields), strict=True))
    convert = pack(Opcode.CONVERT, tile, row=np.full(samples, row), column=column)
    means, deviations = [], []
    try:
        for number, code in enumerate(drive.tolist()):
            run(link, pack(Opcode.DISARM, tile))
            write_registers(link, tile, {address: old & ~MOST_CODE | code for address, old in before.items()})
            run(link, pack(Opcode.ARM, tile, mode=Mode.READ))
            found = unpack_results(Opcode.CONVERT, run(link, convert))["code"]
            means.append(float(found.mean()))
            deviations.append(float(found.std()))
            tell(progress, number + 1, len(drive))
    except BaseException:
        # What went wrong is the news, not that a broken link cannot put the record back.
        with contextlib.suppress(LinkError):
            _put_back(link, tile, before)
        raise
    _put_back(link, tile, before)
    return np.array(means), np.array(deviations)


def _put_back(link: Link, tile: int, before: dict[int, int]) -> None:
    run(link, pack(Opcode.DISARM, tile))
    write_registers(link, tile, dict(before.items()))
