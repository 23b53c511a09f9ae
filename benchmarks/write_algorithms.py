"""What write algorithms take: pulses, reads, energy, cycles and final error, on the cells of the presets.

    python benchmarks/write_algorithms.py moves taox-hfox neurram umass-hfo2
    python benchmarks/write_algorithms.py programming taox-hfox neurram umass-hfo2
    python benchmarks/write_algorithms.py curves
    python benchmarks/write_algorithms.py training RUN/commands.parquet
    python benchmarks/write_algorithms.py check

All algorithms are settings of one mechanism, the pulse table (`study_kernel.py`); this is a
kernel of its own on the compiled physics that every engine uses. ``check`` compares it, for the algorithms that the
engines have, with the engine `fast`. ``training`` replays the writes of a run that was recorded with ``--record``.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import typer
from rich.console import Console
from rich.table import Table
from study_kernel import (
    COMPARISONS,
    CONVERSIONS,
    ENTRIES,
    LINES,
    OK,
    READ_HEAT,
    READS,
    RESET_HEAT,
    RESETS,
    SET_HEAT,
    SETS,
    TILE,
    TRAVEL,
    UPDATES,
    StudySettings,
    StudyTable,
    form,
    write_list,
)

from twinbar.emulator.contract.bulk_operations import WriteList
from twinbar.emulator.crossbar.configuration import CrossbarConfig, build_config
from twinbar.emulator.devices.layout import FAULT_NONE, RESET, SET
from twinbar.emulator.devices.preset import Preset, load_preset
from twinbar.emulator.engines.bulk.converters import make_converters
from twinbar.emulator.ledger.energy_table import load_energy_table
from twinbar.hw.actions import PRICED, Action

COMPARE_CYCLES = 2
"""Cycles of one comparison: a conversion of 8 bits takes 16."""

# --- the cells -------------------------------------------------------------------------------------------------------

Rule = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
"""What the host puts into each command, from the level that it holds and the new one: first polarity, entry."""


def no_first(held: np.ndarray, _: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Read before the first pulse."""
    return np.full(len(held), -1), np.zeros(len(held), np.int64)


@dataclass(frozen=True)
class Algorithm:
    """StudySettings, their table, and what the host does before each command."""

    name: str
    table: StudyTable
    settings: StudySettings
    rule: Rule = no_first


@dataclass
class Result:
    """Sums over writes."""

    world: "World"
    counts: np.ndarray = field(default_factory=lambda: np.zeros((0, 7), np.int64))
    errors: np.ndarray = field(default_factory=lambda: np.zeros(0))
    totals: np.ndarray = field(default_factory=lambda: np.zeros(5))

    def add(self, counts: np.ndarray, totals: np.ndarray, errors: np.ndarray) -> None:
        """Enter a list of writes."""
        self.counts = np.concatenate([self.counts, counts])
        self.errors = np.concatenate([self.errors, errors])
        self.totals = self.totals + totals

    def figures(self) -> dict[str, float]:
        """Return means per write: counts, pJ by the table macro-65nm, cycles, and the final error in levels."""
        config, cells = self.world.config, self.world.config.cells
        t, n = config.timing, len(self.counts)
        mean = self.counts.mean(axis=0)
        pulses = self.counts[:, SETS] + self.counts[:, RESETS]
        price = {
            action: 1e12 * TABLE.energy_j(action, config.array.adc_bits, 4)
            for action in Action
            if action.name.lower() in PRICED
        }
        unit = cells.pulse_energy_unit_j
        heat = 1e12 * (self.totals[SET_HEAT] * unit[0] + self.totals[RESET_HEAT] * unit[1]) / n
        # A comparison is one bit's decision of the converter. The table has the lines at 1.6 V; here they are V^2.
        compare = price[Action.CONVERT_VERIFY] / config.array.adc_bits
        volts2 = self.totals[LINES] / 65535 * cells.drive_full_scale_v**2 / n
        driven = mean[READS] * t.settle_read + mean[CONVERSIONS] * t.convert + mean[COMPARISONS] * COMPARE_CYCLES
        read_j = (
            cells.read_energy_unit_j / config.clock_hz * self.totals[READ_HEAT] / max(self.counts[:, READS].sum(), 1)
        )
        energy = {
            "adc": mean[CONVERSIONS] * price[Action.CONVERT_VERIFY] + mean[COMPARISONS] * compare,
            "drive": mean[UPDATES] * price[Action.DRIVE_UPDATE],
            "cell": heat + 1e12 * read_j * driven,
            "rest": price[Action.SELECT_CELL] + price[Action.WRITE_OK] + price[Action.PULSE_SET] * volts2 / 1.6**2,
        }
        cycles = t.select + 2 + driven + mean[READS] + mean[UPDATES] * t.settle_drive
        cycles += mean[SETS] * t.width_set + mean[RESETS] * t.width_reset + pulses.mean() * t.recover
        return {
            "pulses": pulses.mean(),
            "p99": np.percentile(pulses, 99),
            "reads": mean[READS],
            "updates": mean[UPDATES],
            "cycles": cycles - 1,
            **energy,
            "energy": sum(energy.values()),
            "error": np.sqrt(np.mean(self.errors**2)),
            "failed": 1 - mean[OK],
            "travel": self.totals[TRAVEL] / n / self.world.per_level,
        }


