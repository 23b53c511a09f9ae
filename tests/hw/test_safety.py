"""Refusals, halts, faults and the streams: what happens when something is not as it should be."""

import pytest
from array_model import Array
from controller_bench import Bench, Trace, command, read_register, set_up, write_register

from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.protocol.layouts import WIDTH_BITS
from twinbar.hw.protocol.packing import triple
from twinbar.hw.protocol.vocabulary import ComplianceAction, Mode, Opcode, Record, Selection, Status
from twinbar.hw.timing import Phase

CONFIG = ControllerConfig(rows=6, columns=8, adc_bits=8)
WIDE = {Record.SET: {"codes": (64, 0, 5), "width": 30}}
READ = command(Opcode.READ, row=1, column=1)
PULSE = command(Opcode.PULSE, row=1, column=1, record=Record.SET, count=2)

REFUSED = [
    (0, Status.UNKNOWN_OPCODE),
    (31, Status.UNKNOWN_OPCODE),
    (command(Opcode.READ, tile=1, row=1, column=1), Status.BAD_TILE),
    (command(Opcode.READ, row=6, column=1), Status.BAD_ADDRESS),
    (command(Opcode.WRITE, row=1, column=8), Status.BAD_ADDRESS),
    (command(Opcode.WRITE, row=1, column=1, level=16), Status.BAD_LEVEL),
    (command(Opcode.FORM, row=1, column=1, level=200), Status.BAD_LEVEL),
    (command(Opcode.PULSE, row=1, column=1, record=Record.SET, count=0), Status.BAD_VALUE),
    (command(Opcode.PULSE, row=1, column=1, record=Record.SET, count=101), Status.BAD_VALUE),
    (command(Opcode.PULSE, row=1, column=1, record=Record.READ, count=1), Status.BAD_VALUE),
    (command(Opcode.DRIVE, row=1, column=1, record=Record.MULTIPLY), Status.BAD_VALUE),
    (command(Opcode.MULTIPLY, column=0, outputs=9), Status.BAD_ADDRESS),
    (command(Opcode.MULTIPLY, column=0, outputs=0), Status.BAD_ADDRESS),
    (command(Opcode.MULTIPLY, column=2, outputs=3, subtract=1), Status.BAD_ADDRESS),
    (command(Opcode.CALIBRATE, column=4, subtract=1), Status.BAD_ADDRESS),
    (command(Opcode.CALIBRATE, column=8, gain=1), Status.BAD_ADDRESS),
    (command(Opcode.CALIBRATE, column=4, gain=1, subtract=1), Status.BAD_ADDRESS),
    (command(Opcode.CALIBRATE, column=3, gain=1, subtract=1), Status.BAD_VALUE),
    (command(Opcode.LOAD, word=1), Status.BAD_ADDRESS),
    (command(Opcode.WAIT, cycles=0), Status.BAD_VALUE),
    (command(Opcode.ARM, mode=Mode.SAFE), Status.BAD_VALUE),
    (read_register(0x3F), Status.BAD_REGISTER),
    (write_register("IDENTITY", 1), Status.BAD_REGISTER),
    (command(Opcode.WRITE_REGISTER, address=0x80, value=0), Status.BAD_REGISTER),
    (command(Opcode.READ_REGISTER, address=0x401), Status.BAD_REGISTER),
    (command(Opcode.WRITE_REGISTER, address=0x7FF, value=1), Status.BAD_REGISTER),
    (command(Opcode.READ_REGISTER, address=0x808), Status.BAD_REGISTER),
    (command(Opcode.READ_REGISTER, address=0xC04), Status.BAD_REGISTER),
    (write_register("SELECT", 5), Status.LOCKED),
    (write_register("SET_CODES", 0), Status.LOCKED),
    (command(Opcode.WRITE_REGISTER, address=0x100, value=1 << 8), Status.BAD_VALUE),
    (command(Opcode.WRITE_REGISTER, address=0x400, value=256), Status.BAD_VALUE),
    (command(Opcode.WRITE_REGISTER, address=0x800, value=0x8000), Status.BAD_VALUE),
]


