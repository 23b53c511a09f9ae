"""Random numbers of update policies: functions of seed, decision and layer, so that a resumed run draws the same."""

from typing import Final

import numpy as np

DRAW_BITS: Final = 32
"""Bits of a draw, as they are counted."""


def draws(seed: int, decision: int, layer: str, shape: tuple[int, ...]) -> np.ndarray:
    """Draw numbers between 0 and 1 (float32).

    Parameters
    ----------
    seed : int
    decision : int
    layer : str
    shape : tuple of int
    """
    key = np.random.SeedSequence([seed, decision, *layer.encode()])
    return np.random.Generator(np.random.Philox(key)).random(shape, np.float32)


def stochastic(pulses: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Round numbers of pulses up with the probability of their fraction."""
    return np.asarray(np.floor(pulses + drawn))
