"""The write algorithms that a configuration can name, as pulse tables for a crossbar."""

from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Context
from typing import Final, NamedTuple

import numpy as np

from twinbar.emulator.crossbar.levels import LevelTable
from twinbar.emulator.crossbar.pulse_table import UNCOUNTED, PulseEntries, PulseTable, TableRules
from twinbar.emulator.crossbar.write_registers import MAX_PULSES, Ramp, WriteRegisters
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
from twinbar.emulator.sections.write_section import BY_DISTANCE, WriteConfig
from twinbar.hw.errors import ConfigError
from twinbar.hw.protocol.registers import WRITE_TABLE
from twinbar.hw.protocol.sizes import PULSE_ENTRIES

OWN: Final = "preset"
"""Name of the ramp of the preset."""
MOST_ENTRIES: Final = max(PULSE_ENTRIES)
MOST_SLACK: Final = WRITE_TABLE["slack"].mask
MOST_STEP: Final = WRITE_TABLE["fall"].mask
"""Largest fall of an offset: from any entry to the first."""
MOST_SHIFT: Final = UNCOUNTED - 1


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
    part: float = 0.0
    rise: int = 0


@dataclass(frozen=True)
class CoarseFine:
    """An algorithm that begins with a strong amplitude and takes a finer one at every turn.

    Parameters
    ----------
    steps : tuple of float
        Mean step of each entry, in level spacings, ascending.
    """

    steps: tuple[float, ...]


@dataclass(frozen=True)
class Bursts:
    """An algorithm of nominal pulses, as many as the distance from the window asks for."""


@dataclass(frozen=True)
class ByLevel:
    """An algorithm whose entries are the gate voltages of the levels.

    Parameters
    ----------
    erases : bool
        Whether a SET follows every RESET without a read.
    blind : bool
        Whether a write ends after its SET, without a read.
    """

    erases: bool
    blind: bool = False


# Figures and sources: docs/write-algorithms.md.
ALGORITHMS: Final[dict[str, ByDistance | CoarseFine | Bursts | ByLevel]] = {
    "strong": ByDistance(least=0.3),
    "distance": ByDistance(least=0.2, part=0.5),
    "proportional-integral": ByDistance(least=0.2, part=0.5, rise=2),
    "burst": Bursts(),
    "coarse-fine": CoarseFine(steps=(0.3, 0.6, 1.2)),
    "gate-by-level": ByLevel(erases=False),
    "two-pulse": ByLevel(erases=True),
    "blind": ByLevel(erases=True, blind=True),
}


@dataclass(frozen=True)
class WriteAlgorithm:
    """How cells are written.

    Parameters
    ----------
    registers : WriteRegisters
        Ramps, and the limit of pulses.
    table : PulseTable, optional
        What writes go by instead of the ramps.
    """

    registers: WriteRegisters
    table: PulseTable | None = None


