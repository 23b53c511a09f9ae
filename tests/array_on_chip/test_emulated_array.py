"""A controller with its array on the chip gives what the engines give: responses, cells, cycles."""

import numpy as np
import pytest
from chip_bench import ChipBench
from chip_samples import crossbar, program_of

from twinbar.emulator.contract.program import Program
from twinbar.emulator.crossbar.chip_array import chip_model
from twinbar.emulator.engines.program.fast_controller import FastController
from twinbar.hw.actions import Action
from twinbar.hw.gateware.array.emulated_array import EmulatedArray
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.protocol import registers
from twinbar.hw.protocol.layouts import WIDTH_BITS
from twinbar.hw.protocol.packing import pack, triple, unpack
from twinbar.hw.protocol.registers import BY_NAME
from twinbar.hw.protocol.vocabulary import RECORDS, Mode, Opcode, Record, Status

pytestmark = pytest.mark.compiler

CONTROLLER = ControllerConfig(
    tiles=2, rows=6, columns=4, adc_channels=2, adc_bits=8, input_bits=3, command_depth=4, response_depth=4
)
WIDTH = 12
KINDS = ["write", "write", "read", "convert", "pulse", "form", "offset", "gain", "product", "product"]
CONVERTER_ERRORS = {"adc_offset_codes": 2.0, "adc_gain_error": 0.03}
"""One netlist serves all tests; `test_microprogram` has other devices."""


def command(opcode, tile=0, **fields):
    return int(pack(opcode, tile, **fields)[0])


def write_register(name, value, tile=0):
    return command(Opcode.WRITE_REGISTER, tile, address=BY_NAME[name].address, value=value)


def set_up(config, cycles, tile=0, limit=255, **settings):
    """Return the beats that make a tile ready, with the durations that its array needs."""
    drive = config.registers
    durations = {"SELECT": 2, "SETTLE_DRIVE": 3}
    read = cycles.read_range if settings.get("RANGE_READ") else cycles.read
    durations |= {"SETTLE_READ": read, "SETTLE_MULTIPLY": cycles.multiply}
    durations |= {"CONVERT": cycles.convert, "RECOVER": cycles.pulse}
    beats = [write_register(name, value, tile) for name, value in {**durations, "LEVELS": 8, **settings}.items()]
    codes = {
        Record.SET: (drive.set_amplitude.start, 0, 4095),
        Record.RESET: (0, drive.reset_amplitude.start, 4095),
        Record.FORM: (drive.set_amplitude.start + 40, 0, 4095),
    }
    for record in RECORDS:
        start = codes.get(record, (0, 0, 0))
        fields = {"CODES": triple(*start), "STEP": 0, "STOP": triple(*start), "HIGH": triple(4095, 4095, 4095)}
        fields["WIDTH"] = WIDTH | limit << WIDTH_BITS
        beats += [write_register(f"{record.name}_{name}", value, tile) for name, value in fields.items()]
    windows = zip(config.levels.low.tolist(), config.levels.high.tolist(), strict=True)
    for level, (low, high) in enumerate(windows):
        beats.append(command(Opcode.WRITE_REGISTER, tile, address=registers.LEVEL_BASE + level, value=low | high << 16))
    return [*beats, command(Opcode.ARM, tile, mode=Mode.WRITE)]


def random_operations(rng, controller, count, tiles=CONTROLLER.tiles, kinds=KINDS):
    """Return random operations on the arrays of the first tiles."""

    def below(limit):
        return int(rng.integers(limit))

    beats = []
    for _ in range(count):
        tile = below(tiles)
        cell = {"row": below(controller.rows), "column": below(controller.columns)}
        kind = rng.choice(kinds)
        if kind == "write":
            beats.append(command(Opcode.WRITE, tile, level=below(8), **cell))
        elif kind == "form":
            beats.append(command(Opcode.FORM, tile, level=1, **cell))
        elif kind == "read":
            beats.append(command(Opcode.READ, tile, **cell))
        elif kind == "convert":
            beats.append(command(Opcode.CONVERT, tile, **cell))
        elif kind == "pulse":
            record = Record.RESET if below(2) else Record.SET
            beats.append(command(Opcode.PULSE, tile, count=1 + below(4), record=record, **cell))
        elif kind == "offset":
            pairs = below(2)
            beats.append(command(Opcode.CALIBRATE, tile, column=below(controller.columns >> pairs), subtract=pairs))
        elif kind == "gain":
            beats.append(command(Opcode.CALIBRATE, tile, column=below(controller.columns), gain=1))
        else:
            for word in range(controller.words):
                bits = below(1 << 32) & below(1 << 32)
                beats.append(command(Opcode.LOAD, tile, word=word, clear=int(word == 0), bits=bits))
            flags = {name: below(2) for name in ("subtract", "codes", "skip")}
            outputs = controller.columns >> flags["subtract"]
            beats.append(command(Opcode.MULTIPLY, tile, outputs=outputs, column=0, **flags))
    return beats


