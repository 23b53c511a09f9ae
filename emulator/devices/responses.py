"""How one nominal pulse moves a cell: mean and spread of the change over the window, by response model.

Everything here is in fractions of the cell's window: position ``p`` is 0 at the low end and 1 at the high end, and a
change of 1 crosses the window. Changes by RESET are negative.
"""

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from twinbar.emulator.devices.layout import SET
from twinbar.emulator.devices.quantity import (
    Conductances,
    Count,
    Fraction,
    NonNegativeFraction,
    Probability,
    SignedFraction,
)

Array = NDArray[np.float64]

_FLAT = 1e-6
"""Curvatures below this are a straight line: the closed form is 0/0 there."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def nonlinearity_label(curvature: float) -> float:
    """Give NeuroSim's nonlinearity label of an exponential staircase.

    The label is ten times the largest distance of the normalised curve ``(1 - exp(-k x)) / (1 - exp(-k))`` from the
    straight line, times 100/99 (its curves have 100 states, 99 steps). This reproduces the tabulated pairs of NeuroSim
    (0.04 and 31.57, 2.40 and 0.4992, 4.88 and 0.2003, 6.76 and 0.1003) within 0.1 %.

    Parameters
    ----------
    curvature : float
        ``k = 1 / normA``; its sign is the sign of the label.
    """
    k = abs(curvature)
    if k < _FLAT:
        return float(curvature) / 8 * 1000 / 99
    total = -np.expm1(-k)
    x = np.log(k / total) / k
    return float(np.sign(curvature) * (-np.expm1(-k * x) / total - x) * 1000 / 99)


def curvature_of(label: float) -> float:
    """Give the curvature ``1 / normA`` that has a nonlinearity label (the inverse of `nonlinearity_label`)."""
    if label == 0:
        return 0.0
    limit = nonlinearity_label(300.0)
    size = min(abs(label), limit)
    # Imported here: no run needs it but one whose preset gives a label, and it takes a quarter of a second.
    from scipy.optimize import brentq

    return float(np.sign(label) * brentq(lambda k: nonlinearity_label(k) - size, 1e-12, 300.0, xtol=1e-14))


def exponential_step(position: Array, curvature: float, pulses: float | Array, polarity: int) -> Array:
    """Give the change by one pulse of NeuroSim's exponential staircase, as a function of the position.

    NeuroSim (Chen, Peng, Yu, TCAD 37, 3067, 2018; MLP_NeuroSim_V3.0 manual, section 4) has
    ``G(x) = B (1 - exp(-x / A)) + Gmin`` with ``B = (Gmax - Gmin) / (1 - exp(-P / A))`` and ``A = normA * P``; SET goes
    to ``x + 1`` and RESET to ``x - 1`` on its own curve. Without ``x``, and with ``k = 1 / normA``, the step is
    ``(1 / (1 - exp(-k)) - p) * (1 - exp(-k / P))`` for SET, and the same with ``+k / P`` for RESET.

    Parameters
    ----------
    position : (n,) array
    curvature : float
        ``1 / normA``; positive and negative give a curve that is steep at its low and at its high end.
    pulses : float or (n,) array
        Pulses ``P`` from one end to the other.
    polarity : int
        `SET` or `RESET`.
    """
    direction = 1.0 if polarity == SET else -1.0
    if abs(curvature) < _FLAT:
        return np.full_like(position, direction / pulses)
    return (1 / -np.expm1(-curvature) - position) * -np.expm1(-direction * curvature / pulses)


class Staircase(_Model):
    """One branch of the exponential model."""

    norm_a: SignedFraction
    """A divided by the number of pulses; the sign is that of the nonlinearity label."""
    pulses: Count
    """Pulses from one end of the window to the other."""

    @model_validator(mode="after")
    def _is_a_curve(self) -> "Staircase":
        if abs(self.norm_a.si) < 0.02:
            raise ValueError(
                f"norm_a is {self.norm_a.si:g}; at least 0.02 either way (nonlinearity label 9.2 and below)"
            )
        if self.pulses.si < 1:
            raise ValueError(f"pulses is {self.pulses.si:g}; a staircase has at least one pulse")
        return self

    @property
    def curvature(self) -> float:
        """Give ``1 / normA``."""
        return 1 / self.norm_a.si


class Exponential(_Model):
    """Exponential LTP/LTD staircase of NeuroSim."""

    kind: Literal["exponential"]
    set: Staircase
    reset: Staircase

    def branch(self, polarity: int) -> Staircase:
        """Give the staircase of a polarity."""
        return self.set if polarity == SET else self.reset

    def mean(self, position: Array, polarity: int, window_s: float) -> Array:
        """Give the mean change by one pulse."""
        branch = self.branch(polarity)
        return exponential_step(position, branch.curvature, branch.pulses.si, polarity)

    def shape(self, position: Array, polarity: int, sigma: float) -> Array:
        """Give the change of the mean by one standard deviation ``sigma`` of the nonlinearity label."""
        branch = self.branch(polarity)
        label = nonlinearity_label(branch.curvature)
        ends = [
            exponential_step(position, curvature_of(label + side * sigma), branch.pulses.si, polarity)
            for side in (1, -1)
        ]
        return (ends[0] - ends[1]) / 2

    def spread(self, position: Array, polarity: int, window_s: float) -> Array | None:
        """Give the model's own standard deviation of a pulse: none."""
        return None