TABLE = load_energy_table("macro-65nm")


def change_law(preset: Preset, exponent: float | None, highest: float | None) -> Preset:
    """Change the amplitude law, and let the drive reach its highest factor."""
    law = preset.amplitude
    assert law is not None
    if exponent is not None:
        law = law.model_copy(
            update={"noise_exponent": law.noise_exponent.model_copy(update={"value": exponent, "unit": "1"})}
        )
    if highest is not None:
        law = law.model_copy(update={"highest": law.highest.model_copy(update={"value": highest, "unit": "1"})})
    preset = preset.model_copy(update={"amplitude": law})
    volts = max(volts_of(preset, polarity, law.highest.si) for polarity in (SET, RESET))
    stop = preset.write.reset.stop
    if volts > stop.si:
        stop = stop.model_copy(update={"value": volts * 1.001, "unit": "V"})
    ramp = preset.write.reset.model_copy(update={"stop": stop})
    return preset.model_copy(update={"write": preset.write.model_copy(update={"reset": ramp})})


def volts_of(preset: Preset, polarity: int, factor: float) -> float:
    """Return the voltage whose pulse moves a cell ``factor`` times as far as the nominal one."""
    law, name = preset.amplitude, ("set", "reset")[polarity]
    assert law is not None
    threshold, scale = getattr(law, f"{name}_threshold").si, getattr(law, f"{name}_scale").si
    nominal = getattr(preset.pulse, f"{name}_voltage").si
    return float(threshold + scale * np.log1p(factor * np.expm1((nominal - threshold) / scale)))