@pytest.fixture(scope="module")
def config():
    return crossbar(CONTROLLER, **CONVERTER_ERRORS)


@pytest.fixture(scope="module")
def cycles(config):
    return program_of(CONTROLLER, chip_model(config), packed=False).cycles


def compare(config, controller, program, **resets):
    """Run a program both ways, and compare everything that can be seen."""
    expected_from = FastController(config, controller)
    expected = expected_from.run(program)
    bench = ChipBench(controller, EmulatedArray(chip_model(config)))
    got = bench.run(program, **resets)
    assert np.array_equal(np.frombuffer(b"".join(got.responses), np.uint8).reshape(-1, 10), expected.responses)
    assert got.response_cycles == expected.response_cycles.tolist()
    assert got.accepted == expected.accepted.tolist()
    assert got.cycles == expected.cycles
    assert got.phases == expected.phases.tolist()
    cells = expected_from.cells()
    for name, values in bench.cells(got).items():
        assert np.array_equal(values, cells[name]), name
    assert got.faults == 0
    return expected


def test_random_operations_are_the_same_as_on_an_engine(config, cycles):
    # One test, and not one for each seed: workers would compile the netlist twice.
    for seed in (0, 1):
        _compare_random_operations(seed, config, cycles)


def _compare_random_operations(seed, config, cycles):
    rng = np.random.default_rng(seed)
    settings = {"PULSE_LIMIT": 12, "SAMPLING": (0x10, 0x01)[seed], "GAIN_TARGET": config.gain_target}
    settings |= {"RANGE_READ": (0, 13 << 11 | 300)[seed], "RANGE_MULTIPLY": 14 << 11 | 77}
    beats = [beat for tile in range(CONTROLLER.tiles) for beat in set_up(config, cycles, tile, **settings)]
    beats += random_operations(rng, CONTROLLER, 120)
    expected = compare(config, CONTROLLER, Program(np.array(beats, np.uint64)))
    actions = expected.actions.sum(0)
    wanted = (Action.PULSE_SET, Action.PULSE_RESET, Action.CONVERT_FORWARD, Action.CONVERT_VERIFY, Action.WRITE_OK)
    assert (actions[list(wanted)] > 0).all()


def test_an_array_keeps_its_cells_from_session_to_session(config, cycles):
    rng = np.random.default_rng(11)
    first = [*set_up(config, cycles, PULSE_LIMIT=12), *random_operations(rng, CONTROLLER, 20, tiles=1)]
    first.append(command(Opcode.DISARM))
    later = [*random_operations(rng, CONTROLLER, 20, tiles=1), command(Opcode.READ)]
    later = [command(Opcode.ARM, mode=Mode.WRITE), *later]
    start = 800_000
    arrivals = np.array([0] * len(first) + [start] * len(later))
    program = Program(np.array([*first, *later], np.uint64), arrivals=arrivals)
    expected = compare(config, CONTROLLER, program, session=start - 1000)
    assert expected.response_cycles[len(first) - 1] < start - 1000


@pytest.mark.parametrize("cut", [15_050, 33_333, 71_027])
def test_a_session_that_cuts_an_operation_leaves_a_working_array(cut, config, cycles):
    operations = random_operations(np.random.default_rng(cut), CONTROLLER, 40, tiles=1)
    beats = [*set_up(config, cycles), *operations, *set_up(config, cycles), command(Opcode.READ), command(Opcode.READ)]
    late = len(set_up(config, cycles)) + 2
    arrivals = np.array([0] * (len(beats) - late) + [cut + 1] * late)
    bench = ChipBench(CONTROLLER, EmulatedArray(chip_model(config)))
    got = bench.run(Program(np.array(beats, np.uint64), arrivals=arrivals), session=cut)
    last = unpack(np.frombuffer(b"".join(got.responses[-2:]), np.uint8).reshape(-1, 10))
    assert last["status"].tolist() == [Status.OK.value] * 2
    assert got.faults == 0
    assert (bench.cells(got)["conversions"].sum(1)[0]) > 2


