"""Rules of the kit hold where the contract does, and a deliberate violation of each is noticed; without a simulator."""

from typing import Any

import pytest

from twinbar.hw.cocotb.pulse_monitor import BeatMonitor, PulseMonitor
from twinbar.hw.cocotb.response_coverage import ResponseCoverage, all_bins
from twinbar.hw.cocotb.stream_rules import AnsweredInOrder, BusyTellsTheTruth, StableStream
from twinbar.hw.cocotb.tile_rules import (
    CodesComeWithUpdates,
    ComplianceEndsPulses,
    ConversionsBegin,
    DriveStandsStill,
    GateInPulses,
    GateOnCells,
    GateOrReadPath,
    HaltsAreObeyed,
    PulsesAreLimited,
    PulsesRecover,
    PulsesSettle,
    ReadPathInReads,
    ReadsSettle,
    WordsExist,
    rules_of_a_tile,
)
from twinbar.hw.cocotb.watched_rule import RuleBook, WatchedRule
from twinbar.hw.export.bench_protocol import protocol_of
from twinbar.hw.gateware.controller_config import ControllerConfig

PROTOCOL: Any = protocol_of(
    ControllerConfig(tiles=1, rows=4, columns=4, adc_channels=2, width_cap=9, code_caps=(100, 100, 100))
)
IDLE, SELECT, SETTLE, CONVERT, PULSE, RECOVER = 0, 2, 3, 4, 5, 6
SET, CELL = 1, 1
DRIVE = 50 | 7 << 12 | 90 << 24
"""Codes within the caps."""

Cycles = list[dict[str, int]]


def cycle(phase: int = IDLE, **pins: int) -> dict[str, int]:
    """The ports of a core in a cycle; pins of the tile by their own names, a stream's as ``commands_valid``."""
    shown = {"rst": 0, "stop": 0, "busy": 1, "phases__0": phase}
    for stream in ("commands", "responses"):
        shown |= {f"{stream}__{name}": pins.pop(f"{stream}_{name}", 0) for name in ("valid", "ready", "payload")}
    shown |= {name: pins.pop(name) for name in ("rst", "stop", "busy") if name in pins}
    tile = {"selection": 0, "row": 0, "column": 0, "record": 7, "codes": 0, "compliance_code": 0, "update": 0}
    tile |= {"write_gate": 0, "read_enable": 0, "convert": 0, "channels": 0, "compliance": 0, "fault": 0}
    tile |= {"row_load": 0, "row_word": 0}
    assert pins.keys() <= tile.keys()
    return shown | {f"tiles__0__{name}": value for name, value in (tile | pins).items()}


def found_by(rule: WatchedRule, cycles: Cycles) -> list[str]:
    rule.at_once = False
    for number, pins in enumerate(cycles):
        rule.look(number, pins)
    rule.end(len(cycles))
    return [broken.what for broken in rule.found]


DRIVEN: dict[str, int] = {"selection": CELL, "record": SET, "codes": DRIVE, "row": 2, "column": 3}
GATE = DRIVEN | {"write_gate": 1}
READ: dict[str, int] = {"selection": CELL, "row": 2, "column": 3, "read_enable": 1, "channels": 2}
WRITE: Cycles = [
    cycle(),
    cycle(SELECT, selection=CELL, row=2, column=3),
    *(cycle(SETTLE, **READ) for _ in range(3)),
    cycle(CONVERT, **READ, convert=1),
    cycle(CONVERT, **READ),
    cycle(1, selection=CELL, row=2, column=3),
    cycle(SETTLE, selection=CELL, row=2, column=3),
    cycle(SETTLE, **DRIVEN, update=1),
    cycle(SETTLE, **DRIVEN),
    *(cycle(PULSE, **GATE) for _ in range(4)),
    *(cycle(RECOVER, **DRIVEN) for _ in range(2)),
    *(cycle(SETTLE, **READ | DRIVEN) for _ in range(3)),
    cycle(CONVERT, **READ | DRIVEN, convert=1),
    cycle(1, **DRIVEN),
    cycle(8, **DRIVEN),
    cycle(IDLE, record=SET, codes=DRIVE),
]
"""A write with one pulse, as docs/controller.md draws it."""


