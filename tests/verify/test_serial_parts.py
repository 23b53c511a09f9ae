"""Engines with serial parts give the same: what is under way at a bus lengthens what comes next in all of them."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from twinbar.emulator.verify.beat_fields import beat
from twinbar.emulator.verify.campaign import Coverage, compare, sessions
from twinbar.emulator.verify.compared_engines import engine_of
from twinbar.emulator.verify.elaborations import SERIAL, Elaboration, serial_elaborations
from twinbar.emulator.verify.engine_comparison import Outcome, first_difference, run
from twinbar.emulator.verify.session import Session, SessionStep
from twinbar.emulator.verify.show import show
from twinbar.hw.parts.ad5686r import AD5686R
from twinbar.hw.parts.ad7476a import AD7476A
from twinbar.hw.parts.adg714 import ADG714
from twinbar.hw.parts.known_parts import catalogue
from twinbar.hw.protocol.layouts import WIDTH_BITS
from twinbar.hw.protocol.packing import triple, unpack
from twinbar.hw.protocol.registers import BY_NAME, LEVEL_BASE
from twinbar.hw.protocol.vocabulary import RECORDS, Mode, Opcode, Record, Status

EVERY = ("fast", "events", "rtl", "pysim")
SETTINGS = {"SELECT": 2, "SETTLE_READ": 3, "SETTLE_DRIVE": 4, "SETTLE_MULTIPLY": 5, "RECOVER": 2, "LEVELS": 2}
ARM = beat(Opcode.ARM, mode=Mode.WRITE.value)
CLEAR = beat(Opcode.CLEAR)
ABORT, SAFE = beat(Opcode.ABORT), beat(Opcode.SAFE)


def write(name: str, value: int) -> int:
    return beat(Opcode.WRITE_REGISTER, address=BY_NAME[name].address, value=value)


def set_up(**settings: int) -> list[int]:
    """Return the beats that make tile 0 ready; records differ, so that outputs that they share move."""
    beats = [write(name, value) for name, value in (SETTINGS | settings).items()]
    for number, record in enumerate(RECORDS):
        codes = triple(*((0, 600, 900) if record is Record.RESET else (600 + 20 * number, 0, 900)))
        values = {"CODES": codes, "STOP": codes, "HIGH": triple(1023, 1023, 1023), "WIDTH": 3 | 255 << WIDTH_BITS}
        beats += [write(f"{record.name}_{field}", value) for field, value in values.items()]
    for level, (low, high) in enumerate(((0, 10), (60, 127))):
        beats.append(beat(Opcode.WRITE_REGISTER, address=LEVEL_BASE + level, value=low | high << 16))
    return [*beats, ARM]


def agree(name: str, steps: Sequence[SessionStep], engines: Sequence[str] = EVERY) -> list[Outcome]:
    """Run a session on engines that must give the same, and give what the first one gave."""
    session = Session(name, tuple(steps))
    outcomes = {engine: run(engine_of(engine), session) for engine in engines}
    difference = first_difference(session, outcomes)
    assert difference is None, f"{difference}\n{show(session)}"
    first = outcomes[engines[0]]
    assert not any(outcome.failure for outcome in first)
    return first


def statuses(outcome: Outcome) -> list[Status]:
    assert outcome.result is not None
    return [Status(int(status)) for status in unpack(outcome.result.responses)["status"]]


def test_every_part_is_in_an_elaboration() -> None:
    found = set()
    for elaboration in SERIAL.values():
        parts = elaboration.parts
        assert parts is not None
        found |= {parts.dac.name, parts.adc.name, parts.switch.name}
    assert found == {part.name for part in catalogue()}


MADE_UP = (
    replace(AD5686R(), name="a DAC", bits=14, settle_ns=300.0),
    replace(AD7476A(), name="an ADC", bits=10),
    replace(ADG714, name="a switch", settle_ns=50.0),
)


def test_a_part_that_is_added_is_compared_without_being_named_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    added = [each for name, each in serial_elaborations((*catalogue(), *MADE_UP)).items() if name not in SERIAL]
    assert [each.name for each in added] == ["a DAC", "an ADC", "a switch"]
    for elaboration, part in zip(added, MADE_UP, strict=True):
        parts = elaboration.parts
        assert parts is not None
        assert part in (parts.dac, parts.adc, parts.switch)
        monkeypatch.setitem(SERIAL, elaboration.name, elaboration)
    _assert_equal(("fast", "events"), 10, 1, added)


def test_the_compiled_engine_and_events_agree_on_random_programs() -> None:
    _assert_equal(("fast", "events"), 150, 1, list(SERIAL.values()))


@pytest.mark.parametrize("name", SERIAL)
def test_the_netlist_agrees_with_models_of_the_parts_at_its_pins(name: str) -> None:
    _assert_equal(("fast", "rtl"), 60, 6, [SERIAL[name]])
    _assert_equal(("fast", "pysim"), 3, 7, [SERIAL[name]])


@pytest.mark.slow
@pytest.mark.parametrize("name", SERIAL)
def test_all_engines_agree_on_many_random_programs(name: str) -> None:
    _assert_equal(EVERY, 100, 12, [SERIAL[name]])


def _assert_equal(names: Sequence[str], programs: int, seed: int, elaborations: list[Elaboration]) -> None:
    finding = compare({name: engine_of(name) for name in names}, sessions(seed, programs, elaborations), Coverage())
    assert finding is None, f"{finding.difference}\n{show(finding.session)}"


@pytest.mark.parametrize("stop", [ABORT, SAFE], ids=["abort", "safe"])
def test_arming_that_is_halted_drives_what_it_has_loaded(stop: int) -> None:
    """READ and MULTIPLY are loaded in the last two cycles of ARM; only a halt that disarms keeps them from the pins."""
    steps = [SessionStep(tuple(set_up()))]
    for cycle in range(22, 29):
        codes = triple(700 + cycle, 0, 800 + cycle)
        change = [beat(Opcode.DISARM), write("READ_CODES", codes), write("READ_STOP", codes)]
        steps.append(SessionStep((*change, beat(Opcode.WAIT, cycles=300))))
        # What is still being sent lengthens what follows.
        steps.append(SessionStep((ARM, stop, ARM, beat(Opcode.READ, row=1, column=1)), (0, cycle, cycle, cycle)))
    found = {tuple(statuses(outcome))[:2] for outcome in agree("octal", steps)[2::2]}
    assert found == {(Status.ABORTED, Status.OK), (Status.OK, Status.OK)}


@pytest.mark.parametrize(
    "command",
    [
        beat(Opcode.CALIBRATE, column=1, gain=1),
        beat(Opcode.CALIBRATE, column=1, subtract=1),
        beat(Opcode.MULTIPLY, outputs=2, subtract=1),
        beat(Opcode.MULTIPLY, outputs=2, codes=1),
    ],
    ids=["reference", "pair", "product of pairs", "rows driven by codes"],
)
def test_what_the_parts_cannot_connect_is_a_fault(command: int) -> None:
    read = beat(Opcode.READ, row=2, column=3)
    steps = [SessionStep(tuple(set_up()))]
    steps.append(SessionStep((command, CLEAR, ARM, CLEAR, ARM, read)))
    # The fault comes three cycles after the selection has begun, whatever the tile does by then.
    for cycle in range(1, 9):
        steps.append(SessionStep((command, ABORT, CLEAR, ARM, read, CLEAR, ARM, read), (0, *[cycle] * 7)))
    outcomes = agree("teaching", steps)
    # The first CLEAR comes while the fault is still seen.
    assert statuses(outcomes[1]) == [Status.FAULTED, Status.OK, *[Status.FAULTED, Status.OK, Status.OK, Status.OK]]
    first = {statuses(outcome)[0] for outcome in outcomes[2:]}
    assert first == {Status.ABORTED, Status.FAULTED}
    assert statuses(outcomes[-1])[-3:] == [Status.OK] * 3


def test_words_under_way_settle_as_long_as_was_said_when_they_were_sent() -> None:
    read = beat(Opcode.READ, row=0, column=0)
    set_pulse = beat(Opcode.PULSE, row=0, column=0, record=Record.SET.value, count=1)
    steps = [SessionStep(tuple(set_up(SETTLE_DRIVE=900)))]
    cycles = []
    for wait in (1, 60, 250, 420):
        again = [write("SETTLE_DRIVE", 900), ARM, set_pulse]
        steps.append(
            SessionStep((*again, beat(Opcode.DISARM), beat(Opcode.WAIT, cycles=wait), write("SETTLE_DRIVE", 4)))
        )
        steps.append(SessionStep((ARM, read)))
    for outcome in agree("octal", steps)[2::2]:
        assert outcome.result is not None
        cycles.append(outcome.result.cycles)
    # The more words had been sent, the less was left to wait for at the new register.
    assert len(set(cycles)) > 2


@pytest.mark.parametrize("name", ["octal", "walking", "teaching"])
def test_halts_in_every_part_of_an_operation(name: str) -> None:
    """The compiled engine against the clock of the parts, cycle by cycle; the netlist is compared on random halts."""
    channels = SERIAL[name].controller.adc_channels
    cell = {"row": 2, "column": channels - 1}
    commands = [
        beat(Opcode.WRITE, level=1, **cell),
        beat(Opcode.WRITE, level=0, **cell),
        beat(Opcode.READ, **cell),
        beat(Opcode.MULTIPLY, column=0, outputs=2 * channels),
    ]
    steps = [SessionStep((*set_up(SAMPLING=0x11, PULSE_LIMIT=3), beat(Opcode.LOAD, word=0, bits=0x55, clear=1)))]
    for number, command in enumerate(commands):
        for cycle in range(1, 1200, 17):
            stop = SAFE if cycle % 2 else ABORT
            then = commands[(number + cycle) % len(commands)]
            steps.append(SessionStep((command, stop, ARM, then), (0, cycle, cycle, cycle)))
    outcomes = agree(name, steps, ("fast", "events"))
    assert sum(Status.ABORTED in statuses(outcome) for outcome in outcomes) > 50
