"""Writes by the pulse table, and comparisons, on the netlist: cycles counted by hand from ``docs/controller.md``.

Durations are those of `controller_bench.TIMING` where a test has none of its own: SELECT 2, SETTLE_READ 3,
SETTLE_DRIVE 4, CONVERT 3, RECOVER 2; COMPARE is 5, and pulses are 2 (SET) and 1 cycle wide (RESET). Entry ``n`` drives
64 * (n + 1) at the bit line, so that a pulse of SET moves a cell by 2 * (n + 1) codes, and one of RESET by n + 1.
"""

import itertools
from collections.abc import Sequence
from typing import Any

import pytest
from array_model import Array
from controller_bench import (
    Bench,
    Response,
    Trace,
    command,
    counter_reads,
    counters_of,
    read_register,
    set_up,
    write_register,
)

from twinbar.emulator.verify.assemblies import OCTAL
from twinbar.hw.actions import Action
from twinbar.hw.errors import ParameterError
from twinbar.hw.gateware.controller import Controller
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.gateware.drive.arming import Arming
from twinbar.hw.protocol import registers
from twinbar.hw.protocol.packing import triple
from twinbar.hw.protocol.vocabulary import Mode, Opcode, Record, Status
from twinbar.hw.timing import ARM_ENTRY_CYCLES, Phase

CONFIG = ControllerConfig(rows=8, columns=8, adc_bits=8, input_bits=4, pulse_entries=16, compare=True)
LEVELS = [(0, 5), (20, 30), (50, 50), (100, 255), (0, 255)]
RECORDS = {
    Record.SET: {"codes": (64, 0, 5), "stop": (2048, 0, 9), "width": 2},
    Record.RESET: {"codes": (64, 0, 5), "stop": (2048, 0, 9), "width": 1},
}
COUNT, TURNS, ENDS = 0x0FF, 0x100, 0x200


def entry(record: Record, number: int, codes: tuple[int, int, int], use: int = 1) -> list[int]:
    """Return the beats that write an entry: ADR 0021's addresses."""
    address = 0x200 + 128 * (record is Record.RESET) + 2 * number
    values = ((address, triple(*codes)), (address + 1, use))
    return [command(Opcode.WRITE_REGISTER, address=place, value=value) for place, value in values]


def prepared(
    uses: dict[tuple[Record, int], int] | None = None,
    durations: dict[str, int] | None = None,
    entries: int = 6,
    **fields: int,
) -> list[int]:
    """Return the beats that set a tile up with so many entries, ``uses`` of some, and the fields of `WRITE_TABLE`."""
    beats = set_up(CONFIG, levels=LEVELS, records=RECORDS, mode=None, COMPARE=5, **(durations or {}))
    for record in (Record.SET, Record.RESET):
        for number in range(entries):
            beats += entry(record, number, (64 * (number + 1), 0, 5), (uses or {}).get((record, number), 1))
    table = {"use": 1, "shift": 15, "patience": 255, **fields}
    beats.append(write_register("WRITE_TABLE", registers.WRITE_TABLE.word.pack(**table)))
    return [*beats, command(Opcode.ARM, mode=Mode.WRITE)]


def run(
    array: Array, beats: list[int], prepare: list[int], **choices: Any
) -> tuple[Trace, list[Response], dict[str, int]]:
    """Run beats; give the trace, the responses to them, and the cycles by phase that they took."""
    trace = Bench(CONFIG, [array]).run([*prepare, *beats], **choices)
    counts = trace.phase_counts()
    # Of a WRITE_REGISTER 2 and 1, of ARM 24 + 4 * 16 and 1.
    arm = 24 + 64 if prepare[-2] >> 28 & 1 else 24
    counts.subtract({Phase.DECIDE: 2 * (len(prepare) - 1) + arm, Phase.RESPOND: len(prepare)})
    assert all(answer.status is Status.OK for answer in trace.responses[: len(prepare)])
    spent = {phase.name.lower(): count for phase, count in counts.items() if count and phase is not Phase.IDLE}
    return trace, trace.responses[len(prepare) :], spent


def cell(g: int) -> Array:
    return Array(config=CONFIG, g={(1, 2): g})


def write(level: int, **fields: int) -> int:
    return command(Opcode.WRITE, row=1, column=2, level=level, **fields)


