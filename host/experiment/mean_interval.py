"""Mean of a few runs and its 95 % confidence interval, by Student's distribution."""

import math
import statistics
from collections.abc import Sequence
from typing import Any, Final

STUDENT: Final = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228),
    *(2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086),
    *(2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042),
)
"""97.5 % quantile of Student's t by degrees of freedom, from 1 (NIST/SEMATECH e-Handbook, 1.3.6.7.2)."""


def mean_interval(values: Sequence[float]) -> dict[str, Any]:
    """Return mean and interval of the values of several runs.

    Parameters
    ----------
    values : sequence of float
        One for each run, at most 31.

    Returns
    -------
    dict
        ``mean``; ``low`` and ``high``, None for a single run; ``runs``; ``values``.
    """
    mean = statistics.fmean(values)
    low = high = None
    if len(values) > 1:
        half = STUDENT[len(values) - 2] * statistics.stdev(values) / math.sqrt(len(values))
        low, high = mean - half, mean + half
    return {"mean": mean, "low": low, "high": high, "runs": len(values), "values": list(values)}
