"""Turn a preset into the two integer tables that every engine reads (layout: `twinbar.emulator.devices.layout`).

Formulas are evaluated once, in float64, and rounded once, half up; after that the physics is integer arithmetic.
"""

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from twinbar.emulator.devices import layout as at
from twinbar.emulator.devices.ageing import bin_ticks, drift_exponent, drift_octaves, relaxation, time_factor
from twinbar.emulator.devices.deviates import deviates, normal_quantiles, trap_slots, weibull_lives
from twinbar.emulator.devices.drive_codes import DriveRegisters, drive_full_scale, drive_registers, volts_to_code
from twinbar.emulator.devices.physics import mix
from twinbar.emulator.devices.preset import Preset
from twinbar.emulator.devices.wire_shares import shares_of_alike_cells
from twinbar.emulator.sections.array_section import ArrayConfig
from twinbar.hw.errors import ConfigError
from twinbar.hw.timing import MAX_WIDTH

Array = NDArray[np.float64]

NO_LIMIT: Final = (1 << 31) - 1
"""A gate cap that no conductance reaches."""
_WIDTH_TOLERANCE: Final = 0.05
_SMALLEST_GAIN: Final = 0.01
_NARROWEST: Final = 1 / 8
"""A cell's own window is at least this part of the nominal one."""
_LARGEST_PRODUCT: Final = 1 << 62
PARTS_OF_A_PULSE: Final = {"transistor": 0, "half": 2, "third": 3}
"""By the bias scheme: the part of a pulse's voltage that other cells see is 1 by this number."""
_MOST_SCALES: Final = 200
"""Largest voltage whose hyperbolic sine is asked for, in units of its scale."""
_REFERENCE: Final = 0.75
"""Reference source by which gains are calibrated, as a part of the full scale of a single-cell read."""


@dataclass(frozen=True)
class CellTables:
    """The tables of a cell model, and what turns their integers back into SI units.

    Parameters
    ----------
    scalars : (1,) array of `SCALARS`
    tables : int32 array
        `TABLE_SIZE` entries, and where wires attenuate one more for each cell.
    g_max_s, g_min_s : float
        Nominal window in siemens.
    window : (int, int)
        Nominal (Gmin, Gmax), Q24.
    grid_bits : int
        ``2**grid_bits`` read-grid units are Gmax.
    grid_limit : int
        Largest read-grid value of a cell.
    width_cycles : (int, int)
        Nominal pulse widths (SET, RESET).
    max_width_cycles : (int, int)
        Longest pulses for which no product of the physics leaves 64 bits.
    variance_unit : float
        Read-grid units squared per unit of the variance table; 0 without read noise.
    pulse_energy_unit_j : (float, float)
        Joules per unit of ``((g_before + g_after) >> 13) * tables[O_ENERGY + polarity * CODES + code]``, for a pulse of
        nominal width: ``V^2 (G_before + G_after) / 2 t``, as NeuroSim accounts it (Cell.cpp, WriteEnergyCalculation).
    read_energy_unit_j : float
        Joules per read-grid unit and second of a read: ``V_read^2 Gmax / 2**grid_bits``.
    drive_full_scale_v : float
        Voltage of code `CODES`, for amplitudes and gates alike.
    drive : DriveRegisters
    nominal_v : (float, float)
        Voltages (SET, RESET) at which the response holds.
    read_v : float
        Full scale of the rows.
    """

    scalars: Any
    tables: NDArray[np.int32]
    g_max_s: float
    g_min_s: float
    window: tuple[int, int]
    grid_bits: int
    grid_limit: int
    width_cycles: tuple[int, int]
    max_width_cycles: tuple[int, int]
    variance_unit: float
    pulse_energy_unit_j: tuple[float, float]
    read_energy_unit_j: float
    drive_full_scale_v: float
    drive: DriveRegisters
    nominal_v: tuple[float, float]
    read_v: float

    def volts_to_code(self, volts: float) -> int:
        """Return the drive code nearest to a voltage; ConfigError where the drive does not reach it."""
        return volts_to_code(volts, self.drive_full_scale_v)

    def code_to_volts(self, code: int) -> float:
        """Return the voltage of a drive code."""
        return code * self.drive_full_scale_v / at.CODES