def pulses(array: Array) -> list[tuple[str, int]]:
    """Return polarity and entry of every pulse."""
    return [(pulse.record.name, pulse.codes[0] // 64 - 1) for pulse in array.pulses if pulse.record and pulse.codes]


def outcome(answer: Response) -> tuple[Status, int, int, int]:
    return answer.status, answer.code, answer.sets, answer.resets


def write_cycles(reads: int, updates: int, sets: int, resets: int, conversions: int | None = None, k: int = 0) -> dict:
    """The formula of the contract, by phase, without phases that take no cycle."""
    conversions = reads if conversions is None else conversions
    found = {
        "select": 2,
        "settle": 3 * reads + 4 * updates,
        "convert": 3 * conversions + 5 * k,
        "decide": reads,
        "pulse": 2 * sets + resets,
        "recover": 2 * (sets + resets),
        "respond": 1,
    }
    return {phase: count for phase, count in found.items() if count}


# --- entries ----------------------------------------------------------------------------------------------------------
def test_the_entry_follows_the_distance() -> None:
    # 10 codes below the window: (10 - 1) >> 1 is entry 4, a pulse of 10.
    array = cell(10)
    _, (answer,), spent = run(array, [write(1)], prepared(shift=1))
    assert (outcome(answer), pulses(array)) == ((Status.OK, 20, 1, 0), [("SET", 4)])
    assert spent == write_cycles(reads=2, updates=1, sets=1, resets=0)
    # 15 above it: (15 - 1) >> 1 = 7, a pulse of 8; then 7, 3 and 1 above.
    array = cell(45)
    _, (answer,), spent = run(array, [write(1)], prepared(shift=1, entries=8))
    assert (outcome(answer), pulses(array)) == ((Status.OK, 30, 0, 4), [("RESET", n) for n in (7, 3, 1, 0)])
    assert spent == write_cycles(reads=5, updates=4, sets=0, resets=4)


@pytest.mark.parametrize(
    ("shift", "first"), [(0, 15), (1, 15), (2, 15), (3, 12), (4, 6), (6, 1), (7, 0), (14, 0), (15, 0)]
)
def test_the_distance_counts_in_powers_of_two_up_to_the_last_entry(shift: int, first: int) -> None:
    # 100 codes below the window: 99 >> shift, at most 15.
    array = cell(0)
    run(array, [write(3)], prepared(shift=shift, entries=16, durations={"PULSE_LIMIT": 1}))
    assert pulses(array) == [("SET", first)]


def test_the_distance_is_that_of_the_clamped_code() -> None:
    # The column's offset of -30 makes a code of 280 out of 250, clamped to 255: 205 above 50, so 204 >> 5 = 6.
    array = cell(250)
    offset = command(Opcode.WRITE_REGISTER, address=0x802, value=(1 << 17) - 30)
    run(array, [offset, write(2)], prepared(shift=5, entries=7, durations={"PULSE_LIMIT": 1}))
    assert pulses(array) == [("RESET", 6)]
    # One of 40 makes -40, clamped to 0: 50 below it, 49 >> 2 = 12.
    array = cell(0)
    offset = command(Opcode.WRITE_REGISTER, address=0x802, value=40)
    run(array, [offset, write(2)], prepared(shift=2, entries=13, durations={"PULSE_LIMIT": 1}))
    assert pulses(array) == [("SET", 12)]


def test_the_offset_rises_where_the_polarity_stays_and_falls_where_it_turns() -> None:
    # From 40: +8, +12 at 5; turned: -5 at 4, -7 at 6; turned: +12 at 5, and the limit of five pulses is reached at 60.
    array = cell(40)
    _, (answer,), spent = run(
        array, [write(2, entry=3)], prepared(keep=1, rise=2, fall=1, entries=7, durations={"PULSE_LIMIT": 5})
    )
    assert pulses(array) == [("SET", 3), ("SET", 5), ("RESET", 4), ("RESET", 6), ("SET", 5)]
    assert outcome(answer) == (Status.FAILED, 60, 3, 2)
    assert spent == write_cycles(reads=6, updates=5, sets=3, resets=2)


def test_the_offset_stays_in_the_table() -> None:
    # 0, then 0 + 9, then 15 and no further; from 0 + 2 + 20 + 32 + 32 = 86.
    array = cell(0)
    run(array, [write(3)], prepared(rise=9, entries=16, durations={"PULSE_LIMIT": 4}))
    assert pulses(array) == [("SET", n) for n in (0, 9, 15, 15)]
    # A fall beyond 0 ends there; without `keep`, `entry` is not looked at unless a pulse comes first.
    array = cell(47)
    run(array, [write(2, entry=9)], prepared(shift=1, rise=1, fall=63, durations={"PULSE_LIMIT": 3}))
    assert pulses(array) == [("SET", 1), ("RESET", 0)]


def test_offset_and_distance_are_added() -> None:
    # 10 below: 3 + (9 >> 2) = 5, a pulse of 12 to 52; 2 above after a turn: 3 - 2 + (1 >> 2) = 1, a pulse of 2.
    array = cell(40)
    _, (answer,), _ = run(array, [write(2, entry=3)], prepared(keep=1, shift=2, fall=2))
    assert (outcome(answer), pulses(array)) == ((Status.OK, 50, 1, 1), [("SET", 5), ("RESET", 1)])


def test_an_entry_that_is_driven_is_not_driven_again() -> None:
    # Entry 0 of SET, five times in three commands: one update; then entry 0 of RESET.
    array = cell(14)
    beats = [write(1), write(1, first=1), write(1), write(0)]
    _, answers, spent = run(array, beats, prepared(durations={"PULSE_LIMIT": 20}))
    assert [outcome(answer) for answer in answers] == [
        (Status.OK, 20, 3, 0),
        (Status.OK, 22, 1, 0),
        (Status.OK, 22, 0, 0),
        (Status.OK, 5, 0, 17),
    ]
    assert spent == {
        "select": 4 * 2,
        "settle": 3 * (4 + 1 + 1 + 18) + 2 * 4,
        "convert": 3 * 24,
        "decide": 24,
        "pulse": 4 * 2 + 17,
        "recover": 2 * 21,
        "respond": 4,
    }


def test_an_update_by_a_record_lets_go_of_the_entry_and_one_by_an_entry_of_the_record() -> None:
    # The record SET has the codes of its entry 0: they are driven anew all the same.
    train = command(Opcode.PULSE, row=5, column=5, record=Record.SET, count=2)
    array = cell(18)
    beats = [train, write(1), write(1, first=1), train, train, write(1, first=1)]
    _, answers, spent = run(array, beats, prepared())
    assert [answer.status for answer in answers] == [Status.OK] * 6
    # Updates: by the first train, by the first write, by the second train, and by the last write.
    assert spent["settle"] == 4 * 4 + 3 * (2 + 1 + 1)
    assert [drive for drive in array.drives if drive[0] is Record.SET] == [(Record.SET, (64, 0, 5))] * 4


# --- groups -----------------------------------------------------------------------------------------------------------
def test_a_first_group_comes_before_the_first_read() -> None:
    array = cell(33)
    trace, (answer,), spent = run(array, [write(1, first=1, polarity=1, entry=2)], prepared())
    assert (outcome(answer), pulses(array)) == ((Status.OK, 30, 0, 1), [("RESET", 2)])
    assert spent == write_cycles(reads=1, updates=1, sets=0, resets=1)
    assert [run_ for run_ in trace.runs() if run_[0] is not Phase.IDLE][-8:] == [
        *((Phase.SELECT, 2), (Phase.SETTLE, 4), (Phase.PULSE, 1), (Phase.RECOVER, 2), (Phase.SETTLE, 3)),
        *((Phase.CONVERT, 3), (Phase.DECIDE, 1), (Phase.RESPOND, 1)),
    ]


@pytest.mark.parametrize(("keep", "second"), [(0, 1), (1, 3)])
def test_the_offset_of_a_first_group_is_where_the_command_starts(keep: int, second: int) -> None:
    # The first pulse is entry 2; then the offset, 0 or 2, has risen by 1.
    array = cell(0)
    prepare = prepared(keep=keep, rise=1, durations={"PULSE_LIMIT": 2})
    run(array, [write(3, first=1, entry=2)], prepare)
    assert pulses(array) == [("SET", 2), ("SET", second)]


def test_a_group_has_as_many_pulses_as_its_entry_says_or_as_are_left() -> None:
    array = cell(0)
    trace, (answer,), spent = run(array, [write(3)], prepared({(Record.SET, 0): 3}, durations={"PULSE_LIMIT": 4}))
    assert (outcome(answer), len(array.pulses)) == ((Status.FAILED, 8, 4, 0), 4)
    assert spent == write_cycles(reads=3, updates=1, sets=4, resets=0)
    # Pulses of a group: nothing but recovery lies between them.
    assert [run_ for run_ in trace.runs() if run_[0] in (Phase.PULSE, Phase.RECOVER)] == [
        (Phase.PULSE, 2),
        (Phase.RECOVER, 2),
    ] * 4
    gates = [gate for (gate,) in trace.gates]
    opened = [cycle for cycle in range(1, len(gates)) if gates[cycle] > gates[cycle - 1]]
    assert [later - earlier for earlier, later in itertools.pairwise(opened)][:2] == [4, 4]


def test_a_group_that_turns_is_followed_by_one_of_the_other_polarity() -> None:
    # RESET entry 5 (-6) twice, then SET entry 5 - 2 (+8), and a read.
    array = cell(30)
    uses = {(Record.RESET, 5): 2 | TURNS}
    beats = [write(1, first=1, polarity=1, entry=5)]
    trace, (answer,), spent = run(array, beats, prepared(uses, keep=1, fall=2))
    assert (outcome(answer), pulses(array)) == ((Status.OK, 26, 1, 2), [("RESET", 5), ("RESET", 5), ("SET", 3)])
    assert spent == write_cycles(reads=1, updates=2, sets=1, resets=2)
    assert [run_ for run_ in trace.runs() if run_[0] is not Phase.IDLE][-13:-5] == [
        *((Phase.SELECT, 2), (Phase.SETTLE, 4), (Phase.PULSE, 1), (Phase.RECOVER, 2), (Phase.PULSE, 1)),
        *((Phase.RECOVER, 2), (Phase.SETTLE, 4), (Phase.PULSE, 2)),
    ]


def test_groups_turn_until_the_pulses_are_spent() -> None:
    # Entries 0 of both polarities turn for ever: +2, -1, +2, -1, +2.
    array = cell(0)
    uses = {(Record.SET, 0): 1 | TURNS, (Record.RESET, 0): 1 | TURNS}
    _, (answer,), spent = run(array, [write(3)], prepared(uses, durations={"PULSE_LIMIT": 5}))
    assert (outcome(answer), array.g[1, 2]) == ((Status.FAILED, 4, 3, 2), 4)
    assert spent == write_cycles(reads=2, updates=5, sets=3, resets=2)


def test_a_write_that_ends_is_not_read() -> None:
    # Blind: RESET entry 5, then SET entry 3, which ends. No read at all, and the code is 0.
    array = cell(30)
    uses = {(Record.RESET, 5): 1 | TURNS, (Record.SET, 3): 2 | ENDS}
    beats = [write(3, first=1, polarity=1, entry=5), *counter_reads()]
    _, answers, _ = run(array, beats[:1], prepared(uses, keep=1, fall=2))
    assert outcome(answers[0]) == (Status.OK, 0, 2, 1)
    array = cell(30)
    _, answers, _ = run(array, beats, prepared(uses, keep=1, fall=2))
    phases, actions = counters_of(answers[1:])
    assert (actions[Action.WRITE_OK], actions[Action.WRITE_FAILED], actions[Action.CONVERT_VERIFY]) == (1, 0, 0)
    assert (actions[Action.PULSE_SET], actions[Action.PULSE_RESET], actions[Action.DRIVE_UPDATE]) == (2, 1, 2)
    assert (phases[Phase.SELECT], phases[Phase.SETTLE], phases[Phase.PULSE]) == (2, 8, 2 * 2 + 1)
    array = cell(30)
    assert run(array, beats[:1], prepared(uses, keep=1, fall=2))[2] == write_cycles(0, 2, 2, 1)
    assert array.g[1, 2] == 30 - 6 + 2 * 8


def test_a_write_ends_behind_a_read_without_its_code() -> None:
    array = cell(10)
    _, (answer,), spent = run(array, [write(1)], prepared({(Record.SET, 0): 1 | ENDS}))
    assert outcome(answer) == (Status.OK, 0, 1, 0)
    assert spent == write_cycles(reads=1, updates=1, sets=1, resets=0)


# --- patience ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("patience", "slack", "expected"),
    [
        # Pulses of 2 from 12 up: 14, 16, 18, 20.
        (3, 2, (Status.OK, 18, 3, 0)),
        (2, 4, (Status.OK, 16, 2, 0)),
        (2, 3, (Status.OK, 18, 3, 0)),
        (4, 2, (Status.OK, 20, 4, 0)),
        (0, 8, (Status.OK, 12, 0, 0)),
        (0, 7, (Status.OK, 14, 1, 0)),
        (0, 0, (Status.OK, 20, 4, 0)),
        (255, 511, (Status.OK, 20, 4, 0)),
    ],
)
def test_a_near_code_is_taken_when_patience_is_lost(patience: int, slack: int, expected: Any) -> None:
    _, (answer,), spent = run(cell(12), [write(1)], prepared(patience=patience, slack=slack))
    assert outcome(answer) == expected
    assert spent == write_cycles(reads=expected[2] + 1, updates=min(expected[2], 1), sets=expected[2], resets=0)


def test_a_near_code_is_taken_at_the_limit_too() -> None:
    # Two pulses of 2 from 12 up, and none left: 16 is 4 below the window.
    for slack, status in ((4, Status.OK), (3, Status.FAILED)):
        prepare = prepared(patience=2, slack=slack, durations={"PULSE_LIMIT": 2})
        _, (answer,), _ = run(cell(12), [write(1)], prepare)
        assert outcome(answer) == (status, 16, 2, 0)


# --- comparisons ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("code", "verdict", "comparisons"), [(19, -1, 1), (20, 0, 2), (30, 0, 2), (31, 1, 2), (0, -1, 1)]
)
def test_verify_compares_with_the_lower_bound_first(code: int, verdict: int, comparisons: int) -> None:
    array = cell(code)
    beats = [command(Opcode.VERIFY, row=1, column=2, level=1), *counter_reads()]
    trace, answers, _ = run(array, beats, prepared(compare=1))
    assert outcome(answers[0]) == (Status.OK, verdict, 0, 0)
    assert array.thresholds == [20, 31][:comparisons]
    assert array.conversions == [comparisons]
    _, actions = counters_of(answers[1:])
    assert (actions[Action.COMPARE], actions[Action.CONVERT_VERIFY]) == (comparisons, 0)
    _, _, spent = run(cell(code), beats[:1], prepared(compare=1))
    assert spent == {"select": 2, "settle": 3, "convert": 5 * comparisons, "decide": 1, "respond": 1}
    compared = [cycle for cycle, (pins,) in enumerate(trace.pins) if pins.compare]
    # The threshold stays for the whole comparison, and the read path is on.
    for cycle, bound in zip(compared, (20, 31), strict=False):
        assert {trace.pins[place][0].threshold for place in range(cycle, cycle + 5)} == {bound}
        assert all(trace.pins[place][0].read_enable for place in range(cycle, cycle + 5))
    assert not any(pins.convert for (pins,) in trace.pins)


