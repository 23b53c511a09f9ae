"""How many writes several tiles make in the cycles that one tile takes for the same number."""

import math
from typing import Any, Final

import numpy as np

from twinbar.emulator.contract.program import Program
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.engines.controller_engine import ControllerEngine
from twinbar.emulator.engines.program.fast_controller import FastController
from twinbar.host.bench.workloads import moved_by_one, reference_crossbar
from twinbar.hw.actions import Action
from twinbar.hw.protocol.packing import pack
from twinbar.hw.protocol.vocabulary import Opcode

REPEATS: Final = 20
"""Each with cells and noise of its own."""
PROGRAMMING: Final = 5
"""How often the levels to begin with are written: the last time, nearly no cell needs a pulse any more."""


def measure_scaling(tiles: int = 4, repeats: int = REPEATS, cells: int | None = None) -> dict[str, Any]:
    """Compare the cycles of one tile and of several, for the same number of writes at the command stream.

    Two controllers are run, one with a single tile. On the controller with several tiles, tile ``t`` moves each of its
    cells from level ``L[t]`` to ``L[t + 1]``, one level up or down, its beats interleaved with those of the others; the
    single tile makes the very same moves one after the other, ``L[0]`` to ``L[1]`` to ``L[2]`` and so on. So the work
    is the same but for the cells' variation and noise, which chance makes a little different. How equal it is, is
    measured too: by the pulses of both.

    Parameters
    ----------
    tiles : int
    repeats : int
    cells : int, optional
        Cells of each tile that are written; all by default.

    Returns
    -------
    dict
        ``four_tiles_over_one``, cycles of the single tile over those of the others; its standard error, from the
        differences between repeats; the writes of all repeats on either; and the pulses of the several tiles over those
        of the single one.
    """
    config = [reference_crossbar(seed) for seed in range(repeats)]
    runs = np.array([_repeat(config[seed], tiles, cells, seed) for seed in range(repeats)], float)
    one, several, pulses_one, pulses_several = runs.sum(axis=0)
    ratio = one / several
    # Delta method for a ratio of sums.
    spread = np.std(runs[:, 0] - ratio * runs[:, 1], ddof=1) if repeats > 1 else math.nan
    return {
        "four_tiles_over_one": float(ratio),
        "four_tiles_over_one_error": float(spread * math.sqrt(repeats) / several),
        "four_tiles_over_one_writes": repeats * tiles * (cells or config[0].array.cells),
        "four_tiles_over_one_pulses": float(pulses_several / pulses_one),
    }


def _repeat(config: CrossbarConfig, tiles: int, cells: int | None, seed: int) -> tuple[int, int, int, int]:
    """Return the cycles of one tile and of several, and the pulses of both."""
    many = cells or config.array.cells
    rng = np.random.default_rng(seed)
    levels = [rng.integers(0, len(config.levels), many)]
    for _ in range(tiles):
        levels.append(moved_by_one(rng, levels[-1], len(config.levels)))
    table = np.stack(levels)

    one = _Writer(config, 1)
    for _ in range(PROGRAMMING):
        one.write(table[:1])
    alone = [one.write(table[step : step + 1]) for step in range(1, tiles + 1)]
    several = _Writer(config, tiles)
    for _ in range(PROGRAMMING):
        several.write(table[:-1])
    together = several.write(table[1:])
    cycles, pulses = (sum(each[place] for each in alone) for place in (0, 1))
    return cycles, together[0], pulses, together[1]


class _Writer:
    """A controller that is told writes, beat by beat."""

    def __init__(self, config: CrossbarConfig, tiles: int) -> None:
        self._columns = config.array.columns
        self._engine = ControllerEngine(config, tiles, np.full(tiles, config.array.columns), make=FastController)

    def write(self, levels: np.ndarray) -> tuple[int, int]:
        """Write the first cells of every tile to levels [tiles, cells], in turn; gives cycles and pulses."""
        tiles, cells = levels.shape
        cell, tile = np.divmod(np.arange(tiles * cells), tiles)
        row, column = np.divmod(cell, self._columns)
        commands = pack(Opcode.WRITE, tile, row=row, column=column, level=levels[tile, cell])
        result = self._engine.controller.run(Program(commands, kind="write"))
        pulses = result.actions[:, [Action.PULSE_SET, Action.PULSE_RESET]].sum()
        return int(result.cycles), int(pulses)