def build_tables(
    preset: Preset,
    array: ArrayConfig,
    *,
    seed: int,
    clock_hz: float,
    variance_max: int,
    drive_full_scale_v: float | None = None,
    variation: bool = True,
    cycle_noise: bool = True,
    read_noise: bool = True,
    temperature_k: float | None = None,
    read_s: tuple[float, float] = (0.0, 0.0),
) -> CellTables:
    """Build the integer tables of a cell model.

    Parameters
    ----------
    preset : Preset
    array : ArrayConfig
        Read grid, converters, wires and the seconds of a tick. What wires leave of a current is that of an array whose
        cells are all alike (``array.wire_reference``); it does not follow the state.
    seed : int
        Of all draws.
    clock_hz : float
        Clock of the controller: pulse widths become cycles.
    variance_max : int
        Largest entry allowed in the read-noise table (1 to 2**24): it bounds the exact sums of a column.
    drive_full_scale_v : float, optional
        Full scale of the drive; by default the smallest usual one above the preset's voltages.
    variation, cycle_noise, read_noise : bool
        Switch off what differs from cell to cell (faults and the spread after forming included), from pulse to pulse
        (write noise, and the spread of relaxation and drift, included), and from read to read.
    temperature_k : float, optional
        Of the cells; that at which the preset's relaxation and drift hold, unless it is given.
    read_s : (float, float)
        For how long a conversion of a single cell drives it, and an input step a row; reads disturb for so long.

    Raises
    ------
    ConfigError
        If a value cannot be represented, or a product of the physics would leave 64 bits.
    """
    if not 1 <= variance_max <= 1 << 24:
        raise ConfigError(f"variance_max is {variance_max}; it must be a whole number from 1 to {1 << 24}")
    full_scale_v = drive_full_scale_v if drive_full_scale_v is not None else drive_full_scale(preset)
    for name, value in (("clock_hz", clock_hz), ("drive_full_scale_v", full_scale_v)):
        if not (math.isfinite(value) and value > 0):
            raise ConfigError(f"{name} is {value}; it must be a number greater than zero")

    build = _Builder(preset)
    build.scalars[0].seed = np.uint64(mix(np.uint64(seed & ((1 << 64) - 1)))).view(np.int64)
    build.constants()
    build.window()
    width_cycles = build.pulses(clock_hz, cycle_noise)
    build.drive(full_scale_v)
    build.variation(variation)
    build.initial(variation)
    build.ageing(array.tick_s * time_factor(preset, temperature_k), cycle_noise)
    build.access()
    build.thresholds(full_scale_v, variation)
    build.gates(variation)
    build.tails()
    build.wear(variation)
    build.pulse_effects()
    build.telegraph(array.tick_s, variation)
    build.nonlinearity(array)
    build.passive(array)
    build.read_disturb(array, read_s)
    build.wires(array)
    build.grid(array.grid_bits)
    variance_unit = build.read_noise(array.grid_bits, variance_max, read_noise)
    build.converter(array, variance_unit)
    build.converter_errors(array)
    build.current_limit()

    g_max_s = preset.window.g_max.si
    return CellTables(
        scalars=build.scalars,
        tables=build.tables,
        g_max_s=g_max_s,
        g_min_s=preset.window.g_min.si,
        window=(int(build.scalars[0].g_min), int(build.scalars[0].g_max)),
        grid_bits=array.grid_bits,
        grid_limit=int(build.scalars[0].grid_limit),
        width_cycles=width_cycles,
        max_width_cycles=build.longest_widths(width_cycles),
        variance_unit=variance_unit,
        pulse_energy_unit_j=(
            full_scale_v**2 / 65535 * g_max_s / 4096 * width_cycles[0] / clock_hz,
            full_scale_v**2 / 65535 * g_max_s / 4096 * width_cycles[1] / clock_hz,
        ),
        read_energy_unit_j=preset.read.voltage.si**2 * g_max_s / 2**array.grid_bits,
        drive_full_scale_v=full_scale_v,
        drive=drive_registers(preset, full_scale_v),
        nominal_v=(preset.pulse.set_voltage.si, preset.pulse.reset_voltage.si),
        read_v=preset.read.voltage.si,
    )