@pytest.mark.parametrize(("level", "code", "thresholds"), [(4, 77, [0, 256]), (0, 0, [0, 6]), (3, 255, [100, 256])])
def test_bounds_at_the_ends_are_never_missed(level: int, code: int, thresholds: list[int]) -> None:
    array = cell(code)
    _, (answer,), _ = run(array, [command(Opcode.VERIFY, row=1, column=2, level=level)], prepared(compare=1))
    assert (answer.code, array.thresholds) == (0, thresholds)


@pytest.mark.parametrize(("offset", "thresholds"), [(-25, [0, 6]), (4, [24, 35]), (230, [250, 256]), (250, [256, 256])])
def test_thresholds_hold_the_offset_of_the_column(offset: int, thresholds: list[int]) -> None:
    # The cell gives 255 and more where the thresholds end.
    array = cell(256)
    beats = [
        command(Opcode.WRITE_REGISTER, address=0x802, value=offset % (1 << 17)),
        command(Opcode.VERIFY, row=1, column=2, level=1),
    ]
    _, (_, answer), _ = run(array, beats, prepared(compare=1))
    shown = thresholds if thresholds[0] <= 255 else thresholds[:1]
    assert array.thresholds == shown
    assert answer.code == (-1 if len(shown) == 1 else int(thresholds[1] <= 255))


