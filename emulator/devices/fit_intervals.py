"""Intervals of fitted quantities, from the curvature of the likelihood at its maximum."""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Interval = tuple[float, float]

_DRAWS: Final = 1000
_SHARE: Final = 0.95
_STEP: Final = 1e-3
_WIDEST: Final = 2.0
"""Standard deviation of the draws of a parameter, which is of order one or a logarithm."""
_LARGEST_LOG: Final = 20.0


def intervals_of(
    cost: Callable[[Array], float], best: Array, derive: Callable[[Array], dict[str, float]]
) -> dict[str, Interval]:
    """Return the 95 % intervals of quantities that follow from the parameters of a fit.

    Parameters are drawn (with a fixed seed) from the Gaussian that has the curvature of the likelihood at its maximum,
    and each draw is weighted by its likelihood; the weighted quantiles of the quantities are the intervals, which need
    not be symmetric.

    Parameters
    ----------
    cost : callable
        Negative logarithm of the likelihood.
    best : (n,) array
        Parameters at its minimum, of order one.
    derive : callable
        Quantities by name, from parameters.

    Returns
    -------
    dict
        Empty where the point is no maximum.
    """
    hessian = _hessian(cost, best)
    if not np.all(np.isfinite(hessian)):
        return {}
    values, vectors = np.linalg.eigh(hessian)
    if values.max() <= 0:
        return {}
    # The likelihood does not fall towards spreads of zero that the data do not show: its curvature says nothing there.
    widths = 1 / np.sqrt(np.maximum(values, _WIDEST**-2))
    z = np.random.default_rng(0).standard_normal((_DRAWS, len(best)))
    draws = best + (z * widths) @ vectors.T
    above = np.array([cost(draw) for draw in draws]) - cost(best)
    weights = np.exp(np.minimum(0.5 * np.sum(z * z, axis=1) - above, _LARGEST_LOG))
    if not weights.sum() > 0:
        return {}
    found = [derive(draw) for draw in draws]
    return {name: _quantiles(np.array([each[name] for each in found]), weights) for name in found[0]}


def _quantiles(values: Array, weights: Array) -> Interval:
    order = np.argsort(values)
    share = np.cumsum(weights[order]) / weights.sum()
    low, high = np.interp([(1 - _SHARE) / 2, (1 + _SHARE) / 2], share, values[order])
    return float(low), float(high)


def _hessian(cost: Callable[[Array], float], at: Array) -> Array:
    """Return the second derivatives, by central differences."""
    size = len(at)
    steps = _STEP * np.maximum(np.abs(at), 1.0)
    result = np.empty((size, size))
    middle = cost(at)
    for i in range(size):
        ahead, back = at.copy(), at.copy()
        ahead[i] += steps[i]
        back[i] -= steps[i]
        result[i, i] = (cost(ahead) - 2 * middle + cost(back)) / steps[i] ** 2
        for j in range(i):
            corners = []
            for a, b in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
                corner = at.copy()
                corner[i] += a * steps[i]
                corner[j] += b * steps[j]
                corners.append(cost(corner))
            result[i, j] = result[j, i] = (corners[0] - corners[1] - corners[2] + corners[3]) / (
                4 * steps[i] * steps[j]
            )
    return result