class _SlopedStep(_Model):
    """Step that depends linearly on the weight, given at weight zero."""

    set_step: Fraction
    """Mean SET step at ``origin``, in fractions of the window."""
    reset_step: Fraction
    origin: Probability
    """Position of weight zero, ``-w_min / (w_max - w_min)`` in aihwkit."""

    @model_validator(mode="after")
    def _origin_is_inside(self) -> "_SlopedStep":
        if not 0 < self.origin.si < 1:
            raise ValueError(f"origin is {self.origin.si:g}; it must lie inside the window, between 0 and 1")
        return self

    def slope(self, polarity: int) -> float:
        """Give the part of the step at weight zero that is missing at the bound that the pulse moves to."""
        raise NotImplementedError

    def mean(self, position: Array, polarity: int, window_s: float) -> Array:
        """Give the mean change by one pulse; it does not change direction."""
        origin = self.origin.si
        toward_bound = (position - origin) / (1 - origin) if polarity == SET else (origin - position) / origin
        step = self.set_step.si if polarity == SET else -self.reset_step.si
        return step * np.maximum(1 - self.slope(polarity) * toward_bound, 0)

    def spread(self, position: Array, polarity: int, window_s: float) -> Array | None:
        """Give the model's own standard deviation of a pulse: none."""
        return None


class SoftBounds(_SlopedStep):
    """Step that shrinks to zero at the bound that it moves to (aihwkit ``SoftBoundsDevice``)."""

    kind: Literal["soft-bounds"]

    def slope(self, polarity: int) -> float:
        """Give 1: nothing is left of the step at the bound."""
        return 1.0


class LinearStep(_SlopedStep):
    """Step with a slope of its own for each polarity (aihwkit ``LinearStepDevice``); zero slope is a constant step."""

    kind: Literal["linear-step"]
    set_slope: NonNegativeFraction
    """aihwkit's ``gamma_up``: the part of the step at weight zero that is missing at the upper bound."""
    reset_slope: NonNegativeFraction

    def slope(self, polarity: int) -> float:
        """Give the slope of a polarity."""
        return self.set_slope.si if polarity == SET else self.reset_slope.si


class ExpStep(_Model):
    """Step ``max(1 - factor * exp(rate * z), 0)`` with ``z = a (2 p - 1) + b`` for SET and ``-z`` for RESET.

    This is aihwkit's ``ExpStepDevice`` (rpu_expstep_device.cpp), whose window is symmetric around weight zero.
    """

    kind: Literal["exp-step"]
    set_step: Fraction
    """Step where the exponential vanishes, in fractions of the window."""
    reset_step: Fraction
    a: SignedFraction
    b: SignedFraction
    set_factor: SignedFraction
    """aihwkit's ``A_up`` and ``A_down``."""
    reset_factor: SignedFraction
    set_rate: SignedFraction
    """aihwkit's ``gamma_up`` and ``gamma_down``."""
    reset_rate: SignedFraction

    def mean(self, position: Array, polarity: int, window_s: float) -> Array:
        """Give the mean change by one pulse."""
        z = self.a.si * (2 * position - 1) + self.b.si
        if polarity == SET:
            return self.set_step.si * np.maximum(1 - self.set_factor.si * np.exp(self.set_rate.si * z), 0)
        return -self.reset_step.si * np.maximum(1 - self.reset_factor.si * np.exp(-self.reset_rate.si * z), 0)

    def spread(self, position: Array, polarity: int, window_s: float) -> Array | None:
        """Give the model's own standard deviation of a pulse: none."""
        return None


class Jumps(_Model):
    """Measured jumps of one polarity, in bins of equal width from low to high conductance."""

    mean: Conductances
    """Mean size of the jump (its direction is that of the polarity)."""
    std: Conductances

    @model_validator(mode="after")
    def _match(self) -> "Jumps":
        if len(self.mean.si_list) != len(self.std.si_list):
            bins = len(self.mean.si_list), len(self.std.si_list)
            raise ValueError(f"mean has {bins[0]} bins and std {bins[1]}; they must have the same number")
        return self


class JumpTable(_Model):
    """Measured mean and spread of a pulse by bins of the window (the form of STELLAR's device data)."""

    kind: Literal["jump-table"]
    set: Jumps
    reset: Jumps
    std_scale: Fraction
    """Factor of the measured spread."""

    def _bins(self, values: list[float], position: Array, window_s: float) -> Array:
        table = np.asarray(values, dtype=np.float64) / window_s
        at = np.clip((position * len(table)).astype(np.int64), 0, len(table) - 1)
        return np.asarray(table[at])

    def mean(self, position: Array, polarity: int, window_s: float) -> Array:
        """Give the mean change by one pulse."""
        jumps = self.set if polarity == SET else self.reset
        return self._bins(jumps.mean.si_list, position, window_s) * (1 if polarity == SET else -1)

    def spread(self, position: Array, polarity: int, window_s: float) -> Array | None:
        """Give the measured standard deviation of a pulse."""
        jumps = self.set if polarity == SET else self.reset
        return self._bins(jumps.std.si_list, position, window_s) * self.std_scale.si


Response = Annotated[Exponential | SoftBounds | LinearStep | ExpStep | JumpTable, Field(discriminator="kind")]
"""One of the response models, told apart by ``kind``."""