def test_a_write_by_comparisons_goes_by_the_side_it_comes_from() -> None:
    # From 10: below at once (1). Five pulses of 2 to 20, a comparison with `low` and one with `high`: inside.
    array = cell(10)
    uses = {(Record.SET, 0): 5, (Record.RESET, 0): 6}
    _, (answer,), spent = run(array, [write(1)], prepared(uses, compare=1, patience=0, slack=511))
    assert (outcome(answer), array.thresholds) == ((Status.OK, 0, 5, 0), [20, 20, 31])
    assert spent == write_cycles(reads=2, updates=1, sets=5, resets=0, conversions=0, k=3)
    # From 40 with RESET first: `high` misses; six pulses of 1 to 34: `high` misses; six more, `high` and `low`: inside.
    array = cell(40)
    _, (answer,), spent = run(array, [write(1, polarity=1)], prepared(uses, compare=1))
    assert (outcome(answer), array.thresholds) == ((Status.OK, 0, 0, 12), [31, 31, 31, 20])
    assert spent == write_cycles(reads=3, updates=1, sets=0, resets=12, conversions=0, k=4)
    # From 40 without it: `low` is compared in vain before the first pulse.
    array = cell(40)
    _, (answer,), spent = run(array, [write(1)], prepared(uses, compare=1))
    assert array.thresholds == [20, 31, 31, 31, 20]
    assert spent == write_cycles(reads=3, updates=1, sets=0, resets=12, conversions=0, k=5)