@pytest.fixture(scope="module")
def refusals() -> tuple[Array, list]:
    array = Array(config=CONFIG, g={(1, 1): 33})
    beats = set_up(CONFIG)
    trace = Bench(CONFIG, [array]).run(
        [*beats, *(beat for refused, _ in REFUSED for beat in (refused, READ))],
        responses=len(beats) + 2 * len(REFUSED),
        cycles=40_000,
    )
    assert not array.pulses
    return array, trace.responses[len(beats) :]


@pytest.mark.parametrize("number", range(len(REFUSED)))
def test_a_bad_command_is_refused_and_the_next_one_works(refusals: tuple[Array, list], number: int) -> None:
    refused, read = refusals[1][2 * number : 2 * number + 2]
    assert refused.status is REFUSED[number][1]
    assert refused.tile == 0
    assert (read.status, read.code) == (Status.OK, 33)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SELECT", 0),
        ("SETTLE_DRIVE", 1),
        ("CONVERT", 1 << 16),
        ("SAMPLING", 5 << 4),
        ("PULSE_LIMIT", 0),
        ("LEVELS", 257),
        ("COMPLIANCE", 3 << 16),
        ("SET_WIDTH", 0),
        ("SET_WIDTH", 7 << WIDTH_BITS),
        ("FORM_LIMIT", 255 << WIDTH_BITS),
        ("GAIN_TARGET", 1 << 16),
    ],
)
def test_a_value_out_of_range_is_refused(name: str, value: int) -> None:
    trace = Bench(CONFIG).run([read_register(name), write_register(name, value), read_register(name)])
    before, refused, after = trace.responses
    assert refused.status is Status.BAD_VALUE
    assert after.value == before.value


@pytest.mark.parametrize("mode", [None, Mode.READ])
def test_nothing_is_pulsed_without_arming_for_it(mode: Mode | None) -> None:
    array = Array(config=CONFIG)
    trace = Bench(CONFIG, [array]).run([*set_up(CONFIG, mode=mode), READ, PULSE])
    read, pulse = trace.responses[-2:]
    assert read.status is (Status.OK if mode else Status.DISARMED)
    assert pulse.status is Status.DISARMED
    assert not array.pulses


BAD_RECORDS = {
    "code above its window": ("SET_CODES", triple(4000, 0, 0), "SET_HIGH", triple(3999, 4095, 4095)),
    "code below its window": ("READ_LOW", triple(0, 0, 4), "READ_CODES", triple(9, 9, 3)),
    "stop above its window": ("FORM_STOP", triple(8, 2, 100), "FORM_HIGH", triple(8, 2, 99)),
    "stop below its code": ("RESET_STOP", triple(8, 1, 3), "RESET_CODES", triple(8, 2, 3)),
    "pulse wider than its limit": ("FORM_LIMIT", 1 << 13, "FORM_WIDTH", (1 << 13) + 1),
    "wider in a low bit only": ("MULTIPLY_LIMIT", (1 << 24) + 7, "MULTIPLY_WIDTH", (1 << 24) + 8),
    "wider in a high bit only": ("SET_LIMIT", (1 << 27) - 1, "SET_WIDTH", 1 << 27),
    "current above its limit": ("RESET_LIMIT", 9 | 77 << WIDTH_BITS, "RESET_WIDTH", 8 | 78 << WIDTH_BITS),
    "current above its limit, far narrower": ("READ_LIMIT", (1 << WIDTH_BITS) - 1, "READ_WIDTH", 1 | 1 << WIDTH_BITS),
}


