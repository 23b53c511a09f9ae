"""Cycles of writes by pulse table and by comparisons, counted by hand from docs/controller.md, on programs' engines.

The cells of the preset `ideal` move by 1/256 of their window per pulse. With nine levels there are 32 pulses from one
level to the next, so that the window of level 1 begins 16 pulses above the lowest conductance and ends 48 above it.
"""

from typing import Any

import numpy as np
import pytest
from crossbar_choices import crossbar_of, shape_of

from twinbar.emulator.contract.program import Program, ProgramResult
from twinbar.emulator.engines.controllers import controller_maker
from twinbar.hw.actions import Action
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.protocol import registers
from twinbar.hw.protocol.packing import pack, triple, unpack, unpack_results
from twinbar.hw.protocol.registers import FIELD_HIGH, FIELD_STOP, FIELD_WIDTH, entry_address, record_address
from twinbar.hw.protocol.vocabulary import Mode, Opcode, Record, Status
from twinbar.hw.timing import PHASES, Phase

TIMING = {"SELECT": 2, "SETTLE_READ": 3, "SETTLE_DRIVE": 4, "CONVERT": 5, "RECOVER": 2, "COMPARE": 7, "SAMPLING": 0x01}
"""SAMPLING: one sample is thrown away and one is kept, so that a read makes two conversions."""
WIDTH = {Record.SET: 6, Record.RESET: 8}
SMALL = ControllerConfig(rows=2, columns=2, input_bits=2, pulse_entries=16, compare=True)
VOLTS_CODE = 3500


def register(name: str | int, value: int) -> np.ndarray:
    address = name if isinstance(name, int) else registers.BY_NAME[name].address
    return pack(Opcode.WRITE_REGISTER, 0, address=address, value=value)


def entry(record: Record, number: int, count: int = 1, turns: int = 0, ends: int = 0) -> list[np.ndarray]:
    codes = triple(0, VOLTS_CODE, 4095) if record is Record.RESET else triple(VOLTS_CODE, 0, 4095)
    use = registers.PULSE_USE.pack(count=count, turns=turns, ends=ends)
    return [
        register(entry_address(record, number), codes),
        register(entry_address(record, number, registers.PULSE_COUNT), int(use)),
    ]


class Tile:
    """A controller of one tile with exact cells, ready to write."""

    def __init__(self, engine: str, entries: list[np.ndarray], limit: int = 255, **table: int) -> None:
        choices: dict[str, Any] = {"levels": 9, "variation": False, "adc_noise_codes": 0.0}
        self.config = crossbar_of("ideal", **shape_of(SMALL), **choices)
        self.controller = controller_maker(engine)(self.config, SMALL)
        beats = [register(name, value) for name, value in (TIMING | {"PULSE_LIMIT": limit}).items()]
        for record in (Record.SET, Record.RESET):
            beats += [
                register(record_address(record, field), triple(4095, 4095, 4095)) for field in (FIELD_HIGH, FIELD_STOP)
            ]
            shape = registers.SHAPE.pack(width=WIDTH[record], compliance=registers.NO_LIMIT)
            beats.append(register(record_address(record, FIELD_WIDTH), int(shape)))
        for level, (low, high) in enumerate(zip(self.config.levels.low, self.config.levels.high, strict=True)):
            window = registers.LEVEL_WINDOW.pack(low=int(low), high=int(high))
            beats.append(register(registers.LEVEL_BASE + level, int(window)))
        fields = {"use": 1, "shift": 15, "patience": 255} | table
        beats += [register("WRITE_TABLE", int(registers.WRITE_TABLE.word.pack(**fields))), *entries]
        self.run(*beats)
        self.armed = self.run(pack(Opcode.ARM, 0, mode=Mode.WRITE))

    def run(self, *beats: np.ndarray) -> ProgramResult:
        result = self.controller.run(Program(np.concatenate(beats)))
        assert set(unpack(result.responses)["status"]) <= {Status.OK.value, Status.FAILED.value}
        return result

    def write(self, level: int, **fields: int) -> tuple[dict[str, int], dict[Action, int], dict[str, int]]:
        """Cycles by phase without `idle`, actions, and the response of a write."""
        result = self.run(pack(Opcode.WRITE, 0, level=level, **fields))
        phases = {name: int(n) for name, n in zip(PHASES, result.phases[0], strict=True) if n and name != "idle"}
        actions = {action: int(result.actions[0, action]) for action in Action if result.actions[0, action]}
        answer = {name: int(value[0]) for name, value in unpack_results(Opcode.WRITE, result.responses).items()}
        return phases, actions, answer | {"status": int(unpack(result.responses)["status"][0])}


