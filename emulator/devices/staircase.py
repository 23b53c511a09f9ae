"""The LTP/LTD staircase of a cell model with its spread, simulated by the integer physics."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twinbar.emulator.devices.cell_tables import build_tables
from twinbar.emulator.devices.layout import RESET, SET
from twinbar.emulator.devices.physics import apply_pulse, cell_key, traits
from twinbar.emulator.devices.preset import Preset
from twinbar.emulator.kernels.compiled import allocating_kernel
from twinbar.emulator.sections.array_section import ArrayConfig
from twinbar.hw.errors import ConfigError

_SHORTEST: Final = 10
_LONGEST: Final = 500
_CLOCK_HZ: Final = 1e9
"""A nanosecond resolves every preset's pulses."""


@dataclass(frozen=True)
class Staircase:
    """Conductances of many cells over ``pulses`` SET pulses and then as many RESET pulses.

    Parameters
    ----------
    pulses : int
        Pulses of each polarity.
    low_s, median_s, high_s : (2 * pulses + 1,) array
        10 %, 50 % and 90 % quantile over the cells before the first pulse and after each, in siemens.
    cells : int
        Sound cells simulated.
    algorithm : str
        Write algorithm whose voltages were applied.
    """

    pulses: int
    low_s: NDArray[np.float64]
    median_s: NDArray[np.float64]
    high_s: NDArray[np.float64]
    cells: int
    algorithm: str


@allocating_kernel
def _walk(pulses, cells, amplitudes, gates, widths, scalars, tables):  # type: ignore[no-untyped-def]
    """Drive each cell up and down; columns of ``amplitudes`` and ``gates`` are the pulses of SET and of RESET."""
    out = np.empty((2 * pulses + 1, cells), np.int64)
    for cell in range(cells):
        key = cell_key(np.uint64(scalars[0].seed), 0, cell)
        own = traits(key, scalars, tables)
        g = own[2]
        out[0, cell] = g
        for count in range(2 * pulses):
            polarity = SET if count < pulses else RESET
            step = count % pulses
            g = apply_pulse(
                g,
                key,
                count,
                polarity,
                amplitudes[polarity, step],
                gates[polarity, step],
                widths[polarity],
                own,
                scalars,
                tables,
            )
            out[count + 1, cell] = g
    return out


MOST_STATES: Final = 10**8
"""States of a staircase that are kept in memory: 800 MB."""


def staircase(preset: Preset, *, pulses: int | None = None, cells: int = 200, seed: int = 0) -> Staircase:
    """Simulate the staircase of a preset, device-to-device and cycle-to-cycle variation included, faults left out.

    Cells start at their own lower bound. Pulses follow the preset's own write algorithm, without verify: identical, or
    ramping to the ceiling and staying there.

    Parameters
    ----------
    preset : Preset
    pulses : int, optional
        Pulses of each polarity; by default those of the response model, or what crosses most of the window.
    cells : int
    seed : int

    Raises
    ------
    ConfigError
        If ``pulses`` or ``cells`` is not positive, or together they are too many.
    """
    count = default_pulses(preset) if pulses is None else pulses
    if count < 1 or cells < 1:
        raise ConfigError(f"pulses is {count} and cells is {cells}; both must be 1 or more")
    if (2 * count + 1) * cells > MOST_STATES:
        raise ConfigError(
            f"{cells} cells over {count} pulses of each polarity are {(2 * count + 1) * cells:,} states; at most "
            f"{MOST_STATES:,} are simulated: ask for fewer cells"
        )
    tables = build_tables(
        preset, ArrayConfig(read_range=1.0, adc_noise_codes=0.0), seed=seed, clock_hz=_CLOCK_HZ, variance_max=1
    )
    drive = tables.drive
    amplitudes = _codes(drive.amplitude_start, drive.amplitude_step, drive.amplitude_stop, count)
    gates = _codes(drive.gate_start, drive.gate_step, drive.gate_stop, count)
    g = _walk(count, cells, amplitudes, gates, np.array(tables.width_cycles), tables.scalars, tables.tables)
    low, median, high = np.quantile(g / 2**24 * tables.g_max_s, (0.1, 0.5, 0.9), axis=1)
    return Staircase(count, low, median, high, cells, preset.write.algorithm)


def default_pulses(preset: Preset) -> int:
    """Give the pulses of the staircase: the response model's own, or what crosses 90 % of the window without noise."""
    pulses = preset.response.pulses()
    if pulses is not None:
        return round(max(pulses))
    if preset.write.algorithm != "identical":
        ramps = [preset.write.set, preset.write.reset, preset.write.set_gate, preset.write.reset_gate]
        steps = [(r.stop.si - r.start.si) / r.step.si for r in ramps if r is not None and r.step.si > 0]
        return min(_LONGEST, int(max(steps)) + 2)
    window_s = preset.window.g_max.si - preset.window.g_min.si
    needed = _SHORTEST
    for polarity, start, sign in ((SET, 0.0, 1), (RESET, 1.0, -1)):
        position, count = start, 0
        while sign * (position - start) < 0.9 and count < _LONGEST:
            position += float(preset.response.mean(np.array([position]), polarity, window_s)[0])
            count += 1
        needed = max(needed, count)
    return needed


def _codes(start: tuple[int, int], step: tuple[int, int], stop: tuple[int, int], pulses: int) -> NDArray[np.int64]:
    count = np.arange(pulses)
    return np.stack([np.minimum(start[p] + count * step[p], stop[p]) for p in (SET, RESET)]).astype(np.int64)