@pytest.mark.parametrize("what", BAD_RECORDS)
def test_arming_refuses_a_record_outside_its_window(what: str) -> None:
    array = Array(config=CONFIG)
    first, one, second, other = BAD_RECORDS[what]
    beats = [*set_up(CONFIG, mode=None), write_register(first, one), write_register(second, other)]
    trace = Bench(CONFIG, [array]).run([*beats, command(Opcode.ARM, mode=Mode.WRITE), PULSE])
    arm, pulse = trace.responses[-2:]
    assert (arm.status, arm.mode) == (Status.WINDOW, Mode.SAFE)
    assert pulse.status is Status.DISARMED
    assert {record for record, _ in array.drives} == {Record.SAFE}
    assert not array.pulses


def test_safe_truncates_the_pulse_and_refuses_what_waits() -> None:
    array = Array(config=CONFIG)
    beats = set_up(CONFIG, records=WIDE)
    arm = command(Opcode.ARM, mode=Mode.WRITE)
    trace = Bench(CONFIG, [array]).run(
        [*beats, PULSE, PULSE, arm, READ, command(Opcode.SAFE, tile=200), READ, arm, READ],
        arrive=lambda beat, cycle: beat != len(beats) + 4 or cycle >= len(beats) * 3 + 55,
    )
    answers = trace.responses[len(beats) :]
    assert [answer.status for answer in answers] == [
        *[Status.ABORTED] * 4,
        Status.OK,
        Status.DISARMED,
        Status.OK,
        Status.OK,
    ]
    (pulse,) = array.pulses
    halted = trace.accepted[len(beats) + 4]
    assert pulse.width == sum(gate[0] for gate in trace.gates) < 30
    assert trace.gates[halted] == [1]
    assert trace.gates[halted + 1] == [0]
    after = trace.pins[halted + 1][0]
    assert (after.record, after.codes, after.update, after.selection) == (Record.SAFE.value, (0, 0, 0), 1, 0)
    assert (trace.pins[halted][0].compliance_code, after.compliance_code) == (255, 0)
    assert answers[0].sets == 1


def test_abort_stops_one_tile_and_leaves_it_armed() -> None:
    config = ControllerConfig(tiles=2, rows=6, columns=8)
    arrays = [Array(config=config), Array(config=config)]
    beats = [*set_up(config, records=WIDE), *set_up(config, records=WIDE, tile=1)]
    pulses = [command(Opcode.PULSE, tile, row=1, column=1, record=Record.SET, count=1) for tile in (0, 1, 0, 1)]
    start = 800
    trace = Bench(config, arrays).run(
        [*beats, *pulses, command(Opcode.ABORT), command(Opcode.READ, row=1, column=1)],
        arrive=lambda beat, cycle: beat < len(beats) or cycle >= start + 20 * (beat >= len(beats) + 4),
    )
    own = [answer for answer in trace.responses[len(beats) :] if answer.tile == 0]
    other = [answer for answer in trace.responses[len(beats) :] if answer.tile == 1]
    assert [answer.status for answer in own] == [Status.ABORTED, Status.ABORTED, Status.OK, Status.OK]
    assert own[-1].mode is Mode.WRITE
    assert [answer.status for answer in other] == [Status.OK, Status.OK]
    assert [pulse.width for pulse in arrays[1].pulses] == [30, 30]
    assert next(pulse.width for pulse in arrays[0].pulses) < 30


@pytest.mark.parametrize("when", range(2, 12))
def test_a_halt_opens_the_selector_whatever_a_read_does(when: int) -> None:
    beats, start = set_up(CONFIG), 800
    # Accepted in `start`, it is popped in start + 2: SELECT takes 2 cycles, CONNECT 3, CONVERT 3, and one decides.
    trace = Bench(CONFIG, [Array(config=CONFIG)]).run(
        [*beats, READ, command(Opcode.ABORT)],
        arrive=lambda beat, cycle: beat < len(beats) or cycle >= start + (when if beat > len(beats) else 0),
    )
    assert trace.accepted[-1] == start + when
    assert (trace.pins[start + when][0].selection == Selection.CELL.value) == (when > 2)
    assert {pins[0].selection for pins in trace.pins[start + when + 1 :]} == {Selection.NONE.value}


