"""Where everything lies in the array's memory, in words of 16 bits; records have four."""

from dataclasses import dataclass
from typing import Final

from twinbar.hw.errors import ConfigError, ParameterError

from ..controller_config import ControllerConfig
from .instructions import WORDS
from .model import ArrayModel

CHANNEL_RECORDS: Final = 3
"""Of a channel: its key, its conversions, and its gain."""
MAX_CHANNELS: Final = 16
_WORD_REACH: Final = 1 << 16
"""Words are addressed by 16 bits, and records too."""


@dataclass(frozen=True)
class MemoryMap:
    """Sections of the memory.

    Parameters
    ----------
    gain, grid : int
        First words of the gains and of the cells' read-grid values; the upper half of the normal deviates is at 0.
    responses, channels, offsets, cells : int
        First records: mean (upper half) and spread of a pulse by polarity and position; channels; offsets of outputs,
        then of pairs; cells.
    words : int
        All of them.
    gain_words : int
    """

    gain: int
    gain_words: int
    grid: int
    responses: int
    channels: int
    offsets: int
    cells: int
    words: int

    @classmethod
    def of(cls, config: ControllerConfig, model: ArrayModel) -> "MemoryMap":
        """Lay out the memory of an array.

        Raises
        ------
        ConfigError
            If the array is too large.
        """
        cells = config.rows * config.columns
        gain = len(model.gauss) // 2
        gain_words = len(gains(model))
        grid = gain + gain_words
        responses = -(-(grid + cells) // WORDS)
        channels = responses + len(responses_of(model)[0])
        offsets = channels + CHANNEL_RECORDS * config.adc_channels
        first_cell = offsets + (config.columns * 3 // 2 if model.offset else 0)
        if config.adc_channels > MAX_CHANNELS:
            raise ParameterError(
                "adc_channels", f"is {config.adc_channels}; the emulated array serves {MAX_CHANNELS} at most"
            )
        if grid + cells > _WORD_REACH or first_cell + cells > _WORD_REACH:
            raise ConfigError(
                f"an emulated array of {config.rows} x {config.columns} cells is too large; at most about 50,000 cells "
                "fit its memory"
            )
        return cls(gain, gain_words, grid, responses, channels, offsets, first_cell, (first_cell + cells) * WORDS)


def stored_tables(config: ControllerConfig, model: ArrayModel) -> list[int]:
    """Return the memory's words at power-up, up to the last table, where memory can start with contents."""
    at = MemoryMap.of(config, model)
    words = [*upper_deviates(model), *gains(model)]
    words += [0] * (at.responses * WORDS - len(words))
    for mean, sigma in zip(*responses_of(model), strict=True):
        record = sigma | (mean & 0xFFFFFFFF) << 32
        words += [record >> 16 * place & 0xFFFF for place in range(WORDS)]
    return words


def upper_deviates(model: ArrayModel) -> tuple[int, ...]:
    """Return the deviates that are stored: the lower half of the quantiles is the mirror image of the upper one."""
    return model.gauss[len(model.gauss) // 2 :]


def gains(model: ArrayModel) -> list[int]:
    """Return the gains that are stored: once, if those of SET and RESET are the same."""
    return [*model.gain[0], *(model.gain[1] if model.gain[1] != model.gain[0] else ())]


def responses_of(model: ArrayModel) -> tuple[list[int], list[int]]:
    """Return means and spreads, SET then RESET."""
    return [*model.mean[0], *model.mean[1]], [*model.sigma[0], *model.sigma[1]]
