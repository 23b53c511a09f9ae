import pytest
from bench import Bench, command, configure, crossbar, set_register

from twinbar.host.transport.packing import pack
from twinbar.hw.actions import Action
from twinbar.hw.protocol.commands import Opcode, Polarity, PulseArgument, RawArgument
from twinbar.hw.protocol.faults import Fault, Reason
from twinbar.hw.protocol.registers import ADDRESS, LEVEL_BASE, TILE_REGISTERS
from twinbar.hw.protocol.responses import Response
from twinbar.hw.timing import MAX_WIDTH

ARM = command(Opcode.ARM, argument=1)
ONE_SET = int(pack(PulseArgument, count=1, polarity=Polarity.SET))
PULSE = command(Opcode.PULSE, 0, 1, 1, ONE_SET)
READ = command(Opcode.READ, 0, 1, 1)


def pulses_asked() -> int:
    return command(Opcode.COUNTER, argument=16 + Action.PULSE_SET)


def answers(bench, beats, **options):
    setup = configure(bench.config, 0)
    return bench.run([*setup, *beats], len(setup) + len(beats), **options)[len(setup) :]


BAD = {
    "unknown opcode": (command(Opcode.RAW, 0).__or__(15 << 60), Reason.OPCODE),
    "tile": (command(Opcode.READ, 1), Reason.TILE),
    "controller cannot read": (command(Opcode.READ, 255), Reason.OPCODE),
    "row": (command(Opcode.WRITE, 0, 6, 0, 3), Reason.ROW),
    "column": (command(Opcode.PULSE, 0, 0, 8, ONE_SET), Reason.COLUMN),
    "read column": (command(Opcode.READ, 0, 5, 1023), Reason.COLUMN),
    "level": (command(Opcode.WRITE, 0, 1, 1, 16), Reason.LEVEL),
    "level beyond the memory": (command(Opcode.WRITE, 0, 1, 1, 0x100), Reason.LEVEL),
    "register": (command(Opcode.SET_REGISTER, row=len(TILE_REGISTERS), argument=1), Reason.REGISTER),
    "unknown register to read": (command(Opcode.GET_REGISTER, row=len(TILE_REGISTERS)), Reason.REGISTER),
    "a duration of zero": (set_register("convert", 0), Reason.VALUE),
    "a value too wide": (set_register("recover", 1 << 16), Reason.VALUE),
    "a window too wide": (command(Opcode.SET_REGISTER, row=LEVEL_BASE, argument=1 << 24), Reason.VALUE),
    "no pulse": (command(Opcode.PULSE, 0, 1, 1), Reason.VALUE),
    "polarity": (command(Opcode.PULSE, 0, 1, 1, 1 | 3 << 16), Reason.VALUE),
    "too many pulses": (command(Opcode.PULSE, 0, 1, 1, ONE_SET + 4000), Reason.PULSES),
    "counter": (command(Opcode.COUNTER, argument=9), Reason.VALUE),
    "action counter": (command(Opcode.COUNTER, argument=30), Reason.VALUE),
    "input word": (command(Opcode.LOAD_INPUT, row=1), Reason.VALUE),
    "no outputs": (command(Opcode.MULTIPLY), Reason.VALUE),
    "too many outputs": (command(Opcode.MULTIPLY, argument=9), Reason.VALUE),
    "wait": (command(Opcode.WAIT, argument=1 << 28), Reason.VALUE),
    "raw polarity": (command(Opcode.RAW, argument=3 << 24), Reason.VALUE),
    "identity word": (command(Opcode.IDENTIFY, argument=6), Reason.VALUE),
    "arm": (command(Opcode.ARM, argument=2), Reason.VALUE),
    "faults to clear": (command(Opcode.STATUS, argument=64), Reason.VALUE),
    "controller register": (command(Opcode.SET_REGISTER, 255, row=1), Reason.REGISTER),
}


def test_a_bad_command_is_answered_with_the_reason_and_the_next_one_works():
    bench = Bench(crossbar())
    beats = [ARM]
    for beat, _ in BAD.values():
        beats += [beat, READ]
    # What a tile answers and what the controller answers may overtake each other, so they are compared by kind.
    got = answers(bench, [*beats, pulses_asked(), PULSE])
    reads = [r for r in got if r["kind"] == Opcode.READ and r["tile"] == 0 and r["ok"]]
    assert len(reads) == len(BAD)
    refused = sorted((r["kind"], r["reason"]) for r in got if not r["ok"])
    assert refused == sorted((beat >> 60, int(reason)) for beat, reason in BAD.values())
    assert [r["payload.value"] for r in got if r["kind"] == Opcode.COUNTER and r["ok"]] == [0]
    last = [r for r in got if r["kind"] == Opcode.PULSE][-1]
    assert (last["ok"], last["payload.cell.sets"]) == (1, 1)
    assert len(bench.models[0].widths) == 1


def test_nothing_is_driven_while_disarmed():
    bench = Bench(crossbar())
    drive = [
        command(Opcode.WRITE, 0, 1, 1, 15),
        PULSE,
        command(Opcode.FORM, 0, 1, 1, 15),
        command(Opcode.RAW, argument=5),
    ]
    got = answers(bench, [*drive, READ, command(Opcode.WAIT, argument=40), ARM, PULSE, command(Opcode.ARM), PULSE])
    of_tile = [r for r in got if r["kind"] != Opcode.ARM]
    assert [r["reason"] for r in of_tile[:4]] == [Reason.DISARMED] * 4
    assert of_tile[4]["ok"]
    # Arming overtakes what is queued: the last order holds when the pulses are reached.
    assert [r["reason"] for r in of_tile[6:]] == [Reason.DISARMED] * 2
    assert bench.models[0].widths == []