def test_a_write_as_the_contract_has_it_breaks_no_rule() -> None:
    for rule in rules_of_a_tile(PROTOCOL, 0):
        assert found_by(rule, WRITE) == [], rule.about
    for timed in (PulsesSettle(PROTOCOL, 0, 3), ReadsSettle(PROTOCOL, 0, 3), PulsesRecover(PROTOCOL, 0, 2)):
        assert found_by(timed, WRITE) == [], timed.about


PULSED = cycle(PULSE, **GATE)
VIOLATIONS: list[tuple[WatchedRule, Cycles, str]] = [
    (GateOrReadPath(PROTOCOL, 0), [cycle(PULSE, **GATE | {"read_enable": 1})], "while the read path is connected"),
    (GateInPulses(PROTOCOL, 0), [cycle(RECOVER, **GATE)], "open in the phase recover"),
    (GateInPulses(PROTOCOL, 0), [cycle(PULSE, **DRIVEN)], "closed in the phase pulse"),
    (GateOnCells(PROTOCOL, 0), [cycle(PULSE, **GATE | {"selection": 2})], "with the selection 2"),
    (GateOnCells(PROTOCOL, 0), [cycle(PULSE, **GATE | {"record": 0})], "with the record 0"),
    (GateOnCells(PROTOCOL, 0), [cycle(PULSE, **GATE | {"row": 4})], "outside the tile"),
    (DriveStandsStill(PROTOCOL, 0), [PULSED, cycle(PULSE, **GATE | {"codes": DRIVE + 1})], "codes changed"),
    (DriveStandsStill(PROTOCOL, 0), [PULSED, cycle(PULSE, **GATE | {"column": 1})], "column changed"),
    (DriveStandsStill(PROTOCOL, 0), [PULSED, cycle(PULSE, **GATE | {"compliance_code": 1})], "compliance_code changed"),
    (DriveStandsStill(PROTOCOL, 0), [cycle(PULSE, **GATE | {"update": 1})], "was updated while"),
    (CodesComeWithUpdates(PROTOCOL, 0), [cycle(), cycle(SETTLE, **DRIVEN)], "without the strobe"),
    (ReadPathInReads(PROTOCOL, 0), [cycle(SELECT, **READ)], "on in the phase select"),
    (ReadPathInReads(PROTOCOL, 0), [cycle(SETTLE, **READ | {"selection": 0})], "nothing is selected"),
    (ReadPathInReads(PROTOCOL, 0), [cycle(CONVERT, **READ | {"read_enable": 0})], "without the read path"),
    (ConversionsBegin(PROTOCOL, 0), [cycle(SETTLE, **READ, convert=1)], "begins in the phase settle"),
    (ConversionsBegin(PROTOCOL, 0), [cycle(CONVERT, **READ | {"channels": 0}, convert=1)], "on no channel"),
    (WordsExist(PROTOCOL, 0), [cycle(SELECT, row_load=1, row_word=1)], "word 1 of 1 words"),
    (PulsesSettle(PROTOCOL, 0, 4), WRITE, "opens 3 cycles after its drive, of 4"),
    (ReadsSettle(PROTOCOL, 0, 4), WRITE, "begins 3 cycles after the read path was connected"),
    (PulsesRecover(PROTOCOL, 0, 3), WRITE, "used 2 cycles after its pulse, of 3"),
    (PulsesAreLimited(PROTOCOL, 0), [PULSED] * 10, "longer than 9 cycles"),
    (
        PulsesAreLimited(PROTOCOL, 0),
        [cycle(PULSE, **GATE | {"codes": 101 << 12})],
        "with 101 at the source line, of 100",
    ),
    (HaltsAreObeyed(PROTOCOL, 0), [cycle(stop=1), cycle(), cycle(), PULSED], "write_gate is 1 three cycles after"),
    (
        HaltsAreObeyed(PROTOCOL, 0),
        [cycle(fault=1), cycle(), cycle(), cycle(**DRIVEN)],
        "record is 1 three cycles after",
    ),
    (
        ComplianceEndsPulses(PROTOCOL, 0, 1),
        [PULSED, cycle(PULSE, **GATE | {"compliance": 1}), PULSED, PULSED, PULSED],
        "in the cycle after the current limit was seen",
    ),
    (BusyTellsTheTruth(PROTOCOL), [cycle(busy=0, commands_valid=1)], "while a command is presented"),
    (BusyTellsTheTruth(PROTOCOL), [cycle(busy=0, responses_valid=1)], "while a response waits"),
    (BusyTellsTheTruth(PROTOCOL), [cycle(SELECT, busy=0)], "while tile 0 works"),
]