class Crossbar(NamedTuple):
    """What the algorithms know of a crossbar.

    Parameters
    ----------
    preset : Preset
    cells : CellTables
    levels : LevelTable
        Targets of the writes.
    spacing : float
        Codes between two levels of a cell, those that are closest: pulses and slack must suit them too.
    """

    preset: Preset
    cells: CellTables
    levels: LevelTable
    spacing: float

    @property
    def adc_bits(self) -> int:
        """Resolution of a conversion."""
        return int(self.cells.scalars[0].adc_max).bit_length()

    def nominal_step(self, polarity: int) -> float:
        """Return the codes by which a nominal pulse moves an average cell in the middle of its window."""
        codes_per_q24 = int(self.cells.scalars[0].read_gain) / 2.0 ** (READ_GAIN_SHIFT + 24 - self.cells.grid_bits)
        return abs(int(self.cells.tables[O_MEAN + polarity * STEP_BINS + STEP_BINS // 2])) * codes_per_q24


def needs_amplitudes(write: WriteConfig) -> bool:
    """Whether a configuration asks for pulses of other amplitudes than those of the preset."""
    names = (write.algorithm, write.initial)
    return any(isinstance(ALGORITHMS.get(name), ByDistance | CoarseFine) for name in names)


def write_algorithms(
    crossbar: Crossbar, write: WriteConfig, registers: WriteRegisters, entries: int | None
) -> tuple[WriteAlgorithm, WriteAlgorithm | None]:
    """Return how cells are written, and how they are programmed first; None: in the same way.

    Parameters
    ----------
    crossbar : Crossbar
    write : WriteConfig
    registers : WriteRegisters
        Ramps and limit of writes by the preset.
    entries : int, optional
        Entries of the controller's pulse table; None: as many as needed.

    Raises
    ------
    ConfigError
        If the preset does not say what an algorithm must know, a table has too few entries, or a pulse leaves its
        window.
    """
    usual = _algorithm(crossbar, write, registers, entries)
    initial = _initial(crossbar, write, registers, entries)
    size = _size([each.table for each in (usual, initial) if each.table is not None], entries)
    usual, initial = (
        each if each.table is None else WriteAlgorithm(each.registers, each.table.padded(size))
        for each in (usual, initial)
    )
    both = usual.table is None, initial.table is None
    # A first pulse is given where a level is known, which it is not in the first programming.
    same = write.initial == write.algorithm and write.patience is None and usual.registers == initial.registers
    return usual, None if same and both[0] == both[1] else initial


def _algorithm(
    crossbar: Crossbar, write: WriteConfig, registers: WriteRegisters, entries: int | None
) -> WriteAlgorithm:
    """Return how cells are written; a table is as long as it must be."""
    if write.uses_table:
        return WriteAlgorithm(registers, _table(crossbar, write, registers, entries))
    _check_windows(crossbar.cells, write, _ramps(registers))
    return WriteAlgorithm(registers)


def _initial(crossbar: Crossbar, write: WriteConfig, registers: WriteRegisters, entries: int | None) -> WriteAlgorithm:
    """Return how cells are programmed first: from an unknown level, and with the window kept."""
    limit = write.initial_pulse_limit
    if limit is None and write.initial != OWN:
        limit = MAX_PULSES
    if limit is not None:
        registers = registers.with_limit(limit)
    verify = "convert" if write.initial in BY_DISTANCE else write.verify
    step = write.step if write.initial == write.algorithm else None
    own = {"algorithm": write.initial, "step": step, "first": False, "patience": None, "verify": verify}
    if write.initial != OWN:
        own |= dict.fromkeys(("set_ramp_v", "reset_ramp_v", "set_gate_ramp_v", "reset_gate_ramp_v"))
    first = write.model_copy(update=own)
    return _algorithm(crossbar, first, registers, entries)


def _size(tables: list[PulseTable], entries: int | None) -> int:
    """Return the entries that the controller has."""
    needed = max(map(len, tables), default=0)
    if entries is None:
        return next((size for size in PULSE_ENTRIES if size >= needed), MOST_ENTRIES)
    if needed > entries:
        raise ConfigError(
            f"[write] needs a pulse table of {needed} entries, and array.pulse_entries is {entries}; give "
            f"{next(size for size in PULSE_ENTRIES if size >= needed)}, or leave it out"
        )
    return entries


def _table(crossbar: Crossbar, write: WriteConfig, registers: WriteRegisters, entries: int | None) -> PulseTable:
    """Return the table of the algorithm that a configuration names."""
    slack = round(write.slack * crossbar.spacing)
    if slack > MOST_SLACK:
        raise ConfigError(
            f"write.slack is {write.slack:g} levels, {slack} codes; at most {MOST_SLACK} can be, so give "
            "fewer levels, or fewer ADC bits (array.adc_bits)"
        )
    rules = TableRules(limit=registers.limit, discard=registers.discard, compare=int(write.compare))
    if write.patience is not None:
        rules = rules._replace(patience=write.patience, slack=slack)
    algorithm = ALGORITHMS.get(write.algorithm)
    if isinstance(algorithm, ByDistance | CoarseFine):
        if crossbar.preset.amplitude is None:
            raise ConfigError(
                f"write.algorithm is {write.algorithm!r}, which needs pulses of several amplitudes, but the preset "
                f"{crossbar.preset.name} does not say what they do ([amplitude]); use {OWN!r}"
            )
        if write.step is not None:
            algorithm = _with_step(crossbar, algorithm, write.step)
    table = PulseTable(_ramps(registers), rules, write.first, False, np.zeros((len(crossbar.levels),) * 2, np.int64))
    if algorithm is None:
        # A table is filled up with its last entry: pulses that are all alike must not wander through it.
        table = table.with_rules(rise=int(len(table) > 1), fall=MOST_STEP)
    elif isinstance(algorithm, ByLevel):
        table = _by_level(crossbar, table, registers, algorithm)
    elif isinstance(algorithm, CoarseFine):
        table = _coarse_fine(crossbar, table, registers, algorithm)
    elif isinstance(algorithm, Bursts) or algorithm.part:
        table = _by_distance(crossbar, table, registers, algorithm, MOST_ENTRIES if entries is None else entries)
    else:
        table = table.with_entries(_of_steps(crossbar, np.array([algorithm.least * crossbar.spacing]), registers))
    if len(table) > MOST_ENTRIES:
        what = "levels that are written" if table.by_level else "steps of the ramp"
        raise ConfigError(
            f"write.algorithm is {write.algorithm!r}, which needs an entry for each of the {len(table)} {what}; a "
            f"pulse table has {MOST_ENTRIES}"
        )
    table = table.with_code(write.read_back and write.compare)
    _check_windows(crossbar.cells, write, table.entries)
    return table


def _with_step(crossbar: Crossbar, algorithm: ByDistance | CoarseFine, step: float) -> ByDistance | CoarseFine:
    """Return an algorithm whose first entry makes another step on average.

    Raises
    ------
    ConfigError
        If no pulse of the preset goes as far, or none goes so little.
    """
    times = algorithm.steps[-1] / algorithm.steps[0] if isinstance(algorithm, CoarseFine) else 1.0
    factors = [_factors(crossbar, polarity) for polarity in (SET, RESET)]
    nominal = [crossbar.nominal_step(polarity) / crossbar.spacing / Q12 for polarity in (SET, RESET)]
    least = max(one * int(own[own > 0].min()) for one, own in zip(nominal, factors, strict=True))
    most = min(one * int(own.max()) for one, own in zip(nominal, factors, strict=True))
    if not least <= step <= most / times:
        further = f"coarse-fine makes steps up to {times:g} times as far, and " if times > 1 else ""
        raise ConfigError(
            f"write.step is {step:g} level spacings, but {further}pulses of the preset {crossbar.preset.name} go "
            f"{_three_digits(least, ROUND_CEILING)} to {_three_digits(most, ROUND_FLOOR)} on average; give "
            f"{_three_digits(least, ROUND_CEILING)} to {_three_digits(most / times, ROUND_FLOOR)}"
        )
    if isinstance(algorithm, ByDistance):
        return replace(algorithm, least=step)
    return replace(algorithm, steps=tuple(own * step / algorithm.steps[0] for own in algorithm.steps))


def _three_digits(value: float, rounding: str) -> str:
    """Return a bound with three digits, rounded so that it is permitted itself."""
    digits = Context(prec=3, rounding=rounding).create_decimal(value)
    return f"{float(digits):g}"


def _factors(crossbar: Crossbar, polarity: int) -> np.ndarray:
    """Return by what each amplitude code multiplies the step of a nominal pulse, in units of 2^-12."""
    return crossbar.cells.tables[O_AMP_MEAN + polarity * CODES : O_AMP_MEAN + (polarity + 1) * CODES]


def _check_windows(cells: CellTables, write: WriteConfig, entries: PulseEntries) -> None:
    """Refuse pulses whose amplitude leaves its window."""
    for polarity, name in ((SET, "set"), (RESET, "reset")):
        window = getattr(write, f"{name}_window_v")
        if window is None:
            continue
        codes = entries.amplitude[polarity]
        volts = codes * cells.drive_full_scale_v / CODES
        low, high = (round(bound / cells.drive_full_scale_v * CODES) for bound in window)
        outside = np.flatnonzero((codes < low) | (codes > high))
        if len(outside):
            raise ConfigError(
                f"pulse {outside[0]} of the {name.upper()} pulses of write.algorithm {write.algorithm!r} has "
                f"{volts[outside[0]]:.3g} V, outside write.{name}_window_v, {window[0]:g} to {window[1]:g} V; widen "
                "it, or choose an algorithm with other amplitudes"
            )


def _ramps(registers: WriteRegisters) -> PulseEntries:
    """Return the ramps of a preset as entries: the codes of pulse after pulse."""
    lines = {
        "amplitude": (registers.set_amplitude, registers.reset_amplitude),
        "gate": (registers.set_gate, registers.reset_gate),
    }
    pulses = max(_steps(ramp) for ramps in lines.values() for ramp in ramps) + 1
    steps = np.arange(pulses)
    amplitude, gate = (
        np.array([np.minimum(ramp.start + steps * ramp.step, ramp.stop) for ramp in ramps], np.int64)
        for ramps in lines.values()
    )
    return PulseEntries.verified(amplitude, gate)


def _steps(ramp: Ramp) -> int:
    """Return the steps of a ramp up to its stop."""
    return -(-(ramp.stop - ramp.start) // ramp.step) if ramp.step else 0


def _by_distance(
    crossbar: Crossbar,
    table: PulseTable,
    registers: WriteRegisters,
    algorithm: ByDistance | Bursts,
    count: int,
) -> PulseTable:
    """Return a table whose entries are chosen by the distance."""
    if count == 0:
        raise ConfigError(
            "write.algorithm goes by the distance, which needs a pulse table; array.pulse_entries is 0, so give 64, or "
            "leave it out"
        )
    # The entries span half the range of codes: from there on, all pulses are as strong as the last one.
    shift = min(max(crossbar.adc_bits - count.bit_length(), 0), MOST_SHIFT)
    middle = (np.arange(count) + 0.5) * (1 << shift)
    if isinstance(algorithm, Bursts):
        entries, rise = _bursts(crossbar, middle, registers), 0
    else:
        steps = algorithm.least * crossbar.spacing + algorithm.part * middle
        entries, rise = _of_steps(crossbar, steps, registers), algorithm.rise
    levels = crossbar.levels
    half_window = float(np.median(levels.high - levels.low)) / 2
    beyond = np.maximum(_apart(levels) * levels.spacing - half_window, 0).astype(np.int64)
    table = table.with_entries(entries, np.minimum(beyond >> shift, count - 1))
    return table.with_rules(shift=shift, rise=rise, fall=min(count, MOST_STEP))


def _bursts(crossbar: Crossbar, distances: np.ndarray, registers: WriteRegisters) -> PulseEntries:
    """Return entries of nominal pulses, as many as go half the distance: the window has a width, and steps a spread."""
    pulse, cells = crossbar.preset.pulse, crossbar.cells
    volts = (pulse.set_voltage.si, pulse.reset_voltage.si)
    amplitude = np.array([np.full(len(distances), cells.volts_to_code(v)) for v in volts], np.int64)
    entries = PulseEntries.verified(amplitude, _open_gates(registers, len(distances)))
    steps = [crossbar.nominal_step(polarity) for polarity in (SET, RESET)]
    pulses = [np.clip(np.floor(0.5 * distances / step + 0.5), 1, MAX_PULSES).astype(np.int64) for step in steps]
    return entries._replace(pulses=np.array(pulses))


def _coarse_fine(crossbar: Crossbar, table: PulseTable, registers: WriteRegisters, algorithm: CoarseFine) -> PulseTable:
    """Return a table that begins with an entry by the levels to move, and falls by one where the polarity turns."""
    entries = _of_steps(crossbar, np.array(algorithm.steps) * crossbar.spacing, registers)
    last = len(algorithm.steps) - 1
    # How many levels of a cell one target of a write is from the next.
    moves = _apart(crossbar.levels) * crossbar.levels.spacing / crossbar.spacing
    coarse = np.minimum(np.ceil(moves - 1e-9).astype(np.int64), last)
    return table.with_entries(entries, coarse, unknown=last).with_rules(keep=1, fall=1)


def _apart(levels: LevelTable) -> np.ndarray:
    """Return how far each level lies from each, in mean spacings (float64 [levels, levels])."""
    return np.abs(levels.positions[:, None] - levels.positions)


def _of_steps(crossbar: Crossbar, steps: np.ndarray, registers: WriteRegisters) -> PulseEntries:
    """Return entries whose pulses move an average cell by so many codes in the middle of its window."""
    amplitude = np.empty((2, len(steps)), np.int64)
    for polarity in (SET, RESET):
        factors = _factors(crossbar, polarity)
        wanted = np.minimum(np.floor(steps / crossbar.nominal_step(polarity) * Q12 + 0.5), factors.max())
        amplitude[polarity] = np.searchsorted(factors, wanted)
    return PulseEntries.verified(amplitude, _open_gates(registers, len(steps)))


def _open_gates(registers: WriteRegisters, count: int) -> np.ndarray:
    gates = np.array([[registers.set_gate.stop], [registers.reset_gate.stop]], np.int64)
    return np.repeat(gates, count, axis=1)


def _by_level(crossbar: Crossbar, table: PulseTable, registers: WriteRegisters, algorithm: ByLevel) -> PulseTable:
    """Return a table of the gate voltages that allow a SET the conductance of each level."""
    law, cells, levels = crossbar.preset.gate, crossbar.cells, crossbar.levels
    if law is None:
        raise ConfigError(
            f"write.algorithm sets the gate voltage of the level, but the preset {crossbar.preset.name} does not say "
            f"what conductance a gate voltage allows ([gate]); use {OWN!r}, or one that changes the amplitude"
        )
    gates = [
        cells.volts_to_code(conductance / law.slope.si + law.offset.si)
        for conductance in levels.between(cells.g_min_s, cells.g_max_s)
    ]
    amplitudes = np.array([[registers.set_amplitude.stop], [registers.reset_amplitude.stop]], np.int64)
    gate = _open_gates(registers, len(levels))
    gate[SET] = gates
    entries = PulseEntries.verified(np.repeat(amplitudes, len(levels), axis=1), gate)
    entries.turns[RESET] = int(algorithm.erases)
    entries.ends[SET] = int(algorithm.blind)
    return table.by_levels(entries, first=table.first or algorithm.blind)