class World:
    """The cells of a preset, written one list after the other."""

    def __init__(
        self,
        name: str,
        *,
        tiles: int = 1,
        exponent: float | None = None,
        highest: float | None = None,
        stock: bool = False,
        seed: int = 1,
    ) -> None:
        self.original = load_preset(name)
        self.preset = self.original if stock else change_law(self.original, exponent, highest)
        self.config: CrossbarConfig = build_config(self.preset, seed=seed)
        self.cells = self.config.cells
        self.levels = len(self.config.levels)
        self.per_level = (self.cells.window[1] - self.cells.window[0]) / (self.levels - 1)
        size = tiles * TILE
        self.state = tuple(np.zeros(size, np.int64) for _ in range(4))
        form(self.state[0], self.state[2], self.cells.scalars, self.cells.tables)
        self.driven = np.full(tiles, -1, np.int64)
        self.converters = make_converters(self.config, tiles)

    @property
    def sound(self) -> np.ndarray:
        """Cells without a fault."""
        return np.flatnonzero(self.state[2] == FAULT_NONE)

    def entry_table(
        self,
        factors: np.ndarray,
        *,
        gates: np.ndarray | None = None,
        count: int | np.ndarray = 1,
        reset_factors: np.ndarray | None = None,
    ) -> StudyTable:
        """Make a table from amplitude factors, and gate codes of SET if it is not open."""
        pairs = factors, factors if reset_factors is None else reset_factors
        amplitude = np.array(
            [
                [self.cells.volts_to_code(volts_of(self.preset, polarity, f)) for f in pairs[polarity]]
                for polarity in (SET, RESET)
            ]
        )
        gate = np.array(
            [np.full(len(factors), self.cells.drive.gate_stop[polarity]) for polarity in (SET, RESET)], np.int64
        )
        if gates is not None:
            gate[SET] = gates
        none = np.zeros_like(amplitude)
        return StudyTable(amplitude, gate, none + count, none, none)

    def write(self, algorithm: Algorithm, cells: np.ndarray, levels: np.ndarray, held: np.ndarray) -> tuple[Any, ...]:
        """Write cells to levels; gives counts, totals and errors."""
        first, entries = algorithm.rule(held, levels)
        counts, totals, errors = np.zeros((len(cells), 7), np.int64), np.zeros(5), np.zeros(len(cells))
        low, high = (x.astype(np.int64) for x in (self.config.levels.low, self.config.levels.high))
        write_list(
            np.ascontiguousarray(cells, np.int64), np.ascontiguousarray(levels, np.int64),
            np.ascontiguousarray(first, np.int64), np.ascontiguousarray(entries, np.int64), low, high,
            algorithm.table, algorithm.settings, self.state, self.driven, self.converters, counts, totals, errors,
            self.cells.scalars, self.cells.tables,
        )  # fmt: skip
        return counts, totals, errors


# --- the algorithms --------------------------------------------------------------------------------------------------


def own_algorithm(world: World) -> Algorithm:
    """Return the preset's own ramp, as a table: entry k holds the codes of the k-th pulse."""
    drive, volts = world.cells.drive, world.original.write
    steps = np.arange(ENTRIES)
    limit = int(volts.pulse_limit.si)
    gates = [np.minimum(drive.gate_start[p] + steps * drive.gate_step[p], drive.gate_stop[p]) for p in (SET, RESET)]
    amplitudes = [
        np.minimum(drive.amplitude_start[p] + steps * drive.amplitude_step[p], world.cells.volts_to_code(ramp.stop.si))
        for p, ramp in ((SET, volts.set), (RESET, volts.reset))
    ]
    ramps = any(drive.amplitude_step) or any(drive.gate_step)
    none = np.zeros((2, ENTRIES), np.int64)
    table = StudyTable(np.array(amplitudes), np.array(gates), none + 1, none, none)
    return Algorithm("preset", table, StudySettings(limit=limit, rise=int(ramps)))


