"""The maximum-likelihood fit of one polarity: staircase, spreads, and, where voltages vary, the amplitude response."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from twinbar.emulator.devices.amplitude_response import AmplitudeResponse
from twinbar.emulator.devices.fit_intervals import Interval, intervals_of
from twinbar.emulator.devices.layout import SET
from twinbar.emulator.devices.pulse_likelihood import filter_pulses
from twinbar.emulator.devices.pulse_train import PulseTrain
from twinbar.emulator.devices.residuals import Residuals
from twinbar.emulator.devices.staircase_line import staircase_of_line
from twinbar.hw.errors import ConfigError

Array = NDArray[np.float64]

NAMES: Final = ("SET", "RESET")
FEWEST_STEPS: Final = 20
FEWEST_CELLS: Final = 3
_MARGIN: Final = 0.05
"""Readings this close to an end of the window (in fractions of it) say little: the bound clips what a pulse does."""
_ROUNDS: Final = 3
"""Rounds of fitting the common parameters and the gains of the cells in turn."""
_SIGNIFICANT: Final = 4.0
"""Gain in log-likelihood that a further parameter must bring to be believed (a likelihood ratio of about 55)."""
_SCALES: Final = (0.02, 50.0)
"""Least and greatest scale of the amplitude response that is looked for, in fractions of the span of voltages."""


@dataclass(frozen=True)
class BranchFit:
    """The exponential staircase of one polarity, at the nominal voltage.

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
        Readings that the fit rests on: those inside the window.
    amplitude : AmplitudeResponse or None
        Where pulses of several voltages were measured.
    intervals : dict of str to (float, float)
        Intervals of 95 % of ``curvature``, ``pulses``, ``cycle_to_cycle``, ``threshold_v`` and ``scale_v``, those that
        the data give.
    """

    curvature: float
    pulses: float
    cycle_to_cycle: float
    gain_sigma: float | None
    steps: int
    amplitude: AmplitudeResponse | None
    intervals: dict[str, Interval]


class _Parameters(NamedTuple):
    """What the likelihood depends on; in fractions of the window, the read noise of the conductance."""

    drive: float
    decay: float
    pulse_sigma: float
    read_noise: float
    amplitude: AmplitudeResponse | None


class _Maximum(NamedTuple):
    """A maximum of the likelihood, for a certain set of free parameters."""

    x: Array
    cost: float
    objective: Callable[[Array], float]
    unpack: Callable[[Array], _Parameters]
    curved: bool

    def unless(self, other: "_Maximum") -> "_Maximum":
        """Return this one, unless another one, with a parameter more, explains the data significantly better."""
        return other if other.cost < self.cost - _SIGNIFICANT else self


class _Search(Protocol):
    """Looks for the maximum of the likelihood from a start, with or without curvature and read noise."""

    def __call__(self, start: Sequence[float], *, curved: bool, noisy: bool) -> _Maximum: ...


class Branch:
    """The fit of one polarity while it runs.

    Parameters
    ----------
    trains : sequence of PulseTrain
        Of the polarity, as positions in the window.
    polarity : int
    offset : float
        Lower end of the window in fractions of its width.
    nominal_v : float, optional
        Voltage at which the staircase is stated, where the trains have several.

    Raises
    ------
    ConfigError
        If too few readings are inside the window.
    """

    def __init__(self, trains: Sequence[PulseTrain], polarity: int, offset: float, nominal_v: float | None) -> None:
        self.polarity = polarity
        self.offset = offset
        self.direction = 1.0 if polarity == SET else -1.0
        self.longest = max((train.pulses for train in trains), default=0)
        pieces = [
            (train, first, last)
            for train in trains
            for first, last in _inside(train.conductance_s, polarity, ramps=nominal_v is not None)
        ]
        self.cells = sorted({train.cell for train, _, _ in pieces})
        self.cell_of = np.array([self.cells.index(train.cell) for train, _, _ in pieces], dtype=np.int64)
        self.values = _joined([train.conductance_s[first:last] for train, first, last in pieces])
        self.pulse = _joined([np.arange(first, last, dtype=np.float64) for _, first, last in pieces])
        self.starts = np.cumsum([0, *(last - first for _, first, last in pieces)]).astype(np.int64)
        self.steps = int(np.isfinite(self.values).sum()) - len(pieces)
        if self.steps < FEWEST_STEPS:
            raise ConfigError(
                f"only {self.steps} {NAMES[polarity]} pulses start inside the window; a fit needs {FEWEST_STEPS}, so "
                "measure more trains, or with weaker pulses, of which more cross the window"
            )
        self.voltage_v: Array | None = None
        if nominal_v is not None:
            # The voltage of a pulse stands beside the reading after it; that of a first reading has no meaning.
            voltages = [np.concatenate([[0.0], _known(train.voltage_v)])[first:last] for train, first, last in pieces]
            self.voltage_v = _joined(voltages)
        self.nominal_v = nominal_v
        # The last steps of a ramp are large, and the end of the window clips them; steps that are all alike are small.
        self._bound = math.inf if nominal_v is None else 1 - _MARGIN if polarity == SET else -_MARGIN
        self.gains = np.ones(len(self.cells))
        self.gain_errors = np.full(len(self.cells), np.inf)
        self.parameters = _Parameters(0.0, 0.0, 0.0, 0.0, None)
        self.noise_exponent = 1.0
        self.cost = math.inf
        self._errors = np.full(len(self.values), np.nan)
        self._variances = np.full(len(self.values), np.nan)
        self._ones = np.ones(len(self.values))
        self._found: _Maximum | None = None

    def run(self, noise_exponent: float) -> None:
        """Fit the common parameters, and, with enough cells, their gains in turn.

        Parameters
        ----------
        noise_exponent : float
            Power of the factor of an amplitude with which the spread of a pulse grows.
        """
        self.noise_exponent = noise_exponent
        self._fit_common()
        if len(self.cells) >= FEWEST_CELLS:
            for _ in range(_ROUNDS):
                self._fit_gains()
                self._fit_common()

    # --- common parameters --------------------------------------------------------------------------------------------

    def _likelihood(self, parameters: _Parameters) -> float:
        factors, spreads = self._factors(parameters.amplitude)
        gains = self.gains[self.cell_of]
        return float(
            filter_pulses(
                *(self.values, self.offset, self.starts, gains, factors, spreads),
                self._bound,
                *parameters[:4],
                *(self._errors, self._variances),
            )
        )

    def _factors(self, amplitude: AmplitudeResponse | None) -> tuple[Array, Array]:
        if amplitude is None or self.voltage_v is None:
            return self._ones, self._ones
        factors = amplitude.factor(self.voltage_v)
        return factors, factors ** (2 * self.noise_exponent)

    def _fit_common(self) -> None:
        mean, spread = self._mean_step()
        # Of the order of the mean step, so that all parameters of the search are of order one.
        scale = max(abs(mean), spread / math.sqrt(self.steps))

        def search(start: Sequence[float], *, curved: bool, noisy: bool) -> _Maximum:
            def unpack(x: Array) -> _Parameters:
                rest = list(x[2:])
                amplitude = None if self.voltage_v is None else self._response(rest.pop(0), rest.pop(0))
                decay = rest.pop(0) * scale if curved else 0.0
                return _Parameters(x[0] * scale, decay, _exp(x[1]), _exp(rest.pop(0)) if noisy else 0.0, amplitude)

            def cost(x: Array) -> float:
                return self._likelihood(unpack(x))

            options = {"maxiter": 6000, "maxfev": 6000, "xatol": 1e-6, "fatol": 1e-6}
            found = minimize(cost, np.array(start), method="Nelder-Mead", options=options)
            return _Maximum(found.x, float(found.fun), cost, unpack, curved)

        base = [mean / scale, math.log(spread)]
        # The same variance of the steps, shared by pulses and readings.
        reading = math.log(spread) - math.log(2.0)
        if self.voltage_v is None:
            best = search([*base, 0.0], curved=True, noisy=False)
            best = best.unless(search([*best.x, reading], curved=True, noisy=True))
        else:
            best = self._search_with_voltages(search, base, reading)
        self.parameters = best.unpack(best.x)
        self.cost = best.cost
        self._found = best
        if self.direction * (self.parameters.drive - 0.5 * self.parameters.decay) <= 0:
            name = NAMES[self.polarity]
            raise ConfigError(
                f"{name} pulses on average move the conductance the wrong way; check their polarity and their order"
            )

    def _search_with_voltages(self, search: "_Search", base: list[float], reading: float) -> "_Maximum":
        """Look for the maximum with an amplitude response, from several places: there are others beside it."""
        starts = [[*base, t, s] for t in (-1.0, 1.5) for s in (math.log(0.15), math.log(0.7))]
        best: _Maximum | None = None
        # On one ramp a higher voltage and a higher conductance come together, and a curvature that the data do not ask
        # for would be taken for a response to the voltage, or the other way round: the straight line comes first.
        for curved in (False, True):
            responses = starts if best is None else [list(best.x[:4])]
            for noisy in (False, True):
                tails = [*([0.0] if curved else []), *([reading] if noisy else [])]
                found = min(
                    (search([*start, *tails], curved=curved, noisy=noisy) for start in responses),
                    key=lambda found: found.cost,
                )
                best = found if best is None else best.unless(found)
        assert best is not None
        return best

    def _response(self, threshold: float, scale: float) -> AmplitudeResponse:
        """Return the response of two parameters without bounds."""
        assert self.nominal_v is not None
        assert self.voltage_v is not None
        span = float(np.ptp(self.voltage_v[self.voltage_v > 0]))
        part = 0.999 / (1 + math.exp(-min(max(threshold, -30.0), 30.0)))
        low, high = (math.log(bound) for bound in _SCALES)
        return AmplitudeResponse(self.nominal_v, part * self.nominal_v, span * math.exp(min(max(scale, low), high)))

    def _mean_step(self) -> tuple[float, float]:
        """Return mean and standard deviation of the step of a pulse, from one reading to the next."""
        known = np.isfinite(self.values)
        moved, count = [], []
        for first, last in zip(self.starts[:-1], self.starts[1:], strict=True):
            at = np.flatnonzero(known[first:last])
            moved.append(np.diff(self.values[first:last][at]))
            count.append(np.diff(at))
        steps, counts = np.concatenate(moved), np.concatenate(count)
        mean = float(steps.sum() / counts.sum())
        return mean, max(float(np.std((steps - mean * counts) / np.sqrt(counts))), 1e-6)

    # --- cells --------------------------------------------------------------------------------------------------------

    def _fit_gains(self) -> None:
        factors, spreads = self._factors(self.parameters.amplitude)
        for index in range(len(self.cells)):
            own = np.flatnonzero(self.cell_of == index)
            places = np.concatenate([np.arange(self.starts[s], self.starts[s + 1]) for s in own])
            starts = np.concatenate([[0], np.cumsum(np.diff(self.starts)[own])]).astype(np.int64)
            arrays = [each[places] for each in (self.values, factors, spreads, self._errors, self._variances)]

            def cost(gain: float, starts: NDArray[np.int64] = starts, arrays: Sequence[Array] = arrays) -> float:
                values, factor, spread, errors, variances = arrays
                gains = np.full(len(starts) - 1, gain)
                return float(
                    filter_pulses(
                        *(values, self.offset, starts, gains, factor, spread),
                        self._bound,
                        *self.parameters[:4],
                        *(errors, variances),
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
        if known.sum() < FEWEST_CELLS:
            return None
        mean = float(np.mean(self.gains[known]))
        variance = float(np.var(self.gains[known], ddof=1) - np.mean(self.gain_errors[known] ** 2)) / mean**2
        return math.sqrt(math.log1p(max(variance, 0.0)))

    # --- results ------------------------------------------------------------------------------------------------------

    def _derived(self, parameters: _Parameters) -> dict[str, float]:
        line = parameters.drive, parameters.decay
        curvature, pulses = staircase_of_line(*line, self.polarity, self.longest)
        derived = {"curvature": curvature, "pulses": pulses, "cycle_to_cycle": parameters.pulse_sigma}
        if parameters.amplitude is not None:
            derived |= {"threshold_v": parameters.amplitude.threshold_v, "scale_v": parameters.amplitude.scale_v}
        return derived

    def result(self) -> BranchFit:
        """Turn the straight line of the mean step into curvature and pulses of the exponential staircase."""
        assert self._found is not None, "it was fitted"
        found = self._found
        derived = self._derived(self.parameters)
        return BranchFit(
            curvature=derived["curvature"],
            pulses=derived["pulses"],
            cycle_to_cycle=derived["cycle_to_cycle"],
            gain_sigma=self.gain_sigma(),
            steps=self.steps,
            amplitude=self.parameters.amplitude,
            intervals=intervals_of(found.objective, found.x, lambda x: self._derived(found.unpack(x))),
        )

    def highest_factor(self) -> float:
        """Return the greatest factor of an amplitude among the pulses; 1 where all have the same voltage."""
        factors, _ = self._factors(self.parameters.amplitude)
        return float(factors.max())

    def residuals(self) -> Residuals:
        """Return the readings beside their predictions, at the fitted parameters."""
        self._errors.fill(np.nan)
        self._likelihood(self.parameters)
        at = np.flatnonzero(np.isfinite(self._errors))
        known = np.flatnonzero(np.isfinite(self.values))
        before = known[np.searchsorted(known, at) - 1]
        factors, _ = self._factors(self.parameters.amplitude)
        total = np.cumsum(factors)
        gains = self.gains[self.cell_of][np.searchsorted(self.starts, at, side="right") - 1]
        step = (
            gains * (total[at] - total[before]) * (self.parameters.drive - self.parameters.decay * self.values[before])
        )
        error = self._errors[at]
        pulse = self.pulse[at].astype(np.int64)
        return Residuals(pulse, self.values[at] - error, error, np.sqrt(self._variances[at]), step)


def _exp(logarithm: float) -> float:
    """Return the exponential; a search may look at logarithms beyond the range of floats."""
    return math.exp(min(max(logarithm, -100.0), 100.0))


def _joined(arrays: Sequence[Array]) -> Array:
    return np.concatenate(arrays) if arrays else np.empty(0)


def _known(voltage_v: Array | None) -> Array:
    assert voltage_v is not None, "a nominal voltage is given only where every train has its voltages"
    return voltage_v


def _inside(values: Array, polarity: int, *, ramps: bool) -> list[tuple[int, int]]:
    """Cut a train into runs of readings inside the window; a run ends with the first reading outside.

    On a ramp, the end where it begins counts as inside: that weak pulses do nothing there tells their threshold.
    """
    pieces = []
    begin: int | None = None
    last: int | None = None
    low = -math.inf if ramps and polarity == SET else _MARGIN
    high = math.inf if ramps and polarity != SET else 1 - _MARGIN
    for index in np.flatnonzero(np.isfinite(values)):
        inside = low < values[index] < high
        if begin is None:
            begin = int(index) if inside else None
        elif not inside:
            pieces.append((begin, int(index) + 1))
            begin = None
        last = int(index)
    if begin is not None and last is not None and last > begin:
        pieces.append((begin, last + 1))
    return pieces