def test_code_asks_for_one_conversion_at_the_end() -> None:
    array = cell(10)
    prepare = prepared({(Record.SET, 0): 5}, compare=1, durations={"SAMPLING": 1 | 1 << 4})
    _, answers, _ = run(array, [write(1, code=1), *counter_reads()], prepare)
    assert outcome(answers[0]) == (Status.OK, 20, 5, 0)
    _, actions = counters_of(answers[1:])
    # One sample is discarded and two are averaged.
    assert (actions[Action.COMPARE], actions[Action.CONVERT_VERIFY], actions[Action.WRITE_OK]) == (3, 3, 1)
    _, _, spent = run(cell(10), [write(1, code=1)], prepare)
    assert spent == write_cycles(reads=3, updates=1, sets=5, resets=0, conversions=3, k=3)


def test_a_write_that_fails_by_comparisons_answers_its_code() -> None:
    array = cell(1)
    prepare = prepared(compare=1, durations={"PULSE_LIMIT": 2})
    _, (answer, *counts), _ = run(array, [write(3), *counter_reads()], prepare)
    assert outcome(answer) == (Status.FAILED, 5, 2, 0)
    _, actions = counters_of(counts)
    assert (actions[Action.WRITE_FAILED], actions[Action.COMPARE], actions[Action.CONVERT_VERIFY]) == (1, 3, 1)
    _, _, spent = run(cell(1), [write(3)], prepared(compare=1, durations={"PULSE_LIMIT": 2}))
    assert spent == write_cycles(reads=4, updates=1, sets=2, resets=0, conversions=1, k=3)


