"""Run the same program on the compiled engine and on the reference, and compare everything that either tells."""

from collections import Counter
from typing import Any

import numpy as np
from reference import Command, Cost, ReferenceCrossbar
from streams import step_by_step

from twinbar.emulator.contract.activity import Activity
from twinbar.emulator.contract.bulk_operations import TileBlock, WriteList
from twinbar.emulator.crossbar.cell_energy import CELL_ENERGIES
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.engines.bulk.engine import FastEngine
from twinbar.emulator.engines.bulk.schedule_ops import OP_SIZE
from twinbar.hw.actions import ACTIONS
from twinbar.hw.timing import PHASES


def write_list(per_tile: list[list[tuple[int, int]]]) -> WriteList:
    """Make a write list of (cell, level) pairs, tile by tile."""
    flat = [entry for entries in per_tile for entry in entries]
    return WriteList(
        np.cumsum([0, *map(len, per_tile)]),
        np.array([cell for cell, _ in flat], np.int32),
        np.array([level for _, level in flat], np.uint8),
    )


class Pair:
    """A compiled crossbar and its reference."""

    def __init__(
        self, config: CrossbarConfig, tiles: int, mapped_columns: np.ndarray, faults: np.ndarray | None = None
    ) -> None:
        self.config = config
        self.engine = FastEngine(config, tiles, mapped_columns, faults)
        self.reference = ReferenceCrossbar(config, tiles, mapped_columns, faults)
        self.served = tiles - 1
        self.check_state()

    def check_state(self) -> None:
        """Cell states bit for bit, and everything that later programs depend on."""
        state = self.engine.state_dict()
        tiles = self.reference.tiles
        assert state["g"].tolist() == [tile.g for tile in tiles]
        assert state["pulses"].tolist() == [tile.pulses for tile in tiles]
        assert state["fault"].tolist() == [tile.faults for tile in tiles]
        assert state["conversions"].tolist() == [tile.conversions for tile in tiles]
        registers = self.config.registers
        starts = [
            (0, registers.set_amplitude.start, registers.set_gate.start),
            (1, registers.reset_amplitude.start, registers.reset_gate.start),
        ]
        driven = [starts.index(tile.driven) if tile.driven in starts else -1 for tile in tiles]
        assert state["driven"].tolist() == driven
        assert state["ranges"].tolist() == [tile.range_code for tile in tiles]
        assert state["served"] == self.served
        array = self.config.array
        unit = self.config.cells.g_max_s / 2**array.grid_bits
        seen = [[tile.grid(cell) * unit for cell in range(array.cells)] for tile in tiles]
        assert self.engine.conductances_s().reshape(len(tiles), -1).tolist() == seen

    def set_tick(self, tick: int) -> None:
        self.engine.set_tick(tick)
        self.reference.set_tick(tick)
        self.check_state()

    def write(self, per_tile: list[list[tuple[int, int]]]) -> None:
        result = self.engine.write(write_list(per_tile))
        costs = [Cost() for _ in per_tile]
        expected = [
            tile.write(cell, level, cost)
            for tile, entries, cost in zip(self.reference.tiles, per_tile, costs, strict=True)
            for cell, level in entries
        ]
        assert result.codes.tolist() == [response.code for response in expected]
        assert result.sets.tolist() == [response.sets for response in expected]
        assert result.resets.tolist() == [response.resets for response in expected]
        assert result.ok.tolist() == [response.ok for response in expected]
        self.check_activity(result.activity, interleaved(costs), costs)
        self.check_state()

    def read(self, per_tile: list[list[int]]) -> None:
        offsets = np.cumsum([0, *map(len, per_tile)])
        codes, activity = self.engine.read(offsets, np.array([c for cells in per_tile for c in cells], np.int32))
        costs = [Cost() for _ in per_tile]
        expected = [
            tile.read(cell, cost)
            for tile, cells, cost in zip(self.reference.tiles, per_tile, costs, strict=True)
            for cell in cells
        ]
        assert codes.tolist() == expected
        self.check_activity(activity, interleaved(costs), costs)
        self.check_state()

    def multiply(self, block: TileBlock, inputs: np.ndarray, full_scale: float) -> None:
        result = self.engine.multiply(block, inputs, full_scale)
        row_tiles, column_tiles = block.shape
        costs, singles = [], []
        lowest, highest = self.config.array.code_range
        for r in range(row_tiles):
            vectors = [
                [int(vector[at]) if at < block.inputs else 0 for at in block.row_input[r].tolist()] for vector in inputs
            ]
            for c in range(column_tiles):
                costs.append(Cost())
                expected, codes = self.reference.tiles[block.first_tile + r * column_tiles + c].multiply(
                    vectors, int(block.used_rows[r]), int(block.used_columns[c]), full_scale, costs[-1]
                )
                width = len(expected[0])
                assert result.codes[r, c, :, :width].tolist() == expected
                assert not result.codes[r, c, :, width:].any()
                singles += codes
        assert result.conversions == len(singles)
        # An unsigned code of 0 is no current at all; every other extreme may have been cut.
        assert result.clipped == sum(code == highest or (code == lowest and lowest < 0) for code in singles)
        assert (result.lowest, result.highest) == (min(singles, default=0), max(singles, default=0))
        self.check_activity(result.activity, by_vector(costs, len(inputs)), costs, block.first_tile)
        self.check_state()

    def check_activity(
        self, activity: Activity, stream: list[tuple[int, Command]], costs: list[Cost], first_tile: int = 0
    ) -> None:
        """Cycles by phase, actions, cell energies and latencies of a program."""

        def total(name: str) -> Counter[str]:
            return sum((getattr(cost, name) for cost in costs), Counter())

        def found(names: tuple[str, ...], values: np.ndarray) -> dict[str, int]:
            return {name: int(value) for name, value in zip(names, values, strict=True) if value}

        tiles = len(self.reference.tiles)
        ops = np.zeros((len(stream), OP_SIZE), np.int64)
        for op, (tile, command) in zip(ops, stream, strict=True):
            op[:] = first_tile + tile, command.work, command.outputs, command.group, command.gap
        parameters = self.config.array.controller(tiles)
        course = step_by_step(ops, tiles, parameters.command_depth, parameters.response_depth, self.served)
        self.served = course["served"]
        phases, heat = total("phases"), total("heat")
        phases["stall"] = sum(course["stalls"])
        phases["idle"] = tiles * course["cycles"] - phases.total()
        actions = total("actions")
        for (_, command), (waited, on) in zip(stream, course["waits"], strict=True):
            heat["forward"] += command.held_heat * waited
            actions["channel_cycle"] += on if command.reads else 0
        # A clock can have stopped before every command and every response, in a cycle that was waited for it.
        for place, cost in enumerate(costs):
            stall = course["stalls"][first_tile + place]
            idle = course["cycles"] - cost.cycles - stall
            actions["clock_gate"] += min(idle, cost.actions["command_beat"]) + min(stall, cost.phases["respond"])
        assert found(PHASES, activity.phases) == {name: n for name, n in phases.items() if n}
        assert found(ACTIONS, activity.actions) == {name: n for name, n in actions.items() if n}
        assert found(CELL_ENERGIES, activity.cell_energy) == {name: n for name, n in heat.items() if n}
        slowest = max(cost.cycles for cost in costs)
        assert activity.cycles == slowest
        assert activity.link_cycles == course["cycles"] - slowest


