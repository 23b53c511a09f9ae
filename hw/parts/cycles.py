"""Cycles of a serial front end: what each request takes, as plain integer functions.

As in `twinbar.hw.timing`, durations that an experimenter sets are registers (SELECT, SETTLE_READ, SETTLE_MULTIPLY,
SETTLE_DRIVE), and what the parts need comes on top, from a named tuple of integers. The
register CONVERT has no meaning here: a conversion takes what its frames take.

With nothing else under way at the buses::

    SELECT    2 + open + rows + columns + SELECT
    CONNECT   1 + [words * word + SETTLE_DRIVE if words] + SETTLE_READ (or SETTLE_MULTIPLY)
    DRIVE     3 + [words * word + SETTLE_DRIVE if words]
    CONVERT   [2 + columns + SELECT if another group of columns is connected first] + frames * frame + 1

``words`` are the outputs of the DACs whose code changes. What happens when something is under way (safe codes being
written, a frame that a halt has cut off, the start after power-up) is in `twinbar.hw.parts.front_end_clock`.
"""

from typing import NamedTuple

from .assembly import SerialParts
from .bus import cycles_at_least
from .matrix import SwitchMatrix


class FrontEndCycles(NamedTuple):
    """What the parts of a front end need, in cycles.

    Parameters
    ----------
    power_up : int
        From reset to the first word: what parts need after power-up, and a bus that a reset may have cut off.
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


def matrix_of(parts: SerialParts, rows: int, columns: int) -> SwitchMatrix:
    """Return the switch matrix of a tile of ``rows x columns`` cells."""
    return SwitchMatrix(rows, columns, parts.pairs, parts.reference)


def front_end_cycles(parts: SerialParts, rows: int, columns: int) -> FrontEndCycles:
    """Return what the parts need for a tile of ``rows x columns`` cells."""
    matrix = matrix_of(parts, rows, columns)
    word = parts.dac_cycles.frame(parts.dac.word_bits)
    frame = parts.adc_cycles.frame(parts.adc.frame_bits)
    return FrontEndCycles(
        power_up=max(cycles_at_least(parts.power_up_ns, parts.clock_hz), parts.dac_cycles.clear),
        open=max(1, cycles_at_least(parts.switch.open_ns, parts.clock_hz)),
        rows=parts.switch_cycles.frame(matrix.row_switches),
        columns=parts.switch_cycles.frame(matrix.column_switches),
        word=word,
        dac_start_up=parts.dacs * len(parts.dac.start_up()) * word,
        frame=frame,
        # Start-up frames may be shorter than others, and are spaced as if they were not.
        adc_start_up=len(parts.adc.start_up()) * (frame + 1),
    )


def select_cycles(p: FrontEndCycles, select: int) -> int:
    """Return the cycles of SELECT."""
    return 2 + p.open + p.rows + p.columns + select


def words_cycles(p: FrontEndCycles, words: int, settle_drive: int) -> int:
    """Return the cycles of bringing ``words`` codes to outputs that then settle: none take none."""
    return words * p.word + settle_drive if words > 0 else 0


def drive_cycles(p: FrontEndCycles, words: int, settle_drive: int) -> int:
    """Return the cycles of DRIVE."""
    return 3 + words_cycles(p, words, settle_drive)


def connect_cycles(p: FrontEndCycles, words: int, settle_drive: int, settle: int) -> int:
    """Return the cycles of CONNECT_READ or CONNECT_MULTIPLY."""
    return 1 + words_cycles(p, words, settle_drive) + settle


def regroup_cycles(p: FrontEndCycles, select: int) -> int:
    """Return the cycles for which CONVERT first connects another group of columns."""
    return 2 + p.columns + select


def convert_cycles(p: FrontEndCycles, frames: int) -> int:
    """Return the cycles of CONVERT on columns that are connected."""
    return frames * p.frame + 1


def frames_of_conversion(latency: int, outputs: int, first_is_chosen: bool) -> int:
    """Return the frames of a conversion.

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