@pytest.mark.parametrize("late", [0, 1, 2, 3])
def test_arming_that_is_aborted_does_not_arm(late: int) -> None:
    beats = set_up(CONFIG, mode=None)
    arm, start = command(Opcode.ARM, mode=Mode.WRITE), 200
    # Accepted in `start`, it runs from start + 3 on, for 24 cycles; the latest abort comes in the last of them.
    abort = start + 26 - late
    trace = Bench(CONFIG).run(
        [*beats, arm, command(Opcode.ABORT), READ],
        arrive=lambda beat, cycle: beat < len(beats) or cycle >= (start if beat == len(beats) else abort),
    )
    armed, _, read = trace.responses[-3:]
    assert (armed.status, armed.mode) == (Status.ABORTED, Mode.SAFE)
    assert read.status is Status.DISARMED


@pytest.mark.parametrize("blanking", [0, 6])
@pytest.mark.parametrize("action", ComplianceAction)
def test_compliance(action: ComplianceAction, blanking: int) -> None:
    array = Array(config=CONFIG, trips=True)
    beats = set_up(CONFIG, records=WIDE, COMPLIANCE=blanking | action.value << 16)
    trace = Bench(CONFIG, [array]).run([*beats, PULSE, READ, command(Opcode.CLEAR), READ])
    pulse, read, clear, again = trace.responses[-4:]
    # Seen two cycles after the pin, and not before the blanking is over; that cycle is the last one of the pulse.
    width = 30 if action is ComplianceAction.OFF else max(3, blanking + 1)
    assert {p.width for p in array.pulses} == {width}
    if action is ComplianceAction.FAULT:
        assert (pulse.status, pulse.faults, pulse.mode, pulse.sets) == (Status.FAULTED, {"compliance"}, Mode.SAFE, 1)
        assert (read.status, read.faults) == (Status.FAULTED, {"compliance"})
        assert (clear.status, clear.faults) == (Status.OK, set())
        assert again.status is Status.DISARMED
    else:
        assert (pulse.status, pulse.sets, len(array.pulses)) == (Status.OK, 2, 2)
        assert read.status is again.status is Status.OK


def test_watchdog_stops_an_armed_tile_without_commands() -> None:
    array = Array(config=CONFIG)
    records = {Record.SET: {"codes": (64, 0, 5), "width": 900}}
    beats = set_up(CONFIG, records=records, WATCHDOG=100)
    trace = Bench(CONFIG, [array]).run([*beats, PULSE])
    last = trace.responses[-1]
    assert (last.status, last.faults, last.mode) == (Status.FAULTED, {"watchdog"}, Mode.SAFE)
    opened = next(cycle for cycle, gate in enumerate(trace.gates) if gate[0])
    closed = max(cycle for cycle, gate in enumerate(trace.gates) if gate[0])
    # The tile is armed from the cycle on in which the response of ARM is handed over, 2 before it is taken. The halt is
    # the last cycle with an open gate, and the first one behind 100 in which it was armed and no beat was accepted.
    armed = trace.responses[-2].cycle - 2
    assert closed == max(armed, trace.accepted[-1] + 1) + 100
    assert opened < closed


@pytest.mark.parametrize("pin", ["stop", "fault"])
def test_the_stop_and_fault_inputs_latch(pin: str) -> None:
    array = Array(config=CONFIG)
    beats = set_up(CONFIG, records=WIDE)
    edge = 3 * len(beats) + 40
    clear, arm = command(Opcode.CLEAR), command(Opcode.ARM, mode=Mode.WRITE)
    trace = Bench(CONFIG, [array]).run(
        [*beats, PULSE, READ, clear, arm, READ],
        **{pin: lambda cycle: edge <= cycle < edge + 5},
        arrive=lambda beat, cycle: beat < len(beats) + 2 or cycle >= edge + 30,
    )
    pulse, read, cleared, armed, again = trace.responses[-5:]
    assert (pulse.status, read.status) == (Status.FAULTED, Status.FAULTED)
    assert (pulse.mode, read.mode) == (Mode.SAFE, Mode.SAFE)
    assert pulse.faults == {{"stop": "stop", "fault": "front_end"}[pin]}
    assert (cleared.faults, armed.status, again.status) == (set(), Status.OK, Status.OK)
    assert trace.gates[edge + 2] == [1]
    assert trace.gates[edge + 3] == [0]