@pytest.mark.parametrize(("code", "expected", "reads"), [(0, 0, 0), (1, 38, 1)])
def test_a_blind_write_is_read_once_if_its_code_is_asked_for(code: int, expected: int, reads: int) -> None:
    uses = {(Record.RESET, 5): 1 | TURNS, (Record.SET, 3): 2 | ENDS}
    beats = [write(3, first=1, polarity=1, entry=5, code=code)]
    _, (answer,), spent = run(cell(28), beats, prepared(uses, keep=1, fall=2, compare=1))
    assert outcome(answer) == (Status.OK, expected, 2, 1)
    assert spent == write_cycles(reads=reads, updates=2, sets=2, resets=1)


def test_a_write_by_conversions_does_not_mind_code() -> None:
    _, (answer,), spent = run(cell(18), [write(1, code=1)], prepared())
    assert outcome(answer) == (Status.OK, 20, 1, 0)
    assert spent == write_cycles(reads=2, updates=1, sets=1, resets=0)


def test_the_ramp_goes_by_comparisons_too() -> None:
    array = cell(16)
    _, (answer,), spent = run(array, [write(1)], prepared(use=0, compare=1))
    assert (outcome(answer), pulses(array)) == ((Status.OK, 0, 2, 0), [("SET", 0)] * 2)
    assert spent == write_cycles(reads=3, updates=1, sets=2, resets=0, conversions=0, k=4)


def test_other_reads_convert() -> None:
    reads = [command(opcode, row=1, column=2, level=1) for opcode in (Opcode.READ, Opcode.CONVERT, Opcode.FORM)]
    array = cell(25)
    _, answers, spent = run(array, reads, prepared(compare=1))
    assert ([answer.code for answer in answers], array.thresholds) == ([25, 25, 25], [])
    assert spent == {"select": 6, "settle": 9, "convert": 9, "decide": 3, "respond": 3}


# --- the shortest durations -------------------------------------------------------------------------------------------
SHORTEST = dict.fromkeys(("SELECT", "SETTLE_READ", "CONVERT", "RECOVER", "COMPARE"), 1) | {"SETTLE_DRIVE": 2}


@pytest.mark.parametrize("compare", [0, 1])
def test_the_shortest_durations_keep_groups_right(compare: int) -> None:
    uses = {(Record.RESET, 5): 2 | TURNS, (Record.SET, 3): 1 | TURNS, (Record.RESET, 1): 1}
    width = [write_register("SET_WIDTH", 1 | 255 << 28)]
    prepare = prepared(uses, keep=1, fall=2, compare=compare)
    # The last of a name counts.
    prepare = [*prepare[:-2], *(write_register(name, value) for name, value in SHORTEST.items()), *width, *prepare[-2:]]
    array = cell(40)
    beats = [write(1, first=1, polarity=1, entry=5), write(1, first=1, polarity=1, entry=5)]
    _, answers, spent = run(array, beats, prepare)
    # -6, -6, +4 and -2 make 30. The second one goes on to 20 in the same way; both are read once.
    assert [(answer.sets, answer.resets) for answer in answers] == [(1, 3), (1, 3)]
    assert [answer.code for answer in answers] == ([0, 0] if compare else [30, 20])
    assert pulses(array) == [("RESET", 5), ("RESET", 5), ("SET", 3), ("RESET", 1)] * 2
    assert spent == {
        "select": 2,
        "settle": 2 * (3 * 2 + 1),
        "convert": 4 if compare else 2,
        "decide": 2,
        "pulse": 8,
        "recover": 8,
        "respond": 2,
    }
    if compare:
        assert array.thresholds == [31, 20] * 2


@pytest.mark.parametrize(
    ("shift", "g", "beats", "expected"),
    [
        # +6, +8 make 24 of 10; the offset of the next write starts anew: -1, -2, -3, -4, -5, -6 make 3.
        (15, 10, [write(1, entry=2), write(0)], "S2 S3 R0 R1 R2 R3 R4 R5"),
        # +4, +6 make 55, -1, -2, -3 make 49, +2 and -1 make 50; every turn takes the offset from 2, or 0, to 0.
        (15, 45, [write(2, entry=1)], "S1 S2 R0 R1 R2 S0 R0"),
        # Distances, less one: 9; 24 and, with the offset of 1, 8 + 1.
        (0, 10, [write(1), write(0)], "S9 R15 R9"),
    ],
)
def test_the_shortest_durations_keep_decisions_right(shift: int, g: int, beats: list[int], expected: str) -> None:
    prepare = prepared(keep=1, rise=1, fall=2, shift=shift, entries=16)
    prepare = [*prepare[:-2], *(write_register(name, value) for name, value in SHORTEST.items()), *prepare[-2:]]
    array = cell(g)
    _, answers, _ = run(array, beats, prepare)
    assert {answer.status for answer in answers} == {Status.OK}
    assert " ".join(f"{polarity[0]}{number}" for polarity, number in pulses(array)) == expected


