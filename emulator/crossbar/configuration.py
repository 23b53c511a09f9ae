"""One configuration of a crossbar: geometry, converters, timing, levels and cells, resolved to integers."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from twinbar.emulator.crossbar.cell_energy import CellEnergy
from twinbar.emulator.crossbar.exactness import SumPlan, plan_sums
from twinbar.emulator.crossbar.levels import LevelTable, level_table, separability_warnings
from twinbar.emulator.crossbar.register_settings import check_settings
from twinbar.emulator.crossbar.write_registers import WriteRegisters
from twinbar.emulator.devices.cell_tables import CellTables, build_tables
from twinbar.emulator.devices.layout import (
    CODES,
    O_VARIANCE,
    RANGE_BITS,
    RANGE_EXPONENT_MAX,
    RANGE_POINT,
    READ_GAIN_SHIFT,
    VAR_BINS,
)
from twinbar.emulator.devices.physics import adc_range
from twinbar.emulator.devices.preset import Preset
from twinbar.hw.errors import ConfigError
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.parts.assembly import SerialParts
from twinbar.hw.parts.bus import cycles_at_least
from twinbar.hw.timing import Timing

GRID_BITS = (6, 16)
ADC_BITS = (3, 15)
"""Least and most: the gain of a range has 24 significant bits, and its products with the largest sums fit 64."""
GRID_HEADROOM = 2
"""Largest read-grid value that tables may give, in Gmax: cells differ in their upper bound."""


@dataclass(frozen=True)
class Geometry:
    """Tiles and converters: what is fixed when a chip or bitstream is made, and how it is used.

    What a controller cannot be is refused (`twinbar.hw.gateware.controller_config.ControllerConfig`).

    Parameters
    ----------
    rows, columns : int
        Cells of a tile; columns come in differential pairs.
    adc_channels : int
        ADC channels of a tile, a power of two that divides the column pairs; output ``k`` is converted by channel
        ``k % adc_channels``.
    adc_bits : int
        Resolution of a conversion.
    input_bits : int
        Resolution of an input.
    dac_inputs : bool
        Whether rows are driven by integer DAC codes (one step per vector) instead of one bit plane after another.
    subtract_pairs : bool
        Whether the currents of a pair are subtracted before one signed conversion, instead of two conversions.
    skip_empty : bool
        Whether bit planes without a one are left out (and, in either mode, vectors of zeros).
    sample_and_hold : bool
        Whether every column has a sample-and-hold, so that rows are driven only while they settle, and not until the
        last column is converted.
    grid_bits : int
        Fixed-point bits of a cell's current: ``2**grid_bits`` is Gmax.
    command_depth : int
        Command beats that wait before each tile. A full queue holds up the beats of other tiles, so that with short
        queues tiles wait for each other; 256 beats take no more block RAMs than 16.
    """

    rows: int = 128
    columns: int = 128
    adc_channels: int = 1
    adc_bits: int = 8
    input_bits: int = 4
    dac_inputs: bool = True
    subtract_pairs: bool = True
    skip_empty: bool = True
    sample_and_hold: bool = True
    grid_bits: int = 10
    command_depth: int = 256

    def __post_init__(self) -> None:
        for name, (least, most) in {"adc_bits": ADC_BITS, "grid_bits": GRID_BITS}.items():
            value = getattr(self, name)
            if not least <= value <= most:
                raise ConfigError(f"array.{name} is {value}; it must be a whole number from {least} to {most}")
        try:
            self.controller(1)
        except ConfigError as error:
            raise ConfigError(str(error).replace("controller.", "array.")) from None

    def controller(self, tiles: int) -> ControllerConfig:
        """Give the controller of a number of tiles.

        Raises
        ------
        ConfigError
            If there is no such controller.
        """
        return ControllerConfig(
            tiles=tiles,
            rows=self.rows,
            columns=self.columns,
            adc_channels=self.adc_channels,
            adc_bits=self.adc_bits,
            dac_bits=CODES.bit_length() - 1,
            input_bits=self.input_bits,
            command_depth=self.command_depth,
        )

    @property
    def cells(self) -> int:
        """Cells of a tile."""
        return self.rows * self.columns

    @property
    def input_max(self) -> int:
        """Largest input code."""
        return (1 << self.input_bits) - 1

    @property
    def step_input_max(self) -> int:
        """Largest input of one step."""
        return self.input_max if self.dac_inputs else 1

    @property
    def planes(self) -> int:
        """Input steps of a vector, none skipped."""
        return 1 if self.dac_inputs else self.input_bits

    @property
    def outputs(self) -> int:
        """Values that a full tile gives for one vector."""
        return self.columns // 2 if self.subtract_pairs else self.columns

    @property
    def code_range(self) -> tuple[int, int]:
        """Least and largest code of a column conversion (a subtracted pair is signed)."""
        if self.subtract_pairs:
            return -(1 << (self.adc_bits - 1)), (1 << (self.adc_bits - 1)) - 1
        return 0, (1 << self.adc_bits) - 1


@dataclass(frozen=True)
class AdcRange:
    """Registers that turn column sums into codes (see `twinbar.emulator.devices.physics.convert`).

    Parameters
    ----------
    gain, gain_shift : int
        ``gain / 2**gain_shift`` codes per read-grid unit.
    ku, ku_shift : int
        ``ku / 2**ku_shift`` (2**-8 codes)^2 per unit of variance.
    """

    gain: int
    gain_shift: int
    ku: int
    ku_shift: int

    @property
    def codes_per_grid(self) -> float:
        """The gain as it is applied."""
        return self.gain / 2.0**self.gain_shift


def range_code(full_scale: float) -> int:
    """Give the range code (`twinbar.emulator.devices.physics.range_full_scale`) nearest to a full scale.

    Parameters
    ----------
    full_scale : float
        Current of the largest code, in read-grid units.
    """
    _, exponent = math.frexp(max(full_scale, 1.0))
    field = min(max(exponent - 1 - RANGE_BITS + RANGE_POINT, 0), RANGE_EXPONENT_MAX)
    mantissa = round(full_scale * 2.0 ** (RANGE_POINT - field)) - (1 << RANGE_BITS)
    if mantissa >= 1 << RANGE_BITS and field < RANGE_EXPONENT_MAX:
        field, mantissa = field + 1, 0
    return field << RANGE_BITS | min(max(mantissa, 0), (1 << RANGE_BITS) - 1)


@dataclass(frozen=True)
class CrossbarConfig:
    """Everything an engine must know to behave like one particular crossbar and its controller.

    Parameters
    ----------
    geometry : Geometry
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
    """

    geometry: Geometry
    timing: Timing
    clock_hz: float
    levels: LevelTable
    registers: WriteRegisters
    cells: CellTables
    sums: SumPlan
    warnings: tuple[str, ...] = field(default=())
    parts: SerialParts | None = None
    on_chip: bool = False

    def adc_range(self, full_scale: float) -> "AdcRange":
        """Give the registers of an ADC range for column sums.

        Parameters
        ----------
        full_scale : float
            Current of the largest code, in read-grid units; less than one unit per code has no meaning.
        """
        top = self.geometry.code_range[1]
        return AdcRange(*map(int, adc_range(range_code(full_scale), top, self.cells.scalars)))

    @property
    def converters_differ(self) -> bool:
        """Whether ADC channels have offsets or gain errors, so that they are calibrated when an engine is made."""
        return bool(self.cells.scalars[0].adc_offset or self.cells.scalars[0].adc_gain_error)

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
            CellEnergy.FORWARD: read / self.geometry.step_input_max**2,
        }

    @property
    def read_noise_codes(self) -> np.ndarray:
        """Standard deviation of a single read at each level, in codes, rounding included (float64 [levels])."""
        return _read_noise_codes(self.cells, self.levels, int(self.cells.scalars[0].read_gain))


def _read_noise_codes(cells: CellTables, levels: LevelTable, gain: int) -> np.ndarray:
    grid = levels.centre * (1 << 20) / gain
    bins = np.minimum(grid.astype(np.int64) >> int(cells.scalars[0].var_shift), VAR_BINS - 1)
    variance = cells.tables[O_VARIANCE + bins] * float(cells.scalars[0].read_ku) / (1 << 16)
    return np.sqrt((variance + float(cells.scalars[0].adc_ka)) / 256**2 + 1 / 12)


def build_config(
    preset: Preset,
    geometry: Geometry,
    *,
    levels: int,
    tolerance: float,
    window_levels: int | None = None,
    seed: int,
    clock_hz: float,
    cycles: dict[str, int],
    make_registers: Callable[[CellTables], WriteRegisters] | None = None,
    read_range: float = 1.15,
    adc_noise_codes: float = 0.3,
    adc_offset_codes: float = 0.0,
    adc_gain_error: float = 0.0,
    wire_resistance_ohm: float = 0.0,
    tick_s: float = 1.0,
    variation: bool = True,
    parts: SerialParts | None = None,
) -> CrossbarConfig:
    """Resolve a preset and the choices of an experimenter to the integers that every engine uses.

    Parameters
    ----------
    preset : Preset
    geometry : Geometry
    levels : int
        Levels per cell between which a weight is quantized.
    tolerance : float
        Half the width of a level's window, in spacings of ``levels``.
    window_levels : int, optional
        Entries of the level table, if it is finer than ``levels`` (the analog policy writes to 256 targets).
    seed : int
        Seed of the cells and of the read noise.
    clock_hz : float
    cycles : dict of str to int
        `Timing` fields other than the pulse widths, which the preset gives.
    make_registers : callable, optional
        Makes the registers of the closed-loop write from the tables, instead of the preset's write algorithm.
    read_range : float
        Full scale of a single-cell read, in Gmax.
    adc_noise_codes : float
        Noise of the converter itself, in codes rms.
    adc_offset_codes : float
        Standard deviation of the offset of a column's conversions, in codes; calibration measures it.
    adc_gain_error : float
        Standard deviation of the relative gain error of an ADC channel; calibration trims it.
    wire_resistance_ohm : float
        Resistance of the wire from one cell to the next.
    tick_s : float
        Seconds of one tick (one training step), for drift and relaxation.
    variation : bool
        Whether cells differ from one another and may be faulty.
    parts : SerialParts, optional
        Parts of a serial front end.

    Raises
    ------
    ConfigError
        If a value is out of range or the sums would not be exact, or the parts cannot serve the array.
    """
    if parts is not None:
        _check_parts(parts, geometry, clock_hz)
    sums = plan_sums(geometry.rows, geometry.step_input_max, GRID_HEADROOM << geometry.grid_bits)
    cells = build_tables(
        preset,
        seed=seed,
        clock_hz=clock_hz,
        grid_bits=geometry.grid_bits,
        adc_bits=geometry.adc_bits,
        read_range=read_range,
        adc_noise_codes=adc_noise_codes,
        adc_offset_codes=adc_offset_codes,
        adc_gain_error=adc_gain_error,
        variance_max=sums.variance_max,
        wire_resistance_ohm=wire_resistance_ohm,
        tick_s=tick_s,
        variation=variation,
    )
    timing = Timing(**cycles, width_set=cells.width_cycles[0], width_reset=cells.width_cycles[1])
    if make_registers is None:
        registers = WriteRegisters.from_drive(cells.drive, limit=cells.drive.pulse_limit, discard=0)
    else:
        registers = make_registers(cells)
    check_settings(timing, registers)
    kept = timing.samples - registers.discard
    gain = int(cells.scalars[0].read_gain)
    code_of = [
        grid * gain / (1 << 20) for grid in (cells.window[0] / (1 << 24 - geometry.grid_bits), 1 << geometry.grid_bits)
    ]
    adc_max = (1 << geometry.adc_bits) - 1
    coarse = level_table(levels, code_of[0], code_of[1], adc_max, tolerance * (code_of[1] - code_of[0]) / (levels - 1))
    table = coarse
    if window_levels is not None:
        table = level_table(window_levels, code_of[0], code_of[1], adc_max, tolerance * coarse.spacing)
    warnings = separability_warnings(coarse, _read_noise_codes(cells, coarse, gain) / math.sqrt(kept))
    if parts is not None:
        warnings += _settling_warnings(parts, timing)
    config = CrossbarConfig(geometry, timing, clock_hz, table, registers, cells, sums, tuple(warnings))
    return config if parts is None else with_parts(config, parts)


def with_parts(config: CrossbarConfig, parts: SerialParts) -> CrossbarConfig:
    """Put serial parts between a controller and its array: codes below zero are then those that the ADC has.

    A direct front end's converters are made for their array, and reach below zero as far as offsets need it.
    """
    scalars = config.cells.scalars.copy()
    scalars[0].adc_min = parts.adc.least_code(config.geometry.adc_bits)
    return replace(config, parts=parts, cells=replace(config.cells, scalars=scalars))


def _settling_warnings(parts: SerialParts, timing: Timing) -> list[str]:
    """Say which registers leave parts less time than they need to settle."""
    needs = {
        "settle_drive": (timing.settle_drive, parts.dac.name, parts.dac.settle_ns),
        "select": (timing.select, parts.switch.name, parts.switch.settle_ns),
    }
    found = []
    for name, (cycles, part, settle_ns) in needs.items():
        least = cycles_at_least(settle_ns, parts.clock_hz)
        if cycles < least:
            found.append(f"timing.{name} is {cycles} cycles, but {part} takes {settle_ns:g} ns to settle: give {least}")
    return found


def _check_parts(parts: SerialParts, geometry: Geometry, clock_hz: float) -> None:
    """Refuse an array, or a use of it, that serial parts cannot serve."""
    parts.check(geometry.adc_channels, CODES.bit_length() - 1)
    parts.check_array(geometry.adc_bits, clock_hz)
    if geometry.dac_inputs:
        raise ConfigError(
            "serial parts drive rows by bit planes only (switches, not a DAC per row); use array.inputs = 'planes'"
        )
    if geometry.subtract_pairs and not parts.pairs:
        raise ConfigError(
            "these parts have no switches that subtract the columns of a pair; use array.pairs = 'separate'"
        )