def test_a_halted_multiplication_gives_what_was_complete_and_one_record() -> None:
    config = ControllerConfig(rows=4, columns=8, adc_bits=12)
    array = Array(config=config, g={(0, column): column + 1 for column in range(8)})
    beats = set_up(config)
    program = [
        command(Opcode.LOAD, clear=1, bits=1),
        command(Opcode.MULTIPLY, outputs=8, skip=1),
        command(Opcode.ABORT),
        READ,
    ]
    completed = set()
    for delay in (12, 19, 23, 24, 25, 26, 27, 36):
        array.conversions = [0]
        seen = 3 * len(beats) + 26 + delay
        trace = Bench(config, [array]).run(
            [*beats, *program],
            arrive=lambda beat, cycle, seen=seen: beat != len(beats) + 2 or cycle >= seen,
            responses=len(beats) + 3,
            after=60,
        )
        answers = trace.responses[len(beats) :]
        products = [answer for answer in answers if answer.opcode == Opcode.MULTIPLY.value]
        completed.add(len(products) - 1)
        assert [answer.sum for answer in products if answer.status is Status.OK] == list(range(1, len(products)))
        assert (products[-1].status, products[-1].sum, products[-1].column) == (Status.ABORTED, 0, len(products) - 1)
        assert [answer.status for answer in answers if answer not in products] == [Status.OK, Status.OK]
    assert len(completed) > 3


@pytest.mark.parametrize("bits", [0, 1, 5])
def test_a_halted_gain_calibration_keeps_the_trim_of_that_cycle(bits: int) -> None:
    array = Array(config=CONFIG, reference=(400,))
    beats = set_up(CONFIG, GAIN_TARGET=180)
    calibrate, trim = command(Opcode.CALIBRATE, column=3, gain=1), read_register(0x400)
    trace = Bench(CONFIG, [array]).run([*beats, calibrate, trim])
    first = next(cycle for cycle, pins in enumerate(trace.pins) if pins[0].selection == Selection.REFERENCE.value)
    # SELECT 2, then 3 + 3 + 1 cycles per bit: the halt comes in the first conversion behind that many decisions.
    at = first + 2 + 7 * bits + 3
    trace = Bench(CONFIG, [Array(config=CONFIG, reference=(400,))]).run(
        [*beats, calibrate, command(Opcode.ABORT), trim],
        arrive=lambda beat, cycle: beat != len(beats) + 1 or cycle >= at,
    )
    halted, _, kept = trace.responses[-3:]
    reached = [128, 64, 32, 48, 56, 60][bits]
    assert halted.status is Status.ABORTED
    assert (halted.code, kept.value) == (reached if bits else 0, reached)
    assert [pins[0].trim[0] for pins in trace.pins[at : at + 2]] == [reached] * 2
    assert (trace.pins[at][0].read_enable, trace.pins[at + 1][0].read_enable) == (1, 0)


