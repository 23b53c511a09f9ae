"""One configuration of a crossbar: geometry, converters, timing, levels and cells, resolved to integers."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from twinbar.emulator.activity import CellEnergy
from twinbar.emulator.devices.layout import O_VARIANCE, P_ADC_KA, P_READ_GAIN, P_READ_KU, P_VAR_SHIFT, VAR_BINS
from twinbar.emulator.devices.preset import Preset
from twinbar.emulator.devices.tables import CellTables, build_tables
from twinbar.emulator.exactness import SumPlan, plan_sums
from twinbar.emulator.levels import LevelTable, level_table, separability_warnings
from twinbar.emulator.registers import WriteRegisters
from twinbar.hw.errors import ConfigError
from twinbar.hw.timing import Timing

GRID_HEADROOM = 2
"""Largest read-grid value that tables may give, in Gmax: cells differ in their upper bound."""

GAIN_BITS = 24
KU_BITS = 16
"""Significant bits of an ADC range's gain and variance factor."""


@dataclass(frozen=True)
class Geometry:
    """Tiles and converters: what is fixed when a chip or bitstream is made.

    Parameters
    ----------
    rows, columns : int
        Cells of a tile; columns come in differential pairs.
    adc_channels : int
        ADC channels of a tile; column ``k`` is converted by channel ``k % adc_channels``.
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

    def __post_init__(self) -> None:
        bounds = {
            "rows": (1, 1024),
            "columns": (2, 1024),
            "adc_channels": (1, self.columns),
            "adc_bits": (3, 16),
            "input_bits": (1, 8),
            "grid_bits": (6, 16),
        }
        for name, (least, most) in bounds.items():
            value = getattr(self, name)
            if not least <= value <= most:
                raise ConfigError(f"array.{name} is {value}; it must lie between {least} and {most}")
        if self.columns % 2:
            raise ConfigError(f"array.columns is {self.columns}; it must be even, because weights sit on column pairs")

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

    @classmethod
    def for_gain(cls, codes_per_grid: float, variance_unit: float) -> "AdcRange":
        """Round a gain, and the factor of the noise that passes through it, to the registers' bits."""
        gain, gain_shift = _significant(codes_per_grid, GAIN_BITS)
        ku, ku_shift = _significant(variance_unit * (gain / 2.0**gain_shift * 256) ** 2, KU_BITS)
        return cls(gain, gain_shift, ku, ku_shift)

    @property
    def codes_per_grid(self) -> float:
        """The gain as it is applied."""
        return self.gain / 2.0**self.gain_shift


def _significant(value: float, bits: int) -> tuple[int, int]:
    """Give the integer of ``bits`` bits, and the shift, that stand for a value."""
    if value == 0.0:
        return 0, bits
    _, exponent = math.frexp(value)
    return round(math.ldexp(value, bits - exponent)), bits - exponent


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
    """

    geometry: Geometry
    timing: Timing
    clock_hz: float
    levels: LevelTable
    registers: WriteRegisters
    cells: CellTables
    sums: SumPlan
    warnings: tuple[str, ...] = field(default=())

    def adc_range(self, full_scale: float) -> "AdcRange":
        """Give the registers of an ADC range for column sums.

        Parameters
        ----------
        full_scale : float
            Current of the largest code, in read-grid units; less than one unit per code has no meaning.
        """
        codes = self.geometry.code_range[1]
        return AdcRange.for_gain(codes / max(full_scale, codes), self.cells.variance_unit)

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
        return _read_noise_codes(self.cells, self.levels, int(self.cells.scalars[P_READ_GAIN]))


def _read_noise_codes(cells: CellTables, levels: LevelTable, gain: int) -> np.ndarray:
    grid = levels.centre * (1 << 20) / gain
    bins = np.minimum(grid.astype(np.int64) >> int(cells.scalars[P_VAR_SHIFT]), VAR_BINS - 1)
    variance = cells.tables[O_VARIANCE + bins] * float(cells.scalars[P_READ_KU]) / (1 << 16)
    return np.sqrt((variance + float(cells.scalars[P_ADC_KA])) / 256**2 + 1 / 12)


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
    wire_resistance_ohm: float = 0.0,
    tick_s: float = 1.0,
    variation: bool = True,
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
    wire_resistance_ohm : float
        Resistance of the wire from one cell to the next.
    tick_s : float
        Seconds of one tick (one training step), for drift and relaxation.
    variation : bool
        Whether cells differ from one another and may be faulty.

    Raises
    ------
    ConfigError
        If a value is out of range or the sums would not be exact.
    """
    sums = plan_sums(geometry.rows, geometry.step_input_max, GRID_HEADROOM << geometry.grid_bits)
    cells = build_tables(
        preset,
        seed=seed,
        clock_hz=clock_hz,
        grid_bits=geometry.grid_bits,
        adc_bits=geometry.adc_bits,
        read_range=read_range,
        adc_noise_codes=adc_noise_codes,
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
    kept = timing.samples - registers.discard
    if kept < 1 or kept & (kept - 1):
        raise ConfigError(
            f"{kept} of the {timing.samples} samples of a read would be averaged; the controller averages by shifting, "
            "so keep 1, 2, 4, 8 ..."
        )
    gain = int(cells.scalars[P_READ_GAIN])
    code_of = [
        grid * gain / (1 << 20) for grid in (cells.window[0] / (1 << 24 - geometry.grid_bits), 1 << geometry.grid_bits)
    ]
    adc_max = (1 << geometry.adc_bits) - 1
    coarse = level_table(levels, code_of[0], code_of[1], adc_max, tolerance * (code_of[1] - code_of[0]) / (levels - 1))
    table = coarse
    if window_levels is not None:
        table = level_table(window_levels, code_of[0], code_of[1], adc_max, tolerance * coarse.spacing)
    warnings = separability_warnings(coarse, _read_noise_codes(cells, coarse, gain) / math.sqrt(kept))
    return CrossbarConfig(geometry, timing, clock_hz, table, registers, cells, sums, tuple(warnings))