engines = pytest.mark.parametrize("engine", ["fast", "events"])


@engines
def test_arming_looks_at_every_entry(engine: str) -> None:
    tile = Tile(engine, [])
    # 24 cycles, and 4 for each of 16 entries.
    assert tile.armed.phases[0, Phase.DECIDE] == 88
    assert Tile(engine, [], use=0).armed.phases[0, Phase.DECIDE] == 24


@engines
def test_a_group_before_the_first_read(engine: str) -> None:
    tile = Tile(engine, entry(Record.SET, 3, count=20))
    phases, actions, answer = tile.write(1, first=1, entry=3)
    # One drive update (4), one read (3 + 2 * 5 + 1), 20 pulses of 6 and 2.
    assert phases == {"select": 2, "settle": 7, "convert": 10, "decide": 1, "pulse": 120, "recover": 40, "respond": 1}
    assert actions[Action.CONVERT_VERIFY] == 2
    assert (answer["sets"], answer["resets"], answer["status"]) == (20, 0, Status.OK.value)
    assert tile.config.levels.low[1] <= answer["code"] <= tile.config.levels.high[1]
    # The drive holds the entry: no update, and the cell is where it should be after 20 more pulses less 32.
    phases, actions, _ = tile.write(1, first=1, entry=3)
    assert Action.DRIVE_UPDATE not in actions
    assert phases["settle"] == 3


@engines
def test_an_entry_whose_settling_was_cut_short_settles_anew(engine: str) -> None:
    tile = Tile(engine, entry(Record.SET, 3, count=20))
    tile.write(1, first=1, entry=3)
    tile.run(pack(Opcode.DISARM, 0), pack(Opcode.ARM, 0, mode=Mode.WRITE))
    # The write selects in cycles 3 and 4; the drive settles from 5 to 8.
    halted = np.concatenate([pack(Opcode.WRITE, 0, level=1, first=1, entry=3), pack(Opcode.ABORT, 0)])
    result = tile.controller.run(Program(halted, arrivals=np.array([0, 6])))
    assert unpack(result.responses)["status"].tolist() == [Status.ABORTED.value, Status.OK.value]
    assert result.phases[0, Phase.SETTLE] == 2
    # One drive update (4) and one read (3), although the drive holds the entry.
    phases, actions, _ = tile.write(1, first=1, entry=3)
    assert (phases["settle"], actions[Action.DRIVE_UPDATE]) == (7, 1)


@engines
def test_comparisons_begin_on_the_side_of_the_last_pulse(engine: str) -> None:
    tile = Tile(engine, entry(Record.SET, 0, count=20), compare=1)
    phases, actions, answer = tile.write(1, polarity=1)
    # Read 1: the upper bound is kept, the lower one missed. Read 2, behind SET: the lower is kept, and the upper one.
    assert actions[Action.COMPARE] == 4
    assert Action.CONVERT_VERIFY not in actions
    assert phases == {
        "select": 2, "settle": 4 + 2 * 3, "convert": 4 * 7, "decide": 2, "pulse": 120, "recover": 40, "respond": 1,
    }  # fmt: skip
    assert (answer["code"], answer["sets"], answer["status"]) == (0, 20, Status.OK.value)
    # From above: SET is compared first and kept, then the upper bound is missed, which is one above; RESET moves down.
    tile = Tile(engine, entry(Record.SET, 0, count=20), compare=1)
    _, actions, _ = tile.write(1, polarity=0)
    assert actions[Action.COMPARE] == 1 + 2  # the lower bound is missed at once