# --- halts ------------------------------------------------------------------------------------------------------------
def halted(beats: Sequence[int], array: Array, prepare: list[int], at: tuple[Phase, int], nth: int = 1) -> Response:
    """Abort a write in a cycle of the ``nth`` run of a phase, and return its response."""
    whole = Bench(CONFIG, [Array(config=CONFIG, g=dict(array.g))]).run([*prepare, *beats])
    seen, last, begin = 0, None, 0
    selected = next(cycle for cycle, (phase,) in enumerate(whole.phases) if phase is Phase.SELECT)
    for cycle, (phase,) in enumerate(whole.phases):
        if cycle > selected and phase is at[0] and last is not phase:
            seen += 1
            if seen == nth:
                begin = cycle
        last = phase
    assert begin
    abort = command(Opcode.ABORT)
    index = len(prepare) + len(beats)
    trace = Bench(CONFIG, [array]).run(
        [*prepare, *beats, abort], arrive=lambda beat, cycle: beat < index or cycle >= begin + at[1]
    )
    return trace.responses[index - 1]


def test_a_halt_ends_a_group_with_the_pulses_that_were_given() -> None:
    prepare = prepared({(Record.SET, 0): 3})
    # In the second pulse of the first group, behind a read of 10; and in its recovery.
    for phase, sets in ((Phase.PULSE, 2), (Phase.RECOVER, 2)):
        answer = halted([write(1)], cell(10), prepare, (phase, 0), nth=2)
        assert outcome(answer) == (Status.ABORTED, 10, sets, 0)
    # Before the first read there is no code.
    answer = halted([write(1, first=1)], cell(10), prepare, (Phase.PULSE, 1), nth=3)
    assert outcome(answer) == (Status.ABORTED, 0, 3, 0)


def test_a_halt_of_a_comparing_write_answers_the_side_of_its_last_decision() -> None:
    prepare = prepared({(Record.SET, 0): 3}, compare=1)
    assert outcome(halted([write(1)], cell(10), prepare, (Phase.PULSE, 0), nth=2)) == (Status.ABORTED, -1, 2, 0)
    assert outcome(halted([write(0)], cell(10), prepare, (Phase.PULSE, 0), nth=2)) == (Status.ABORTED, 1, 0, 2)
    assert outcome(halted([write(1)], cell(10), prepare, (Phase.CONVERT, 2))) == (Status.ABORTED, 0, 0, 0)


@pytest.mark.parametrize("phase", [Phase.SETTLE, Phase.CONVERT, Phase.DECIDE])
def test_a_halt_of_the_read_at_the_end_leaves_the_last_decision(phase: Phase) -> None:
    # Reads: below, below, and the limit of one pulse is reached; then its code would be read.
    prepare = prepared(compare=1, durations={"PULSE_LIMIT": 1})
    nth = {Phase.SETTLE: 4, Phase.CONVERT: 3, Phase.DECIDE: 3}[phase]
    assert outcome(halted([write(3)], cell(10), prepare, (phase, 0), nth=nth)) == (Status.ABORTED, -1, 1, 0)


def test_an_entry_whose_update_a_halt_has_cut_off_is_driven_again() -> None:
    prepare = prepared({(Record.SET, 0): 3})
    whole = Bench(CONFIG, [cell(10)]).run([*prepare, write(1)])
    updated = next(cycle for cycle, (pins,) in enumerate(whole.pins) if pins.update and pins.record == Record.SET.value)
    for first in (updated - 1, updated):
        array = cell(10)
        beats = [*prepare, write(1), command(Opcode.ABORT), write(1)]
        trace = Bench(CONFIG, [array]).run(
            beats, arrive=lambda beat, cycle, first=first: beat <= len(prepare) or cycle >= first
        )
        assert outcome(trace.responses[-3]) == (Status.ABORTED, 10, 0, 0)
        assert outcome(trace.responses[-1]) == (Status.OK, 22, 6, 0)
        # Both halts fall into the settling of the drive: the second write settles it anew.
        assert [drive for drive in array.drives if drive[0] is Record.SET] == [(Record.SET, (64, 0, 5))] * 2


# --- arming -----------------------------------------------------------------------------------------------------------
EDGES = [
    (Record.SET, 0, (63, 0, 5)),
    (Record.SET, 15, (64, 0, 4)),
    (Record.SET, 7, (2049, 0, 9)),
    (Record.SET, 15, (2048, 1, 9)),
    (Record.RESET, 0, (2048, 0, 10)),
    (Record.RESET, 8, (63, 0, 5)),
    (Record.RESET, 15, (64, 0, 4)),
    (Record.RESET, 15, (2049, 0, 9)),
]


