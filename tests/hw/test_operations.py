"""Every operation on the netlist: results, and cycles counted by hand from ``docs/controller.md``.

Durations are those of `controller_bench.TIMING` where a test has none of its own: SELECT 2, SETTLE_READ 3,
SETTLE_DRIVE 4, SETTLE_MULTIPLY 5, CONVERT 3, RECOVER 2; pulses are 2 (SET), 1 (RESET) and 3 cycles wide (FORM).
"""

from dataclasses import dataclass

import pytest
from array_model import Array
from controller_bench import Bench, Trace, command, counter_reads, counters_of, read_register, set_up, write_register

from twinbar.hw.actions import Action
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.protocol.vocabulary import Mode, Opcode, Record, Status
from twinbar.hw.timing import Phase

CONFIG = ControllerConfig(rows=8, columns=8, adc_bits=8, input_bits=4)
LEVELS = [(0, 5), (20, 30), (60, 255)]
RAMPS = {
    Record.SET: {"codes": (64, 0, 5), "step": (16, 0, 1), "stop": (100, 0, 6), "width": 2},
    Record.RESET: {"codes": (100, 0, 5), "width": 1},
    Record.FORM: {"codes": (64, 0, 9), "step": (64, 0, 0), "stop": (512, 0, 9), "width": 3},
}
SET_UP = set_up(CONFIG, levels=LEVELS, records=RAMPS)
REGISTERS = 34
"""Registers that it writes: 6 durations, 5 for each of 5 records, and 3 levels. The last beat arms."""


def spent(trace: Trace, registers: int = REGISTERS, arms: int = 1) -> dict[str, int]:
    """Count cycles by phase, without idle ones and without those of so many WRITE_REGISTER and ARM.

    WRITE_REGISTER takes 2 cycles of decide and 1 of respond, ARM 24 and 1.
    """
    counts = trace.phase_counts()
    counts.subtract({Phase.DECIDE: 2 * registers + 24 * arms, Phase.RESPOND: registers + arms})
    return {phase.name.lower(): count for phase, count in counts.items() if count and phase is not Phase.IDLE}


def test_setting_up_takes_its_cycles() -> None:
    trace = run(Array(config=CONFIG), [])
    assert len(trace.responses) == REGISTERS + 1
    assert spent(trace) == {}


def run(array: Array, beats: list[int], extra: list[int] | None = None, **choices: object) -> Trace:
    return Bench(array.config, [array]).run([*SET_UP, *(extra or []), *beats], **choices)  # type: ignore[arg-type]


def test_every_run_of_the_bench_begins_at_power_up() -> None:
    level = read_register(0x105)
    beats = [command(Opcode.WRITE_REGISTER, address=0x105, value=7 | 9 << 16), level]
    first, second = Bench(CONFIG).run(beats), Bench(CONFIG).run([level, read_register("SELECT")])
    assert first.responses[-1].value == 7 | 9 << 16
    # One cycle is what the register SELECT holds at first, and nothing is left of the level.
    assert [answer.value for answer in second.responses] == [0, 1]
    assert second.responses[0].cycle == 2 + 1 + 5 + 2


def test_write_moves_up_then_down_with_ramps() -> None:
    array = Array(config=CONFIG, g={(1, 2): 10})
    up, down = (command(Opcode.WRITE, row=1, column=2, level=level) for level in (1, 0))
    trace = run(array, [up, down])
    first, second = trace.responses[-2:]
    assert (first.status, first.code, first.sets, first.resets) == (Status.OK, 20, 4, 0)
    assert (second.status, second.code, second.sets, second.resets) == (Status.OK, 5, 0, 15)
    assert [(p.record, p.codes, p.width) for p in array.pulses[:5]] == [
        (Record.SET, (64, 0, 5), 2),
        (Record.SET, (80, 0, 6), 2),
        (Record.SET, (96, 0, 6), 2),
        (Record.SET, (100, 0, 6), 2),
        (Record.RESET, (100, 0, 5), 1),
    ]
    # Up: 5 reads, 4 pulses at 4 different codes. Down: 16 reads, 15 pulses at the same codes, driven once.
    assert spent(trace) == {
        "select": 2 + 2,
        "settle": (5 * 3 + 4 * 4) + (16 * 3 + 1 * 4),
        "convert": 5 * 3 + 16 * 3,
        "decide": 5 + 16,
        "pulse": 4 * 2 + 15 * 1,
        "recover": 4 * 2 + 15 * 2,
        "respond": 1 + 1,
    }


