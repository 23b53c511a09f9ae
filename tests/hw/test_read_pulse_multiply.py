import numpy as np
import pytest
from bench import TIMED, Bench, command, configure, counter_commands, crossbar

from twinbar.emulator.engine import TileBlock
from twinbar.host.transport.packing import pack
from twinbar.hw.actions import ACTIONS, Action
from twinbar.hw.protocol.commands import Opcode, Polarity, PulseArgument
from twinbar.hw.timing import PHASES, add_pulses


def counted(responses):
    """Give phases and actions between two rounds of questions, the questions taken out."""
    values = [r["payload.value"] for r in responses if r["kind"] == Opcode.COUNTER]
    before, after = np.array(values).reshape(2, -1)
    spent = after - before
    phases, actions = spent[: len(PHASES)], spent[len(PHASES) :]
    questions = len(PHASES) + len(ACTIONS)
    phases[1] -= 3 * questions
    phases[8] -= questions
    actions[Action.COMMAND_BEAT] -= questions
    actions[Action.RESPONSE_BEAT] -= questions
    return phases, actions


def input_words(vector, bits):
    packed = sum(int(x) << row * bits for row, x in enumerate(vector))
    return [packed >> 32 * i & 0xFFFFFFFF for i in range(-(-len(vector) * bits // 32))]


def test_reads_give_what_the_fast_engine_gives():
    bench = Bench(crossbar(adc_channels=3, cycles={"samples": 3}, discard=1))
    cells = np.random.default_rng(1).integers(0, bench.config.geometry.cells, 10).astype(np.int32)
    reads = [command(Opcode.READ, 0, *divmod(int(c), 8)) for c in cells]
    beats = [*configure(bench.config, 0), *counter_commands(0), *reads, *counter_commands(0)]
    responses = bench.run(beats, len(beats))
    codes, activity = bench.engine.read(np.array([0, 10]), cells)
    got = [r for r in responses if r["kind"] == Opcode.READ]
    assert [r["payload.cell.code"] for r in got] == codes.tolist()
    assert all(r["ok"] for r in got)
    phases, actions = counted(responses)
    assert [phases[p] for p in TIMED] == [activity.phases[p] for p in TIMED]
    assert actions.tolist() == activity.actions.tolist()


def test_a_pulse_train_ramps_and_takes_the_cycles_of_the_formula():
    bench = Bench(crossbar("neurram", clock_hz=1e6))
    r = bench.config.registers
    start, step, stop = r.set_amplitude.start, r.set_amplitude.step, r.set_amplitude.stop
    assert step > 0
    n = (stop - start) // step + 3
    assert n > 4
    bias = []
    apply = bench.models[0].pulse
    bench.models[0].pulse = lambda *a: (bias.append(a), apply(*a))
    beats = [
        *configure(bench.config, 0),
        command(Opcode.ARM, argument=1),
        *counter_commands(0),
        command(Opcode.PULSE, 0, 2, 5, int(pack(PulseArgument, count=n, polarity=Polarity.SET))),
        command(Opcode.PULSE, 0, 2, 6, int(pack(PulseArgument, count=1, polarity=Polarity.RESET))),
        *counter_commands(0),
    ]
    responses = bench.run(beats, len(beats))
    pulses = [r for r in responses if r["kind"] == Opcode.PULSE]
    assert [(r["ok"], r["payload.cell.sets"], r["payload.cell.resets"]) for r in pulses] == [(1, n, 0), (1, 0, 1)]
    amplitudes = [min(start + i * step, stop) for i in range(n)]
    t = bench.config.timing
    assert bias == [
        *((2 * 8 + 5, 0, a, r.set_gate.start, t.width_set) for a in amplitudes),
        (2 * 8 + 6, 1, r.reset_amplitude.start, r.reset_gate.start, t.width_reset),
    ]
    expected = np.zeros(len(PHASES), np.int64)
    updates = len(set(amplitudes))
    add_pulses(expected, t.record(), n, 0, updates)
    add_pulses(expected, t.record(), 0, 1, 1)
    phases, actions = counted(responses)
    assert [phases[p] for p in TIMED] == [expected[p] for p in TIMED]
    assert actions[Action.DRIVE_UPDATE] == updates + 1
    assert (actions[Action.PULSE_SET], actions[Action.PULSE_RESET]) == (n, 1)


@pytest.mark.parametrize(
    ("dac", "pairs", "channels", "bits", "skip", "rows"),
    [
        (False, False, 1, 4, True, 8),
        (False, True, 3, 3, True, 16),
        (True, True, 2, 3, True, 16),
        (True, False, 3, 8, False, 6),
        (False, False, 4, 2, False, 6),
    ],
)
def test_multiplications_give_what_the_fast_engine_gives(dac, pairs, channels, bits, skip, rows):
    config = crossbar(
        dac_inputs=dac,
        subtract_pairs=pairs,
        adc_channels=channels,
        input_bits=bits,
        skip_empty=skip,
        rows=rows,
        cycles={"select": 2, "settle_multiply": 3},
    )
    bench = Bench(config)
    used = 6
    outputs = used // 2 if pairs else used
    rng = np.random.default_rng(3)
    vectors = rng.integers(0, 1 << bits, (4, rows)) * rng.integers(0, 2, (4, rows))
    vectors[1] = 0
    vectors[2] &= 2
    full_scale = 3.0 * (1 << config.geometry.grid_bits)
    bench.models[0].full_scale = full_scale
    program = []
    for vector in vectors:
        words = input_words(vector, bits)
        program += [command(Opcode.LOAD_INPUT, 0, row=i, argument=w) for i, w in enumerate(words)]
        program.append(command(Opcode.MULTIPLY, 0, argument=outputs))
    setup = configure(config, 0)
    beats = [*setup, *counter_commands(0), *program, *counter_commands(0)]
    responses = bench.run(beats, len(setup) + 2 * len(counter_commands(0)) + len(vectors) * outputs)
    block = TileBlock(0, np.arange(rows)[None], np.array([rows]), np.array([used]), rows)
    expected = bench.engine.multiply(block, vectors.astype(np.uint8), full_scale)
    got = [r for r in responses if r["kind"] == Opcode.MULTIPLY]
    assert all(r["ok"] for r in got)
    values = np.array([r["payload.product.value"] for r in got]).reshape(len(vectors), outputs)
    assert values.tolist() == expected.codes[0, 0].tolist()
    assert [r["payload.product.output"] for r in got] == list(range(outputs)) * len(vectors)
    assert np.abs(values).max() > 0
    phases, actions = counted(responses)
    assert [phases[p] for p in TIMED] == [expected.activity.phases[p] for p in TIMED]
    assert actions.tolist() == expected.activity.actions.tolist()
    assert bench.models[0].conversions == bench.engine._conversions[0].tolist()
