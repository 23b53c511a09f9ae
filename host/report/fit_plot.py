"""Draw a fit to measured pulses: the data with what the model makes of the same pulses, and the residuals."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from twinbar.emulator.devices.branch_fit import NAMES
from twinbar.emulator.devices.fit import CellFit
from twinbar.emulator.devices.fitted_course import simulate_course
from twinbar.emulator.devices.layout import RESET, SET
from twinbar.emulator.devices.preset import Preset
from twinbar.emulator.devices.pulse_train import PulseTrain
from twinbar.emulator.devices.residuals import Residuals
from twinbar.host.report.staircase_text import si_unit
from twinbar.host.report.style import BLUE, GREY, INK, VERMILION

_COLOURS: Final = (BLUE, VERMILION)
_MOST_TRAINS: Final = 40
"""Trains drawn, evenly chosen; more are a grey area."""
_NORMAL_95: Final = 1.96


def draw_fit(fit: CellFit, trains: Sequence[PulseTrain], preset: Preset) -> Figure:
    """Draw SET on the left and RESET on the right, data and model above, one-step residuals below.

    Parameters
    ----------
    fit : CellFit
    trains : sequence of PulseTrain
        What it was fitted to, in siemens.
    preset : Preset
        Made of the fit: the title.
    """
    factor, unit = si_unit(fit.g_max_s)
    figure = Figure(figsize=(9.0, 6.2), layout="constrained")
    axes = figure.subplots(2, 2, sharex="col", sharey="row", height_ratios=(2, 1))
    for polarity in (SET, RESET):
        above, below = axes[0, polarity], axes[1, polarity]
        own = [train for train in trains if train.polarity == polarity]
        above.set_title(_heading(fit, polarity), fontsize=9)
        _draw_data(above, own, factor)
        if own:
            _draw_model(above, fit, own, polarity, factor)
        _draw_residuals(below, _residuals(fit, polarity), polarity)
        below.xaxis.set_major_locator(MaxNLocator(integer=True))
        below.set_xlabel(f"{NAMES[polarity]} pulse")
        for bound, text in ((fit.g_min_s, "Gmin"), (fit.g_max_s, "Gmax")):
            above.axhline(bound / factor, color=GREY, linewidth=0.7, linestyle=":")
            if polarity == RESET:
                place = (1.01, bound / factor)
                above.annotate(text, place, xycoords=("axes fraction", "data"), color=INK, va="center", fontsize=8)
    axes[0, 0].set_ylabel(f"conductance ({unit.replace('u', 'µ')})")
    axes[1, 0].set_ylabel("reading - prediction\n(% of window)")
    figure.suptitle(preset.title)
    return figure


def _residuals(fit: CellFit, polarity: int) -> Residuals | None:
    return fit.gate.residuals if fit.gate is not None and polarity == SET else fit.residuals[polarity]


def _heading(fit: CellFit, polarity: int) -> str:
    """Return what was fitted, with its interval."""
    branch = fit.branches[polarity]
    if not branch.steps:
        if polarity == RESET or fit.gate is None:
            return f"{NAMES[polarity]}: not fitted, one pulse erases"
        low, high = (bound * 1e6 for bound in fit.gate.slope_interval)
        return f"SET ends at {fit.gate.slope_s_per_v * 1e6:.3g} µS/V ({low:.3g} to {high:.3g}) of gate voltage"
    text = f"{NAMES[polarity]}: {branch.pulses:.3g} pulses across the window"
    if "pulses" in branch.intervals:
        low, high = branch.intervals["pulses"]
        text = f"{text} ({low:.3g} to {high:.3g})"
    if branch.amplitude is not None:
        amplitude = branch.amplitude
        text = f"{text}\nat {amplitude.nominal_v:.3g} V; threshold {amplitude.threshold_v:.3g} V"
        if "threshold_v" in branch.intervals:
            low, high = branch.intervals["threshold_v"]
            text = f"{text} ({low:.3g} to {high:.3g})"
    return text


def _draw_data(axes: Axes, own: Sequence[PulseTrain], factor: float) -> None:
    every = max(1, -(-len(own) // _MOST_TRAINS))
    for number, train in enumerate(own[::every]):
        label = f"measured, {len(own)} trains" if number == 0 else None
        axes.plot(
            *(train.read_after, train.readings_s / factor, "."),
            color=GREY,
            markersize=2.5,
            alpha=0.6,
            label=label,
            zorder=1,
        )


def _draw_model(axes: Axes, fit: CellFit, own: Sequence[PulseTrain], polarity: int, factor: float) -> None:
    course = simulate_course(fit, own, polarity)
    pulse = np.arange(len(course.median_s))
    colour = _COLOURS[polarity]
    axes.fill_between(
        *(pulse, course.low_s / factor, course.high_s / factor),
        color=colour,
        alpha=0.2,
        linewidth=0,
        label="95 % of model cells",
        zorder=2,
    )
    axes.plot(pulse, course.median_s / factor, color=colour, linewidth=1.5, label="median of model cells", zorder=3)
    axes.legend(loc="upper left" if polarity == SET else "lower left", fontsize=8, frameon=False)


def _draw_residuals(axes: Axes, residuals: Residuals | None, polarity: int) -> None:
    axes.axhline(0, color=GREY, linewidth=0.7)
    if residuals is None:
        axes.annotate("no steps fitted", (0.5, 0.6), xycoords="axes fraction", ha="center", color=GREY, fontsize=9)
        return
    order = np.argsort(residuals.pulse, kind="stable")
    pulse, error, sigma = (each[order] for each in (residuals.pulse, residuals.error, residuals.sigma))
    at, first = np.unique(pulse, return_index=True)
    expected = np.array([np.median(part) for part in np.split(sigma, first[1:])]) * _NORMAL_95 * 100
    axes.fill_between(at, -expected, expected, color=_COLOURS[polarity], alpha=0.2, linewidth=0, label="95 % expected")
    axes.plot(pulse, error * 100, ".", color=GREY, markersize=2.5, alpha=0.6)
    inside = float(np.mean(np.abs(error) <= _NORMAL_95 * sigma))
    axes.annotate(
        f"{inside:.0%} of {len(error)} inside the 95 % band",
        (0.98, 0.95),
        xycoords="axes fraction",
        ha="right",
        va="top",
        fontsize=8,
        color=INK,
    )