def test_write_fails_at_its_limit_and_overshoot_restarts_the_ramp() -> None:
    array = Array(config=CONFIG, g={(0, 0): 30})
    windows = [command(Opcode.WRITE_REGISTER, address=0x103, value=41 | 41 << 16)]
    limit = [command(Opcode.DISARM), write_register("PULSE_LIMIT", 6), command(Opcode.ARM, mode=Mode.WRITE)]
    trace = run(array, [command(Opcode.WRITE, row=0, column=0, level=3)], windows + limit)
    last = trace.responses[-1]
    assert last.status is Status.FAILED
    assert (last.code, last.sets, last.resets) == (42, 5, 1)
    assert [(p.record, p.codes[0]) for p in array.pulses] == [
        *((Record.SET, code) for code in (64, 80, 96, 100, 100)),
        (Record.RESET, 100),
    ]
    # 7 reads, 5 SET pulses at 4 different codes, 1 RESET pulse; before it a level, DISARM (1 decide), a register, ARM.
    assert spent(trace, REGISTERS + 2, arms=2) == {
        "select": 2,
        "settle": 7 * 3 + 5 * 4,
        "convert": 7 * 3,
        "decide": 7 + 1,
        "pulse": 5 * 2 + 1,
        "recover": 6 * 2,
        "respond": 1 + 1,
    }


def test_a_repeated_drive_is_not_updated() -> None:
    array = Array(config=CONFIG)
    pulse = command(Opcode.PULSE, row=3, column=3, record=Record.RESET, count=2)
    trace = run(array, [pulse, pulse, command(Opcode.READ, row=3, column=3), pulse])
    # Three trains of 2 pulses, the drive updated in the first one only, and a read.
    assert spent(trace) == {
        "select": 3 * 2 + 2,
        "settle": 4 + 3,
        "convert": 3,
        "decide": 1,
        "pulse": 3 * 2 * 1,
        "recover": 3 * 2 * 2,
        "respond": 3 + 1,
    }
    assert [drive for drive in array.drives if drive[0] is Record.RESET] == [(Record.RESET, (100, 0, 5))]


def test_a_train_ramps_and_the_next_one_starts_again() -> None:
    array = Array(config=CONFIG)
    pulse = command(Opcode.PULSE, row=3, column=3, record=Record.SET, count=5)
    trace = run(array, [pulse, pulse])
    assert [p.codes[0] for p in array.pulses] == [64, 80, 96, 100, 100] * 2
    assert [response.sets for response in trace.responses[-2:]] == [5, 5]
    # Two trains of 5 pulses at 4 different codes.
    assert spent(trace) == {"select": 2 * 2, "settle": 2 * 4 * 4, "pulse": 10 * 2, "recover": 10 * 2, "respond": 2}


def test_the_shortest_durations_keep_ramps_right() -> None:
    array = Array(config=CONFIG)
    shortest = dict.fromkeys(("SELECT", "SETTLE_READ", "SETTLE_MULTIPLY", "CONVERT", "RECOVER"), 1) | {
        "SETTLE_DRIVE": 2
    }
    ramps = {**RAMPS, Record.SET: {**RAMPS[Record.SET], "width": 1}}
    beats = set_up(CONFIG, levels=LEVELS, records=ramps, **shortest)
    beats += [
        command(Opcode.PULSE, row=1, column=1, record=Record.SET, count=4),
        command(Opcode.WRITE, row=1, column=2, level=1),
        command(Opcode.WRITE, row=1, column=2, level=0),
    ]
    trace = Bench(CONFIG, [array]).run(beats)
    assert [p.codes[0] for p in array.pulses[:4]] == [64, 80, 96, 100]
    sets, resets = trace.responses[-2].sets, trace.responses[-1].resets
    # A pulse of one cycle at 64 to 100 moves a cell by one code: from 0 up to 20, and down to 5.
    assert (sets, resets) == (20, 15)
    assert [p.codes[0] for p in array.pulses[4:24]] == [64, 80, 96, *[100] * 17]
    # A train of 4 pulses at 4 codes; 21 reads and 20 pulses at 4 codes; 16 reads and 15 pulses at one.
    assert spent(trace) == {
        "select": 3,
        "settle": 4 * 2 + (21 + 4 * 2) + (16 + 2),
        "convert": 21 + 16,
        "decide": 21 + 16,
        "pulse": 4 + 20 + 15,
        "recover": 4 + 20 + 15,
        "respond": 3,
    }