@pytest.mark.parametrize(
    ("register", "value", "reason"),
    [
        ("limit_set_amplitude_high", 10, Reason.CODE),
        ("limit_set_amplitude_low", 4095, Reason.CODE),
        ("limit_set_gate_high", 10, Reason.CODE),
        ("limit_width", 4, Reason.WIDTH),
    ],
)
def test_limits_refuse_a_pulse_without_a_cycle_of_it(register, value, reason):
    bench = Bench(crossbar())
    released = next(r for r in TILE_REGISTERS if r.name == register).reset
    beats = [ARM, set_register(register, value), PULSE, command(Opcode.WRITE, 0, 1, 1, 15)]
    got = answers(bench, [*beats, set_register(register, released), PULSE])
    cells = [r for r in got if r["kind"] in (Opcode.PULSE, Opcode.WRITE)]
    assert [r["reason"] for r in cells] == [reason, reason, Reason.NONE]
    assert bench.models[0].widths == [bench.config.timing.width_set]


def test_a_ramp_stops_at_its_window_and_reports_what_it_gave():
    bench = Bench(crossbar("neurram", clock_hz=1e6))
    start, step = bench.config.registers.set_amplitude.start, bench.config.registers.set_amplitude.step
    train = command(Opcode.PULSE, 0, 1, 1, int(pack(PulseArgument, count=9, polarity=Polarity.SET)))
    got = answers(bench, [ARM, set_register("limit_set_amplitude_high", start + 3 * step), train])
    train_answer = next(r for r in got if r["kind"] == Opcode.PULSE)
    assert (train_answer["reason"], train_answer["payload.cell.sets"]) == (Reason.CODE, 4)
    assert len(bench.models[0].widths) == 4


def test_registers_and_levels_read_back():
    bench = Bench(crossbar())
    names = [register.name for register in TILE_REGISTERS]
    beats = [command(Opcode.GET_REGISTER, row=ADDRESS[name]) for name in names]
    beats += [command(Opcode.GET_REGISTER, row=LEVEL_BASE + level) for level in range(16)]
    beats += [command(Opcode.SET_REGISTER, 255, argument=77_000_000), command(Opcode.GET_REGISTER, 255)]
    got = answers(bench, beats)
    assert all(r["ok"] for r in got)
    tile = [r["payload.value"] for r in got if r["tile"] == 0]
    values = dict(zip(names, tile, strict=False))
    t = bench.config.timing
    assert values["settle_drive"] == t.settle_drive
    assert values["width_reset"] == t.width_reset
    assert values["reset_amplitude_start"] == bench.config.registers.reset_amplitude.start
    assert values["limit_width"] == MAX_WIDTH
    windows = [low | high << 16 for low, high in zip(bench.config.levels.low, bench.config.levels.high, strict=True)]
    assert tile[len(names) :] == windows
    assert [r["payload.value"] for r in got if r["tile"] == 255][-1] == 77_000_000


def test_identity():
    bench = Bench(crossbar(), tiles=2)
    got = bench.run([command(Opcode.IDENTIFY, argument=i) for i in range(6)], 6)
    config = bench.parameters
    assert [r["payload.value"] for r in got[:4]] == [0x5457494E, 1, 2, 6 | 8 << 16]
    assert got[5]["payload.value"] == config.hash
    assert {r["tile"] for r in got} == {255}


def test_raw_drives_codes_with_the_gate_closed_and_settles_only_when_they_change():
    bench = Bench(crossbar())
    raw = command(Opcode.RAW, argument=int(pack(RawArgument, amplitude=100, gate=200, polarity=Polarity.RESET)))
    outside = command(Opcode.RAW, argument=int(pack(RawArgument, amplitude=901, gate=200, polarity=Polarity.RESET)))
    updates = command(Opcode.COUNTER, argument=16 + Action.DRIVE_UPDATE)
    beats = [ARM, raw, raw, updates, set_register("limit_reset_amplitude_high", 900), outside, updates]
    got = answers(bench, beats)
    assert [r["payload.value"] for r in got if r["kind"] == Opcode.COUNTER] == [1, 1]
    assert [r["reason"] for r in got if r["kind"] == Opcode.RAW] == [0, 0, Reason.CODE]
    assert bench.models[0].widths == []


def test_forming_pulses_use_their_own_bias_until_the_cell_conducts():
    config = crossbar()
    bench = Bench(config)
    model = bench.models[0]
    cell = 9
    trail = []

    def form(at, polarity, amplitude, gate, width):
        trail.append((at, polarity, amplitude, gate, width))
        # Forming is no part of the cell model: the third pulse makes the cell conduct.
        if len(trail) == 3:
            model.g[at] = 1 << 24

    model.pulse = form
    model.g[cell] = 0
    values = {"width_form": 7, "form_amplitude_start": 40, "form_amplitude_step": 5, "form_amplitude_stop": 48}
    beats = [set_register(name, value) for name, value in values.items()]
    got = answers(bench, [ARM, *beats, command(Opcode.FORM, 0, *divmod(cell, 8), 12)])
    answer = next(r for r in got if r["kind"] == Opcode.FORM)
    assert (answer["ok"], answer["payload.cell.sets"], answer["payload.cell.resets"]) == (1, 3, 0)
    assert answer["payload.cell.code"] >= config.levels.low[12]
    assert trail == [(cell, Polarity.FORM, amplitude, 0, 7) for amplitude in (40, 45, 48)]


def test_no_fault_was_latched_by_any_of_this():
    bench = Bench(crossbar())
    got = answers(bench, [BAD["row"][0], command(Opcode.STATUS)])
    assert {r["faults"] for r in got} == {0}
    assert Response.as_shape().size == 64
    assert len(Fault) == 5
