"""Which assumed values of a preset matter: each is moved, and what writes and products come to is compared."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from twinbar.emulator.devices.preset import Preset, load_preset
from twinbar.host.cells.chip import Chip
from twinbar.host.experiment.progress_display import Progress
from twinbar.host.validation.changed_preset import preset_file, scaled
from twinbar.hw.errors import ConfigError

FIGURES: Final = {
    "pulses": "pulses of a one-level write",
    "failed": "part of the writes that failed",
    "write_pj": "energy of a one-level write, in pJ",
    "mac_pj": "energy of a multiplication with accumulation, in pJ",
}
"""What is measured."""
STEP: Final = 0.3
"""Part by which an assumed value is moved, up and down."""
SEEDS: Final = 5
"""Arrays with the values as they are, whose spread tells what chance does."""
LEVELS: Final = 16
CELLS_PER_WEIGHT: Final = 2
_SIDE: Final = 48
_VECTORS: Final = 4
_PICO: Final = 1e-12


def sensitivity(devices: Sequence[str], progress: Progress) -> dict[str, Any]:
    """Move each assumed value of presets by `STEP`, and measure what that changes.

    Parameters
    ----------
    devices : sequence of str
        Presets, by name or file.
    progress : Progress

    Returns
    -------
    dict
        ``step``, and ``devices`` by name: ``figures`` as the preset is, by `FIGURES`, ``chance``, their standard
        deviation over `SEEDS` arrays, relative to the figure, and ``values``: a list, what moves most first, of
        ``key``, ``value`` and ``change``, the relative changes ``[less, more]`` of each figure (None where the preset
        does not allow the value, or the figure is 0).
    """
    found = {}
    for device in devices:
        progress.message(device)
        found[device] = _of_device(load_preset(device))
    return {"schema": 1, "step": STEP, "devices": found}


def _of_device(preset: Preset) -> dict[str, Any]:
    runs = [_figures(preset, seed) for seed in range(SEEDS)]
    assert None not in runs
    known = [run for run in runs if run is not None]
    base = known[0]
    chance = {
        name: float(np.std([run[name] for run in known], ddof=1) / abs(base[name])) if base[name] else None
        for name in FIGURES
    }
    values = []
    for key, quantity in preset.quantities():
        if quantity.certainty != "assumed" or not np.any(quantity.value):
            continue
        ways = [_figures(moved(preset, key, factor), 0) for factor in (1 - STEP, 1 + STEP)]
        change: dict[str, list[float | None]] = {
            name: [way[name] / base[name] - 1 if way and base[name] else None for way in ways] for name in FIGURES
        }
        values.append((largest(change), {"key": key, "value": str(quantity), "change": change}))
    values.sort(key=lambda value: -value[0])
    return {"figures": base, "chance": chance, "values": [value for _, value in values]}


def largest(change: Mapping[str, Sequence[float | None]]) -> float:
    """Return the largest relative change among figures."""
    return max((abs(one) for ways in change.values() for one in ways if one is not None), default=0.0)


def moved(preset: Preset, key: str, factor: float) -> Preset | None:
    """Return a preset with one value multiplied; None if it is no preset any more."""

    with preset_file(scaled(preset, key, factor)) as path:
        try:
            return load_preset(path)
        except ConfigError:
            return None


def _figures(preset: Preset | None, seed: int) -> dict[str, float] | None:
    """Write an array to levels, move every cell by one, and multiply."""
    if preset is None:
        return None
    with preset_file(preset) as path:
        try:
            chip = Chip(str(path), _SIDE, _SIDE, levels=LEVELS, seed=seed)
        except ConfigError:
            return None
        return _measured(chip)


def _measured(chip: Chip) -> dict[str, float]:
    config = chip.config
    assert config is not None
    rng = np.random.default_rng(0)
    levels = rng.integers(1, LEVELS - 1, (_SIDE, _SIDE))
    chip.write_levels(levels)
    before = chip.cost["energy_j"]
    written = chip.write_levels(levels + rng.choice((-1, 1), levels.shape))
    between = chip.cost["energy_j"]
    chip.multiply(rng.integers(0, config.array.input_max + 1, (_VECTORS, _SIDE)))
    after = chip.cost["energy_j"]
    forward = sum(after[part] - between[part] for part in ("forward", "static"))
    return {
        "pulses": float((written.sets + written.resets).mean()),
        "failed": float(1 - written.ok.mean()),
        "write_pj": float(between["write"] - before["write"]) / levels.size / _PICO,
        "mac_pj": float(forward) / (_VECTORS * levels.size / CELLS_PER_WEIGHT) / _PICO,
    }
