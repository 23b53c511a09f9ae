"""Measurements of the engines that run programs, next to the fast one on the same write list."""

import time
from statistics import median
from typing import Any, Final

from twinbar.emulator.contract.activity import Activity
from twinbar.emulator.contract.bulk_operations import Engine
from twinbar.host.bench.workloads import TILES, OneLevelMoves
from twinbar.host.experiment.run_parts import engine_maker
from twinbar.hw.actions import Action
from twinbar.hw.errors import ToolMissingError

CELLS: Final = {"rtl": 4096, "events": 256, "pysim": 16}
"""Cells of the write list of one tile, by how fast an engine is; `fast` writes the list of `rtl`."""
TILE_CELLS: Final = 512
"""Cells that `rtl` writes in each of `TILES` tiles."""
KEYS: Final = {"rtl": "rtl_cycles_per_s", "pysim": "pysim_cycles_per_s", "events": "events_phases_per_s"}
FAST_LISTS: Final = 50
REPEATS: Final = 5


def phases_of_writes(activity: Activity, samples: int) -> int:
    """Return how many phases writes went through: stretches of cycles, not cycles."""
    writes = activity.actions[Action.WRITE_OK] + activity.actions[Action.WRITE_FAILED]
    reads = activity.actions[Action.CONVERT_VERIFY] // samples
    pulses = activity.actions[Action.PULSE_SET] + activity.actions[Action.PULSE_RESET]
    # select and respond; settle, convert and decide of each read; settle of each drive update; pulse and recover
    return int(2 * writes + 3 * reads + activity.actions[Action.DRIVE_UPDATE] + 2 * pulses)


class Runs:
    """Closed-loop writes by an engine, and the rates that they reached; cycles and phases are summed over tiles.

    Parameters
    ----------
    name : str
        Engine.
    cells : int
        Cells of a write list, in each tile.
    lists : int, optional
        Lists of a turn, so that a turn of a quick engine is long enough to be timed.
    tiles : int, optional
    """

    def __init__(self, name: str, cells: int, lists: int = 1, tiles: int = 1) -> None:
        self._moves = OneLevelMoves(tiles=tiles, make_engine=engine_maker(name), first_cells=cells)
        self._cells = cells
        self._lists = lists
        self._rates: list[tuple[float, float]] = []
        self.once()
        self._rates.clear()  # compilation and caches

    def once(self) -> None:
        """Take a turn."""
        engine: Engine = self._moves.engine
        todo = [self._moves.next_list(self._cells) for _ in range(self._lists)]
        began = time.perf_counter()
        activities = [engine.write(each).activity for each in todo]
        seconds = time.perf_counter() - began
        cycles = sum(int(activity.phases.sum()) for activity in activities)
        phases = sum(phases_of_writes(activity, engine.config.timing.samples) for activity in activities)
        self._rates.append((cycles / seconds, phases / seconds))

    @property
    def cycles_per_s(self) -> float:
        """Median of the cycles per second: those of a tile, times the tiles."""
        return median(cycles for cycles, _ in self._rates)

    @property
    def phases_per_s(self) -> float:
        """Median of the phases per second."""
        return median(phases for _, phases in self._rates)


def measure_engines() -> dict[str, Any]:
    """Measure every engine; null with a reason where one cannot run here."""
    result: dict[str, Any] = {"not_measured": {}}
    fast = Runs("fast", CELLS["rtl"], FAST_LISTS)
    runs: dict[str, Runs] = {}
    many: Runs | None = None
    for name, key in KEYS.items():
        try:
            runs[name] = Runs(name, CELLS[name])
            if name == "rtl":
                many = Runs(name, TILE_CELLS, tiles=TILES)
        except (ToolMissingError, ModuleNotFoundError) as missing:
            for each_key in (key, *["rtl_tile_cycles_per_s"] * (name == "rtl")):
                result[each_key] = None
                result["not_measured"][each_key] = str(missing)
    # In turn, so that a machine that is slow for a while is slow for all of them.
    for _ in range(REPEATS):
        for each in (fast, *runs.values(), *([] if many is None else [many])):
            each.once()
    if many is not None:
        result["rtl_tile_cycles_per_s"] = many.cycles_per_s
    result |= {KEYS[name]: each.phases_per_s if name == "events" else each.cycles_per_s for name, each in runs.items()}
    rates = {name: each.cycles_per_s for name, each in runs.items()} | {"fast": fast.cycles_per_s}
    for key, (faster, slower) in {"fast_over_rtl": ("fast", "rtl"), "rtl_over_pysim": ("rtl", "pysim")}.items():
        known = faster in rates and slower in rates
        result[key] = rates[faster] / rates[slower] if known else None
    return result