class _Builder:
    """The two arrays while they are filled, one physical effect per method."""

    def __init__(self, preset: Preset) -> None:
        self.preset = preset
        self.scalars: Any = np.zeros(1, at.SCALARS)
        self.tables: NDArray[np.int32] = np.zeros(at.TABLE_SIZE, dtype=np.int32)
        self.g_max_s = preset.window.g_max.si
        self.window_s = preset.window.g_max.si - preset.window.g_min.si
        self.window_part = self.window_s / self.g_max_s
        """The window in units of Gmax."""

    def put(self, what: str, offset: int, values: ArrayLike, section: str = "the preset") -> None:
        """Round ``values`` half up into the table from ``offset`` on; errors name the ``section`` they come from."""
        rounded = np.floor(np.asarray(values, dtype=np.float64) + 0.5)
        if not np.all(np.abs(rounded) <= NO_LIMIT):
            raise ConfigError(
                f"preset {self.preset.name}: {what} does not fit its 32-bit table; check the values of {section}"
            )
        self.tables[offset : offset + rounded.size] = rounded.astype(np.int32).ravel()

    def constants(self) -> None:
        """Fill what is the same for all presets: quantiles of the standard normal, and powers of two."""
        self.put("gauss", at.O_GAUSS, normal_quantiles(at.GAUSS_BINS) * at.Q12)
        self.put("deviates", at.O_TRAIT_Z, normal_quantiles(at.TRAIT_BINS) * at.Q12)
        self.put("kept", at.O_KEPT, 2.0**30 * np.exp2(-np.arange(at.EXP2_BINS) / at.EXP2_BINS))
        self.put("exp2", at.O_EXP2, 32768 * np.exp2(-np.arange(at.EXP2_BINS) / at.EXP2_BINS))

    def window(self) -> None:
        """Fill the nominal window and the scales that turn a conductance into a bin."""
        g_min = round(at.G_ONE * self.preset.window.g_min.si / self.g_max_s)
        self.scalars[0].g_min = g_min
        self.scalars[0].g_max = at.G_ONE
        self.scalars[0].bin_scale = (at.STEP_BINS << 32) // (at.G_ONE - g_min)
        self.scalars[0].age_scale = (at.AGE_BINS << 32) // (at.G_ONE - g_min)

    def width(self, name: str, clock_hz: float) -> tuple[int, float]:
        """Return a nominal width in whole cycles, and their ratio to its exact width."""
        width = getattr(self.preset.pulse, f"{name}_width")
        exact = width.si * clock_hz
        cycles = max(1, math.floor(exact + 0.5))
        error = abs(cycles / exact - 1)
        clock = f"{clock_hz / 1e6:g} MHz clock"
        if error > _WIDTH_TOLERANCE and not self.preset.pulse.width_scales:
            raise ConfigError(
                f"preset {self.preset.name}: pulse.{name}_width {width} is {exact:.3g} cycles of the {clock}, and the "
                f"nearest whole number is {error:.1%} off ({_WIDTH_TOLERANCE:.0%} is allowed); choose another clock"
            )
        if cycles > MAX_WIDTH:
            raise ConfigError(
                f"preset {self.preset.name}: pulse.{name}_width is {exact:.9g} cycles of the {clock}; at most "
                f"{MAX_WIDTH} can be counted, so choose a slower clock"
            )
        return cycles, cycles / exact

    def pulses(self, clock_hz: float, noise: bool) -> tuple[int, int]:
        """Fill the response to a nominal pulse; give the nominal widths in cycles."""
        preset = self.preset
        position = (np.arange(at.STEP_BINS) + 0.5) / at.STEP_BINS
        cycle = preset.cycle_to_cycle
        spread_of = preset.device_to_device
        widths: list[int] = []
        for polarity, name in enumerate(("set", "reset")):
            cycles, ratio = self.width(name, clock_hz)
            # The nominal width in cycles is what the table stands for, so the rounding of the width is made good here.
            unit = at.G_ONE * self.window_part * (ratio if preset.pulse.width_scales else 1.0)
            mean = preset.response.mean(position, polarity, self.window_s)
            sigma = np.zeros_like(position)
            own = preset.response.spread(position, polarity, self.window_s)
            if own is not None:
                sigma = np.hypot(sigma, own)
            if cycle is not None:
                scale = np.abs(mean) if cycle.relative_to == "step" else 1.0
                sigma = np.hypot(sigma, getattr(cycle, name).si * scale)
            self.put(f"the step of {name}", at.O_MEAN + polarity * at.STEP_BINS, mean * unit, "[response]")
            self.put(
                f"the spread of {name}",
                at.O_SIGMA + polarity * at.STEP_BINS,
                sigma * unit if noise else 0 * sigma,
                "[response] and [cycle_to_cycle]",
            )
            if spread_of is not None and spread_of.nonlinearity is not None:
                shape = preset.response.shape(position, polarity, spread_of.nonlinearity.si)
                self.put(
                    f"the nonlinearity of {name}",
                    at.O_SHAPE + polarity * at.STEP_BINS,
                    shape * unit,
                    "[device_to_device]",
                )
            self.scalars[0].width[polarity] = cycles
            widths.append(cycles)
        clip = math.inf if cycle is None or cycle.clip is None else cycle.clip.si
        self.scalars[0].noise_clip = round(min(clip, 16.0) * at.Q12)
        self.scalars[0].width_scales = int(preset.pulse.width_scales)
        if preset.write_noise is not None and noise:
            self.scalars[0].write_noise = round(preset.write_noise.sigma.si * self.window_part * at.G_ONE)
        return widths[0], widths[1]

    def drive(self, full_scale_v: float) -> None:
        """Fill what depends on the codes of the write drive: amplitude response, gate cap, energy."""
        preset = self.preset
        volts = np.arange(at.CODES) * full_scale_v / at.CODES
        law = preset.amplitude
        for polarity, name in enumerate(("set", "reset")):
            nominal = getattr(preset.pulse, f"{name}_voltage").si
            nominal_code = volts_to_code(nominal, full_scale_v)
            if law is None:
                # Nothing is known but the nominal pulse: it acts from its own code on, and not below.
                factor = (np.arange(at.CODES) >= nominal_code).astype(np.float64)
                exponent = 1.0
            else:
                threshold, scale = getattr(law, f"{name}_threshold").si, getattr(law, f"{name}_scale").si
                if volts[nominal_code] <= threshold:
                    raise ConfigError(
                        f"preset {preset.name}: a drive of {full_scale_v:g} V is too coarse to tell the {name} voltage "
                        f"{nominal:g} V from its threshold {threshold:g} V; give a smaller full scale"
                    )
                # Relative to the voltage of the nominal code, so that this code's factor is exactly 1.
                top = np.expm1((volts[nominal_code] - threshold) / scale)
                with np.errstate(over="ignore"):
                    factor = np.expm1(np.maximum(volts - threshold, 0) / scale) / top
                factor = np.minimum(factor, law.highest.si)
                exponent = law.noise_exponent.si
            sigma_factor = np.where(
                factor > 0, np.power(factor, exponent, where=factor > 0, out=np.zeros_like(factor)), 0
            )
            self.put("the amplitude factor", at.O_AMP_MEAN + polarity * at.CODES, factor * at.Q12, "[amplitude]")
            self.put("the amplitude factor", at.O_AMP_SIGMA + polarity * at.CODES, sigma_factor * at.Q12, "[amplitude]")
            self.put("the energy weight", at.O_ENERGY + polarity * at.CODES, (volts / full_scale_v) ** 2 * 65535)
        if preset.gate is None:
            self.put("the gate cap", at.O_GATE_CAP, np.full(at.CODES, NO_LIMIT))
        else:
            cap = preset.gate.slope.si * np.maximum(volts - preset.gate.offset.si, 0) / self.g_max_s * at.G_ONE
            self.put("the gate cap", at.O_GATE_CAP, np.minimum(cap, NO_LIMIT))

    def variation(self, wanted: bool) -> None:
        """Fill what differs from cell to cell: gains, bounds, nonlinearity and faults."""
        z = normal_quantiles(at.TRAIT_BINS)
        spread = self.preset.device_to_device if wanted else None
        gain = spread.gain if spread is not None else None
        for polarity, name in enumerate(("set", "reset")):
            sigma = getattr(gain, name).si if gain is not None else 0.0
            if gain is not None and gain.distribution == "lognormal":
                values = np.exp(sigma * z)
            else:
                values = np.maximum(1 + sigma * z, _SMALLEST_GAIN)
            self.put(
                "the gain of a cell", at.O_GAIN + polarity * at.TRAIT_BINS, values * at.Q12, "[device_to_device.gain]"
            )
        self.scalars[0].gain_shared = int(gain is not None and gain.shared)
        self.scalars[0].shape_varies = int(spread is not None and spread.nonlinearity is not None)

        low = np.full(at.TRAIT_BINS, float(self.scalars[0].g_min))
        high = np.full(at.TRAIT_BINS, float(self.scalars[0].g_max))
        if spread is not None and (spread.g_min is not None or spread.g_max is not None):
            window = self.window_part * at.G_ONE
            middle = low[0] + window / 2
            low += (spread.g_min.si if spread.g_min is not None else 0.0) * window * z
            high += (spread.g_max.si if spread.g_max is not None else 0.0) * window * z
            # The two bounds are drawn independently; each keeps to its half, so that no cell is inside out.
            low = np.clip(low, 0, middle - window * _NARROWEST / 2)
            high = np.maximum(high, middle + window * _NARROWEST / 2)
            self.scalars[0].window_varies = 1
        self.put("the lower bound of a cell", at.O_LOW, low, "[device_to_device]")
        self.put("the upper bound of a cell", at.O_HIGH, high, "[device_to_device]")

        faults = self.preset.faults if wanted else None
        if faults is not None:
            self.scalars[0].stuck_low = round(faults.stuck_low.si * 2**32)
            self.scalars[0].stuck_high = round(faults.stuck_high.si * 2**32)
            self.scalars[0].non_responding = round(faults.non_responding.si * 2**32)

    def initial(self, wanted: bool) -> None:
        """Fill the conductance after forming."""
        initial = self.preset.initial
        sigma = initial.sigma.si if wanted else 0.0
        g = (initial.mean.si + sigma * normal_quantiles(at.TRAIT_BINS)) / self.g_max_s * at.G_ONE
        self.put("the initial conductance", at.O_INITIAL, np.maximum(g, 0), "[initial]")

    def ageing(self, tick_s: float, noise: bool) -> None:
        """Fill relaxation and drift by time since the last pulse and by conductance."""
        preset = self.preset
        time_s = bin_ticks() * tick_s
        g_s = preset.window.g_min.si + (np.arange(at.AGE_BINS) + 0.5) / at.AGE_BINS * self.window_s
        if preset.relaxation is not None:
            mean, sigma = relaxation(preset.relaxation, time_s, g_s)
            self.put("the relaxation", at.O_RELAX_MEAN, mean / self.g_max_s * at.G_ONE, "[relaxation]")
            self.put(
                "the spread of the relaxation",
                at.O_RELAX_SIGMA,
                sigma * noise / self.g_max_s * at.G_ONE,
                "[relaxation]",
            )
        if preset.drift is not None:
            nu, nu_sigma = drift_exponent(preset.drift, g_s / self.g_max_s)
            self.put("the drift exponent", at.O_NU_MEAN, nu * 65536, "[drift]")
            self.put("the spread of the drift exponent", at.O_NU_SIGMA, nu_sigma * noise * 65536, "[drift]")
            self.put("the time", at.O_LOG2_TIME, 256 * drift_octaves(preset.drift, time_s), "[drift]")
        self.scalars[0].ages = int(preset.relaxation is not None or preset.drift is not None)

    def wires(self, array: ArrayConfig) -> None:
        """Fill what wires leave of a cell's current: ``1 / (1 + G R (row + column))`` of one that is read alone.

        In a multiplication it is the exact solution of an array whose cells are all alike.
        """
        ohm = array.wire_resistance_ohm
        middle_s = self.preset.window.g_min.si + self.window_s / 2
        alone = at.Q12 / (1 + middle_s * ohm * np.arange(at.WIRE_BINS))
        self.put("the wires", at.O_WIRE, alone)
        self.scalars[0].wires = int(ohm > 0)
        if ohm > 0:
            alike_s = self.preset.window.g_min.si + array.wire_reference * self.window_s
            left = shares_of_alike_cells(alike_s, ohm, array.rows, array.columns)
            distance = np.arange(array.rows)[:, None] + np.arange(array.columns)
            self.tables = np.concatenate([self.tables, np.zeros(array.cells, np.int32)])
            self.put("the wires", at.O_PRODUCT, 65536 * left / (alone[distance] / at.Q12))

    def grid(self, grid_bits: int) -> None:
        """Fill the read grid; its limit holds the highest cell, and what write noise and ageing add to it."""
        high = int(self.section(at.O_HIGH, at.TRAIT_BINS).max())
        beyond = 4.0 * float(self.scalars[0].write_noise)
        if self.scalars[0].ages:
            ages = at.TIME_BINS * at.AGE_BINS
            seen = self.section(at.O_RELAX_MEAN, ages) + 4.0 * self.section(at.O_RELAX_SIGMA, ages)
            beyond += max(0.0, float(seen.max()))
        shift = 24 - grid_bits
        limit = min(math.ceil((high + beyond) / 2**shift), 2 << grid_bits)
        self.scalars[0].grid_shift = shift
        self.scalars[0].grid_limit = limit
        self.scalars[0].var_shift = max(0, limit.bit_length() - (at.VAR_BINS.bit_length() - 1))

    def read_noise(self, grid_bits: int, variance_max: int, wanted: bool) -> float:
        """Fill the read-noise variance by read-grid value; give the unit of the table in read-grid units squared."""
        noise = self.preset.read_noise if wanted else None
        if noise is None:
            return 0.0
        shift = int(self.scalars[0].var_shift)
        last = int(self.scalars[0].grid_limit) >> shift
        grid = (np.arange(last + 1) << shift) + ((1 << shift) - 1) / 2
        to_grid = 2**grid_bits / self.g_max_s
        g_s = grid / to_grid
        variance = np.zeros_like(g_s)
        if noise.relative is not None:
            variance += (noise.relative.si * grid) ** 2
        if noise.absolute is not None:
            variance += (noise.absolute.si * to_grid) ** 2
        if noise.at is not None and noise.sigma is not None:
            variance += (np.interp(g_s, noise.at.si_list, noise.sigma.si_list) * to_grid) ** 2
        largest = float(variance.max())
        if largest == 0:
            return 0.0
        self.put("the read noise", at.O_VARIANCE, variance / largest * variance_max)
        return largest / variance_max

    def converter(self, array: ArrayConfig, variance_unit: float) -> None:
        """Fill how a single cell is converted."""
        top = (1 << array.adc_bits) - 1
        codes_per_grid = top / (array.read_range * 2**array.grid_bits)
        self.scalars[0].adc_max = top
        self.scalars[0].read_gain = round(codes_per_grid * 2**20)
        self.scalars[0].adc_ka = round((array.adc_noise_codes * 256) ** 2)
        self.scalars[0].reference = round(_REFERENCE * array.read_range * 2**array.grid_bits)
        self.scalars[0].variance_unit, self.scalars[0].variance_shift = _significant(variance_unit, 16)
        if self.scalars[0].read_gain == 0:
            raise ConfigError(
                f"array.read_range is {array.read_range}; with {array.adc_bits} bits (array.adc_bits) that leaves less "
                "than 2**-20 codes per grid unit, so give a smaller range or a coarser grid (array.grid_bits)"
            )
        read_ku = round(variance_unit * (codes_per_grid * 256) ** 2 * 65536)
        largest = int(self.section(at.O_VARIANCE, at.VAR_BINS).max())
        variance = ((largest * read_ku) >> 16) + int(self.scalars[0].adc_ka)
        if max(largest, 1) * read_ku >= _LARGEST_PRODUCT or variance >= 1 << 50:
            raise ConfigError(
                f"the noise of a single-cell read is {math.sqrt(variance) / 256:.3g} codes, more than the physics can "
                "hold; give a larger array.read_range or less noise (array.adc_noise_codes)"
            )
        self.scalars[0].read_ku = read_ku

    def converter_errors(self, array: ArrayConfig) -> None:
        """Fill how converters differ; where there are offsets, they also convert what lies below zero."""
        differ = array.adc_offset_codes or array.adc_gain_error
        self.scalars[0].adc_offset = round(array.adc_offset_codes * 256)
        self.scalars[0].adc_gain_error = round(array.adc_gain_error * 65536)
        self.scalars[0].adc_min = -(1 << array.adc_bits >> 4) if differ else 0

    def current_limit(self) -> None:
        """Fill the unit of compliance codes: the largest stands for twice Gmax at the full scale of the drive."""
        self.scalars[0].limit_unit = (2 * at.G_ONE * (at.CODES - 1)) // at.NO_LIMIT

    def access(self) -> None:
        """Fill what is in series with a cell during a pulse."""
        access = self.preset.access
        if access is not None:
            self.scalars[0].access = round(self.g_max_s * access.resistance.si * at.Q12)
            if access.at is not None:
                self.scalars[0].access_at = round((1 + access.at.si * access.resistance.si) * at.G_ONE)

    def thresholds(self, full_scale_v: float, wanted: bool) -> None:
        """Fill how thresholds differ from cell to cell."""
        spread = self.preset.threshold_spread if wanted else None
        if spread is not None:
            self.scalars[0].threshold_varies = 1
            for polarity, sigma in enumerate((spread.set, spread.reset)):
                self.scalars[0].threshold_spread[polarity] = round(sigma.si / full_scale_v * at.CODES * 256)

    def gates(self, wanted: bool) -> None:
        """Fill how cells differ in the conductance that a gate voltage allows."""
        law = self.preset.gate
        if wanted and law is not None and law.spread is not None:
            self.scalars[0].gate_spread = round(law.spread.si / self.g_max_s * at.G_ONE)

    def tails(self) -> None:
        """Fill the deviates of pulses and of the relaxation, where they are not normal."""
        law = self.preset.tails
        if law is not None:
            self.put("the deviates of a pulse", at.O_PULSE_Z, deviates(law.pulse, at.GAUSS_BINS) * at.Q12)
            self.put("the deviates", at.O_RELAX_Z, deviates(law.relaxation, at.GAUSS_BINS) * at.Q12)
            self.scalars[0].pulse_tails = int(law.pulse != "normal")
            self.scalars[0].relaxation_tails = int(law.relaxation != "normal")

    def wear(self, variation: bool) -> None:
        """Fill what pulses do to a cell in the long run."""
        law = self.preset.endurance
        if law is not None and law.shape is not None and variation:
            self.put("the life of a cell", at.O_LIFE, np.minimum(weibull_lives(law.cycles.si, law.shape.si), NO_LIMIT))
            self.scalars[0].fails = 1
        if law is not None and law.onset is not None:
            # The entry n is of 2**(n / 2) pulses, this one included.
            worn = 1 + (bin_ticks() - 1) / law.onset.si
            step, noise = (0.0 if each is None else each.si for each in (law.step_exponent, law.noise_exponent))
            self.put("the wear of the step", at.O_WEAR, worn**-step * at.Q12, "[endurance]")
            self.put("the growth of the spread", at.O_WEAR + at.TIME_BINS, worn**noise * at.Q12, "[endurance]")
            self.scalars[0].wears = 1

    def pulse_effects(self) -> None:
        """Note whether pulses have to look for any of the effects above."""
        of = self.scalars[0]
        effects = (of.access_at, of.threshold_varies, of.gate_spread, of.pulse_tails, of.wears, of.fails)
        of.pulse_effects = int(any(effects))

    def telegraph(self, tick_s: float, wanted: bool) -> None:
        """Fill the traps: of each time constant the slots, in ticks, and the chance to settle anew in one."""
        law = self.preset.telegraph if wanted else None
        if law is None:
            return
        shift, chance = trap_slots(law.fastest.si, law.slowest.si, tick_s)
        self.put("the slots of a trap", at.O_TRAP_SHIFT, shift)
        self.put("the chance of a trap", at.O_TRAP_CHANCE, np.minimum(chance * 2.0**31, 2**31 - 1))
        size = law.amplitude.si * np.exp(law.spread.si * normal_quantiles(at.TRAIT_BINS))
        self.put("the share of a trap", at.O_TRAP_SIZE, np.minimum(size, 1) * 65536)
        self.scalars[0].trap_share = round(law.share.si * 2**32)
        self.scalars[0].trap_occupied = round(law.occupied.si * 2**32)
        # What reads see depends on time: cells keep the tick of their last pulse.
        self.scalars[0].ages = 1

    def nonlinearity(self, array: ArrayConfig) -> None:
        """Fill the current by input code, of rows that are driven to a part of the read voltage.

        ``I = G V_read sinh(k u) / sinh(k)`` at ``u = V / V_read``, with ``I(V_read) / I(V_read / 2) = 2 cosh(k / 2)``.
        """
        law = self.preset.nonlinearity
        if law is not None and array.inputs == "dac":
            k = 2 * math.acosh(law.half_ratio.si / 2)
            u = np.arange(array.input_max + 1) / array.input_max
            share = np.sinh(k * u) / math.sinh(k) if k > 0 else u
            self.put("the current of a row", at.O_DRIVE, array.input_max * share * 2**at.DRIVE_SHIFT)
            self.scalars[0].drive_shift = at.DRIVE_SHIFT

    def passive(self, array: ArrayConfig) -> None:
        """Fill what part of a pulse other cells see, where there are no transistors.

        Raises
        ------
        ConfigError
            If the preset has one.
        """
        self.scalars[0].half_select = PARTS_OF_A_PULSE[array.bias_scheme]
        remedies = {"gate": "take another preset", "access": "leave it out (device.without = 'access')"}
        for name, remedy in remedies.items():
            if self.scalars[0].half_select and getattr(self.preset, name) is not None:
                raise ConfigError(
                    f"preset {self.preset.name} has a transistor ([{name}]), and cells of a passive array do not "
                    f"(array.bias_scheme = {array.bias_scheme!r}); {remedy}, or set array.bias_scheme = 'transistor'"
                )

    def read_disturb(self, array: ArrayConfig, read_s: tuple[float, float]) -> None:
        """Fill at which rate reads and input steps move cells.

        Raises
        ------
        ConfigError
            If a single one moves a cell by most of its way.
        """
        law = self.preset.read_disturb
        longest_s = max(read_s)
        if law is None or longest_s == 0:
            return
        volts, scale = self.preset.read.voltage.si, law.scale.si
        if max(volts, law.voltage.si) > _MOST_SCALES * scale:
            raise ConfigError(
                f"preset {self.preset.name}: read_disturb.scale is {law.scale}; it must be at least 1/{_MOST_SCALES} "
                f"of the read voltage {self.preset.read.voltage} and of read_disturb.voltage {law.voltage}"
            )
        rate_hz = math.sinh(volts / scale) / math.sinh(law.voltage.si / scale) / law.time_constant.si
        octaves = rate_hz * longest_s / math.log(2)
        if octaves > 1:
            raise ConfigError(
                f"preset {self.preset.name}: one read at {self.preset.read.voltage} takes {longest_s:.3g} s, and moves "
                f"a cell by more than half of its way ([read_disturb]: time constant {1 / rate_hz:.3g} s there); read "
                "with less voltage or for a shorter time"
            )
        mantissa, shift = _significant(octaves * 2**30 / at.READ_STRESS, 24)
        # What has more places than this is less than any cell can show.
        self.scalars[0].stress_rate, self.scalars[0].stress_shift = mantissa >> max(shift - 62, 0), min(shift, 62)
        self.scalars[0].reads_disturb = 1
        self.scalars[0].stress_lowers = int(law.towards == "low")
        self.scalars[0].read_stress = round(at.READ_STRESS * read_s[0] / longest_s)
        u = np.arange(at.INPUTS) / array.input_max if array.inputs == "dac" else np.minimum(np.arange(at.INPUTS), 1.0)
        share = np.sinh(np.minimum(u, 1.0) * volts / scale) / math.sinh(volts / scale)
        self.put("what an input step does", at.O_STRESS, at.READ_STRESS * read_s[1] / longest_s * share)

    def section(self, offset: int, size: int) -> NDArray[np.int64]:
        """Return a section of the tables."""
        return self.tables[offset : offset + size].astype(np.int64)

    def longest_widths(self, nominal: tuple[int, int]) -> tuple[int, int]:
        """Give the longest pulses whose change still fits 64 bits; refuse tables that overflow at the nominal width."""
        longest = []
        for polarity in (at.SET, at.RESET):
            mean = int(np.abs(self.section(at.O_MEAN + polarity * at.STEP_BINS, at.STEP_BINS)).max())
            shape = int(np.abs(self.section(at.O_SHAPE + polarity * at.STEP_BINS, at.STEP_BINS)).max())
            sigma = int(self.section(at.O_SIGMA + polarity * at.STEP_BINS, at.STEP_BINS).max())
            gain = int(self.section(at.O_GAIN + polarity * at.TRAIT_BINS, at.TRAIT_BINS).max())
            factor = int(self.section(at.O_AMP_MEAN + polarity * at.CODES, at.CODES).max())
            sigma_factor = int(self.section(at.O_AMP_SIGMA + polarity * at.CODES, at.CODES).max())
            z = int(np.abs(self.section(at.O_GAUSS, at.GAUSS_BINS)).max())
            pulse_z = max(z, int(np.abs(self.section(at.O_PULSE_Z, at.GAUSS_BINS)).max()))
            wear = max(at.Q12, int(self.section(at.O_WEAR, 2 * at.TIME_BINS).max()))
            moved = (mean + ((shape * z) >> 12)) * gain
            scaled = (moved >> 12) * factor
            spread = ((sigma * pulse_z) >> 12) * sigma_factor
            worn = (spread >> 12) * wear
            change = (scaled >> 12) + (worn >> 12) + 1
            width = min(MAX_WIDTH, (_LARGEST_PRODUCT // change >> 12) * nominal[polarity])
            if max(moved, scaled, spread, worn) >= _LARGEST_PRODUCT or width < nominal[polarity]:
                raise ConfigError(
                    f"preset {self.preset.name}: a {('SET', 'RESET')[polarity]} pulse can move a cell by more than the "
                    "physics can hold; give smaller steps, gains or amplitude factors"
                )
            longest.append(width)
        return longest[0], longest[1]


def _significant(value: float, bits: int) -> tuple[int, int]:
    """Return the integer of ``bits`` bits, and the shift, that stand for a value."""
    if value == 0.0:
        return 0, bits
    _, exponent = math.frexp(value)
    return round(math.ldexp(value, bits - exponent)), bits - exponent
