"""The sections of a preset file: what each says about a cell, and what would be impossible."""

from typing import Literal

from pydantic import model_validator

from twinbar.emulator.devices.quantity import (
    Coefficients,
    Conductance,
    Conductances,
    Count,
    Duration,
    Durations,
    Energy,
    Exponent,
    Fraction,
    NonNegativeConductance,
    NonNegativeVoltage,
    Probability,
    Resistance,
    Sigmas,
    SignedConductance,
    SignedFraction,
    SignedVoltage,
    Slope,
    Spread,
    Temperature,
    Voltage,
)
from twinbar.hw.toml_table import TomlTable


class Window(TomlTable):
    """Nominal conductance window."""

    g_min: Conductance
    g_max: Conductance

    @model_validator(mode="after")
    def _in_order(self) -> "Window":
        if self.g_min.si >= self.g_max.si:
            raise ValueError(f"g_min is {self.g_min} and g_max is {self.g_max}; g_min must be the smaller one")
        if self.g_min.si < self.g_max.si / 4096:
            raise ValueError(
                f"g_min is {self.g_min}, less than 1/4096 of g_max; the read grid cannot tell it from zero"
            )
        return self


class Read(TomlTable):
    """How a cell is read."""

    voltage: Voltage


class Pulses(TomlTable):
    """Nominal write pulses: the response holds at these. Voltages are magnitudes; the front end knows the polarity."""

    set_voltage: Voltage
    set_width: Duration
    reset_voltage: Voltage
    reset_width: Duration
    width_scales: bool
    """Whether the response is proportional to the width of the pulse; if not, only the nominal width is defined."""


class CycleToCycle(TomlTable):
    """Spread of a pulse from cycle to cycle, as a Gaussian."""

    relative_to: Literal["window", "step"]
    """The standard deviations are fractions of the window, or of the mean step at that conductance."""
    set: Spread
    reset: Spread
    clip: Sigmas | None = None
    """Deviates beyond this many standard deviations are clipped."""


class GainSpread(TomlTable):
    """Device-to-device factor of the mean step, with median 1."""

    distribution: Literal["normal", "lognormal"]
    """``normal`` is clipped at 0.01, so that a cell keeps its direction; ``lognormal`` is ``exp(sigma z)``."""
    set: Spread
    reset: Spread
    """Standard deviation (``normal``), or that of the logarithm (``lognormal``)."""
    shared: bool
    """Whether SET and RESET of a cell share one draw."""


class DeviceToDevice(TomlTable):
    """What differs from cell to cell."""

    gain: GainSpread | None = None
    g_min: Spread | None = None
    g_max: Spread | None = None
    """Standard deviation of the cell's own bounds, in fractions of the window."""
    nonlinearity: Spread | None = None
    """Standard deviation of the nonlinearity label (exponential response only)."""


class ReadNoise(TomlTable):
    """Standard deviation of a read: relative, absolute and tabulated parts add up as variances."""

    relative: Spread | None = None
    """In fractions of the cell's conductance."""
    absolute: NonNegativeConductance | None = None
    at: Conductances | None = None
    sigma: Conductances | None = None
    """Standard deviations at the conductances ``at``, interpolated linearly and constant outside."""

    @model_validator(mode="after")
    def _table_is_whole(self) -> "ReadNoise":
        if (self.at is None) != (self.sigma is None):
            raise ValueError("has only one of at and sigma; a table needs both")
        if self.at is not None and self.sigma is not None:
            if len(self.at.si_list) != len(self.sigma.si_list):
                raise ValueError("at and sigma have different lengths; give one sigma for each conductance")
            if sorted(set(self.at.si_list)) != self.at.si_list:
                raise ValueError("at is not increasing; list the conductances from low to high")
        return self


class WriteNoise(TomlTable):
    """Spread between the state and the conductance that is seen, drawn again at every pulse (aihwkit)."""

    sigma: Spread
    """In fractions of the window."""


class PolynomialRelaxation(TomlTable):
    """Spread after programming: at each time a polynomial of ``g / scale``; linear in the logarithm of time between."""

    kind: Literal["polynomial"]
    scale: Conductance
    times: Durations
    sigma: list[Coefficients]
    """For each time, the coefficients from the constant upwards."""

    @model_validator(mode="after")
    def _one_polynomial_per_time(self) -> "PolynomialRelaxation":
        times = self.times.si_list
        if len(times) != len(self.sigma):
            raise ValueError(
                f"times has {len(times)} entries and sigma {len(self.sigma)}; give one polynomial per time"
            )
        if sorted(set(times)) != times:
            raise ValueError("times is not increasing; list the times from early to late")
        return self


