"""One configuration of a crossbar: its array as configured; timing, levels and cells resolved to integers."""

import math
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from twinbar.emulator.crossbar.cell_energy import CellEnergy
from twinbar.emulator.crossbar.exactness import SumPlan, plan_sums
from twinbar.emulator.crossbar.fault_map import FaultMap, read_fault_map
from twinbar.emulator.crossbar.level_spacing import spaced_levels
from twinbar.emulator.crossbar.levels import LevelTable, Targets, even_positions, level_table, separability_warnings
from twinbar.emulator.crossbar.pulse_table import PulseTable
from twinbar.emulator.crossbar.range_codes import amplifier_range_code, full_scale_of, range_code
from twinbar.emulator.crossbar.register_settings import check_settings
from twinbar.emulator.crossbar.write_algorithms import Crossbar, WriteAlgorithm, needs_amplitudes, write_algorithms
from twinbar.emulator.crossbar.write_registers import WriteRegisters
from twinbar.emulator.devices.cell_tables import CellTables, build_tables
from twinbar.emulator.devices.disturb import disturb_warnings
from twinbar.emulator.devices.drive_codes import drive_full_scale, volts_to_code
from twinbar.emulator.devices.effects import with_effects
from twinbar.emulator.devices.layout import (
    AGE_BINS,
    CODES,
    DRIVE_SHIFT,
    O_RELAX_SIGMA,
    O_VARIANCE,
    READ_GAIN_SHIFT,
    VAR_BINS,
)
from twinbar.emulator.devices.physics import sum_range
from twinbar.emulator.devices.preset import Preset
from twinbar.emulator.sections.array_section import ArrayConfig
from twinbar.emulator.sections.device_section import DeviceConfig
from twinbar.emulator.sections.timing_section import TimingConfig
from twinbar.emulator.sections.write_section import WriteConfig
from twinbar.hw.errors import ConfigError, ParameterError
from twinbar.hw.parts.assembly import SerialParts
from twinbar.hw.parts.bus import cycles_at_least
from twinbar.hw.protocol.sizes import LANE_BITS, SUM_BITS
from twinbar.hw.timing import Timing

MOST_SUM_BITS = 38
"""Their products with the 24 bits of a gain fit 63."""
GRID_HEADROOM = 2
"""Largest read-grid value that tables may give, in Gmax: cells differ in their upper bound."""


@dataclass(frozen=True)
class AdcRange:
    """Registers that turn column sums into codes (see `twinbar.emulator.devices.physics.convert`).

    Parameters
    ----------
    gain, gain_shift : int
        ``gain / 2**gain_shift`` codes per read-grid unit.
    ku, ku_shift : int
        ``ku / 2**ku_shift`` (2**-8 codes)^2 per unit of variance.
    places : int
        Binary places that sums have behind a read-grid unit times an input code.
    """

    gain: int
    gain_shift: int
    ku: int
    ku_shift: int
    places: int = 0

    @property
    def codes_per_grid(self) -> float:
        """The gain as it is applied, for read-grid units times input codes."""
        return self.gain / 2.0 ** (self.gain_shift - self.places)