def test_arm_finds_any_entry_outside_its_window() -> None:
    arm, disarm = command(Opcode.ARM, mode=Mode.WRITE), command(Opcode.DISARM)
    lows = [write_register(f"{each}_LOW", triple(64, 0, 5)) for each in ("SET", "RESET")]
    beats = [*prepared()[:-1], *lows]
    for record in (Record.SET, Record.RESET):
        for number in range(16):
            beats += entry(record, number, (2048, 0, 9) if number in (1, 15) else (64, 0, 5))
    beats.append(arm)
    for record, number, codes in EDGES:
        beats += [disarm, *entry(record, number, codes), arm, write_register("WRITE_TABLE", 0), arm, disarm]
        beats += [write_register("WRITE_TABLE", 1), *entry(record, number, (64, 0, 5)), arm]
    trace = Bench(CONFIG, [cell(0)]).run(beats)
    arms = [answer for answer in trace.responses if answer.opcode == Opcode.ARM.value]
    assert [answer.status for answer in arms] == [Status.OK, *[Status.WINDOW, Status.OK, Status.OK] * len(EDGES)]
    assert [answer.mode for answer in arms] == [Mode.WRITE, *[Mode.SAFE, Mode.WRITE, Mode.WRITE] * len(EDGES)]


def test_arm_takes_four_cycles_more_for_each_number_of_an_entry() -> None:
    trace = Bench(CONFIG, [cell(0)]).run([*prepared()[:-1], command(Opcode.ARM, mode=Mode.WRITE)])
    without = Bench(CONFIG, [cell(0)]).run([*prepared(use=0)[:-1], command(Opcode.ARM, mode=Mode.WRITE)])
    decides = [each.phase_counts()[Phase.DECIDE] for each in (trace, without)]
    assert decides[0] - decides[1] == Arming.cycles(16) - Arming.cycles() == 4 * 16
    assert ARM_ENTRY_CYCLES == 4


def test_disarming_lets_go_of_the_entry() -> None:
    array = cell(18)
    arm = command(Opcode.ARM, mode=Mode.WRITE)
    beats = [write(1), command(Opcode.DISARM), arm, write(1, first=1), arm, write(1, first=1)]
    run(array, beats, prepared())
    assert [drive for drive in array.drives if drive[0] is Record.SET] == [(Record.SET, (64, 0, 5))] * 3


# --- registers --------------------------------------------------------------------------------------------------------
def test_entries_are_read_back_and_kept_over_a_reset() -> None:
    beats = [*entry(Record.RESET, 15, (7, 8, 9), 200 | ENDS), *entry(Record.SET, 0, (4095, 1, 2), 3 | TURNS)]
    beats += [write_register("WRITE_TABLE", (1 << 36) - 1), write_register("COMPARE", 77)]
    reads = [read_register(address) for address in (0x29E, 0x29F, 0x200, 0x201, 0x202, 0x203, 0x21E, 0x21F, 0x1C, 0x1D)]
    expected = [7 | 8 << 12 | 9 << 24, 200 | ENDS, 4095 | 1 << 12 | 2 << 24, 3 | TURNS, 0, 1, 0, 1, (1 << 36) - 1, 77]
    trace = Bench(CONFIG, [cell(0)]).run([*beats, *reads])
    assert [answer.value for answer in trace.responses[len(beats) :]] == expected
    done = trace.responses[-1].cycle
    again = Bench(CONFIG, [cell(0)]).run(
        [*beats, *reads, *reads],
        reset=lambda cycle: done + 2 <= cycle < done + 4,
        arrive=lambda beat, cycle: beat < len(beats) + len(reads) or cycle > done + 10,
    )
    assert [answer.value for answer in again.responses[-len(reads) :]] == expected


def test_refusals_change_nothing() -> None:
    array = cell(10)
    refused = [
        write(1, entry=16),
        command(Opcode.WRITE_REGISTER, address=0x200, value=5),
        command(Opcode.WRITE_REGISTER, address=0x201, value=5),
        command(Opcode.WRITE_REGISTER, address=0x220, value=5),
        write_register("WRITE_TABLE", 0),
        write_register("COMPARE", 9),
        command(Opcode.DISARM),
        command(Opcode.WRITE_REGISTER, address=0x201, value=0),
        command(Opcode.WRITE_REGISTER, address=0x201, value=1 | TURNS | ENDS),
    ]
    reads = [read_register(address) for address in (0x200, 0x201, 0x1D)]
    _, answers, _ = run(array, [*refused, *reads], prepared())
    locked = [Status.LOCKED] * 2
    assert [answer.status for answer in answers[: len(refused)]] == [
        *(Status.BAD_VALUE, *locked, Status.BAD_REGISTER, *locked, Status.OK, Status.BAD_VALUE, Status.BAD_VALUE),
    ]
    assert [answer.value for answer in answers[len(refused) :]] == [64 | 5 << 24, 1, 5]
    assert not array.pulses


def test_a_front_end_that_cannot_compare_is_refused() -> None:
    with pytest.raises(ParameterError, match="compare is true; only a direct front end can compare"):
        Controller(CONFIG, parts=OCTAL)