@pytest.mark.parametrize("cycles_before", [700, 21_234, 60_001])
def test_a_reset_at_any_time_forms_the_cells_anew(cycles_before, config, cycles):
    # Without calibrations, whose results a reset leaves in the tile's registers.
    kinds = [kind for kind in KINDS if kind not in ("offset", "gain")]
    rng = np.random.default_rng(cycles_before)
    beats = [*set_up(config, cycles), *random_operations(rng, CONTROLLER, 20, 1, kinds)]
    compare(config, CONTROLLER, Program(np.array(beats, np.uint64)), rehearsal=cycles_before)


def test_halts_do_not_lose_a_pulse(config, cycles):
    rng = np.random.default_rng(4)
    beats = set_up(config, cycles)
    arrivals = [0] * len(beats)
    start = 60 * len(beats)
    for number in range(6):
        at = start + number * 12_000
        cell = {"row": int(rng.integers(6)), "column": int(rng.integers(4))}
        beats += [command(Opcode.PULSE, count=20, record=Record.SET, **cell), command(Opcode.ABORT)]
        # In the middle of a pulse, mostly, and of a conversion.
        arrivals += [at, at + 15 + int(rng.integers(3000))]
        beats += [command(Opcode.READ, **cell), command(Opcode.ABORT)]
        arrivals += [at + 5000, at + 5000 + cycles.read + int(rng.integers(50, 900))]
    beats.append(command(Opcode.READ, row=1, column=1))
    arrivals.append(start + 80_000)
    expected = compare(config, CONTROLLER, Program(np.array(beats, np.uint64), arrivals=np.array(arrivals)))
    statuses = unpack(expected.responses)["status"].tolist()
    assert statuses.count(Status.ABORTED.value) > 6


def test_what_follows_a_halt_at_once_is_exact_with_a_longer_select(config, cycles):
    rng = np.random.default_rng(7)
    beats = [*set_up(config, cycles, SELECT=cycles.halt), *set_up(config, cycles, 1)]
    arrivals = [0] * len(beats)
    at = 60 * len(beats)
    for _ in range(25):
        at += int(rng.integers(1, 3 * cycles.halt))
        todo = [*random_operations(rng, CONTROLLER, 1, tiles=1), command(Opcode.ABORT)]
        todo.append(command(Opcode.READ, row=int(rng.integers(6)), column=int(rng.integers(4))))
        halt_at = at + cycles.halt + int(rng.integers(2 * cycles.multiply))
        beats += todo
        arrivals += [at] * (len(todo) - 2) + [halt_at] * 2
        at = halt_at
    expected = compare(config, CONTROLLER, Program(np.array(beats, np.uint64), arrivals=np.array(arrivals)))
    statuses = unpack(expected.responses)["status"].tolist()
    assert statuses.count(Status.ABORTED.value) > 6


@pytest.mark.parametrize("cause", ["recovery", "limit"])
def test_what_cannot_be_computed_is_a_fault(cause, config, cycles):
    short, limit = ({"RECOVER": 20}, 255) if cause == "recovery" else ({}, 254)
    beats = [*set_up(config, cycles, limit=limit, **short), command(Opcode.PULSE, count=4, record=Record.SET)]
    got = ChipBench(CONTROLLER, EmulatedArray(chip_model(config))).run(Program(np.array(beats, np.uint64)))
    last = np.frombuffer(got.responses[-1], np.uint8)[None]
    assert unpack(last)["status"][0] == Status.FAULTED.value
    assert got.faults == 1


def test_what_takes_longer_than_its_register_says_is_waited_for(config, cycles):
    beats = random_operations(np.random.default_rng(6), CONTROLLER, 30)
    seen = []
    for short in ({}, {"CONVERT": 1, "SETTLE_READ": 1, "SETTLE_MULTIPLY": 1}):
        begin = [*set_up(config, cycles, RANGE_MULTIPLY=14 << 11, **short)]
        begin += [*set_up(config, cycles, 1, RANGE_MULTIPLY=14 << 11, **short)]
        bench = ChipBench(CONTROLLER, EmulatedArray(chip_model(config)))
        got = bench.run(Program(np.array([*begin, *beats], np.uint64)))
        assert got.faults == 0
        # Responses tile by tile, those with a duration apart: which tile is first depends on the durations.
        responses = np.frombuffer(b"".join(got.responses), np.uint8).reshape(-1, 10)
        fields = unpack(responses)
        order = np.argsort(fields["tile"], kind="stable")
        order = order[fields["opcode"][order] != Opcode.WRITE_REGISTER.value]
        seen.append((responses[order].tolist(), bench.cells(got)["g"].tolist()))
    assert seen[0] == seen[1]