def test_a_halt_between_groups_closes_the_read_path() -> None:
    config = ControllerConfig(rows=4, columns=8, adc_bits=12, response_depth=2)
    beats = set_up(config)
    program = [command(Opcode.LOAD, clear=1, bits=1), command(Opcode.MULTIPLY, outputs=8, skip=1)]

    def run(*more: int, at: int = 0) -> Trace:
        return Bench(config).run(
            [*beats, *program, *more],
            arrive=lambda beat, cycle: beat != len(beats) + 2 or cycle >= at,
            ready=lambda cycle: cycle % 13 == 0,
            responses=len(beats) + 2,
            after=150,
        )

    free = run()
    between = [
        cycle
        for cycle, (pins, phases) in enumerate(zip(free.pins, free.phases, strict=True))
        if pins[0].read_enable and phases[0] in (Phase.DECIDE, Phase.STALL, Phase.RESPOND)
    ]
    assert {free.phases[cycle][0] for cycle in between} == {Phase.DECIDE, Phase.STALL, Phase.RESPOND}
    for cycle in between[:: len(between) // 6]:
        halted = run(command(Opcode.ABORT), at=cycle)
        assert halted.pins[cycle][0].read_enable
        assert not any(pins[0].read_enable for pins in halted.pins[cycle + 1 :])
        assert not any(pins[0].convert for pins in halted.pins[cycle + 1 :])


@pytest.mark.parametrize("tiles", [1, 3])
def test_back_pressure_delays_and_loses_nothing(tiles: int) -> None:
    config = ControllerConfig(tiles=tiles, rows=6, columns=8, command_depth=3, response_depth=2)

    def run(**streams: object) -> tuple[list[int], list]:
        arrays = [Array(config=config, g={(1, 1): 10 + tile}) for tile in range(tiles)]
        beats = [beat for tile in range(tiles) for beat in set_up(config, tile=tile)]
        program = [command(Opcode.READ, tile, row=1, column=1) for _ in range(6) for tile in range(tiles)]
        trace = Bench(config, arrays).run([*beats, *program], **streams)  # type: ignore[arg-type]
        by_tile = [[r.bits for r in trace.responses if r.tile == tile] for tile in range(tiles)]
        return by_tile, trace.phases

    free, _ = run()
    held, phases = run(ready=lambda cycle: cycle % 23 == 0, arrive=lambda beat, cycle: (beat * 7 + cycle) % 5 == 0)
    assert held == free
    assert any(phase[0] is Phase.STALL for phase in phases)


def test_latencies_of_the_queues() -> None:
    trace = Bench(CONFIG).run([read_register("IDENTITY")], after=1)
    accepted = trace.accepted[0]
    busy = [cycle for cycle, phases in enumerate(trace.phases) if phases[0] is not Phase.IDLE]
    # Visible and popped 2 cycles behind its acceptance, it runs from the next one on: 5 cycles of decide, 1 of respond.
    assert busy == list(range(accepted + 3, accepted + 9))
    (handed,) = (cycle for cycle, phases in enumerate(trace.phases) if phases[0] is Phase.RESPOND)
    assert handed == accepted + 8
    assert trace.responses[0].cycle == handed + 2
    assert trace.responses[0].value == int.from_bytes(b"TWBR", "big")


def test_busy_is_low_when_nothing_is_left_to_do() -> None:
    gap = 40
    trace = Bench(CONFIG).run(
        [command(Opcode.WAIT, cycles=5), READ],
        arrive=lambda beat, cycle: cycle >= 6 + gap * beat,
        ready=lambda cycle: cycle % 20 == 19,
        after=5,
    )
    work = []
    for beat, response in enumerate(trace.responses):
        # From the beat on, up to the cycle in which its response is taken.
        work += range(6 + gap * beat, response.cycle + 1)
    assert [cycle for cycle, busy in enumerate(trace.busy) if busy] == work


def test_four_tiles_work_in_parallel() -> None:
    def cycles(tiles: int) -> int:
        config = ControllerConfig(tiles=tiles, rows=6, columns=8)
        beats = [beat for tile in range(tiles) for beat in set_up(config, tile=tile, SETTLE_READ=60)]
        program = [
            command(Opcode.PULSE, number % tiles, row=1, column=1, record=Record.SET, count=12) for number in range(24)
        ]
        trace = Bench(config).run([*beats, *program], arrive=lambda beat, cycle: beat < len(beats) or cycle > 1100)
        return trace.responses[-1].cycle - trace.accepted[len(beats)]

    assert cycles(1) / cycles(4) > 3.9