def test_form_pulses_until_the_window_and_not_back() -> None:
    array = Array(config=CONFIG)
    trace = run(array, [command(Opcode.FORM, row=7, column=0, level=1)])
    last = trace.responses[-1]
    assert [p.codes for p in array.pulses] == [(code, 0, 9) for code in (64, 128, 192, 256)]
    assert last.status is Status.OK
    # Three cycles at these codes move the cell by 3, 6, 9 and 12.
    assert (last.sets, last.code, array.g[7, 0]) == (4, 30, 30)
    # 5 reads, 4 pulses at 4 codes.
    assert spent(trace) == {
        "select": 2,
        "settle": 5 * 3 + 4 * 4,
        "convert": 5 * 3,
        "decide": 5,
        "pulse": 4 * 3,
        "recover": 4 * 2,
        "respond": 1,
    }


@pytest.mark.parametrize(("code", "verdict"), [(19, -1), (20, 0), (30, 0), (31, 1)])
def test_verify_answers_on_which_side_of_the_window_a_code_lies(code: int, verdict: int) -> None:
    array = Array(config=CONFIG, g={(1, 2): code})
    beats = [command(Opcode.VERIFY, row=1, column=2, level=1), *counter_reads()]
    trace = run(array, beats)
    answer = trace.responses[len(SET_UP)]
    assert (answer.status, answer.code, answer.sets, answer.resets) == (Status.OK, verdict, 0, 0)
    assert (answer.row, answer.column) == (1, 2)
    assert not array.pulses
    _, actions = counters_of(trace.responses[len(SET_UP) + 1 :])
    assert (actions[Action.SELECT_CELL], actions[Action.CONVERT_VERIFY], actions[Action.WRITE_OK]) == (1, 1, 0)
    # The cycles of a read: SELECT 2, SETTLE_READ 3, CONVERT 3, one of `decide` and one of `respond`.
    alone = run(Array(config=CONFIG, g={(1, 2): code}), beats[:1])
    read = run(Array(config=CONFIG, g={(1, 2): code}), [command(Opcode.READ, row=1, column=2)])
    assert alone.runs()[-6:] == read.runs()[-6:]
    assert [cycles for _, cycles in alone.runs()[-6:-1]] == [2, 3, 3, 1, 1]


def test_an_empty_window_is_above_the_code_first() -> None:
    empty = command(Opcode.WRITE_REGISTER, address=0x101, value=40 | 20 << 16)
    trace = run(Array(config=CONFIG, g={(1, 2): 30}), [empty, command(Opcode.VERIFY, row=1, column=2, level=1)])
    assert trace.responses[-1].code == -1