class LogarithmicRelaxation(TomlTable):
    """Mean and spread that grow with the natural logarithm of the time in seconds."""

    kind: Literal["logarithmic"]
    mean_per_ln: SignedConductance
    sigma_per_ln: NonNegativeConductance
    sigma_offset: SignedConductance


class Drift(TomlTable):
    """Power law ``G(t) = G (t / reference_time) ** -nu`` with an exponent that depends on ``x = G / Gmax``.

    Mean and standard deviation of ``nu`` are ``clip(slope * ln(x) + offset, lowest, highest)``.
    """

    reference_time: Duration
    nu_slope: SignedFraction
    nu_offset: SignedFraction
    nu_lowest: Exponent
    nu_highest: Exponent
    sigma_slope: SignedFraction
    sigma_offset: SignedFraction
    sigma_lowest: Exponent
    sigma_highest: Exponent

    @model_validator(mode="after")
    def _in_order(self) -> "Drift":
        for name in ("nu", "sigma"):
            lowest, highest = getattr(self, f"{name}_lowest"), getattr(self, f"{name}_highest")
            if lowest.si > highest.si:
                raise ValueError(
                    f"{name}_lowest is {lowest} and {name}_highest is {highest}; {name}_lowest must be the smaller one"
                )
        return self


class Initial(TomlTable):
    """Conductance after forming: a Gaussian within the window."""

    mean: Conductance
    sigma: NonNegativeConductance


class FaultShares(TomlTable):
    """Shares of cells that do not work."""

    stuck_low: Probability
    stuck_high: Probability
    non_responding: Probability

    @model_validator(mode="after")
    def _share(self) -> "FaultShares":
        total = self.stuck_low.si + self.stuck_high.si + self.non_responding.si
        if total > 1:
            raise ValueError(f"the shares add up to {total:g}; together they can be 1 at most")
        return self


class AmplitudeLaw(TomlTable):
    """Factor of a pulse by its voltage: ``expm1((V - Vth) / V0) / expm1((Vnom - Vth) / V0)``, and 0 below ``Vth``."""

    set_threshold: NonNegativeVoltage
    set_scale: Voltage
    reset_threshold: NonNegativeVoltage
    reset_scale: Voltage
    noise_exponent: Exponent
    """The spread grows with this power of the factor: 0.5 for independent events, 1 where it follows the step."""
    highest: Fraction
    """Largest factor."""


class GateLaw(TomlTable):
    """Conductance that a SET reaches at most, by the gate voltage of a 1T1R cell: ``slope * (Vg - offset)``."""

    slope: Slope
    offset: SignedVoltage
    spread: NonNegativeConductance | None = None
    """Standard deviation of that conductance from cell to cell."""


class AccessTransistor(TomlTable):
    """Access transistor that is open during a pulse, where the preset's conductances are those of cells without it.

    It takes part of the voltage, so that the heat of a pulse is ``V^2 G / (1 + G R) t``, cell and transistor together.
    Without ``at`` the response is not changed: it holds at the voltage across both.
    """

    resistance: Resistance
    at: Conductance | None = None
    """Conductance at which the response holds. A cell of another one sees ``(1 + at R) / (1 + G R)`` of the voltage."""


class PresetRamp(TomlTable):
    """Voltage of successive pulses: ``start``, then ``step`` more each time, up to ``stop``."""

    start: Voltage
    step: NonNegativeVoltage
    stop: Voltage

    @model_validator(mode="after")
    def _rises(self) -> "PresetRamp":
        if self.stop.si < self.start.si:
            raise ValueError(f"stop is {self.stop} and start is {self.start}; a ramp rises, so stop must not be lower")
        if self.stop.si > self.start.si and self.step.si == 0:
            raise ValueError("step is 0 although start and stop differ; give a step, or equal start and stop")
        return self


