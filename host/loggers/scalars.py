"""Figures as the names and numbers that loggers take."""

import math
from collections.abc import Mapping
from typing import Any


def scalars(figures: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    """Return the numbers of nested figures, by their path.

    Parameters
    ----------
    figures : mapping
        Such as an entry of ``epochs`` in report.json. What is no finite number (text, lists, None) is left out.
    prefix : str
        Goes before each name: ``{"pulses": {"set": 3}}`` becomes ``{"pulses/set": 3.0}``.
    """
    found: dict[str, float] = {}
    for key, value in figures.items():
        if isinstance(value, Mapping):
            found.update(scalars(value, f"{prefix}{key}/"))
        elif isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            found[f"{prefix}{key}"] = float(value)
    return found