@dataclass(frozen=True)
class CrossbarConfig:
    """Everything an engine must know to behave like one particular crossbar and its controller.

    Parameters
    ----------
    array : ArrayConfig
        Tiles and converters, as configured.
    timing : Timing
        Durations in cycles.
    clock_hz : float
        Clock of the controller.
    levels : LevelTable
        Windows of the closed-loop write.
    registers : WriteRegisters
    cells : CellTables
        The physics in integers.
    sums : SumPlan
    variance_per_unit : float
        Variance of one variance unit, in read-grid units squared.
    warnings : tuple of str
        What a user should know before trusting a run.
    parts : SerialParts, optional
        Parts of every tile's front end, which then takes the cycles that they need; None: the front end is direct.
    on_chip : bool
        The core emulates the array itself (`twinbar.emulator.crossbar.chip_array`), instead of having it at its pins.
    pulse_table : PulseTable, optional
        What writes go by instead of the ramps of ``registers``.
    initial : WriteAlgorithm, optional
        How cells are programmed first; None: as they are always written.
    faults : FaultMap, optional
        Which cells are faulty; None: they are drawn by the preset's shares.

    Raises
    ------
    ConfigError
        If a register of the controller cannot hold a duration or bound.
    """

    array: ArrayConfig
    timing: Timing
    clock_hz: float
    levels: LevelTable
    registers: WriteRegisters
    cells: CellTables
    sums: SumPlan
    warnings: tuple[str, ...] = field(default=())
    parts: SerialParts | None = None
    on_chip: bool = False
    pulse_table: PulseTable | None = None
    initial: WriteAlgorithm | None = None
    faults: FaultMap | None = None

    def __post_init__(self) -> None:
        check_settings(self.timing, self.registers)
        if self.faults is not None and self.on_chip:
            raise ConfigError(
                "device.fault_map is given, and the emulated array on a chip draws its faults itself; leave it out, or "
                "take array.front_end = 'direct'"
            )
        if self.compares and self.parts is not None:
            raise ConfigError(
                f"write.verify = 'compare' needs converters that compare, and {self.parts.adc.name} of the serial "
                "front end does not; leave it out, or take array.front_end = 'direct'"
            )

        if self.compares and self.on_chip:
            raise ConfigError(
                "write.verify = 'compare' needs converters that compare, and the emulated array on a chip has none; "
                "leave it out, or take array.front_end = 'direct'"
            )

    def algorithm(self, *, initial: bool = False) -> WriteAlgorithm:
        """Return how cells are written, or with ``initial`` programmed first."""
        if initial and self.initial is not None:
            return self.initial
        return WriteAlgorithm(self.registers, self.pulse_table)

    @property
    def compares(self) -> bool:
        """Whether writes compare instead of converting."""
        tables = (self.algorithm().table, self.algorithm(initial=True).table)
        return any(table is not None and table.rules.compare for table in tables)

    @property
    def gives_codes(self) -> bool:
        """Whether every write that ended with `OK` says with its code where the cell is."""
        tables = (self.algorithm().table, self.algorithm(initial=True).table)
        return all(table is None or table.gives_codes for table in tables)

    def range_code(self, full_scale: float) -> int:
        """Return the code of an ADC range: the nearest one, or that of an amplifier's range that holds it.

        Parameters
        ----------
        full_scale : float
            Current of the largest code, in read-grid units.
        """
        recent, code = self._recent[0]
        if recent != full_scale:
            code = self._find_range_code(full_scale)
            self._recent[0] = full_scale, code
        return code

    @cached_property
    def _recent(self) -> list[tuple[float, int]]:
        """The full scale that was asked for last, and its code: a product asks several times."""
        return [(math.nan, 0)]

    def _find_range_code(self, full_scale: float) -> int:
        scale = None if self.parts is None else self.parts.scale
        if scale is None:
            return range_code(full_scale)
        unit_s = self.cells.g_max_s / (1 << self.array.grid_bits)
        return amplifier_range_code(scale, scale.range_for(full_scale * unit_s), unit_s, self.array.adc_bits)

    @property
    def read_range_code(self) -> int:
        """Range code of single-cell reads; 0 stands for ``array.read_range``."""
        if self.parts is None or self.parts.scale is None:
            return 0
        return range_code(self.array.read_range * (1 << self.array.grid_bits))

    def read_volts_to_code(self, volts: float) -> int:
        """Return the code of the bit line nearest to the voltage of a read.

        Raises
        ------
        ConfigError
            If the drive does not reach it.
        """
        if self.parts is None or self.parts.scale is None:
            return self.cells.volts_to_code(volts)
        return volts_to_code(volts, self.parts.scale.read_full_scale_v, "read")

    @property
    def read_series_ohm(self) -> float:
        """What lies in series with a cell while it is read, as far as it is known."""
        if self.parts is None or self.parts.scale is None:
            return 0.0
        return self.parts.scale.series_ohm[self.parts.scale.number_of(self.read_range_code)]

    def adc_range(self, full_scale: float) -> "AdcRange":
        """Return the registers of an ADC range for column sums.

        Parameters
        ----------
        full_scale : float
            Current of the largest code, in read-grid units; less than one unit per code has no meaning.
        """
        return self.adc_range_of(self.range_code(full_scale))

    def adc_range_of(self, code: int) -> "AdcRange":
        """Return the registers of an ADC range for column sums, by its code (`range_code`)."""
        if code not in self._adc_ranges:
            scalars = self.cells.scalars
            gain, gain_shift, ku, ku_shift = map(int, sum_range(code, self.array.code_range[1], scalars))
            self._adc_ranges[code] = AdcRange(gain, gain_shift, ku, ku_shift, int(scalars[0].drive_shift))
        return self._adc_ranges[code]

    @cached_property
    def _adc_ranges(self) -> dict[int, AdcRange]:
        """What range codes mean, as far as they were used."""
        return {}

    @property
    def largest_output(self) -> int:
        """Largest magnitude of a tile's output: a code less its offset, in all input steps."""
        low, high = self.array.code_range
        if self.array.pairs != "subtract":
            low = int(self.cells.scalars[0].adc_min)
        # An offset is a mean of codes, and can lie where they do; without calibration it is 0.
        code = high - low if self.converters_differ else max(high, -low)
        return code * ((1 << self.array.planes) - 1)

    def check_lanes(self, layer: str = "", row_tiles: int = 1) -> None:
        """Refuse outputs that could saturate the lane of a response beat, or what can be scaled in a chain.

        Parameters
        ----------
        layer : str
            Whose outputs they are.
        row_tiles : int
            Tiles whose sums are added on the chip.

        Raises
        ------
        ConfigError
        """
        largest, most = row_tiles * self.largest_output, (1 << (LANE_BITS[self.array.outputs_per_beat] - 1)) - 1
        if largest > most:
            whose = f"sums of layer {layer}" if layer else "sums of a tile"
            made_of = f", {row_tiles} row tiles of {self.largest_output} each" if row_tiles > 1 else ""
            raise ConfigError(
                f"{whose} can reach {largest}{made_of}; with array.outputs_per_beat = {self.array.outputs_per_beat} a "
                f"sum has {LANE_BITS[self.array.outputs_per_beat]} bits, which hold {most}: take fewer outputs per beat"
            )
        scaled = (1 << SUM_BITS - 1) - 1
        if self.array.chain and largest > scaled:
            raise ConfigError(
                f"sums of {f'layer {layer}' if layer else 'a tile'} can reach {largest}; with array.chain a sum has "
                f"{SUM_BITS} bits where it is scaled, which hold {scaled}: take fewer ADC or input bits, or row tiles"
            )

    @property
    def converters_differ(self) -> bool:
        """Whether ADC channels have offsets or gain errors, so that they are calibrated when an engine is made.

        Read amplifiers whose scale is known have an offset on purpose, the pedestal.
        """
        scalars = self.cells.scalars[0]
        has_pedestal = self.parts is not None and self.parts.scale is not None
        return bool(has_pedestal or scalars.adc_offset or scalars.adc_gain_error)

    @property
    def gain_target(self) -> int:
        """Code that the reference source gives on a channel without gain error."""
        scalars = self.cells.scalars
        exact = int(scalars[0].reference) * int(scalars[0].read_gain)
        return (exact + (1 << READ_GAIN_SHIFT - 1)) >> READ_GAIN_SHIFT

    @property
    def cell_energy_unit_j(self) -> dict[CellEnergy, float]:
        """Joules per unit of the engines' cell-energy integers."""
        read = self.cells.read_energy_unit_j / self.clock_hz
        return {
            CellEnergy.SET: self.cells.pulse_energy_unit_j[0],
            CellEnergy.RESET: self.cells.pulse_energy_unit_j[1],
            CellEnergy.VERIFY: read,
            # Rows are driven to a part of the read voltage that is proportional to the input code.
            CellEnergy.FORWARD: read / self.array.step_input_max**2,
        }

    @property
    def read_noise_codes(self) -> np.ndarray:
        """Standard deviation of a single read at each level, in codes, rounding included (float64 [levels])."""
        return _read_noise_codes(self.cells, self.levels.centre)