@engines
def test_a_code_is_converted_once_where_it_is_asked_for(engine: str) -> None:
    tile = Tile(engine, entry(Record.SET, 0, count=20), compare=1)
    phases, actions, answer = tile.write(1, first=1, code=1)
    # A read of two comparisons (3 + 2 * 7 + 1), and one of two conversions (3 + 2 * 5 + 1).
    assert phases == {
        "select": 2, "settle": 4 + 3 + 3, "convert": 14 + 10, "decide": 2, "pulse": 120, "recover": 40, "respond": 1,
    }  # fmt: skip
    assert (actions[Action.COMPARE], actions[Action.CONVERT_VERIFY]) == (2, 2)
    assert tile.config.levels.low[1] <= answer["code"] <= tile.config.levels.high[1]


@engines
def test_a_failed_write_gives_its_code(engine: str) -> None:
    tile = Tile(engine, entry(Record.SET, 0, count=20), limit=10, compare=1)
    phases, actions, answer = tile.write(1, first=1)
    # The limit cuts the group; the lower bound is missed at once.
    assert (answer["sets"], answer["status"]) == (10, Status.FAILED.value)
    assert actions[Action.COMPARE] == 1
    assert actions[Action.CONVERT_VERIFY] == 2
    assert phases["convert"] == 7 + 10
    assert phases["decide"] == 2
    assert 0 < answer["code"] < tile.config.levels.low[1]


@engines
@pytest.mark.parametrize("compare", [0, 1])
def test_a_blind_write_reads_nothing(engine: str, compare: int) -> None:
    entries = [*entry(Record.RESET, 2, count=3, turns=1), *entry(Record.SET, 1, count=4, ends=1)]
    tile = Tile(engine, entries, compare=compare, keep=1, fall=1)
    phases, actions, answer = tile.write(5, first=1, polarity=1, entry=2)
    # Two groups, each with a drive update: the offset falls from 2 to 1 where the polarity turns.
    assert phases == {
        "select": 2, "settle": 8, "pulse": 3 * 8 + 4 * 6, "recover": 7 * 2, "respond": 1,
    }  # fmt: skip
    assert actions[Action.DRIVE_UPDATE] == 2
    assert (answer["code"], answer["sets"], answer["resets"]) == (0, 4, 3)
    assert answer["status"] == Status.OK.value


@engines
def test_the_distance_chooses_the_entry(engine: str) -> None:
    # Level 2 begins 48 pulses above the bottom; entry k gives 8 k + 8 of them.
    entries = [piece for number in range(16) for piece in entry(Record.SET, number, count=8 * (number + 1))]
    tile = Tile(engine, entries, shift=4)
    low = int(tile.config.levels.low[2])
    bottom = int(tile.config.levels.centre[0] + 0.5)
    first = (low - bottom - 1) // 16
    _, actions, answer = tile.write(2)
    assert answer["status"] == Status.OK.value
    assert answer["sets"] % 8 == 0
    assert answer["sets"] >= 8 * (first + 1)
    reads = actions[Action.CONVERT_VERIFY] // 2
    assert reads == actions[Action.DRIVE_UPDATE] + 1  # every group has an entry of its own here


@pytest.mark.parametrize("compare", [0, 1])
def test_a_halt_leaves_the_code_of_the_last_decision(compare: int) -> None:
    """A group that ends the write takes the code back only where it is given to its end."""
    entries = [*entry(Record.SET, 0, 3), *entry(Record.SET, 1, 2, ends=1)]
    tiles = [Tile(engine, entries, use=1, compare=compare, rise=1) for engine in ("fast", "events")]
    answers = set()
    # A write takes 80 cycles. Level 8 is 240 pulses away, and no write gives more than five.
    for cycle in range(60, 100):
        halted = np.concatenate([pack(Opcode.WRITE, 0, level=8), pack(Opcode.ABORT, 0)])
        halted = np.concatenate([halted, pack(Opcode.ARM, 0, mode=Mode.WRITE)])
        arrivals = np.array([0, cycle, cycle])
        results = [tile.controller.run(Program(halted, arrivals=arrivals)) for tile in tiles]
        for name in ("responses", "response_cycles", "phases", "actions", "cycles"):
            assert np.array_equal(getattr(results[0], name), getattr(results[1], name)), (cycle, name)
        code = int(unpack_results(Opcode.WRITE, results[0].responses)["code"][0])
        answers.add((int(unpack(results[0].responses)["status"][0]), int(np.sign(code))))
    assert answers == {(Status.ABORTED.value, -1 if compare else 1), (Status.OK.value, 0)}
