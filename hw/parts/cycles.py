"""Cycles of a serial front end: what each request takes, as plain integer functions.

As in `twinbar.hw.timing`, durations that an experimenter sets are registers (SELECT, SETTLE_READ, SETTLE_MULTIPLY,
SETTLE_DRIVE), and what the parts need comes on top, from a flat tuple of integers that compiled kernels can index. The
register CONVERT has no meaning here: a conversion takes what its frames take.

With nothing else under way at the buses::

    SELECT    2 + open + rows + columns + SELECT
    CONNECT   1 + [words * word + SETTLE_DRIVE if words] + SETTLE_READ (or SETTLE_MULTIPLY)
    DRIVE     3 + [words * word + SETTLE_DRIVE if words]
    CONVERT   [2 + columns + SELECT if another group of columns is connected first] + frames * frame + 1

``words`` are the outputs of the DACs whose code changes. What happens when something is under way (safe codes being
written, a frame that a halt has cut off, the start after power-up) is in `twinbar.hw.parts.front_end_clock`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final

from .assembly import SerialParts
from .bus import cycles_at_least
from .matrix import SwitchMatrix

# Positions in the record of a front end.
P_POWER_UP: Final = 0
P_OPEN: Final = 1
P_ROWS: Final = 2
P_COLUMNS: Final = 3
P_WORD: Final = 4
P_DAC_START_UP: Final = 5
P_FRAME: Final = 6
P_ADC_START_UP: Final = 7


@dataclass(frozen=True)
class FrontEndCycles:
    """What the parts of a front end need, in cycles, in the order of the ``P_*`` positions.

    Parameters
    ----------
    power_up : int
        From reset to the first word.
    open : int
        For which all switches are opened before others are closed.
    rows, columns : int
        Loading the row chain, and the column chain.
    word : int
        A word to a DAC.
    dac_start_up : int
        The words that DACs need after power-up.
    frame : int
        A frame of the ADCs.
    adc_start_up : int
        The frames that ADCs need after power-up.
    """

    power_up: int
    open: int
    rows: int
    columns: int
    word: int
    dac_start_up: int
    frame: int
    adc_start_up: int

    def record(self) -> tuple[int, ...]:
        """Give the cycles as a flat tuple, indexed by the ``P_*`` positions."""
        return tuple(getattr(self, field.name) for field in fields(self))


def matrix_of(parts: SerialParts, rows: int, columns: int) -> SwitchMatrix:
    """Give the switch matrix of a tile of ``rows x columns`` cells."""
    return SwitchMatrix(rows, columns, parts.pairs, parts.reference)


def front_end_cycles(parts: SerialParts, rows: int, columns: int) -> FrontEndCycles:
    """Give what the parts need for a tile of ``rows x columns`` cells."""
    matrix = matrix_of(parts, rows, columns)
    word = parts.dac_cycles.frame(parts.dac.word_bits)
    frame = parts.adc_cycles.frame(parts.adc.frame_bits)
    return FrontEndCycles(
        power_up=cycles_at_least(parts.power_up_ns, parts.clock_hz),
        open=max(1, cycles_at_least(parts.switch.open_ns, parts.clock_hz)),
        rows=parts.switch_cycles.frame(matrix.row_switches),
        columns=parts.switch_cycles.frame(matrix.column_switches),
        word=word,
        dac_start_up=parts.dacs * len(parts.dac.start_up()) * word,
        frame=frame,
        # Start-up frames may be shorter than others, and are spaced as if they were not.
        adc_start_up=len(parts.adc.start_up()) * (frame + 1),
    )


def select_cycles(p: Sequence[int], select: int) -> int:
    """Give the cycles of SELECT."""
    return 2 + p[P_OPEN] + p[P_ROWS] + p[P_COLUMNS] + select


def words_cycles(p: Sequence[int], words: int, settle_drive: int) -> int:
    """Give the cycles of bringing ``words`` codes to outputs that then settle: none take none."""
    return words * p[P_WORD] + settle_drive if words > 0 else 0


def drive_cycles(p: Sequence[int], words: int, settle_drive: int) -> int:
    """Give the cycles of DRIVE."""
    return 3 + words_cycles(p, words, settle_drive)


def connect_cycles(p: Sequence[int], words: int, settle_drive: int, settle: int) -> int:
    """Give the cycles of CONNECT_READ or CONNECT_MULTIPLY."""
    return 1 + words_cycles(p, words, settle_drive) + settle


def regroup_cycles(p: Sequence[int], select: int) -> int:
    """Give the cycles for which CONVERT first connects another group of columns."""
    return 2 + p[P_COLUMNS] + select


def convert_cycles(p: Sequence[int], frames: int) -> int:
    """Give the cycles of CONVERT on columns that are connected."""
    return frames * p[P_FRAME] + 1


def frames_of_conversion(latency: int, outputs: int, first_is_chosen: bool) -> int:
    """Give the frames of a conversion.

    Parameters
    ----------
    latency : int
        Of the ADC (`AdcPart`): with 0, all outputs are converted by one frame.
    outputs : int
        ADC channels that take part.
    first_is_chosen : bool
        The ADC's next frame converts the first of them anyway, because the conversion before began with it too.
    """
    if latency == 0:
        return 1
    return outputs if first_is_chosen else outputs + 1