def _read_noise_codes(cells: CellTables, codes: np.ndarray) -> np.ndarray:
    grid = codes * (1 << READ_GAIN_SHIFT) / int(cells.scalars[0].read_gain)
    bins = np.minimum(grid.astype(np.int64) >> int(cells.scalars[0].var_shift), VAR_BINS - 1)
    variance = cells.tables[O_VARIANCE + bins] * float(cells.scalars[0].read_ku) / (1 << 16)
    return np.sqrt((variance + float(cells.scalars[0].adc_ka)) / 256**2 + 1 / 12)


def _scatter_codes(cells: CellTables, codes: np.ndarray, samples: int) -> np.ndarray:
    """Return the standard deviation of what is read of cells, a tick after they were written to some codes (in codes).

    It holds the noise of so many samples, that of the write, and the spread of the relaxation.
    """
    scalars = cells.scalars[0]
    codes_per_g = int(scalars.read_gain) / 2.0 ** (READ_GAIN_SHIFT + 24 - cells.grid_bits)
    low, high = cells.window
    ages = np.linspace(low, high, 2 * AGE_BINS + 1)[1::2]
    relaxed = np.interp(codes / codes_per_g, ages, cells.tables[O_RELAX_SIGMA : O_RELAX_SIGMA + AGE_BINS])
    of_cell = np.hypot(relaxed, float(scalars.write_noise)) * codes_per_g
    return np.hypot(_read_noise_codes(cells, codes) / math.sqrt(samples), of_cell)