@pytest.mark.parametrize(("discard", "average", "samples"), [(0, 0, 1), (3, 0, 4), (1, 1, 3), (0, 2, 4), (2, 4, 18)])
def test_samples_are_averaged_half_up(discard: int, average: int, samples: int) -> None:
    dither = (3, -1, 4, -1, 5, -9, 2, 6, -5, 3)
    array = Array(config=CONFIG, g={(2, 5): 40}, dither=dither, offset={5: 7})
    beats = set_up(CONFIG, levels=LEVELS, SAMPLING=discard | average << 4)
    beats += [command(Opcode.WRITE_REGISTER, address=0x805, value=3), command(Opcode.READ, row=2, column=5)]
    trace = Bench(CONFIG, [array]).run(beats)
    kept = [47 + dither[n % len(dither)] - 3 for n in range(discard, samples)]
    assert trace.responses[-1].code == (sum(kept) + len(kept) // 2) // len(kept)
    # SAMPLING and an offset are registers too.
    assert spent(trace, REGISTERS + 2) == {"select": 2, "settle": 3, "convert": 3 * samples, "decide": 1, "respond": 1}


@pytest.mark.parametrize(("raw", "shown"), [(-20, 0), (270, 255)])
def test_a_read_is_clamped_and_a_conversion_is_not(raw: int, shown: int) -> None:
    array = Array(config=CONFIG, g={(0, 1): 200}, offset={1: min(raw - 200, 55)})
    extra = [command(Opcode.WRITE_REGISTER, address=0x801, value=((255 - raw) & 0x1FFFF) if raw > 255 else 0)]
    trace = run(array, [command(op, row=0, column=1) for op in (Opcode.READ, Opcode.CONVERT)], extra)
    read, conversion = trace.responses[-2:]
    assert read.code == shown
    assert conversion.code == min(raw, 255)


def test_calibration_removes_the_offset() -> None:
    array = Array(config=CONFIG, g={(4, 6): 50}, offset={6: -12}, dither=(0, 1, 2, 2))
    beats = set_up(CONFIG, SAMPLING=0x20)
    beats += [command(Opcode.CALIBRATE, column=6), command(Opcode.READ, row=4, column=6), read_register(0x806)]
    trace = Bench(CONFIG, [array]).run(beats)
    calibrated, read, offset = trace.responses[-3:]
    assert calibrated.code == (-12 * 4 + 5 + 2) >> 2 == -11
    assert read.code == 50
    assert offset.value == -11 & 0x1FF
    # Two reads of 4 samples, and READ_REGISTER (5 decide). Registers: 6 durations, SAMPLING, 25 of the records.
    assert spent(trace, 32) == {
        "select": 2 * 2,
        "settle": 2 * 3,
        "convert": 2 * 4 * 3,
        "decide": 2 + 5,
        "respond": 3,
    }


@pytest.mark.parametrize(
    ("reference", "target", "trim"),
    [(100, 150, 193), (100, 0, 1), (100, 1000, 255), (300, 240, 102), (300, 246, 255), (0, 0, 255)],
)
def test_gain_calibration_finds_the_largest_trim_within_the_target(reference: int, target: int, trim: int) -> None:
    array = Array(config=CONFIG, reference=(reference,), dither=(0, 0, 1, -1), offset={5: 9})
    beats = set_up(CONFIG, SAMPLING=0x20, GAIN_TARGET=target)
    beats += [command(Opcode.WRITE_REGISTER, address=0x805, value=9)]
    beats += [command(Opcode.CALIBRATE, column=5, gain=1), read_register(0x400), read_register(0x805)]
    trace = Bench(CONFIG, [array]).run(beats)
    calibrated, stored, offset = trace.responses[-3:]
    assert trim == max(t for t in range(256) if t == 0 or min(reference * t // 128, 246) <= target)
    assert (calibrated.status, calibrated.code, stored.value, offset.value) == (Status.OK, trim, trim, 9)
    # What a bit is tried with is on the pins before the read path settles, and the result behind the last decision.
    tried = [pins[0].trim[0] for pins in trace.pins if pins[0].convert][::4]
    assert tried == [trim & -(2 << bit) & 255 | 1 << bit for bit in range(7, -1, -1)]
    # 8 bits, each tried in a read of 4 samples; two READ_REGISTER (5 decide). Registers: 6 durations, SAMPLING,
    # GAIN_TARGET, 25 of the records, and an offset.
    assert spent(trace, 34) == {
        "select": 2,
        "settle": 8 * 3,
        "convert": 8 * 4 * 3,
        "decide": 8 + 2 * 5,
        "respond": 1 + 2,
    }
    for before, after in zip(trace.pins, trace.pins[1:], strict=False):
        if before[0].trim != after[0].trim:
            assert after[0].read_enable or after[0].trim[0] == trim


def test_a_trim_is_answered_whole_where_codes_are_narrow() -> None:
    # With 3 bits a code has 4, an average 5, and a trim 8: 4 * 223 / 128 is 6, 4 * 224 / 128 is 7.
    config = ControllerConfig(rows=4, columns=4, adc_bits=3, input_bits=2)
    beats = [*set_up(config, GAIN_TARGET=6), command(Opcode.CALIBRATE, column=1, gain=1)]
    trace = Bench(config, [Array(config=config, reference=(4,))]).run(beats)
    assert (trace.responses[-1].status, trace.responses[-1].code) == (Status.OK, 223)


def test_every_channel_has_its_trim() -> None:
    config = ControllerConfig(rows=4, columns=16, adc_channels=4)
    array = Array(config=config, reference=(100, 120, 140, 160))
    beats = set_up(config, GAIN_TARGET=120)
    beats += [command(Opcode.WRITE_REGISTER, address=0x403, value=7)]
    beats += [command(Opcode.CALIBRATE, column=column, gain=1) for column in (13, 6)]
    beats += [read_register(0x400 + channel) for channel in range(4)]
    trace = Bench(config, [array]).run(beats)
    first, second = (128 * 121 - 1) // 120, (128 * 121 - 1) // 140
    assert [response.code for response in trace.responses[-6:-4]] == [first, second]
    assert [response.value for response in trace.responses[-4:]] == [128, first, second, 7]
    assert trace.pins[-1][0].trim == [128, first, second, 7]


def test_the_current_limit_comes_with_the_codes() -> None:
    array = Array(config=CONFIG)
    records = {**RAMPS, Record.SET: {**RAMPS[Record.SET], "compliance": 90}, Record.READ: {"compliance": 12}}
    beats = set_up(CONFIG, levels=LEVELS, records=records)
    pulse = command(Opcode.PULSE, row=3, column=3, record=Record.SET, count=3)
    trace = Bench(CONFIG, [array]).run([*beats, pulse, command(Opcode.DISARM)])
    limits = {Record.READ: 12, Record.MULTIPLY: 255, Record.SET: 90, Record.SAFE: 0}
    assert [record for record, _ in array.drives][-6:] == [
        Record.READ,
        Record.MULTIPLY,
        *[Record.SET] * 3,
        Record.SAFE,
    ]
    assert array.limits == [limits[record] for record, _ in array.drives]
    for before, after in zip(trace.pins, trace.pins[1:], strict=False):
        if before[0].compliance_code != after[0].compliance_code:
            assert after[0].update
    assert trace.pins[0][0].compliance_code == 0


def test_drive_brings_codes_without_a_pulse() -> None:
    array = Array(config=CONFIG)
    drive = command(Opcode.DRIVE, row=1, column=1, record=Record.FORM)
    trace = run(array, [drive, drive])
    assert array.drives[-1] == (Record.FORM, (64, 0, 9))
    assert not array.pulses
    # The second one finds its codes driven.
    assert spent(trace) == {"select": 2 * 2, "settle": 4, "respond": 2}


def load(config: ControllerConfig, inputs: list[int]) -> list[int]:
    beats = []
    for word in range(config.words):
        part = inputs[word * config.rows_per_word : (word + 1) * config.rows_per_word]
        bits = sum(value << (config.field_bits * place) for place, value in enumerate(part))
        beats.append(command(Opcode.LOAD, word=word, clear=word == 0, bits=bits))
    return beats


@dataclass(frozen=True)
class Product:
    """A multiplication, and what it takes.

    ``steps`` are the planes with a one (all planes without ``skip``, one step with ``codes``), ``groups`` the outputs
    over the channels, rounded up; and from these, with ``words`` beats of LOAD before it:
    select = words + 2 steps, settle = 5 steps, convert = 3 steps * groups, decide = steps * groups, respond = outputs.
    """

    geometry: dict[str, int]
    inputs: list[int]
    first: int
    outputs: int
    how: dict[str, int]
    steps: int
    groups: int
    cycles: dict[str, int]


SQUARE = {"rows": 8, "columns": 8}
"""One ADC channel, 4 input bits; 8 rows fill one word."""
FOUR = {"rows": 11, "columns": 16, "adc_channels": 4, "input_bits": 3}
"""11 rows of 4 bits each take two words."""
DENSE, PLANE_TWO, ZEROS = [3, 0, 5, 1, 0, 0, 2, 4], [4, 0, 4, 0, 0, 0, 0, 4], [0] * 8
ELEVEN = [7, 1, 0, 2, 5, 0, 0, 0, 0, 3, 6]


def cycles(select: int, settle: int, convert: int, decide: int, respond: int) -> dict[str, int]:
    found = {"select": select, "settle": settle, "convert": convert, "decide": decide, "respond": respond}
    return {phase: count for phase, count in found.items() if count}


PRODUCTS = [
    # Planes 0, 1 and 2 hold a one, plane 3 does not.
    Product(SQUARE, DENSE, 0, 8, {"skip": 1}, 3, 8, cycles(1 + 6, 15, 72, 24, 8)),
    Product(SQUARE, PLANE_TWO, 2, 5, {"skip": 1}, 1, 5, cycles(1 + 2, 5, 15, 5, 5)),
    Product(SQUARE, PLANE_TWO, 0, 3, {}, 4, 3, cycles(1 + 8, 20, 36, 12, 3)),
    Product(SQUARE, DENSE, 0, 4, {"codes": 1}, 1, 4, cycles(1 + 2, 5, 12, 4, 4)),
    Product(SQUARE, DENSE, 1, 3, {"codes": 1, "subtract": 1, "skip": 1}, 1, 3, cycles(1 + 2, 5, 9, 3, 3)),
    Product(SQUARE, ZEROS, 0, 3, {"skip": 1}, 0, 3, cycles(1, 0, 0, 0, 3)),
    Product(SQUARE, ZEROS, 0, 3, {"codes": 1, "skip": 1}, 0, 3, cycles(1, 0, 0, 0, 3)),
    Product(SQUARE, ZEROS, 0, 1, {}, 4, 1, cycles(1 + 8, 20, 12, 4, 1)),
    # 6 outputs of 4 channels are two groups; with pairs, 4 outputs are one.
    Product(FOUR, ELEVEN, 4, 6, {"skip": 1}, 3, 2, cycles(2 + 6, 15, 18, 6, 6)),
    Product(FOUR, ELEVEN, 4, 4, {"subtract": 1}, 3, 1, cycles(2 + 6, 15, 9, 3, 4)),
    Product(
        {"rows": 5, "columns": 12, "adc_channels": 2, "input_bits": 1},
        [1, 0, 1, 1, 0],
        0,
        12,
        {"skip": 1},
        1,
        6,
        cycles(1 + 2, 5, 18, 6, 12),
    ),
]


@pytest.mark.parametrize("product", PRODUCTS, ids=range(len(PRODUCTS)))
def test_multiply(product: Product) -> None:
    inputs, outputs, first = product.inputs, product.outputs, product.first
    config = ControllerConfig(adc_bits=12, **product.geometry)
    cells = {
        (row, column): (row * 7 + column * 3) % 13 for row in range(config.rows) for column in range(config.columns)
    }
    array = Array(config=config, g=dict(cells))
    beats = set_up(config)
    multiply = command(Opcode.MULTIPLY, outputs=outputs, column=first, **product.how)
    trace = Bench(config, [array]).run([*beats, *load(config, inputs), multiply], responses=len(beats) + outputs)
    assert len(trace.responses) == len(beats) + outputs
    results = trace.responses[-outputs:]

    def total(column: int) -> int:
        return sum(value * cells[row, column] for row, value in enumerate(inputs))

    for number, result in enumerate(results):
        output = first + number
        assert (result.status, result.column) == (Status.OK, output)
        assert result.sum == (
            total(2 * output) - total(2 * output + 1) if product.how.get("subtract") else total(output)
        )
    # 6 durations and 25 registers of the records.
    assert spent(trace, 31) == product.cycles
    steps, groups = product.steps, product.groups
    assert sum(array.conversions) == steps * outputs
    # The rows stay driven from the first settling cycle of a step to its last conversion's last cycle.
    driven = [pins[0].read_enable for pins in trace.pins]
    last_settled = [
        cycle
        for cycle in range(1, len(driven))
        if trace.phases[cycle][0] is not Phase.SETTLE and trace.phases[cycle - 1][0] is Phase.SETTLE
    ]
    spans = sum(driven[cycle] and not driven[cycle - 1] for cycle in range(1, len(driven)))
    assert spans == len(last_settled) == steps
    # Settling, the conversions, a decide between each two of them; and in the last step the responses between them.
    between = (groups - 1) * config.adc_channels if steps else 0
    assert sum(driven) == steps * (5 + 3 * groups + groups - 1) + between


@pytest.mark.parametrize("word", [0, 1])
@pytest.mark.parametrize("outputs", [1, 2])
def test_a_vector_of_zeros_is_answered_once_per_output(word: int, outputs: int) -> None:
    config = ControllerConfig(rows=16, columns=4)
    load = [command(Opcode.LOAD, word=place, clear=place == 0, bits=0) for place in range(word + 1)]
    product = command(Opcode.MULTIPLY, outputs=outputs, skip=1)
    beats = [*set_up(config), *load, product, command(Opcode.READ, row=1, column=1)]
    trace = Bench(config).run(beats, after=20)
    answers = [answer for answer in trace.responses if answer.opcode == Opcode.MULTIPLY.value]
    assert [(answer.column, answer.sum) for answer in answers] == [(output, 0) for output in range(outputs)]
    assert trace.responses[-1].opcode == Opcode.READ.value


def test_loading_with_clear_forgets_the_other_words() -> None:
    config = ControllerConfig(rows=16, columns=4, adc_bits=12)
    array = Array(config=config, g={(row, 0): 1 for row in range(16)})
    product = command(Opcode.MULTIPLY, outputs=1, column=0, skip=1)
    beats = [
        *set_up(config),
        command(Opcode.LOAD, word=0, clear=1, bits=0xF),
        command(Opcode.LOAD, word=1, bits=0x10),
        product,
        command(Opcode.LOAD, word=1, clear=1, bits=0x2),
        product,
        product,
    ]
    trace = Bench(config, [array]).run(beats)
    assert [response.sum for response in trace.responses[-3:]] == [16, 2, 2]


def test_wait_and_register_access_take_their_cycles() -> None:
    trace = run(
        Array(config=CONFIG), [command(Opcode.WAIT, cycles=37), read_register("RECOVER"), read_register("SET_STOP")]
    )
    assert [response.value for response in trace.responses[-2:]] == [2, 100 | 6 << 24]
    # WAIT: 1 decide, 37 settle, 1 respond; READ_REGISTER: 5 decide, 1 respond.
    assert spent(trace) == {"settle": 37, "decide": 1 + 2 * 5, "respond": 1 + 2}


def test_counters_hold_what_happened_before_they_are_read() -> None:
    array = Array(config=CONFIG, g={(1, 2): 10})
    program = [
        command(Opcode.WRITE, row=1, column=2, level=1),
        *load(CONFIG, [1, 2, 3, 0, 0, 0, 0, 0]),
        *load(CONFIG, [1, 2, 3, 0, 0, 0, 0, 0]),
        command(Opcode.MULTIPLY, outputs=2, column=0, skip=1),
        command(Opcode.WRITE, row=9, column=2, level=1),
        command(Opcode.WAIT, cycles=600),
        command(Opcode.PULSE, row=1, column=2, record=Record.RESET, count=3),
    ]
    reads = counter_reads()
    trace = Bench(CONFIG, [array]).run([*SET_UP, *program, *reads], responses=len(SET_UP) + 6 + len(reads))
    phases, actions = counters_of(trace.responses[-len(reads) :])
    # A read takes 6 cycles, 5 of them decide; read number n starts n * 6 cycles behind the first one.
    handed = (
        len(trace.phases)
        - 1
        - next(back for back, cycle in enumerate(reversed(trace.phases)) if cycle[0] is Phase.RESPOND)
    )
    begin = handed + 1 - 6 * len(reads)
    for number, phase in enumerate(Phase):
        assert phases[phase] == trace.phase_counts(last=begin + 6 * number)[phase], phase
    assert actions[Action.CONVERT_VERIFY] == 5
    assert actions[Action.CONVERT_FORWARD] == 4
    assert actions[Action.INPUT_STEP] == 2
    assert actions[Action.SELECT_CELL] == 2
    assert (actions[Action.PULSE_SET], actions[Action.PULSE_RESET]) == (4, 3)
    assert actions[Action.DRIVE_UPDATE] == 5
    assert (actions[Action.WRITE_OK], actions[Action.WRITE_FAILED]) == (1, 0)
    # The counters of the options are read behind it: partial sums, packed outputs, shared beats, comparisons.
    assert actions[Action.COMMAND_BEAT] == len(SET_UP) + len(program) + len(reads) - 4
    assert [actions[action] for action in (Action.PARTIAL_SUM, Action.PACKED_OUTPUT, Action.SHARED_BEAT)] == [0, 0, 0]


def test_overhead_of_closed_loop_writes_on_the_reference_durations() -> None:
    config = ControllerConfig()
    array = Array(config=config)
    reference = {"SELECT": 1, "SETTLE_READ": 16, "SETTLE_DRIVE": 16, "CONVERT": 16, "RECOVER": 4}
    records = {Record.SET: {"codes": (64, 0, 0), "width": 5}, Record.RESET: {"codes": (64, 0, 0), "width": 5}}
    beats = set_up(config, levels=[(0, 3), (18, 22)], records=records, **reference)
    program = [command(Opcode.WRITE, row=row, column=column, level=1) for row in (0, 90) for column in (0, 127)]
    trace = Bench(config, [array]).run([*beats, *program])
    first = trace.responses[-5].cycle
    counts = trace.phase_counts(first=first, last=trace.responses[-1].cycle - 2)
    assert (counts[Phase.IDLE] + counts[Phase.DECIDE] + counts[Phase.STALL]) / counts.total() < 0.05