def interleaved(costs: list[Cost]) -> list[tuple[int, Command]]:
    """Return tile and command of lists: the first command of every tile, then the second ..."""
    longest = max(len(cost.commands) for cost in costs)
    return [
        (tile, cost.commands[place])
        for place in range(longest)
        for tile, cost in enumerate(costs)
        if place < len(cost.commands)
    ]


def by_vector(costs: list[Cost], batch: int) -> list[tuple[int, Command]]:
    """Return tile and command of multiplications: range registers, then vector by vector, and in it tile by tile."""
    first = [sum(command.sets_range for command in cost.commands) for cost in costs]
    each = [(len(cost.commands) - n) // batch for cost, n in zip(costs, first, strict=True)]
    stream = [(tile, command) for tile, cost in enumerate(costs) for command in cost.commands[: first[tile]]]
    for vector in range(batch):
        for tile, cost in enumerate(costs):
            start = first[tile] + vector * each[tile]
            stream += [(tile, command) for command in cost.commands[start : start + each[tile]]]
    return stream


def random_program(pair: Pair, rng: np.random.Generator, operations: int, **limits: Any) -> None:
    """Write, read, multiply and let time pass in random order, comparing after every operation."""
    tiles, array, levels = len(pair.reference.tiles), pair.config.array, len(pair.config.levels)
    tick = 0
    for kind in rng.permutation(np.resize(["write", "read", "multiply", "tick"], operations)):
        if kind == "write":
            pair.write(
                [
                    [(int(rng.integers(array.cells)), int(rng.integers(levels))) for _ in range(rng.integers(6))]
                    for _ in range(tiles)
                ]
            )
        elif kind == "read":
            pair.read([rng.integers(array.cells, size=rng.integers(4)).tolist() for _ in range(tiles)])
        elif kind == "multiply":
            block, inputs = random_multiplication(tiles, pair.config, rng)
            pair.multiply(block, inputs, float(rng.uniform(0.05, 1.0) * pair.config.sums.largest_sum))
        else:
            tick += int(rng.choice([1, 3, 100]))
            pair.set_tick(tick)


def random_multiplication(tiles: int, config: CrossbarConfig, rng: np.random.Generator) -> tuple[TileBlock, np.ndarray]:
    """Make a layer that covers some tiles, partly, and a batch of inputs, some of them empty."""
    array = config.array
    first = int(rng.integers(tiles))
    shapes = [(r, c) for r in (1, 2, 3) for c in (1, 2, 3) if first + r * c <= tiles]
    row_tiles, column_tiles = shapes[rng.integers(len(shapes))]
    used_rows = rng.integers(1, array.rows + 1, size=row_tiles)
    inputs = int(used_rows.sum())
    row_input = np.full((row_tiles, array.rows), inputs)
    order = rng.permutation(inputs)
    start = 0
    for tile, used in enumerate(used_rows):
        row_input[tile, :used] = order[start : start + used]
        start += used
    used_columns = 2 * rng.integers(1, array.columns // 2 + 1, size=column_tiles)
    batch = int(rng.choice([1, 2, 7]))
    codes = rng.integers(0, array.input_max + 1, size=(batch, inputs))
    codes[rng.random((batch, inputs)) < rng.choice([0.0, 0.7, 1.0], p=[0.3, 0.6, 0.1])] = 0
    return TileBlock(first, row_input, used_rows, used_columns, inputs), codes