def build_config(
    preset: Preset,
    device: DeviceConfig = DeviceConfig(),
    array: ArrayConfig = ArrayConfig(),
    timing: TimingConfig = TimingConfig(),
    write: WriteConfig = WriteConfig(),
    *,
    seed: int = 0,
    targets: Targets = Targets(),
    parts: SerialParts | None = None,
) -> CrossbarConfig:
    """Resolve a preset and the choices of an experimenter to the integers that every engine uses.

    Parameters
    ----------
    preset : Preset
        The cells; ``device.preset`` names it.
    device, array, timing, write
        Sections of the configuration.
    seed : int
        Seed of the cells and of the read noise.
    targets : Targets
        Targets of the update policy's writes, where they are other than the levels.
    parts : SerialParts, optional
        Parts of a serial front end.

    Raises
    ------
    ConfigError
        If the sums would not be exact, the parts cannot serve the array, or values do not go together.
    """
    preset = with_effects(preset, device.effects, device.without)
    if parts is not None:
        _check_disturbances(preset, array)
        _check_parts(parts, array, timing.clock_hz)
        array = _with_read_range(parts, array, preset)
    bends = preset.nonlinearity is not None and array.inputs == "dac"
    if bends and not array.sample_and_hold:
        raise ConfigError(
            f"preset {preset.name} is not linear ([nonlinearity]), which needs array.sample_and_hold with "
            "array.inputs = 'dac'; switch it on, or take bit planes"
        )
    step_input_max = array.step_input_max << (DRIVE_SHIFT if bends else 0)
    sums = plan_sums(array.rows, step_input_max, GRID_HEADROOM << array.grid_bits)
    if bends and sums.largest_sum >= 1 << MOST_SUM_BITS:
        raise ConfigError(
            f"sums of cells that are not linear can reach {sums.largest_sum}, and 2**{MOST_SUM_BITS} is what a "
            "conversion holds; take fewer rows, input bits (array.input_bits) or grid bits (array.grid_bits)"
        )
    cells = build_tables(
        preset,
        array,
        seed=seed,
        clock_hz=timing.clock_hz,
        variance_max=sums.variance_max,
        variation=device.variation,
        temperature_k=device.temperature_k,
        read_s=_read_s(array, timing),
        drive_full_scale_v=_drive_full_scale(parts, preset, write),
    )
    cycles = _cycles(timing, cells)
    registers = WriteRegisters.of(cells, write, discard=timing.discard)
    gain = int(cells.scalars[0].read_gain)
    code_of = [
        grid * gain / (1 << 20) for grid in (cells.window[0] / (1 << 24 - array.grid_bits), 1 << array.grid_bits)
    ]
    adc_max = (1 << array.adc_bits) - 1
    tolerance = write.tolerance * targets.tolerance
    half_width = tolerance * (code_of[1] - code_of[0]) / (device.levels - 1)
    kept = timing.samples - timing.discard
    positions = spaced_levels(device, (code_of[0], code_of[1]), lambda codes: _scatter_codes(cells, codes, kept))
    coarse = level_table(positions, code_of[0], code_of[1], adc_max, half_width)
    table = coarse
    if targets.levels is not None:
        if not coarse.even:
            raise ConfigError(
                f"device.level_spacing is not uniform, and this policy writes to {targets.levels} evenly spaced "
                "targets instead of levels; leave it out, or take another policy, such as siamese"
            )
        fine = even_positions(targets.levels)
        table = level_table(fine, code_of[0], code_of[1], adc_max, tolerance * coarse.spacing)
    warnings = separability_warnings(coarse, _read_noise_codes(cells, coarse.centre) / math.sqrt(kept))
    warnings += disturb_warnings(
        preset,
        array,
        (
            cells.code_to_volts(registers.set_amplitude.stop),
            cells.code_to_volts(registers.reset_amplitude.stop),
        ),
    )
    if parts is not None:
        warnings += _settling_warnings(parts, cycles, array)
    written = Crossbar(preset, cells, table, coarse.closest)
    usual, initial = write_algorithms(written, write, registers, array.pulse_entries)
    config = CrossbarConfig(
        _with_options(array, usual, initial),
        cycles,
        timing.clock_hz,
        table,
        registers,
        cells,
        sums,
        tuple(warnings),
        pulse_table=usual.table,
        initial=initial,
        faults=None if device.fault_map is None else read_fault_map(device.fault_map, array.rows, array.columns),
    )
    config.check_lanes()
    return config if parts is None else with_parts(config, parts)


