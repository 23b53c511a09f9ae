"""What is lowered from the physics' source is that physics, for random states and boundaries; mutants are found."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from chip_samples import InterpretedArray, crossbar
from chip_worlds import WORLDS
from function_bench import FunctionBench
from interpreter import signed

from twinbar.emulator.crossbar.array import NO_CELL, REFERENCE, convert_single, gate_closes, make_state
from twinbar.emulator.crossbar.chip_array import chip_model
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.devices import physics
from twinbar.emulator.devices.layout import (
    DRAW_CONVERSION,
    RESET,
    SET,
)
from twinbar.emulator.devices.symbolic import SourceRunner, Symbol
from twinbar.hw.gateware.array.cell_functions import CellFunctions
from twinbar.hw.gateware.array.expressions import Builder
from twinbar.hw.gateware.array.instructions import (
    FIELD_BITS,
    NOT,
    OPERATION_BITS,
    Condition,
    Operation,
    encode_number,
)
from twinbar.hw.gateware.controller_config import ControllerConfig

CONTROLLER = ControllerConfig(rows=6, columns=4)
COUNT = 1500
MASK = (1 << 64) - 1
Inputs = dict[str, int]


@cache
def config_of(world: str) -> CrossbarConfig:
    return crossbar(CONTROLLER, **WORLDS[world])


@cache
def tables_of(world: str) -> tuple[np.ndarray, np.ndarray]:
    cells = config_of(world).cells
    return cells.scalars, np.ascontiguousarray(cells.tables, np.int32)


def bench_of(world: str, name: str, member: int | None = None) -> FunctionBench:
    model = chip_model(config_of(world))
    function = getattr(model.functions, name)
    conditions = {"resets": Condition.RESETS} if name == "pulse" else {}
    return FunctionBench(CONTROLLER, model, function if member is None else function[member], conditions)


def words(rng: np.random.Generator) -> int:
    """Return 64 bits: all of them random, a few, nearly all, or next to a power of two."""
    kind = int(rng.integers(4))
    value = int(rng.integers(1 << 64, dtype=np.uint64))
    if kind == 0:
        return value
    if kind == 1:
        return value >> int(rng.integers(64))
    if kind == 2:
        return MASK ^ value >> int(rng.integers(64))
    return (1 << int(rng.integers(64))) + int(rng.integers(-1, 2)) & MASK


def below(rng: np.random.Generator, bits: int) -> int:
    """Return an unsigned number of so many bits, often its least or greatest."""
    last = (1 << bits) - 1
    return int(rng.choice([0, 1, last, int(rng.integers(last + 1)), int(rng.integers(last + 1))]))


def conductance(rng: np.random.Generator, scalars: np.ndarray) -> int:
    low, high = int(scalars[0].g_min), int(scalars[0].g_max)
    return int(rng.choice([low, low + 1, high - 1, high, *rng.integers(low, high + 1, 8)]))


def draw_inputs(name: str, rng: np.random.Generator, scalars: np.ndarray) -> Inputs:
    """Return random inputs of a function."""
    ranges = {"tile": 8, "cell": 16, "channel": 16, "column": 16, "count": 32, "trim": 8, "gain": 31, "resets": 1}
    used = {
        "mix": "x",
        "event_bits": "key number",
        "gauss": "bits",
        "cell_key": "tile cell",
        "channel_key": "tile channel",
        "form": "key",
        "pulse": "g key count resets",
        "see": "g",
        "conversion_deviate": "key count",
        "channel_gain": "tile channel trim gain",
        "adc_offset": "tile column",
    }[name].split()
    inputs = {one: below(rng, ranges[one]) if one in ranges else words(rng) for one in used}
    if "g" in inputs:
        inputs["g"] = conductance(rng, scalars)
    return inputs


def expected_of(name: str, world: str, i: Inputs, member: int | None = None) -> list[int]:
    """Compute what a function of the microprogram stands for with the physics of the engines."""
    scalars, tables = tables_of(world)
    seed = np.uint64(int(scalars[0].seed) & MASK)

    def key() -> np.uint64:
        return np.uint64(i["key"])

    def form() -> tuple[int, int]:
        cell = physics.traits(key(), scalars, tables)
        fault = physics.draw_fault(key(), scalars)
        return physics.initial_conductance(key(), fault, cell[2], cell[3], tables), fault

    def pulse() -> int:
        polarity = RESET if i["resets"] else SET
        cell, width = physics.traits(key(), scalars, tables), int(scalars[0].width[polarity])
        return physics.apply_pulse(i["g"], key(), i["count"], polarity, 4095, 4095, width, cell, scalars, tables)

    def see() -> int:
        seen = physics.effective_conductance(i["g"], np.uint64(1), 5, 0, scalars, tables)
        return physics.to_grid(seen, 3, scalars, tables)

    functions: dict[str, Callable[[], Any]] = {
        "mix": lambda: physics.mix(np.uint64(i["x"])),
        "event_bits": lambda: physics.event_bits(key(), np.uint64(i["number"])),
        "gauss": lambda: physics.gauss(np.uint64(i["bits"]), tables),
        "cell_key": lambda: physics.cell_key(seed, i["tile"], i["cell"]),
        "channel_key": lambda: physics.channel_key(seed, i["tile"], i["channel"]),
        "form": form,
        "pulse": pulse,
        "see": see,
        "conversion_deviate": lambda: physics.gauss(
            np.uint64(physics.draw(key(), DRAW_CONVERSION, i["count"])), tables
        ),
        "channel_gain": lambda: physics.channel_gain(
            i["gain"], seed, i["tile"], i["channel"], i["trim"], scalars, tables
        ),
        "adc_offset": lambda: physics.adc_offset(seed, i["tile"], i["column"], member, scalars, tables),
    }
    made = functions[name]()
    return [signed(int(one)) for one in (made if isinstance(made, tuple) else (made,))]


CASES = [
    *[("with converter errors", name) for name in ("mix", "event_bits", "gauss", "cell_key", "channel_key")],
    *[("with converter errors", name) for name in ("conversion_deviate", "channel_gain", "see")],
    *[("with faults", name) for name in ("form", "channel_gain", "see")],
    *[(world, "pulse") for world in WORLDS],
]


@pytest.mark.parametrize(("world", "name"), CASES)
def test_a_function_of_the_chip_is_that_of_the_engines(world: str, name: str) -> None:
    rng = np.random.default_rng(11)
    bench, scalars = bench_of(world, name), tables_of(world)[0]
    seen = set()
    for _ in range(COUNT):
        inputs = draw_inputs(name, rng, scalars)
        got = bench(**inputs)
        assert got == expected_of(name, world, inputs), inputs
        seen.add(tuple(got))
    assert len(seen) > (3 if name == "form" else 100)


@pytest.mark.parametrize("pair", [0, 1])
def test_offsets_of_converters_are_those_of_the_engines(pair: int) -> None:
    world = "with converter errors"
    rng = np.random.default_rng(12)
    bench, scalars = bench_of(world, "adc_offset", pair), tables_of(world)[0]
    for _ in range(COUNT):
        inputs = draw_inputs("adc_offset", rng, scalars)
        assert bench(**inputs) == expected_of("adc_offset", world, inputs, pair), inputs


def test_every_function_is_compared() -> None:
    compared = {name for _, name in CASES} | {"adc_offset"}
    assert compared == set(CellFunctions.__dataclass_fields__)


def mutants_of(instruction: int, zero: int) -> list[int]:
    """Return instructions that do something else: another operation, number, place of a shift, or condition.

    ``zero`` is a register that holds 0: adding it copies, and subtracting it as well.
    """
    swaps = {
        Operation.ADD: Operation.SUBTRACT,
        Operation.SUBTRACT: Operation.ADD,
        Operation.AND: Operation.XOR,
        Operation.XOR: Operation.AND,
        Operation.ACCUMULATE_0: Operation.MULTIPLY,
    }
    operation, rest = Operation(instruction & 31), instruction >> OPERATION_BITS << OPERATION_BITS
    destination = 1 << OPERATION_BITS
    last_field = 1 << OPERATION_BITS + 2 * FIELD_BITS
    number = 1 << OPERATION_BITS + FIELD_BITS
    made = []
    copies = operation is Operation.ADD and rest >> OPERATION_BITS + 2 * FIELD_BITS == zero
    if operation in swaps and not copies:
        made.append(rest | swaps[operation])
    if operation in (Operation.SHIFT_LOGICAL, Operation.SHIFT_SIGNED):
        made += [instruction ^ last_field, instruction ^ last_field << 1]
    if operation is Operation.IMMEDIATE:
        made.append(instruction ^ number)
    if operation is Operation.JUMP and instruction >> OPERATION_BITS & 31 != Condition.ALWAYS:
        made.append(instruction ^ destination * NOT)
    if operation in (Operation.ACCUMULATE_1, Operation.ACCUMULATE_2, Operation.ACCUMULATE_3):
        # Left out: the program goes on as if the product had fewer words.
        made.append(encode_number(Operation.JUMP, Condition.ALWAYS ^ NOT, 0))
    return made


def is_found(bench: FunctionBench, states: list[tuple[Inputs, list[int]]]) -> bool:
    """Whether a state tells a mutant from the physics."""
    for inputs, expected in states:
        try:
            if bench(**inputs) != expected:
                return True
        except IndexError:
            return True
    return False


@pytest.mark.parametrize(
    ("world", "name"),
    [("shared gain, clipped", "pulse"), ("SET and RESET apart", "pulse"), ("with converter errors", "channel_gain")],
)
def test_mutants_of_the_microprogram_are_found(world: str, name: str) -> None:
    rng = np.random.default_rng(13)
    bench, scalars = bench_of(world, name), tables_of(world)[0]
    drawn = [draw_inputs(name, rng, scalars) for _ in range(400)]
    states = [(inputs, expected_of(name, world, inputs)) for inputs in drawn]
    original = bench.microcode.instructions
    assert not is_found(bench, states[:20])
    zero = next(register for register, value in bench.microcode.registers.items() if value == 0)
    # A draw for the number of an event that is known does not need all of its multiplication.
    routines = range(1, bench.first) if name == "pulse" else ()
    survivors, count = [], 0
    for place in [*routines, *range(bench.start, bench.end)]:
        for mutant in mutants_of(original[place], zero):
            bench.become([*original[:place], mutant, *original[place + 1 :]])
            count += 1
            if not is_found(bench, states):
                survivors.append((place, Operation(original[place] & 31).name))
    assert count > 12
    assert survivors == []


def random_records(rng: np.random.Generator, scalars: np.ndarray) -> tuple[int, int, int]:
    """Return conductance, fault and pulses of a cell."""
    return conductance(rng, scalars), int(rng.choice([0, 0, 0, 1, 2, 3])), below(rng, 32)


@pytest.mark.parametrize("world", ["with faults", "SET and RESET apart", "shared gain, clipped"])
def test_pulses_on_random_cells_agree(world: str) -> None:
    rng = np.random.default_rng(14)
    scalars = tables_of(world)[0]
    for tile in (0, 1, 254):
        state = make_state(config_of(world), tile + 1, CONTROLLER.adc_channels)
        array = InterpretedArray(CONTROLLER, config_of(world), tile)
        for _ in range(COUNT // 3):
            cell, resets = int(rng.integers(CONTROLLER.rows * CONTROLLER.columns)), bool(rng.integers(2))
            g, fault, pulses = random_records(rng, scalars)
            state.g[tile, cell], state.fault[tile, cell], state.pulses[tile, cell] = g, fault, pulses
            array.put_cell(cell, g, fault, pulses)
            polarity = RESET if resets else SET
            drive = array.model.threshold[polarity] - int(rng.integers(2))
            gate_closes(state, tile, cell, polarity, drive, 4095, int(scalars[0].width[polarity]))
            taken = array.pulse(
                *divmod(cell, CONTROLLER.columns), resets=resets, acts=drive >= array.model.threshold[polarity]
            )
            assert taken <= array.program.cycles.pulse
            found = array.cells()
            for name in ("g", "fault", "pulses"):
                assert found[name][cell] == getattr(state, name)[tile, cell], (name, g, fault, pulses, resets)
            if drive >= array.model.threshold[polarity] and not fault:
                assert found["grid"][cell] == state.grid[tile, cell]


@pytest.mark.parametrize("world", ["plain", "with converter errors", "without read noise"])
def test_conversions_of_random_states_agree(world: str) -> None:
    """Ranges, noise and rounding are written by hand: this holds them to the physics."""
    rng = np.random.default_rng(15)
    state = make_state(config_of(world), 1, CONTROLLER.adc_channels)
    array = InterpretedArray(CONTROLLER, config_of(world))
    codes = set()
    for _ in range(COUNT):
        cell = int(rng.integers(CONTROLLER.rows * CONTROLLER.columns))
        row, column = divmod(cell, CONTROLLER.columns)
        grid, count = below(rng, 10), below(rng, 40)
        code_range = int(rng.choice([0, below(rng, 16), rng.integers(10 << 11, 16 << 11)]))
        trim = below(rng, 8)
        state.grid[0, cell], state.conversions[0, 0] = grid, count
        array.put_grid(cell, grid)
        array.put_conversions(0, count)
        array.machine.trims[0] = trim
        kind = rng.choice(["cell", "cell", "reference", "column", "pair"])
        what = {"cell": cell, "reference": REFERENCE}.get(str(kind), NO_CELL)
        output = column // 2 if kind == "pair" else column
        expected = convert_single(state, 0, what, output, int(kind == "pair"), 0, trim, code_range)
        conditions = {"cell": {Condition.CELL}, "reference": {Condition.REFERENCE}, "pair": {Condition.PAIRS}}
        pins = conditions.get(str(kind), set())
        array.connect(pins, row=row, column=output, range=code_range)
        array.convert(pins, {0})
        assert array.machine.codes[0] == expected, (kind, grid, count, code_range, trim)
        codes.add(expected)
    assert len(codes) > 50


def test_a_change_of_the_source_reaches_the_microprogram(tmp_path: Path) -> None:
    source = Path(physics.__file__).read_text(encoding="utf-8")
    changes = {
        "from twinbar.emulator.kernels.compiled import inline": "inline = lambda function: function",
        "np.uint64(30), np.uint64(27), np.uint64(31)": "np.uint64(29), np.uint64(27), np.uint64(32)",
    }
    for before, after in changes.items():
        assert source.count(before) == 1
        source = source.replace(before, after)
    path = tmp_path / "other_physics.py"
    path.write_text(source, encoding="utf-8")
    other = ModuleType("other_physics")
    other.__file__ = str(path)
    exec(compile(source, path, "exec"), other.__dict__)
    builder = Builder()
    made = SourceRunner(builder, {}, other).run("mix", Symbol(builder.bits("x", 64), word=True))
    bench = FunctionBench(CONTROLLER, chip_model(config_of("plain")), builder.function(made.value))
    rng = np.random.default_rng(16)
    with np.errstate(over="ignore"):
        for _ in range(50):
            x = words(rng)
            assert bench(x=x) == [signed(int(other.mix(np.uint64(x))))]
            assert x == 0 or bench(x=x) != [signed(int(physics.mix(np.uint64(x))))]
