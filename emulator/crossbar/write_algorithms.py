"""The write algorithms that a configuration can name, as pulse tables for a crossbar."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from twinbar.emulator.crossbar.levels import LevelTable
from twinbar.emulator.crossbar.pulse_table import NEVER, PulseEntries, PulseTable, TableRules
from twinbar.emulator.crossbar.write_registers import WriteRegisters
from twinbar.emulator.devices.cell_tables import CellTables
from twinbar.emulator.devices.layout import (
    CODES,
    O_AMP_MEAN,
    O_MEAN,
    Q12,
    READ_GAIN_SHIFT,
    RESET,
    SET,
    STEP_BINS,
)
from twinbar.emulator.devices.preset import Preset
from twinbar.emulator.sections.write_section import WriteConfig
from twinbar.hw.errors import ConfigError

ENTRIES: Final = 64
"""Entries of a table, per polarity."""
MOST_SLACK: Final = 511
"""Codes by which patience can widen a window."""
OWN: Final = "preset"
"""Name of what is no table: the ramp of the preset."""


@dataclass(frozen=True)
class ByDistance:
    """An algorithm whose entries are ascending amplitudes.

    Parameters
    ----------
    least : float
        Mean step of the first entry, in level spacings.
    part : float
        Part of the distance from the window by which the mean step of an entry is larger.
    rise : int
        Entries by which the amplitude rises from pulse to pulse that does not turn.
    """

    least: float
    part: float
    rise: int


@dataclass(frozen=True)
class ByLevel:
    """An algorithm whose entries are the gate voltages of the levels.

    Parameters
    ----------
    erases : bool
        Whether a SET follows every RESET without a read.
    """

    erases: bool


# Figures and sources: docs/write-algorithms.md.
ALGORITHMS: Final[dict[str, ByDistance | ByLevel]] = {
    "strong": ByDistance(least=0.3, part=0.0, rise=0),
    "distance": ByDistance(least=0.2, part=0.5, rise=0),
    "proportional-integral": ByDistance(least=0.2, part=0.5, rise=2),
    "gate-by-level": ByLevel(erases=False),
    "two-pulse": ByLevel(erases=True),
}


def needs_amplitudes(write: WriteConfig) -> bool:
    """Whether a configuration asks for pulses of other amplitudes than those of the preset."""
    return isinstance(ALGORITHMS.get(write.algorithm), ByDistance)


def pulse_table(
    preset: Preset, cells: CellTables, levels: LevelTable, spacing: float, write: WriteConfig, registers: WriteRegisters
) -> PulseTable | None:
    """Return the table of the algorithm that a configuration names; None where that is the preset's own.

    Parameters
    ----------
    preset : Preset
    cells : CellTables
    levels : LevelTable
        Targets of the writes.
    spacing : float
        Codes between two levels of a cell.
    write : WriteConfig
    registers : WriteRegisters

    Raises
    ------
    ConfigError
        If the preset does not say what the algorithm must know, or a table has too few entries.
    """
    if write.algorithm == OWN:
        return None
    algorithm = ALGORITHMS[write.algorithm]
    slack = round(write.slack * spacing)
    if slack > MOST_SLACK:
        raise ConfigError(
            f"write.slack is {write.slack:g} levels, {slack} codes; at most {MOST_SLACK} can be, so give "
            "fewer levels, or fewer ADC bits (array.adc_bits)"
        )
    rules = TableRules(
        limit=registers.limit,
        discard=registers.discard,
        shift=0,
        rise=0,
        fall=0,
        keep=0,
        patience=NEVER if write.patience is None else write.patience,
        slack=slack,
    )
    if isinstance(algorithm, ByLevel):
        entries = _by_level(preset, cells, levels, registers, algorithm)
        # No distance reaches the next entry.
        rules = rules._replace(keep=1, shift=int(cells.scalars[0].adc_max).bit_length())
        return PulseTable(entries, rules, write.first, True, np.zeros(len(levels), np.int64))
    if preset.amplitude is None:
        raise ConfigError(
            f"write.algorithm is {write.algorithm!r}, which needs pulses of several amplitudes, but the preset "
            f"{preset.name} does not say what they do ([amplitude]); use {OWN!r}"
        )
    # The entries span half the range of codes: from there on, all pulses are as strong as the last one.
    adc_bits = int(cells.scalars[0].adc_max).bit_length()
    count, shift = (ENTRIES, max(adc_bits - ENTRIES.bit_length(), 0)) if algorithm.part else (1, adc_bits)
    rules = rules._replace(shift=shift, rise=algorithm.rise, fall=count)
    middle = (np.arange(count) + 0.5) * (1 << shift)
    entries = _by_distance(cells, algorithm.least * spacing + algorithm.part * middle, registers)
    half_window = float(np.median(levels.high - levels.low)) / 2
    beyond = np.maximum(np.arange(len(levels)) * levels.spacing - half_window, 0).astype(np.int64)
    entry_of_move = np.minimum(beyond >> shift, count - 1)
    return PulseTable(entries, rules, write.first, False, entry_of_move)


def _by_distance(cells: CellTables, steps: np.ndarray, registers: WriteRegisters) -> PulseEntries:
    """Return entries whose pulses move an average cell by so many codes in the middle of its window."""
    codes_per_q24 = int(cells.scalars[0].read_gain) / 2.0 ** (READ_GAIN_SHIFT + 24 - cells.grid_bits)
    amplitude = np.empty((2, len(steps)), np.int64)
    for polarity in (SET, RESET):
        nominal = abs(int(cells.tables[O_MEAN + polarity * STEP_BINS + STEP_BINS // 2])) * codes_per_q24
        factors = cells.tables[O_AMP_MEAN + polarity * CODES : O_AMP_MEAN + (polarity + 1) * CODES]
        wanted = np.minimum(np.floor(steps / nominal * Q12 + 0.5), factors.max())
        amplitude[polarity] = np.searchsorted(factors, wanted)
    gates = np.array([[registers.set_gate.stop], [registers.reset_gate.stop]])
    return PulseEntries(amplitude, np.repeat(gates, len(steps), axis=1).astype(np.int64), np.zeros_like(amplitude))


def _by_level(
    preset: Preset, cells: CellTables, levels: LevelTable, registers: WriteRegisters, algorithm: ByLevel
) -> PulseEntries:
    """Return entries with the gate voltage that allows a SET the conductance of each level."""
    law = preset.gate
    if law is None:
        raise ConfigError(
            f"write.algorithm sets the gate voltage of the level, but the preset {preset.name} does not say what "
            f"conductance a gate voltage allows ([gate]); use {OWN!r}, or one that changes the amplitude"
        )
    if len(levels) > ENTRIES:
        raise ConfigError(
            f"write.algorithm needs an entry for each of the {len(levels)} levels that are written; a pulse table has "
            f"{ENTRIES}"
        )
    targets = np.linspace(cells.g_min_s, cells.g_max_s, len(levels))
    gates = [cells.volts_to_code(conductance / law.slope.si + law.offset.si) for conductance in targets]
    shape = (2, len(levels))
    amplitude, gate, turns = np.empty(shape, np.int64), np.empty(shape, np.int64), np.zeros(shape, np.int64)
    amplitude[SET], amplitude[RESET] = registers.set_amplitude.stop, registers.reset_amplitude.stop
    gate[SET], gate[RESET] = gates, registers.reset_gate.stop
    turns[RESET] = int(algorithm.erases)
    return PulseEntries(amplitude, gate, turns)
