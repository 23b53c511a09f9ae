"""Which calibrations a crossbar needs when it is brought up, and in which order."""

import numpy as np

from twinbar.emulator.crossbar.configuration import CrossbarConfig

COLUMN = 0
SUBTRACT = 1
GAIN = 2
"""Columns of `calibrations`: the arguments of a CALIBRATE command."""


def calibrations(config: CrossbarConfig, mapped_columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """List the calibrations of every tile: offsets of the columns in use, of their pairs, then gains of their channels.

    Parameters
    ----------
    config : CrossbarConfig
    mapped_columns : int64 [tiles]
        Columns in use, from the first.

    Returns
    -------
    offsets : int64 [tiles + 1]
        The list of tile ``k`` is ``offsets[k]`` to ``offsets[k + 1]``; all lists are empty where converters are ideal.
    arguments : int64 [n, 3]
    """
    parts = [np.zeros((0, 3), np.int64)]
    for mapped in mapped_columns.tolist() if config.converters_differ else []:
        pairs = mapped // 2 if config.geometry.subtract_pairs else 0
        # A channel is trimmed on the first column that it converts; serial parts have no trim.
        trimmed = 0 if config.parts is not None else min(config.geometry.adc_channels, mapped)
        counts = (mapped, pairs, trimmed)
        arguments = np.zeros((sum(counts), 3), np.int64)
        arguments[:, COLUMN] = np.concatenate([np.arange(count) for count in counts])
        arguments[mapped : mapped + pairs, SUBTRACT] = 1
        arguments[mapped + pairs :, GAIN] = 1
        parts.append(arguments)
    lengths = [len(part) for part in parts[1:]] or [0] * len(mapped_columns)
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64), np.concatenate(parts)
