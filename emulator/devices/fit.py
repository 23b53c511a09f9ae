"""Fit a cell model to measured pulse trains.

What is fitted, and how:

window
    Ends of the trains, their single outliers removed; of several trains the 90 % quantile, because a weak cell does not
    get to the end.
response, cycle-to-cycle spread, read noise
    Maximum likelihood of the readings inside the window (`branch_fit`), for each polarity; a mean step that is a
    straight line in the conductance is NeuroSim's exponential staircase.
amplitude response
    Where the voltage of the pulses varies, threshold and scale of each polarity, in the same likelihood.
gate limit
    Where the gate voltage rises within SET trains, the line that the conductance follows (`gate_fit`).
device-to-device gain
    Per cell, the factor of the mean step of largest likelihood; its variance over the cells, less the mean squared
    standard error.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from twinbar.emulator.devices.branch_fit import FEWEST_CELLS, FEWEST_STEPS, NAMES, Branch, BranchFit
from twinbar.emulator.devices.fit_intervals import Interval
from twinbar.emulator.devices.gate_fit import GateFit, fit_gate, follows_gate
from twinbar.emulator.devices.layout import RESET, SET
from twinbar.emulator.devices.misfit import (
    check_gradual,
    check_polarities,
    curve_notes,
    gap_notes,
    order_notes,
    without_first_jumps,
)
from twinbar.emulator.devices.pulse_ramps import VoltageRamp, nominal_voltage, ramp_of, varies, voltages_of
from twinbar.emulator.devices.pulse_train import PulseTrain
from twinbar.emulator.devices.residuals import Residuals
from twinbar.hw.errors import ConfigError

Array = NDArray[np.float64]
Pair = tuple[float | None, float | None]

_DEAD: Final = 0.1
"""A cell whose gain is below this for both polarities does not respond."""
_NOISE_EXPONENTS: Final = (1.0, 0.5)
"""Powers of the amplitude factor that the spread may follow: the step itself, or independent events."""
_RESAMPLED: Final = 200
_FEWEST_TRAINS: Final = 3
"""Trains of each polarity from which the interval of the window is estimated."""


@dataclass(frozen=True)
class JumpFit:
    """The jump table of one polarity: mean size and spread of a pulse in bins of equal width, in siemens."""

    mean_s: Array
    std_s: Array


@dataclass(frozen=True)
class CellFit:
    """A fitted cell model. Pairs are SET and RESET.

    Parameters
    ----------
    g_min_s, g_max_s : float
    window_intervals : (Interval, Interval) or None
        Of ``g_min_s`` and ``g_max_s``, 95 %; None with fewer than three trains of a polarity.
    branches : (BranchFit, BranchFit)
    jumps : (JumpFit, JumpFit) or None
        Where a jump table was asked for.
    read_noise : float
        Relative to the conductance; 0 where the data show none.
    gains_shared : bool
        Whether the gains of SET and RESET go together.
    cells, dead_cells : int
        Cells measured, and those that do not respond.
    ramps : (VoltageRamp or None, VoltageRamp or None)
        Voltages of the pulses, where the data have them.
    highest_factor : float
        Greatest factor of an amplitude among the pulses measured; 1 where there is no amplitude response.
    noise_exponent : float
        Power of that factor with which the spread of a pulse grows.
    gate : GateFit or None
    gate_ramps : (VoltageRamp or None, VoltageRamp or None)
    residuals : (Residuals or None, Residuals or None)
        None where the polarity was not fitted by its steps.
    notes : tuple of str
        What does not fit the model, one sentence each.
    """

    g_min_s: float
    g_max_s: float
    window_intervals: tuple[Interval, Interval] | None
    branches: tuple[BranchFit, BranchFit]
    jumps: tuple[JumpFit, JumpFit] | None
    read_noise: float
    gains_shared: bool
    cells: int
    dead_cells: int
    ramps: tuple[VoltageRamp | None, VoltageRamp | None]
    highest_factor: float
    noise_exponent: float
    gate: GateFit | None
    gate_ramps: tuple[VoltageRamp | None, VoltageRamp | None]
    residuals: tuple[Residuals | None, Residuals | None]
    notes: tuple[str, ...]


def fit_cell(trains: Sequence[PulseTrain], *, jump_bins: int | None = None, nominal_v: Pair = (None, None)) -> CellFit:
    """Fit window, response, spread, read noise and device-to-device gain to measured pulse trains.

    Parameters
    ----------
    trains : sequence of PulseTrain
        Of both polarities.
    jump_bins : int, optional
        Also make a jump table with so many bins.
    nominal_v : (float or None, float or None)
        SET and RESET voltage at which the response is stated, where the voltage varies; by default the one at which the
        pulses do most.

    Raises
    ------
    ConfigError
        If the trains are too few, do not move the conductance, are too abrupt for the model, or leave a bin empty.
    """
    cells = sorted({train.cell for train in trains})
    measured = tuple([train for train in trains if train.polarity == polarity] for polarity in (SET, RESET))
    with_gate = follows_gate(measured[SET])
    check_polarities(measured, with_gate=with_gate)
    ends = _ends(measured)
    low_s, high_s = _window(*ends)
    scaled = [train.scaled(low_s, high_s) for train in trains]
    dead = {cell for cell in cells if _is_dead([t for t in scaled if t.cell == cell])}
    alive = [train for train in scaled if train.cell not in dead]
    if not alive and not with_gate:
        _check_alive(scaled)
    notes = [] if with_gate else gap_notes([t for t in trains if t.cell not in dead], low_s, high_s)
    offset = low_s / (high_s - low_s)
    gate = fit_gate([t for t in measured[SET] if t.cell not in dead], low_s, high_s) if with_gate else None
    fitted: list[list[PulseTrain] | None] = []
    for polarity in (SET, RESET):
        own = [train for train in alive if train.polarity == polarity]
        if gate is not None and (polarity == SET or not _is_gradual(own)):
            fitted.append(None)
            continue
        _check_enough(measured[polarity], polarity, own)
        notes += order_notes(own, polarity)
        own, note = without_first_jumps(own, polarity)
        notes += [note] if note is not None else []
        fitted.append(own)
    nominals = [_nominal(own, given) for own, given in zip(fitted, nominal_v, strict=True)]
    fits, noise_exponent = _fit_branches(fitted, offset, nominals)
    known = [fit for fit in fits if fit is not None]
    read_noise = 0.0
    if known:
        squares = [fit.parameters.read_noise**2 for fit in known]
        read_noise = math.sqrt(float(np.average(squares, weights=[fit.steps for fit in known])))
    residuals = [None if fit is None else fit.residuals() for fit in fits]
    for polarity, found in enumerate(residuals):
        if found is not None and jump_bins is None:
            notes += curve_notes(found, polarity)
    jumps = None
    if jump_bins is not None:
        window = high_s - low_s
        jumps = (
            _jumps(alive, SET, jump_bins, read_noise, offset, window),
            _jumps(alive, RESET, jump_bins, read_noise, offset, window),
        )
    branches = [_erasing(gate, polarity) if fit is None else fit.result() for polarity, fit in enumerate(fits)]
    ramps, gate_ramps = (
        tuple(ramp_of(found) if found else None for found in (of(each) for each in measured))
        for of in (voltages_of, _gates_of)
    )
    set_fit, reset_fit = fits
    return CellFit(
        g_min_s=low_s,
        g_max_s=high_s,
        window_intervals=_window_intervals(*ends),
        branches=(branches[SET], branches[RESET]),
        jumps=jumps,
        read_noise=read_noise,
        gains_shared=set_fit is not None and reset_fit is not None and _go_together(set_fit, reset_fit),
        cells=len(cells),
        dead_cells=len(dead),
        ramps=(ramps[SET], ramps[RESET]),
        highest_factor=max([1.0, *(fit.highest_factor() for fit in known)]),
        noise_exponent=noise_exponent,
        gate=gate,
        gate_ramps=(gate_ramps[SET], gate_ramps[RESET]),
        residuals=(residuals[SET], residuals[RESET]),
        notes=tuple(notes),
    )


def _fit_branches(
    fitted: Sequence[list[PulseTrain] | None], offset: float, nominals: Sequence[float | None]
) -> tuple[list[Branch | None], float]:
    """Fit both polarities; return also the power with which spreads follow amplitudes, which they share."""
    exponents = _NOISE_EXPONENTS if any(nominal is not None for nominal in nominals) else _NOISE_EXPONENTS[:1]
    best: tuple[float, list[Branch | None], float] | None = None
    for exponent in exponents:
        fits: list[Branch | None] = []
        for polarity, (own, nominal) in enumerate(zip(fitted, nominals, strict=True)):
            fits.append(None if own is None else Branch(own, polarity, offset, nominal))
        for fit in fits:
            if fit is not None:
                fit.run(exponent)
        cost = sum(fit.cost for fit in fits if fit is not None)
        if best is None or cost < best[0]:
            best = (cost, fits, exponent)
    assert best is not None
    return best[1], best[2]


def _nominal(own: list[PulseTrain] | None, given: float | None) -> float | None:
    """Return the voltage at which the response is stated; None where there is only one."""
    voltages = voltages_of(own) if own else None
    if own is None or voltages is None or not varies(voltages):
        return None
    if given is None:
        return nominal_voltage(own)
    low, high = min(float(each.min()) for each in voltages), max(float(each.max()) for each in voltages)
    if not low <= given <= high:
        name = NAMES[own[0].polarity]
        raise ConfigError(f"the {name} voltage is {given:g} V, but the pulses measured have {low:g} to {high:g} V")
    return given


def _gates_of(trains: Sequence[PulseTrain]) -> list[Array] | None:
    found = [train.gate_v for train in trains if train.gate_v is not None]
    return found if found and len(found) == len(trains) else None


def _erasing(gate: GateFit | None, polarity: int) -> BranchFit:
    """Return the branch of pulses of which the steps were not fitted: what the gate ends, or one pulse that erases."""
    assert gate is not None
    pulses = max(1.0, 1 / gate.largest_step) if polarity == SET else 1.0
    return BranchFit(0.0, pulses, 0.0, None, 0, None, {})


# --- what can be fitted -----------------------------------------------------------------------------------------------


def _ends(measured: tuple[list[PulseTrain], ...]) -> tuple[list[float], list[float]]:
    """Return the lowest conductance of every RESET train, and the highest one of every SET train."""
    resets, sets = measured[RESET], measured[SET]
    lows = [float(np.min(median_filter(train.readings_s, 3))) for train in resets]
    if not lows:
        lows = [float(train.readings_s[0]) for train in sets]
    return lows, [float(np.max(median_filter(train.readings_s, 3))) for train in sets]


def _window(lows: Sequence[float], highs: Sequence[float]) -> tuple[float, float]:
    low, high = float(np.quantile(lows, 0.1)), float(np.quantile(highs, 0.9))
    if not high > low * 1.001:
        raise ConfigError(
            f"SET ends at {high * 1e6:.3g} uS and RESET at {low * 1e6:.3g} uS; there is nothing to fit unless SET ends "
            "higher (check the polarities, and that the pulses switch the cell)"
        )
    return low, high


def _window_intervals(lows: Sequence[float], highs: Sequence[float]) -> tuple[Interval, Interval] | None:
    """Return 95 % intervals of the ends of the window, from trains drawn with replacement."""
    if min(len(lows), len(highs)) < _FEWEST_TRAINS:
        return None
    random = np.random.default_rng(0)
    found: list[Interval] = []
    for ends, quantile in ((lows, 0.1), (highs, 0.9)):
        drawn = np.quantile(random.choice(ends, (_RESAMPLED, len(ends))), quantile, axis=1)
        low, high = np.quantile(drawn, (0.025, 0.975))
        found.append((float(low), float(high)))
    return found[0], found[1]


def _is_gradual(own: Sequence[PulseTrain]) -> bool:
    """Say whether the steps of a polarity can be fitted."""
    try:
        check_gradual(own, RESET)
    except ConfigError:
        return False
    return sum(len(train.readings_s) - 1 for train in own) >= FEWEST_STEPS


def _check_enough(measured: Sequence[PulseTrain], polarity: int, own: Sequence[PulseTrain]) -> None:
    check_gradual(own, polarity)
    steps = sum(len(train.readings_s) - 1 for train in measured)
    if steps < FEWEST_STEPS:
        raise ConfigError(f"there are {steps} {NAMES[polarity]} pulses; a fit needs at least {FEWEST_STEPS}")


def _is_dead(trains: Sequence[PulseTrain]) -> bool:
    """Tell whether no train of a cell crosses more than a tenth of the window."""
    return all(abs(float(np.median(t.readings_s[-3:]) - np.median(t.readings_s[:3]))) < _DEAD for t in trains)


def _check_alive(scaled: Sequence[PulseTrain]) -> None:
    """Say why no cell seems to respond: what switches with the first pulse of a train ends where it begins, nearly."""
    for polarity in (SET, RESET):
        check_gradual([train for train in scaled if train.polarity == polarity], polarity)
    raise ConfigError(
        f"no cell moves by more than {_DEAD:.0%} of the window from the start of a train to its end; a fit needs "
        "pulses that take a cell through most of its window"
    )


# --- over cells, and bins ---------------------------------------------------------------------------------------------


def _go_together(first: Branch, second: Branch) -> bool:
    """Tell whether the gains of SET and RESET are correlated over the cells."""
    common = [cell for cell in first.cells if cell in second.cells]
    if len(common) < FEWEST_CELLS or not (first.gain_sigma() and second.gain_sigma()):
        return False
    gains = [[branch.gains[branch.cells.index(cell)] for cell in common] for branch in (first, second)]
    return bool(np.corrcoef(gains)[0, 1] > 0.5)


def _jumps(
    trains: Sequence[PulseTrain], polarity: int, bins: int, read_noise: float, offset: float, window_s: float
) -> JumpFit:
    own = [train.conductance_s for train in trains if train.polarity == polarity]
    before = np.concatenate([values[:-1] for values in own])
    change = np.concatenate([np.diff(values) for values in own])
    known = np.isfinite(change)
    before, change = before[known], change[known]
    direction = 1 if polarity == SET else -1
    at = np.clip((before * bins).astype(np.int64), 0, bins - 1)
    mean, std = np.zeros(bins), np.zeros(bins)
    for index in range(bins):
        inside = change[at == index]
        if len(inside) < 3:
            raise ConfigError(
                f"only {len(inside)} {NAMES[polarity]} pulses start in bin {index + 1} of {bins}; "
                "a jump table needs 3 in each, so take fewer bins or more data"
            )
        # Noise can turn a small mean round; a jump of a polarity never goes the other way.
        mean[index] = max(direction * float(np.mean(inside)), 0.0)
        read_variance = (read_noise * ((index + 0.5) / bins + offset)) ** 2
        std[index] = math.sqrt(max(float(np.var(inside, ddof=1)) - 2 * read_variance, 0.0))
    return JumpFit(mean * window_s, std * window_s)
