import pytest
from bench import Bench, command, configure, crossbar, set_register

from twinbar.host.transport.packing import pack
from twinbar.hw.gateware.guard import SYNCHRONIZER_STAGES
from twinbar.hw.protocol.commands import Opcode, Polarity, PulseArgument
from twinbar.hw.protocol.faults import Fault, Reason
from twinbar.hw.timing import Phase

ARM = command(Opcode.ARM, argument=1)
WIDTH = 30
TRAIN = int(pack(PulseArgument, count=3, polarity=Polarity.SET))
PULSES = command(Opcode.PULSE, 0, 1, 1, TRAIN)
READ = command(Opcode.READ, 0, 2, 2)


def answers(bench, beats, **options):
    setup = [beat for tile in range(bench.tiles) for beat in configure(bench.config, tile)]
    setup += [set_register("width_set", WIDTH, tile) for tile in range(bench.tiles)]
    return bench.run([*setup, *beats], len(setup) + len(beats), **options)[len(setup) :]


def at_gate(bench, after, action, length=1, pulse=1, tile=0):
    """Act a number of cycles after the gate opened for the given pulse."""

    async def act(ctx):
        pins = bench.dut.tiles[tile]
        for n in range(pulse):
            await ctx.tick().until(pins.write_gate)
            if n < pulse - 1:
                await ctx.tick().until(~pins.write_gate)
        await ctx.tick().repeat(after) if after else None
        ctx.set(action, 1)
        await ctx.tick().repeat(length)
        ctx.set(action, 0)

    return act


def test_compliance_closes_the_gate_and_latches_until_it_is_cleared():
    bench = Bench(crossbar())
    act = at_gate(bench, 10, bench.dut.tiles[0].compliance, pulse=2)
    got = answers(bench, [ARM, PULSES, READ, PULSES], meanwhile=act)
    train, read, again = (r for r in got if r["kind"] in (Opcode.PULSE, Opcode.READ))
    assert (train["ok"], train["reason"], train["faults"]) == (0, Reason.ABORTED, Fault.COMPLIANCE)
    assert train["payload.cell.sets"] == 2
    assert [read["reason"], again["reason"]] == [Reason.FAULTED] * 2
    first, second = bench.models[0].widths
    assert first == WIDTH
    # The pin rises in the 12th cycle of the gate at the earliest; the decision follows the synchronizer.
    assert 10 < second <= 10 + SYNCHRONIZER_STAGES + 3


def test_compliance_within_the_blanking_time_is_ignored():
    bench = Bench(crossbar())
    act = at_gate(bench, 0, bench.dut.tiles[0].compliance, length=4)
    got = answers(bench, [set_register("blanking", 10), ARM, PULSES], meanwhile=act)
    assert all(r["ok"] for r in got)
    assert bench.models[0].widths == [WIDTH] * 3


def test_a_compliance_fault_stops_every_tile():
    bench = Bench(crossbar(), tiles=2)
    act = at_gate(bench, 8, bench.dut.tiles[1].compliance, tile=1)
    got = answers(bench, [ARM, PULSES, command(Opcode.PULSE, 1, 1, 1, TRAIN)], meanwhile=act)
    pulses = [r for r in got if r["kind"] == Opcode.PULSE]
    assert [r["reason"] for r in pulses] == [Reason.ABORTED] * 2
    assert {r["faults"] for r in pulses} == {int(Fault.COMPLIANCE)}
    assert all(len(model.widths) == 1 and model.widths[0] < WIDTH for model in bench.models)


def test_the_stop_pin_aborts_what_runs():
    bench = Bench(crossbar())
    act = at_gate(bench, 5, bench.dut.stop)
    idle = [command(Opcode.GET_REGISTER, row=0)] * 8
    got = answers(bench, [ARM, PULSES, *idle], meanwhile=act)
    train = next(r for r in got if r["kind"] == Opcode.PULSE)
    assert (train["reason"], train["faults"]) == (Reason.ABORTED, Fault.STOP)
    assert len(bench.models[0].widths) == 1
    assert bench.models[0].widths[0] < WIDTH


