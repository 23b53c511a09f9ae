"""Fit a cell model to measured pulse trains.

What is fitted, and how:

window
    Ends of the trains, their single outliers removed; of several trains the 90 % quantile, because a weak cell does not
    get to the end.
response, cycle-to-cycle spread, read noise
    Maximum likelihood of the readings inside the window (`pulse_likelihood`), for each polarity; a mean step that is a
    straight line in the conductance is NeuroSim's exponential staircase.
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
from scipy.optimize import minimize

from twinbar.emulator.devices.layout import RESET, SET
from twinbar.emulator.devices.measurement import PulseTrain
from twinbar.emulator.devices.pulse_likelihood import negative_log_likelihood
from twinbar.hw.errors import ConfigError

Array = NDArray[np.float64]

_NAMES: Final = ("SET", "RESET")
_FEWEST_STEPS: Final = 20
_FEWEST_CELLS: Final = 3
_MARGIN: Final = 0.05
"""Readings this close to an end of the window (in fractions of it) say little: the bound clips what a pulse does."""
_DEAD: Final = 0.1
"""A cell whose gain is below this for both polarities does not respond."""
_LARGEST_CURVATURE: Final = 15.0
_ROUNDS: Final = 3
"""Rounds of fitting the common parameters and the gains of the cells in turn."""
_SIGNIFICANT: Final = 4.0
"""Gain in log-likelihood that a read noise must bring to be believed (a likelihood ratio of about 55)."""


@dataclass(frozen=True)
class BranchFit:
    """The exponential staircase of one polarity.

    Parameters
    ----------
    curvature : float
        ``1 / normA``.
    pulses : float
        From one end of the window to the other.
    cycle_to_cycle : float
        Standard deviation of a pulse, in fractions of the window.
    gain_sigma : float or None
        Standard deviation of the logarithm of the gain over the cells; None with fewer than three cells.
    steps : int
        Pulses that the fit rests on: those inside the window.
    """

    curvature: float
    pulses: float
    cycle_to_cycle: float
    gain_sigma: float | None
    steps: int


@dataclass(frozen=True)
class JumpFit:
    """The jump table of one polarity: mean size and spread of a pulse in bins of equal width, in siemens."""

    mean_s: Array
    std_s: Array


@dataclass(frozen=True)
class CellFit:
    """A fitted cell model.

    Parameters
    ----------
    g_min_s, g_max_s : float
    branches : (BranchFit, BranchFit)
        SET and RESET.
    jumps : (JumpFit, JumpFit) or None
        Where a jump table was asked for.
    read_noise : float
        Relative to the conductance; 0 where the data show none.
    gains_shared : bool
        Whether the gains of SET and RESET go together.
    cells, dead_cells : int
        Cells measured, and those that do not respond.
    """

    g_min_s: float
    g_max_s: float
    branches: tuple[BranchFit, BranchFit]
    jumps: tuple[JumpFit, JumpFit] | None
    read_noise: float
    gains_shared: bool
    cells: int
    dead_cells: int


def fit_cell(trains: Sequence[PulseTrain], *, jump_bins: int | None = None) -> CellFit:
    """Fit window, response, spread, read noise and device-to-device gain to measured pulse trains.

    Parameters
    ----------
    trains : sequence of PulseTrain
        Of both polarities.
    jump_bins : int, optional
        Also make a jump table with so many bins.

    Raises
    ------
    ConfigError
        If the trains are too few, do not move the conductance, or leave a bin empty.
    """
    cells = sorted({train.cell for train in trains})
    low_s, high_s = _window(trains)
    scaled = [PulseTrain(t.cell, t.polarity, (t.conductance_s - low_s) / (high_s - low_s)) for t in trains]
    dead = {cell for cell in cells if _is_dead([t for t in scaled if t.cell == cell])}
    alive = [train for train in scaled if train.cell not in dead]
    offset = low_s / (high_s - low_s)
    fits = [_Branch([t for t in alive if t.polarity == polarity], polarity, offset) for polarity in (SET, RESET)]
    for fit in fits:
        fit.run()
    read_noise = math.sqrt(float(np.average([f.read_noise**2 for f in fits], weights=[f.steps for f in fits])))
    jumps = None
    if jump_bins is not None:
        window = high_s - low_s
        jumps = (
            _jumps(alive, SET, jump_bins, read_noise, offset, window),
            _jumps(alive, RESET, jump_bins, read_noise, offset, window),
        )
    return CellFit(
        g_min_s=low_s,
        g_max_s=high_s,
        branches=(fits[SET].result(), fits[RESET].result()),
        jumps=jumps,
        read_noise=read_noise,
        gains_shared=_go_together(fits[SET], fits[RESET]),
        cells=len(cells),
        dead_cells=len(dead),
    )


def _window(trains: Sequence[PulseTrain]) -> tuple[float, float]:
    ends = []
    for polarity, extreme, quantile in ((RESET, np.min, 0.1), (SET, np.max, 0.9)):
        own = [train.conductance_s for train in trains if train.polarity == polarity]
        steps = sum(len(values) - 1 for values in own)
        if steps < _FEWEST_STEPS:
            raise ConfigError(f"there are {steps} {_NAMES[polarity]} pulses; a fit needs at least {_FEWEST_STEPS}")
        ends.append(float(np.quantile([extreme(median_filter(values, 3)) for values in own], quantile)))
    low, high = ends
    if not high > low * 1.001:
        raise ConfigError(
            f"SET ends at {high:.3g} S and RESET at {low:.3g} S; there is nothing to fit unless SET ends higher "
            "(check the polarity column)"
        )
    return low, high


def _is_dead(trains: Sequence[PulseTrain]) -> bool:
    """Tell whether no train of a cell crosses more than a tenth of the window."""
    return all(abs(float(np.median(t.conductance_s[-3:]) - np.median(t.conductance_s[:3]))) < _DEAD for t in trains)


class _Branch:
    """The fit of one polarity while it runs."""

    def __init__(self, trains: Sequence[PulseTrain], polarity: int, offset: float) -> None:
        self.polarity = polarity
        self.offset = offset
        self.direction = 1.0 if polarity == SET else -1.0
        self.longest = max((train.pulses for train in trains), default=0)
        pieces = [(train.cell, piece) for train in trains for piece in _inside(train.conductance_s)]
        self.cells = sorted({cell for cell, _ in pieces})
        self.cell_of = np.array([self.cells.index(cell) for cell, _ in pieces], dtype=np.int64)
        self.values = np.concatenate([piece for _, piece in pieces]) if pieces else np.empty(0)
        self.starts = np.concatenate([[0], np.cumsum([len(piece) for _, piece in pieces])]).astype(np.int64)
        self.steps = len(self.values) - len(pieces)
        if self.steps < _FEWEST_STEPS:
            raise ConfigError(
                f"only {self.steps} {_NAMES[polarity]} pulses start inside the window; a fit needs {_FEWEST_STEPS}"
            )
        self.gains = np.ones(len(self.cells))
        self.gain_errors = np.full(len(self.cells), np.inf)
        self.drive, self.decay, self.pulse_sigma, self.read_noise = 0.0, 0.0, 0.0, 0.0

    def run(self) -> None:
        """Fit the common parameters, and, with enough cells, their gains in turn."""
        self._fit_common()
        if len(self.cells) >= _FEWEST_CELLS:
            for _ in range(_ROUNDS):
                self._fit_gains()
                self._fit_common()

    def _cost(self, drive: float, decay: float, pulse_sigma: float, read_noise: float) -> float:
        return float(
            negative_log_likelihood(
                self.values, self.offset, self.starts, self.gains[self.cell_of], drive, decay, pulse_sigma, read_noise
            )
        )

    def _fit_common(self) -> None:
        steps = np.diff(self.values)
        within = np.ones(len(steps), dtype=bool)
        within[self.starts[1:-1] - 1] = False
        mean, spread = float(steps[within].mean()), max(float(steps[within].std()), 1e-6)

        def cost(x: Array, with_reading: bool) -> float:
            read_noise = math.exp(x[3]) if with_reading else 0.0
            return self._cost(x[0] * scale, x[1] * scale, math.exp(x[2]), read_noise)

        # Of the order of the mean step, so that all parameters of the search are of order one.
        scale = max(abs(mean), spread / math.sqrt(self.steps))
        options = {"maxiter": 4000, "maxfev": 4000, "xatol": 1e-6, "fatol": 1e-6}
        start = np.array([mean / scale, 0.0, math.log(spread)])
        plain = minimize(cost, start, (False,), method="Nelder-Mead", options=options)
        # The same variance of the steps, shared by pulses and readings.
        start = np.append(plain.x, plain.x[2] - math.log(2.0))
        noisy = minimize(cost, start, (True,), method="Nelder-Mead", options=options)
        best = noisy if noisy.fun < plain.fun - _SIGNIFICANT else plain
        self.drive, self.decay = best.x[0] * scale, best.x[1] * scale
        self.pulse_sigma = math.exp(best.x[2])
        self.read_noise = math.exp(best.x[3]) if best is noisy else 0.0
        if self.direction * (self.drive - 0.5 * self.decay) <= 0:
            name = _NAMES[self.polarity]
            raise ConfigError(f"{name} pulses on average move the conductance the wrong way; check the polarity column")

    def _fit_gains(self) -> None:
        for index in range(len(self.cells)):
            own = np.flatnonzero(self.cell_of == index)
            values = np.concatenate([self.values[self.starts[s] : self.starts[s + 1]] for s in own])
            starts = np.concatenate([[0], np.cumsum(np.diff(self.starts)[own])]).astype(np.int64)

            def cost(gain: float, values: Array = values, starts: NDArray[np.int64] = starts) -> float:
                gains = np.full(len(starts) - 1, gain)
                return float(
                    negative_log_likelihood(
                        values, self.offset, starts, gains, self.drive, self.decay, self.pulse_sigma, self.read_noise
                    )
                )

            # The model is close to linear in the gain, and its likelihood close to a parabola: Newton's method.
            gain = self.gains[index]
            for _ in range(8):
                h = 0.02
                below, here, above = cost(gain - h), cost(gain), cost(gain + h)
                bend = (above - 2 * here + below) / h**2
                if bend <= 0:
                    break
                step = (above - below) / (2 * h) / bend
                gain -= float(np.clip(step, -0.5, 0.5))
                self.gain_errors[index] = 1 / math.sqrt(bend)
                if abs(step) < 1e-4:
                    break
            self.gains[index] = gain
        self.gains /= np.median(self.gains)

    def gain_sigma(self) -> float | None:
        """Return the standard deviation of the logarithm of the gain, the error of each gain taken off."""
        known = np.isfinite(self.gain_errors)
        if known.sum() < _FEWEST_CELLS:
            return None
        mean = float(np.mean(self.gains[known]))
        variance = float(np.var(self.gains[known], ddof=1) - np.mean(self.gain_errors[known] ** 2)) / mean**2
        return math.sqrt(math.log1p(max(variance, 0.0)))

    def result(self) -> BranchFit:
        """Turn the straight line of the mean step into curvature and pulses of the exponential staircase."""
        curvature, pulses = staircase_of_line(self.drive, self.decay, self.polarity, self.longest)
        return BranchFit(curvature, pulses, self.pulse_sigma, self.gain_sigma(), self.steps)


def staircase_of_line(drive: float, decay: float, polarity: int, longest: int) -> tuple[float, float]:
    """Return curvature and pulses of the exponential staircase whose step at position ``p`` is ``drive - decay * p``.

    From `responses.exponential_step`: ``decay = 1 - exp(-k / P)`` (``+k`` for RESET) and ``drive = decay / (1 -
    exp(-k))``.

    Parameters
    ----------
    drive, decay : float
        In fractions of the window; negative ``drive - decay * p`` for RESET.
    polarity : int
    longest : int
        Pulses taken for ``P`` where the line crosses zero inside the window, so that the end is approached but never
        reached.
    """
    direction = 1.0 if polarity == SET else -1.0
    middle = drive - 0.5 * decay
    if abs(decay) < 1e-4 * abs(middle):
        return 0.0, abs(1 / middle)
    rate = -math.log1p(-min(decay, 0.999))
    pole = drive / decay
    if 0 <= pole <= 1 or abs(math.log(1 - 1 / pole)) > _LARGEST_CURVATURE:
        pulses = min(float(longest), _LARGEST_CURVATURE / abs(rate))
        return direction * rate * pulses, pulses
    curvature = -math.log(1 - 1 / pole)
    return curvature, direction * curvature / rate


def _inside(values: Array) -> list[Array]:
    """Cut a train into runs of readings inside the window; a run ends with the first reading outside."""
    pieces = []
    begin = None
    for index, value in enumerate(values):
        inside = _MARGIN < value < 1 - _MARGIN
        if inside and begin is None:
            begin = index
        if begin is not None and (not inside or index == len(values) - 1):
            if index > begin:
                pieces.append(values[begin : index + 1])
            begin = None
    return pieces


def _go_together(first: _Branch, second: _Branch) -> bool:
    """Tell whether the gains of SET and RESET are correlated over the cells."""
    common = [cell for cell in first.cells if cell in second.cells]
    if len(common) < _FEWEST_CELLS or not (first.gain_sigma() and second.gain_sigma()):
        return False
    gains = [[branch.gains[branch.cells.index(cell)] for cell in common] for branch in (first, second)]
    return bool(np.corrcoef(gains)[0, 1] > 0.5)


def _jumps(
    trains: Sequence[PulseTrain], polarity: int, bins: int, read_noise: float, offset: float, window_s: float
) -> JumpFit:
    own = [train.conductance_s for train in trains if train.polarity == polarity]
    before = np.concatenate([values[:-1] for values in own])
    change = np.concatenate([np.diff(values) for values in own])
    direction = 1 if polarity == SET else -1
    at = np.clip((before * bins).astype(np.int64), 0, bins - 1)
    mean, std = np.zeros(bins), np.zeros(bins)
    for index in range(bins):
        inside = change[at == index]
        if len(inside) < 3:
            raise ConfigError(
                f"only {len(inside)} {_NAMES[polarity]} pulses start in bin {index + 1} of {bins}; "
                "a jump table needs 3 in each, so take fewer bins or more data"
            )
        # Noise can turn a small mean round; a jump of a polarity never goes the other way.
        mean[index] = max(direction * float(np.mean(inside)), 0.0)
        read_variance = (read_noise * ((index + 0.5) / bins + offset)) ** 2
        std[index] = math.sqrt(max(float(np.var(inside, ddof=1)) - 2 * read_variance, 0.0))
    return JumpFit(mean * window_s, std * window_s)
