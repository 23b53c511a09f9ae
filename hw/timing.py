"""Phases of a tile and the cycles that each operation spends in them.

This is the one truth about cycles: gateware takes its constants from here, the emulator compiles these very
functions, and the phase counters of the netlist are tested against them. Nothing heavy is imported, and every
function is plain integer arithmetic, so that it runs in Python and compiles in Numba alike.

Every cycle of a tile belongs to exactly one phase:

=========  ==================================================================================================
idle       nothing to do: no command has reached the tile
decide     one cycle after each read-out: compare with the window, choose polarity and code (or shift and add)
select     the selector (a cell, or a row mask) is being changed
settle     a drive code was changed, or the read path was connected, and the analog side comes to rest
convert    an ADC conversion is running
pulse      the write gate is open
recover    the write gate has closed and the array comes to rest before it is read
stall      a result is ready but the response stream does not take it
respond    a result beat is handed over
=========  ==================================================================================================

Closed-loop write of one cell, with ``r`` reads, ``s`` SET and ``q`` RESET pulses, and ``d`` drive updates
(a pulse whose polarity and codes equal those already driven in this tile needs none)::

    select + r * (settle_read + samples * convert + 1) + d * settle_drive + s * width_set + q * width_reset
           + (s + q) * recover + 1

With a pulse table ``d`` counts changes of the entry. Of reads that compare, each takes ``settle_read + 1`` cycles, and
``compare`` for each comparison.

Multiplication of one input vector with ``p`` input steps (bit planes that hold a one, or 1 with integer DAC inputs),
``g`` conversions per step on the busiest ADC channel, and ``n`` result beats::

    p * (select + settle_multiply + g * (convert + 1)) + n
"""

from collections.abc import MutableSequence
from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Final, NamedTuple


class Phase(IntEnum):
    """What a tile does in a cycle."""

    IDLE = 0
    DECIDE = 1
    SELECT = 2
    SETTLE = 3
    CONVERT = 4
    PULSE = 5
    RECOVER = 6
    STALL = 7
    RESPOND = 8


PHASES: Final = tuple(phase.name.lower() for phase in Phase)
"""Names of the phases, in the order of their numbers."""

GATED: Final = (Phase.IDLE, Phase.STALL)
"""Phases in which a tile does nothing but wait, so that its clock can be gated."""

DECIDE_CYCLES: Final = 1
RESPOND_CYCLES: Final = 1

QUEUE_LATENCY: Final = 2
"""Cycles from a beat's acceptance by a queue to the first cycle in which it can be taken."""
LINK_LATENCY: Final = 1
"""Cycles from a partial sum's handover to a link to the first cycle in which it is visible."""
LINK_DEPTH: Final = 2
"""Partial sums that a link between two tiles of a cascade holds."""
TRANSFER_LATENCY: Final = 6
"""Cycles (select) of a transfer before that of its first word: the last sum becomes an activation."""
REGISTER_READ_CYCLES: Final = 5
"""Cycles (decide) of reading a register, before its response."""
REGISTER_WRITE_CYCLES: Final = 2
"""Cycles (decide) of writing a register, before its response."""
ARM_CYCLES: Final = 24
"""Cycles (decide) of checking and driving the bias records, before the response of ARM."""
ARM_ENTRY_CYCLES: Final = 4
"""Cycles (decide) by which ARM takes longer for each number of an entry of the pulse table, if that is used."""
MIN_SETTLE_DRIVE: Final = 2
"""Least settling of the write drive: its codes reach the pins in the second cycle."""

MAX_WIDTH: Final = (1 << 28) - 1
"""Longest pulse in cycles (28 bits: 40 ms is 4,000,000 cycles at 100 MHz, and slower clocks need fewer)."""


class Durations(NamedTuple):
    """The fields of `Timing`, as kernels take them."""

    select: int
    settle_read: int
    settle_drive: int
    settle_multiply: int
    convert: int
    samples: int
    width_set: int
    width_reset: int
    recover: int
    compare: int


@dataclass(frozen=True)
class Timing:
    """Durations in cycles.

    Parameters
    ----------
    select : int
        Cycles until a newly selected cell or row mask is connected.
    settle_read, settle_drive, settle_multiply : int
        Cycles until the read-out, the write drive, or the driven rows have come to rest.
    convert : int
        Cycles from an accepted conversion to its code.
    samples : int
        Conversions per read, discarded ones included.
    width_set, width_reset : int
        Cycles for which the write gate is open.
    recover : int
        Cycles after the write gate has closed.
    compare : int
        Cycles of a comparison.

    Raises
    ------
    ValueError
        If a duration is not a positive integer or a pulse is longer than ``MAX_WIDTH``.
    """

    select: int = 1
    settle_read: int = 16
    settle_drive: int = 16
    settle_multiply: int = 16
    convert: int = 16
    samples: int = 1
    width_set: int = 5
    width_reset: int = 5
    recover: int = 4
    compare: int = 2

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"timing.{field.name} is {value!r}; it must be a whole number of cycles, 1 or more")
        for name in ("width_set", "width_reset"):
            if getattr(self, name) > MAX_WIDTH:
                raise ValueError(f"timing.{name} is {getattr(self, name)} cycles; at most {MAX_WIDTH} can be counted")

    def record(self) -> Durations:
        """Return the durations as kernels take them."""
        return Durations(*(getattr(self, name) for name in Durations._fields))