def test_safe_aborts_disarms_and_opens_the_selector():
    bench = Bench(crossbar())
    seen = {}

    async def send_safe(ctx):
        dut = bench.dut
        await ctx.tick().until(dut.tiles[0].write_gate)
        await ctx.tick().repeat(4)
        while ctx.get(dut.commands.valid):
            await ctx.tick()
        for beat in (
            command(Opcode.SAFE),
            command(Opcode.STATUS, argument=Fault.SAFE),
            ARM,
            PULSES,
        ):
            ctx.set(dut.commands.payload, dut.commands.payload.shape().from_bits(beat))
            ctx.set(dut.commands.valid, 1)
            await ctx.tick().until(dut.commands.ready)
            ctx.set(dut.commands.valid, 0)
            if beat == command(Opcode.SAFE):
                await ctx.tick().repeat(3)
                pins = dut.tiles[0]
                for name in ("selection", "amplitude", "gate", "write_gate", "read_enable"):
                    seen[name] = ctx.get(getattr(pins, name))
                seen["armed"] = ctx.get(dut.armed)

    setup = [*configure(bench.config, 0), set_register("width_set", WIDTH), set_register("safe_gate", 5)]
    got = bench.run([*setup, ARM, PULSES], len(setup) + 6, meanwhile=send_safe)[len(setup) :]
    first, second = (r for r in got if r["kind"] == Opcode.PULSE)
    assert first["reason"] == Reason.ABORTED
    assert (second["ok"], second["payload.cell.sets"]) == (1, 3)
    safe = next(r for r in got if r["kind"] == Opcode.SAFE)
    assert (safe["ok"], safe["faults"], safe["payload.status.armed"]) == (1, Fault.SAFE, 0)
    assert int(getattr(seen["selection"], "value", seen["selection"])) == 0
    assert {name: int(seen[name]) for name in ("amplitude", "gate", "write_gate", "read_enable", "armed")} == {
        "amplitude": 0,
        "gate": 5,
        "write_gate": 0,
        "read_enable": 0,
        "armed": 0,
    }
    assert len(bench.models[0].widths) == 4


def test_the_watchdog_disarms_a_controller_whose_host_is_silent():
    bench = Bench(crossbar())
    long = command(Opcode.PULSE, 0, 1, 1, int(pack(PulseArgument, count=30, polarity=Polarity.SET)))
    got = answers(bench, [command(Opcode.SET_REGISTER, 255, argument=200), ARM, long])
    train = next(r for r in got if r["kind"] == Opcode.PULSE)
    assert (train["reason"], train["faults"]) == (Reason.ABORTED, Fault.WATCHDOG)
    assert 0 < train["payload.cell.sets"] < 30
    assert len(bench.models[0].widths) == train["payload.cell.sets"]


@pytest.mark.parametrize("tiles", [1, 2])
def test_back_pressure_counts_as_stall_and_changes_nothing_else(tiles):
    def program(ready):
        bench = Bench(crossbar(limit=4), tiles, response_depth=1, command_depth=2)
        writes = [command(Opcode.WRITE, i % tiles, i % 6, i % 8, 5 + i) for i in range(8)]
        setup = [beat for tile in range(tiles) for beat in configure(bench.config, tile)]
        program = [*setup, ARM, *writes, READ]
        got = bench.run(program, len(program), ready=ready)
        cells = [r for r in got if r["kind"] in (Opcode.WRITE, Opcode.READ)]
        by_tile = [[r for r in cells if r["tile"] == tile] for tile in range(tiles)]
        return bench, by_tile

    free, answers_free = program(lambda cycle: True)
    slow, answers_slow = program(lambda cycle: cycle < 200 or cycle % 331 == 0)
    assert answers_free == answers_slow
    timed = [p for p in Phase if p not in (Phase.IDLE, Phase.STALL)]
    assert free.phases[:, timed].tolist() == slow.phases[:, timed].tolist()
    assert slow.phases[:, Phase.STALL].sum() > free.phases[:, Phase.STALL].sum()
    for one, other in zip(free.models, slow.models, strict=True):
        assert one.g.tolist() == other.g.tolist()