def _read_s(array: ArrayConfig, timing: TimingConfig) -> tuple[float, float]:
    """Return for how long a conversion of a single cell drives it, and an input step a row of a full tile."""
    conversions = 1 if array.sample_and_hold else -(-array.outputs // array.adc_channels)
    alone = timing.settle_read / timing.samples + timing.convert
    return alone / timing.clock_hz, (timing.settle_multiply + conversions * timing.convert) / timing.clock_hz


def _check_disturbances(preset: Preset, array: ArrayConfig) -> None:
    """Refuse effects that are known only where a direct front end drives the array.

    Raises
    ------
    ConfigError
    """
    if array.bias_scheme != "transistor":
        raise ConfigError(
            f"array.bias_scheme is {array.bias_scheme!r}: all rows and columns are driven in a write, and the switches "
            "of serial parts leave those that are not selected open; take array.front_end = 'direct'"
        )
    if preset.read_disturb is not None:
        raise ConfigError(
            "[read_disturb] needs a direct front end: for how long serial parts read a cell is not counted; take "
            "array.front_end = 'direct', or leave read_disturb out (device.without)"
        )


def _drive_full_scale(parts: SerialParts | None, preset: Preset, write: WriteConfig) -> float | None:
    """Return the full scale of the write drive; None: that of the preset's own pulses."""
    if parts is not None and parts.scale is not None:
        return parts.scale.write_full_scale_v
    return drive_full_scale(preset, all_amplitudes=True) if needs_amplitudes(write) else None


def _with_read_range(parts: SerialParts, array: ArrayConfig, preset: Preset) -> ArrayConfig:
    """Return an array that is read in one of the amplifier's ranges, where these are known: the one that holds
    ``array.read_range``, or the last.

    Raises
    ------
    ConfigError
        If none holds Gmax, or the part of it that is to be read.
    """
    scale, g_max_s = parts.scale, preset.window.g_max.si
    if scale is None:
        return array
    wanted_s = array.read_range * g_max_s
    number = scale.range_for(wanted_s)
    most_s = scale.most_s(number)
    if most_s < min(wanted_s, g_max_s):
        raise ConfigError(
            f"preset {preset.name} has cells of up to {g_max_s:.4g} S, and the read amplifier of array.front_end "
            f"measures up to {most_s:.4g} S; read with less voltage, or take another front end"
        )
    unit_s = g_max_s / (1 << array.grid_bits)
    full_scale = full_scale_of(amplifier_range_code(scale, number, unit_s, array.adc_bits))
    return array.model_copy(update={"read_range": full_scale / (1 << array.grid_bits)})


def _with_options(array: ArrayConfig, *algorithms: WriteAlgorithm | None) -> ArrayConfig:
    """Return an array whose controller has what algorithms need.

    Raises
    ------
    ConfigError
        If it was said to have less.
    """
    tables = [each.table for each in algorithms if each is not None and each.table is not None]
    compares = any(table.rules.compare for table in tables)
    if compares and array.compare is False:
        raise ConfigError(
            "write.verify is 'compare', and array.compare is false: the front end has no comparisons; leave one of "
            "them out"
        )
    entries = max(map(len, tables), default=array.pulse_entries or 0)
    compare = compares or bool(array.compare)
    if compare and not entries:
        raise ConfigError("array.compare is true without a pulse table; set array.pulse_entries to 16, 32 or 64")
    return array.model_copy(update={"pulse_entries": entries, "compare": compare})


def _cycles(timing: TimingConfig, cells: CellTables) -> Timing:
    """Put the pulse widths of the cells beside the durations of the section."""
    return Timing(
        select=timing.select,
        settle_read=timing.settle_read,
        settle_drive=timing.settle_drive,
        settle_multiply=timing.settle_multiply,
        convert=timing.convert,
        samples=timing.samples,
        width_set=cells.width_cycles[0],
        width_reset=cells.width_cycles[1],
        recover=timing.recover,
        compare=timing.compare,
    )


def with_parts(config: CrossbarConfig, parts: SerialParts) -> CrossbarConfig:
    """Put serial parts between a controller and its array: codes below zero are then those that the ADC has.

    A direct front end's converters are made for their array, and reach below zero as far as offsets need it.
    """
    scalars = config.cells.scalars.copy()
    scalars[0].adc_min = parts.adc.least_code(config.array.adc_bits)
    return replace(config, parts=parts, cells=replace(config.cells, scalars=scalars))


def _settling_warnings(parts: SerialParts, timing: Timing, array: ArrayConfig) -> list[str]:
    """Say which registers leave parts less time than they need to settle."""
    amplified = " with its amplifier" if parts.drive_settle_ns else ""
    needs = {
        "settle_drive": (timing.settle_drive, f"{parts.dac.name}{amplified}", parts.write_settle_ns),
        "select": (
            timing.select,
            f"{parts.switch.name} before {parts.adc.name}" if array.columns > array.adc_channels else parts.switch.name,
            parts.select_settle_ns(array.columns, array.adc_channels),
        ),
        "settle_read": (timing.settle_read, f"the input of {parts.adc.name}", parts.read_settle_ns),
        "settle_multiply": (timing.settle_multiply, f"the input of {parts.adc.name}", parts.read_settle_ns),
    }
    found = []
    for name, (cycles, part, settle_ns) in needs.items():
        least = cycles_at_least(settle_ns, parts.clock_hz)
        if cycles < least:
            found.append(f"timing.{name} is {cycles} cycles, but {part} takes {settle_ns:g} ns to settle: give {least}")
    return found


def _check_parts(parts: SerialParts, array: ArrayConfig, clock_hz: float) -> None:
    """Refuse an array, or a use of it, that serial parts cannot serve."""
    try:
        parts.check(array.adc_channels, CODES.bit_length() - 1)
    except ParameterError as error:
        raise array.named(error) from None
    parts.check_array(array.adc_bits, clock_hz)
    if array.inputs == "dac":
        raise ConfigError(
            "serial parts drive rows by bit planes only (switches, not a DAC per row); use array.inputs = 'planes'"
        )
    if array.pairs == "subtract" and not parts.pairs:
        raise ConfigError(
            "these parts have no switches that subtract the columns of a pair; use array.pairs = 'separate'"
        )