def by_direction(up: int, down: int | None = None, polarity: bool = True) -> Rule:
    """Return the rule that tells SET from RESET by the held level, with an entry for each."""

    def rule(held: np.ndarray, new: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        rises = new > held
        first = np.where(new == held, -1, np.where(rises, SET, RESET)) if polarity else np.full(len(held), -1)
        return first, np.where(rises, up, up if down is None else down)

    return rule


def by_level(held: np.ndarray, new: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """SET upwards, RESET downwards, with the entry of the target."""
    return np.where(new == held, -1, np.where(new > held, SET, RESET)), new


@dataclass(frozen=True)
class Tuning:
    """Parameters of the algorithms for a preset: factors against the nominal pulse.

    Parameters
    ----------
    strong : float
        The one amplitude of ``strong`` and ``compare``.
    least, slope : float
        Entry k of a distance table has the factor ``least + slope * k``; k counts steps of two codes.
    first : float
        Of the pulse before the first read.
    rise : int
        Entries by which proportional-integral control rises per pulse.
    """

    strong: float
    least: float
    slope: float
    first: float
    rise: int = 1


TUNED = {
    "taox-hfox": Tuning(strong=2.5, least=1, slope=0.5, first=4),
    "alox-hfo2": Tuning(strong=1.5, least=0.5, slope=0.25, first=1),
    "epiram": Tuning(strong=2, least=1, slope=0.5, first=3),
    "neurram": Tuning(strong=0.2, least=0.1, slope=0.02, first=0.25, rise=3),
    "umass-hfo2": Tuning(strong=0.25, least=0.1, slope=0.02, first=0.2),
}


def algorithms(world: World, tuning: Tuning) -> list[Algorithm]:
    """Return the algorithms of the study for a preset."""
    law = world.preset.amplitude
    assert law is not None
    steps = np.arange(ENTRIES)
    own = own_algorithm(world)
    limit = own.settings.limit
    reach = np.minimum(tuning.least + tuning.slope * steps, law.highest.si)
    distance = world.entry_table(reach)
    reach_first = reach.copy()
    reach_first[-1] = tuning.first
    with_first = world.entry_table(reach_first)
    strong = world.entry_table(np.full(1, tuning.strong))
    near = StudySettings(limit=limit, shift=1)
    first = by_direction(ENTRIES - 1)
    # A burst of equal pulses where a distance table has a stronger one.
    burst = world.entry_table(np.full(ENTRIES, reach[0]), count=np.round(reach / reach[0]).astype(np.int64))
    # Compare-only, coarse then fine: entry 0 is the fine pulse, and every turn goes one entry towards it.
    coarse = world.entry_table(np.minimum(tuning.strong * 2.0 ** np.arange(3), law.highest.si))
    compare = StudySettings(limit=limit, compare=1)
    found = [
        own,
        Algorithm("strong", strong, StudySettings(limit=limit)),
        Algorithm("distance", distance, near),
        Algorithm("distance, first", with_first, near, first),
        Algorithm("distance, patience", distance, near._replace(patience=3, slack=2)),
        Algorithm("distance, first, patience", with_first, near._replace(patience=3, slack=2), first),
        Algorithm("proportional-integral", distance, near._replace(rise=tuning.rise)),
        Algorithm("burst", burst, near),
        Algorithm("compare", strong, compare, by_direction(0, polarity=False)),
        Algorithm("compare, first", strong, compare, by_direction(0)),
        Algorithm("compare, coarse-fine", coarse, compare._replace(fall=1, keep=1), by_direction(1)),
    ]
    if world.preset.gate is not None:
        found += two_pulse(world, limit)
    return found


def two_pulse(world: World, limit: int) -> list[Algorithm]:
    """Return the algorithms that set the gate to the target: erase before a SET, or not, verified or blind."""
    gate = world.preset.gate
    assert gate is not None
    low, high = world.cells.g_min_s, world.cells.g_max_s
    targets = low + (high - low) * np.arange(world.levels) / (world.levels - 1)
    gates = np.array([world.cells.volts_to_code(g / gate.slope.si + gate.offset.si) for g in targets])
    table = world.entry_table(np.ones(world.levels), gates=gates)
    erase = table._replace(turns=table.turns + np.array([[0], [1]]))
    blind = erase._replace(ends=table.ends + np.array([[1], [0]]))
    settings = StudySettings(limit=limit, fall=0, keep=1)
    return [
        Algorithm("gate by level", table, settings, by_level),
        Algorithm("two-pulse", erase, settings, by_level),
        Algorithm("two-pulse, compare", erase, settings._replace(compare=1), by_level),
        Algorithm("two-pulse, blind", blind, settings, by_level),
    ]


# --- the workloads ---------------------------------------------------------------------------------------------------


def one_level_moves(world: World, algorithm: Algorithm, rounds: int = 4, seed: int = 5) -> dict[str, float]:
    """Move all sound cells up or down by one level, again and again; the first round is not counted."""
    rng = np.random.default_rng(seed)
    cells = world.sound
    held = rng.integers(0, world.levels, len(cells))
    own = own_algorithm(world)
    world.write(replace(own, settings=own.settings._replace(limit=1000)), cells, held, held)
    result = Result(world)
    for number in range(rounds):
        move = rng.choice([-1, 1], len(cells))
        new = held + move
        new = np.where((new < 0) | (new >= world.levels), held - move, new)
        order = rng.permutation(len(cells))
        done = world.write(algorithm, cells[order], new[order], held[order])
        if number:
            result.add(*done)
        held = new
    return result.figures()


def first_programming(world: World, algorithm: Algorithm, seed: int = 5) -> dict[str, float]:
    """Write all sound cells, as they are after forming, to random levels."""
    cells = world.sound
    levels = np.random.default_rng(seed).integers(0, world.levels, len(cells))
    result = Result(world)
    result.add(*world.write(algorithm, cells, levels, levels))
    return result.figures()


def programmers(world: World) -> list[Algorithm]:
    """Return algorithms of a first programming: far moves, a limit of their own."""
    law = world.preset.amplitude
    assert law is not None
    own, steps = own_algorithm(world), np.arange(ENTRIES)
    unlimited = own.settings._replace(limit=1000)
    found = [replace(own, name="preset"), replace(own, name="preset, limit 1000", settings=unlimited)]
    tuning = TUNED[world.original.name]
    for slope in (1, 2, 4):
        reach = np.minimum(tuning.least + slope * 2 * tuning.slope * steps, law.highest.si)
        settings = StudySettings(limit=255, shift=2)
        found.append(Algorithm(f"distance, slope x{slope}, limit 255", world.entry_table(reach), settings))
    if world.preset.gate is not None:
        two = two_pulse(world, 255)[0]
        from_below = lambda held, new: (np.full(len(new), SET), new)  # noqa: E731
        found.append(replace(two, name="gate by level, limit 255", rule=from_below))
    return found


COLUMNS = {
    "pulses": ".2f", "p99": ".0f", "reads": ".2f", "updates": ".2f", "cycles": ".0f", "energy": ".1f", "adc": ".1f",
    "drive": ".1f", "cell": ".1f", "error": ".3f", "failed": ".2%", "travel": ".2f",
}  # fmt: skip


def show(title: str, rows: dict[str, dict[str, float]]) -> None:
    """Print figures per write, a row per algorithm."""
    table = Table("algorithm", *COLUMNS, title=title)
    for name, figures in rows.items():
        table.add_row(name, *(format(figures[key], form) for key, form in COLUMNS.items()))
    Console(width=150).print(table)


app = typer.Typer(help=__doc__)


@app.command()
def moves(presets: list[str]) -> None:
    """One-level moves among 16 levels, with the window and the law of the preset."""
    for name in presets:
        rows = {}
        for algorithm in algorithms(World(name), TUNED[name]):
            rows[algorithm.name] = one_level_moves(World(name), algorithm)
        show(f"{name}: one-level moves", rows)


@app.command()
def programming(presets: list[str]) -> None:
    """First programming to random levels."""
    for name in presets:
        found = programmers(World(name))
        show(f"{name}: first programming", {a.name: first_programming(World(name), a) for a in found})


@app.command()
def curves(
    preset: str = "taox-hfox",
    exponents: str = "0,0.25,0.5,0.75,1",
    ceilings: str = "1,2,4,8",
    rounds: int = 2,
) -> None:
    """Fewest pulses over the noise exponent and over the amplitude ceiling: best of a grid of parameters."""
    rows = {}
    ceiling = load_preset(preset).amplitude
    assert ceiling is not None
    points = [(float(exponent), ceiling.highest.si) for exponent in exponents.split(",") if exponent]
    points += [(ceiling.noise_exponent.si, float(highest)) for highest in ceilings.split(",") if highest]
    for exponent, highest in points:
        make = lambda e=exponent, h=highest: World(preset, exponent=e, highest=h)  # noqa: E731
        world = make()
        name = f"exponent {exponent:g}, ceiling {highest:g}"
        grid: dict[str, list[tuple[float, str, dict[str, float]]]] = {"strong": [], "distance": []}
        for strong in (1, 1.5, 2, 3, 4, 6, 8, 16):
            if strong <= highest:
                tuning = Tuning(strong, 1, 0.5, 1)
                figures = one_level_moves(make(), algorithms(world, tuning)[1], rounds)
                grid["strong"].append((figures["pulses"], f"x{strong:g}", figures))
        for least in (0.25, 0.5, 1, 2, 4):
            for slope in (0.1, 0.25, 0.5, 1, 2):
                if least <= highest:
                    tuning = Tuning(1, least, slope, 1)
                    figures = one_level_moves(make(), algorithms(world, tuning)[2], rounds)
                    grid["distance"].append((figures["pulses"], f"{least:g} + {slope:g} k", figures))
        rows[f"{name}: preset"] = one_level_moves(make(), own_algorithm(world), rounds)
        for kind, tried in grid.items():
            _, what, figures = min(tried, key=lambda each: each[0])
            rows[f"{name}: {kind} {what}"] = figures
    show(f"{preset}: curves", rows)


@app.command()
def training(trace: Path, preset: str = "taox-hfox") -> None:
    """Replay the writes of a recorded training with each algorithm, after a first programming with the preset's own."""
    names = ["tick", "opcode", "tile", "row", "column", "to_level"]
    rows = pq.read_table(trace, columns=names)
    rows = rows.filter(pc.equal(rows["opcode"], "WRITE"))
    tick, tile, row, column, level = (
        rows[name].to_numpy(zero_copy_only=False).astype(np.int64) for name in names if name != "opcode"
    )
    cells = tile * TILE + row * 128 + column
    start = tick == tick.min()
    # The level that the host holds is that of the write before.
    order = np.lexsort((np.arange(len(cells)), cells))
    before = np.roll(level[order], 1)
    held = np.empty_like(level)
    held[order] = np.where(np.roll(cells[order], 1) == cells[order], before, level[order])
    world, results = World(preset, tiles=int(tile.max()) + 1), {}
    own = own_algorithm(world)
    world.write(replace(own, settings=own.settings._replace(limit=1000)), cells[start], level[start], level[start])
    for algorithm in algorithms(world, TUNED[preset]):
        # Every algorithm goes on from the same programmed cells.
        fresh, result = copy.deepcopy(world), Result(world)
        result.add(*fresh.write(algorithm, cells[~start], level[~start], held[~start]))
        results[algorithm.name] = result.figures()
    show(f"{preset}: {int((~start).sum())} writes of a training", results)


@app.command()
def check(presets: Annotated[list[str] | None, typer.Argument()] = None) -> None:
    """Compare the preset's own algorithm, as a table, with the engine `fast`, write by write."""
    from twinbar.emulator.engines.bulk.engine import FastEngine

    for name in presets or list(TUNED):
        world = World(name, stock=True)
        engine = FastEngine(world.config, 1, np.full(1, 128))
        levels = np.random.default_rng(2).integers(0, world.levels, TILE)
        for _ in range(2):
            theirs = engine.write(
                WriteList(np.array([0, TILE]), np.arange(TILE, dtype=np.int32), levels.astype(np.uint8))
            )
            counts, _, _ = world.write(own_algorithm(world), np.arange(TILE), levels, levels)
            same = np.array_equal(counts[:, SETS], theirs.sets) and np.array_equal(counts[:, RESETS], theirs.resets)
            if not same:
                raise SystemExit(f"{name}: the kernel of this study and the engine differ")
            levels = np.clip(levels + np.random.default_rng(3).choice([-1, 1], TILE), 0, world.levels - 1)
        print(f"{name}: {2 * TILE} writes equal")


if __name__ == "__main__":
    app()