def add_write(
    phases: MutableSequence[int], t: Durations, reads: int, sets: int, resets: int, drive_updates: int
) -> int:
    """Add the cycles of one closed-loop write to ``phases`` (indexed by `Phase`); gives those before its response."""
    settle = reads * t.settle_read + drive_updates * t.settle_drive
    convert = reads * t.samples * t.convert
    decide = reads * DECIDE_CYCLES
    pulse = sets * t.width_set + resets * t.width_reset
    recover = (sets + resets) * t.recover
    phases[Phase.SELECT] += t.select
    phases[Phase.SETTLE] += settle
    phases[Phase.CONVERT] += convert
    phases[Phase.DECIDE] += decide
    phases[Phase.PULSE] += pulse
    phases[Phase.RECOVER] += recover
    phases[Phase.RESPOND] += RESPOND_CYCLES
    return t.select + settle + convert + decide + pulse + recover


def add_read(phases: MutableSequence[int], t: Durations) -> int:
    """Add the cycles of one single-cell read to ``phases``: a write that is already in its window."""
    return add_write(phases, t, 1, 0, 0, 0)


def add_pulses(phases: MutableSequence[int], t: Durations, sets: int, resets: int, drive_updates: int) -> None:
    """Add the cycles of an open-loop pulse train on one cell to ``phases``: a write that never reads."""
    add_write(phases, t, 0, sets, resets, drive_updates)


def add_multiply(phases: MutableSequence[int], t: Durations, steps: int, conversions: int, outputs: int) -> None:
    """Add the cycles of multiplications to ``phases``.

    Parameters
    ----------
    phases : indexable of int, by `Phase`
    t : Durations
    steps : int
        Input steps applied (bit planes, or vectors with integer DAC inputs).
    conversions : int
        Conversions of the tile's busiest ADC channel, over all steps.
    outputs : int
        Result beats.
    """
    phases[Phase.SELECT] += steps * t.select
    phases[Phase.SETTLE] += steps * t.settle_multiply
    phases[Phase.CONVERT] += conversions * t.convert
    phases[Phase.DECIDE] += conversions * DECIDE_CYCLES
    phases[Phase.RESPOND] += outputs * RESPOND_CYCLES


def add_form(
    phases: MutableSequence[int], t: Durations, width_form: int, reads: int, pulses: int, drive_updates: int
) -> None:
    """Add the cycles of forming one cell to ``phases``: a write whose pulses are ``width_form`` cycles wide."""
    add_write(phases, t, reads, 0, 0, drive_updates)
    phases[Phase.PULSE] += pulses * width_form
    phases[Phase.RECOVER] += pulses * t.recover


def add_gain_calibration(phases: MutableSequence[int], t: Durations, bits: int) -> None:
    """Add the cycles of finding an ADC channel's trim of ``bits`` bits to ``phases``: a read per bit."""
    add_write(phases, t, bits, 0, 0, 0)


def add_load(phases: MutableSequence[int], words: int) -> None:
    """Add the cycles of writing ``words`` words of the row registers to ``phases``: one each, without a response."""
    phases[Phase.SELECT] += words


def add_transfer(phases: MutableSequence[int], words: int) -> None:
    """Add the cycles of sending ``words`` words of activations, or of taking them, to ``phases``."""
    phases[Phase.SELECT] += TRANSFER_LATENCY + words


def add_housekeeping(phases: MutableSequence[int], decide_cycles: int) -> None:
    """Add the cycles of a command that does not touch the array, or of a refused one (1), to ``phases``."""
    phases[Phase.DECIDE] += decide_cycles
    phases[Phase.RESPOND] += RESPOND_CYCLES


def driven_cycles(t: Durations, conversions: int) -> int:
    """Return the cycles for which the rows of one input step are driven, responses between its conversions excepted.

    Rows are driven until they have settled; without a sample-and-hold in every column, until the last of
    ``conversions`` (those of the busiest ADC channel) is done too. Its `decide` is not part of it.
    """
    held = conversions * (t.convert + DECIDE_CYCLES)
    return t.settle_multiply + (held - DECIDE_CYCLES if conversions > 0 else 0)


def step_channel_cycles(t: Durations, outputs: int, channels: int) -> int:
    """Return the cycles of an input step's ADC channels, summed over channels, responses between its groups excepted.

    A channel is on from the connection of the read path on, as long as an output is left for it; between two groups all
    of them are.
    """
    whole = (outputs - 1) // channels * channels
    return t.settle_multiply * min(channels, outputs) + outputs * t.convert + whole * DECIDE_CYCLES


def answer_channel_cycles(outputs: int, channels: int) -> int:
    """Return the cycles of the ADC channels while a product answers all groups but the last, one output per cycle."""
    whole = (outputs - 1) // channels * channels
    # With the last of these outputs, channels without one in the last group are off already.
    unused = channels - (outputs - whole) if whole > 0 else 0
    return (whole * channels - unused * (unused - 1) // 2) * RESPOND_CYCLES


def cycles_for(seconds: float, clock_hz: float) -> int:
    """Return the cycles that last at least ``seconds`` at ``clock_hz`` (1 or more): a minimum duration, rounded up."""
    cycles = seconds * clock_hz
    whole = int(cycles)
    # A duration that is a whole number of cycles up to float rounding is that number, not one more.
    return max(1, whole if cycles - whole <= 1e-9 * max(cycles, 1.0) else whole + 1)