@pytest.mark.parametrize(("rule", "cycles", "what"), VIOLATIONS, ids=lambda value: getattr(value, "about", None) or "")
def test_a_violation_is_noticed(rule: WatchedRule, cycles: Cycles, what: str) -> None:
    found = found_by(rule, cycles)
    assert any(what in each for each in found), found


def test_a_halt_in_time_and_a_pulse_that_ends_are_no_violation() -> None:
    closed = [cycle(PULSE, **GATE, stop=1), cycle(PULSE, **GATE), cycle(PULSE, **GATE), cycle(update=1), cycle()]
    assert found_by(HaltsAreObeyed(PROTOCOL, 0), closed) == []
    ended = [PULSED, cycle(PULSE, **GATE | {"compliance": 1}), PULSED, PULSED, cycle(RECOVER, **DRIVEN)]
    assert found_by(ComplianceEndsPulses(PROTOCOL, 0, 1), ended) == []
    # Within the blanking it does not count.
    assert (
        found_by(ComplianceEndsPulses(PROTOCOL, 0, 9), [PULSED, *[cycle(PULSE, **GATE | {"compliance": 1})] * 5]) == []
    )


# --- streams --------------------------------------------------------------------------------------------------------


def stable() -> StableStream:
    return StableStream("responses__valid", "responses__ready", "responses__payload")


def test_a_stream_that_waits_and_goes_on_is_stable() -> None:
    waits = [cycle(responses_valid=1, responses_payload=5)] * 3
    taken = cycle(responses_valid=1, responses_payload=5, responses_ready=1)
    following = cycle(responses_valid=1, responses_payload=6, responses_ready=1)
    assert found_by(stable(), [*waits, taken, following, cycle()]) == []


@pytest.mark.parametrize(
    ("second", "what"),
    [(cycle(), "was withdrawn"), (cycle(responses_valid=1, responses_payload=6), "changed from 0x5 to 0x6")],
)
def test_a_stream_that_is_not_stable_is_noticed(second: dict[str, int], what: str) -> None:
    (found,) = found_by(stable(), [cycle(responses_valid=1, responses_payload=5), second])
    assert what in found
    reset = cycle(rst=1)
    assert found_by(stable(), [cycle(responses_valid=1, responses_payload=5), reset, second]) == []


def answer(command: str, status: int = 0, echo: int = 0, tile: int = 0) -> int:
    places = PROTOCOL.RESPONSE
    fields = {"opcode": PROTOCOL.COMMANDS[command][0], "tile": tile, "status": status, "body": echo}
    return sum(value << places[name][0] for name, value in fields.items())


def asked(*commands: int) -> Cycles:
    return [cycle(commands_valid=1, commands_ready=1, commands_payload=each) for each in commands]


def answered(*beats: int) -> Cycles:
    return [cycle(responses_valid=1, responses_ready=1, responses_payload=each) for each in beats]


PACK = PROTOCOL.pack
CELL_2_3 = 2 | 3 << 10
READ_2_3 = PACK("READ", 0, row=2, column=3)
WAITS: Cycles = [cycle()] * 6