class Write(TomlTable):
    """Closed-loop write as the authors of the cell did it, or as assumed; an experiment may override each value."""

    algorithm: Literal["identical", "ispp", "gate-ramp"]
    set: PresetRamp
    reset: PresetRamp
    set_gate: PresetRamp | None = None
    reset_gate: PresetRamp | None = None
    pulse_limit: Count

    @model_validator(mode="after")
    def _ramps_fit_the_algorithm(self) -> "Write":
        if self.algorithm == "gate-ramp" and (self.set_gate is None or self.reset_gate is None):
            raise ValueError("algorithm is gate-ramp, so set_gate and reset_gate are needed")
        if self.algorithm == "identical" and any(ramp.start.si != ramp.stop.si for ramp in (self.set, self.reset)):
            raise ValueError("algorithm is identical, so start and stop of set and reset must be equal")
        return self


class Endurance(TomlTable):
    """What pulses do to a cell in the long run; a full cycle is a SET and a RESET, two pulses."""

    cycles: Count
    """Full cycles that a cell survives; with ``shape``, those after which a share of 1/e still responds."""
    shape: Fraction | None = None
    """Of a Weibull distribution of the pulses until a cell no longer responds; without it, cells do not fail."""
    onset: Count | None = None
    step_exponent: Exponent | None = None
    noise_exponent: Exponent | None = None
    """After n pulses the mean change by one is ``(1 + n / onset) ** -step_exponent`` times that of a new cell, and its
    spread ``(1 + n / onset) ** noise_exponent`` times."""

    @model_validator(mode="after")
    def _wear_is_whole(self) -> "Endurance":
        if self.shape is not None and not 0.01 <= self.shape.si <= 1000:
            raise ValueError(f"shape is {self.shape}; it must lie between 0.01 and 1000")
        exponents = self.step_exponent is not None or self.noise_exponent is not None
        if exponents != (self.onset is not None):
            raise ValueError("has only one of onset and an exponent (step_exponent, noise_exponent); wear needs both")
        return self


class ThresholdSpread(TomlTable):
    """Standard deviation of the thresholds from cell to cell, one draw for both; needs the amplitude law."""

    set: NonNegativeVoltage
    reset: NonNegativeVoltage


Deviates = Literal["normal", "logistic", "student-4"]
"""Distributions of unit variance: the logistic one, and Student's t of four degrees of freedom, have heavier tails."""


class Tails(TomlTable):
    """Distribution of what is normal without this section."""

    pulse: Deviates = "normal"
    """Of the spread from pulse to pulse."""
    relaxation: Deviates = "normal"


class Telegraph(TomlTable):
    """Random telegraph noise of traps with two states, at most one for each cell.

    An occupied trap takes a share of the conductance, lognormal from cell to cell. Time constants are distributed
    evenly in their logarithm.
    """

    share: Probability
    """Of the cells that have a trap."""
    amplitude: Fraction
    """Median share of the conductance that it takes."""
    spread: Spread
    """Standard deviation of the logarithm of that share."""
    occupied: Probability
    """Share of the time."""
    fastest: Duration
    slowest: Duration

    @model_validator(mode="after")
    def _in_order(self) -> "Telegraph":
        if self.fastest.si > self.slowest.si:
            raise ValueError(
                f"fastest is {self.fastest} and slowest is {self.slowest}; fastest must be the smaller one"
            )
        return self


class Nonlinearity(TomlTable):
    """Current of a cell by its voltage: ``sinh``; the conductances of a preset are those at the read voltage."""

    half_ratio: Fraction
    """Current at the read voltage over that at half of it: 2 is linear, 10 is strongly nonlinear."""

    @model_validator(mode="after")
    def _not_below_linear(self) -> "Nonlinearity":
        if not 2 <= self.half_ratio.si <= 1000:
            raise ValueError(f"half_ratio is {self.half_ratio}; it lies between 2 (linear) and 1000")
        return self


class ReadDisturb(TomlTable):
    """Reads that move cells: exponentially towards a bound of their window, at a rate that follows ``sinh(V / scale)``.

    Cells differ in that rate as they do in the gain of the pulses that move them the same way.
    """

    towards: Literal["high", "low"]
    """Conductance that reads lead to: high where they have the polarity of a SET."""
    time_constant: Duration
    """Of reading without a pause at ``voltage``: after it, 1/e of the way is left."""
    voltage: Voltage
    scale: Voltage


class Retention(TomlTable):
    """How relaxation and drift follow the temperature: their time is multiplied by Arrhenius' factor."""

    activation_energy: Energy
    temperature: Temperature
    """At which relaxation and drift hold as they are stated."""
