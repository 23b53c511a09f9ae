"""How the levels of a cell are spaced: evenly, by what a read scatters, by powers of two, or as they are given.

Where reads scatter in proportion to the conductance, even levels are easy to tell apart at the low end and hard at the
high one. B. Q. Le et al., RADAR: a fast and energy-efficient programming technique for multiple bits-per-cell RRAM
arrays, IEEE Trans. Electron Devices 68 (2021), allocate the ranges of levels by the measured distributions instead. Of
powers of two: D. Miyashita et al., Convolutional neural networks using logarithmic data representation,
arXiv:1603.01025.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twinbar.emulator.crossbar.levels import even_positions
from twinbar.emulator.sections.device_section import DeviceConfig
from twinbar.hw.errors import ConfigError

_POINTS: Final = 4097
"""At which the scatter of reads is looked up over the window."""


def spaced_levels(
    device: DeviceConfig, codes: tuple[float, float], scatter: Callable[[NDArray[np.float64]], NDArray[np.float64]]
) -> NDArray[np.float64]:
    """Return where levels lie, in mean spacings (`twinbar.emulator.crossbar.levels.LevelTable.positions`).

    Parameters
    ----------
    device : DeviceConfig
    codes : (float, float)
        Of the lowest and the highest level.
    scatter : callable
        Gives the standard deviation of a read, in codes, for each of some nominal codes.

    Raises
    ------
    ConfigError
        If neighbouring levels other than even ones would share a code.
    """
    even = even_positions(device.levels)
    if device.level_spacing == "uniform":
        return even
    top = device.levels - 1
    if device.level_spacing == "noise":
        shares = _equally_many_deviations(even / top, codes, scatter)
    elif device.level_spacing == "power-of-two":
        shares = np.append(0.0, 0.5 ** np.arange(top - 1, -1, -1))
    else:
        shares = np.array(device.level_spacing, np.float64)
    apart = np.diff(shares) * (codes[1] - codes[0])
    n = int(np.argmin(apart))
    if apart[n] < 1:
        raise ConfigError(
            f"device.level_spacing puts levels {n} and {n + 1} of {device.levels} {apart[n]:.2g} ADC codes apart, and "
            "reads cannot tell them from each other where it is less than one; use fewer levels, more ADC bits "
            "(array.adc_bits) or another spacing"
        )
    return shares * top


def _equally_many_deviations(
    parts: NDArray[np.float64],
    codes: tuple[float, float],
    scatter: Callable[[NDArray[np.float64]], NDArray[np.float64]],
) -> NDArray[np.float64]:
    """Return shares of the window between which the integral of 1 / scatter grows by equal parts.

    Where the scatter is the same everywhere they are even; where it is proportional to the conductance, each level is
    the same multiple of the one below.
    """
    line = np.linspace(*codes, _POINTS)
    density = 1 / scatter(line)
    passed = np.append(0.0, np.cumsum((density[1:] + density[:-1]) / 2))
    shares = np.interp(parts, passed / passed[-1], np.linspace(0, 1, _POINTS))
    shares[0], shares[-1] = 0.0, 1.0
    return shares