def test_commands_that_are_answered_in_order() -> None:
    load, product = PACK("LOAD", 0, word=0, bits=7), PACK("MULTIPLY", 0, outputs=2, column=2)
    sums = [answer("MULTIPLY", echo=2 | column << 10) for column in (2, 3)]
    cycles = [*asked(READ_2_3, load, product, PACK("SAFE", 0)), *WAITS]
    rule = AnsweredInOrder(PROTOCOL)
    assert found_by(rule, [*cycles, *answered(answer("READ", echo=CELL_2_3), *sums, answer("SAFE"))]) == []
    # A load that is refused is answered; a product that is ends.
    cycles = [
        *asked(load, product, load),
        *WAITS,
        *answered(answer("LOAD", 10, 7 << 16), answer("MULTIPLY", 4, 2 | 2 << 10)),
    ]
    assert found_by(AnsweredInOrder(PROTOCOL), cycles) == []


@pytest.mark.parametrize(
    ("cycles", "what"),
    [
        ([*asked(READ_2_3), *WAITS], "has not answered 1 commands"),
        ([*asked(READ_2_3), *WAITS, *answered(*[answer("READ", echo=CELL_2_3)] * 2)], "to no command"),
        ([*asked(READ_2_3), *WAITS, *answered(answer("WAIT"))], "answers opcode 8, and 9 is next"),
        ([*asked(READ_2_3), *WAITS, *answered(answer("READ", echo=2 | 2 << 10))], "repeats 0x802, and 0xc02 was asked"),
        ([*asked(READ_2_3), *answered(answer("READ", echo=CELL_2_3))], "1 cycles after it was asked"),
        ([*asked(READ_2_3), *WAITS, *answered(answer("READ", echo=CELL_2_3, tile=1))], "of tile 1, which there is not"),
    ],
)
def test_a_wrong_answer_is_noticed(cycles: Cycles, what: str) -> None:
    assert what in found_by(AnsweredInOrder(PROTOCOL), cycles)[0]


# --- books, monitors, coverage --------------------------------------------------------------------------------------


def test_a_broken_rule_ends_a_test_unless_all_are_to_be_seen() -> None:
    with pytest.raises(AssertionError, match="cycle 7: GateInPulses: tile 0: the write gate is open in the phase idle"):
        RuleBook([GateInPulses(PROTOCOL, 0)]).look(7, cycle(**GATE))
    book = RuleBook([GateOnCells(PROTOCOL, 0), GateInPulses(PROTOCOL, 0)], at_once=False)
    for number in range(2):
        book.look(number, cycle(**GATE))
    assert [broken.cycle for broken in book.found] == [0, 1]
    with pytest.raises(AssertionError, match="2 in all"):
        book.check()


def test_monitors_note_pulses_and_beats() -> None:
    pulses, beats = PulseMonitor(0), BeatMonitor("responses__valid", "responses__ready", "responses__payload")
    for number, pins in enumerate([*WRITE, cycle(responses_valid=1, responses_payload=9), *answered(9, 10)]):
        pulses.look(number, pins)
        beats.look(number, pins)
    ((opened, width, row, column, record, codes, code),) = pulses.pulses
    assert (opened, width, row, column, record, codes, code) == (11, 4, 2, 3, SET, DRIVE, 0)
    first = len(WRITE)
    assert beats.beats == [(first, first + 1, 9), (first + 2, first + 2, 10)]


def test_coverage_counts_what_was_answered() -> None:
    coverage = ResponseCoverage(PROTOCOL)
    bins = all_bins(PROTOCOL)
    assert len(set(bins)) == len(bins) > 250
    pulse = PACK("PULSE", 0, row=0, column=0, count=1, record=SET)
    sets = 1 << PROTOCOL.COMMANDS["PULSE"][2]["sets"][0]
    waits = cycle(responses_valid=1, responses_payload=answer("PULSE", echo=sets))
    for number, pins in enumerate([*asked(pulse), waits, *answered(answer("PULSE", echo=sets))]):
        coverage.look(number, pins)
    assert {name for name, count in coverage.hits.items() if count} == {"PULSE/SET/OK/-/waited", "PULSE/count/one"}
    assert coverage.missing == [name for name in bins if name not in coverage.hits]
    assert coverage.share == pytest.approx(2 / len(bins))
