"""The exponential staircase of NeuroSim, and its nonlinearity label."""

from typing import ClassVar, Final

import numpy as np
from pydantic import model_validator

from twinbar.emulator.devices.layout import SET
from twinbar.emulator.devices.quantity import Count, SignedFraction
from twinbar.emulator.devices.response_law import Array, ResponseLaw
from twinbar.hw.toml_table import TomlTable

_FLAT: Final = 1e-6
"""Curvatures below this are a straight line: the closed form is 0/0 there."""
_STEEPEST: Final = 300.0
"""Curvature of the steepest staircase: one pulse takes a cell from end to end."""


def nonlinearity_label(curvature: float) -> float:
    """Return NeuroSim's nonlinearity label of an exponential staircase.

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
    """Return the curvature ``1 / normA`` that has a nonlinearity label (the inverse of `nonlinearity_label`)."""
    if label == 0:
        return 0.0
    size = min(abs(label), nonlinearity_label(_STEEPEST))
    # Halved until floats are exhausted: scipy's root finders take longer to import than a training takes to start.
    low, high = 0.0, _STEEPEST
    while low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if nonlinearity_label(middle) < size else (low, middle)
    return float(np.sign(label) * high)


def exponential_step(position: Array, curvature: float, pulses: float | Array, polarity: int) -> Array:
    """Return the change by one pulse of NeuroSim's exponential staircase, as a function of the position.

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


class ExponentialBranch(TomlTable):
    """One branch of the exponential model."""

    norm_a: SignedFraction
    """A divided by the number of pulses; the sign is that of the nonlinearity label."""
    pulses: Count
    """Pulses from one end of the window to the other."""

    @model_validator(mode="after")
    def _is_a_curve(self) -> "ExponentialBranch":
        if abs(self.norm_a.si) < 0.02:
            raise ValueError(
                f"norm_a is {self.norm_a.si:g}; at least 0.02 either way (nonlinearity label 9.2 and below)"
            )
        if self.pulses.si < 1:
            raise ValueError(f"pulses is {self.pulses.si:g}; a staircase has at least one pulse")
        return self

    @property
    def curvature(self) -> float:
        """Return ``1 / normA``."""
        return 1 / self.norm_a.si


class Exponential(ResponseLaw):
    """Exponential LTP/LTD staircase of NeuroSim."""

    labelled: ClassVar[bool] = True

    set: ExponentialBranch
    reset: ExponentialBranch

    def branch(self, polarity: int) -> ExponentialBranch:
        """Return the staircase of a polarity."""
        return self.set if polarity == SET else self.reset

    def mean(self, position: Array, polarity: int, window_s: float) -> Array:
        """Return the mean change by one pulse."""
        branch = self.branch(polarity)
        return exponential_step(position, branch.curvature, branch.pulses.si, polarity)

    def shape(self, position: Array, polarity: int, sigma: float) -> Array:
        """Return the change of the mean by one standard deviation ``sigma`` of the nonlinearity label."""
        branch = self.branch(polarity)
        label = nonlinearity_label(branch.curvature)
        ends = [
            exponential_step(position, curvature_of(label + side * sigma), branch.pulses.si, polarity)
            for side in (1, -1)
        ]
        return (ends[0] - ends[1]) / 2

    def pulses(self) -> tuple[float, float]:
        """Return the pulses of both branches."""
        return self.set.pulses.si, self.reset.pulses.si


RESPONSE: Final = Exponential
