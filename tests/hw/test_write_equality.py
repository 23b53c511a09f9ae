import numpy as np
import pytest
from bench import TIMED, Bench, command, configure, counter_commands, crossbar

from twinbar.emulator.devices.layout import FAULT_NON_RESPONDING
from twinbar.emulator.engine import WriteList
from twinbar.hw.actions import ACTIONS, Action
from twinbar.hw.protocol.commands import Opcode
from twinbar.hw.timing import PHASES

CASES = {
    "defaults": ({}, 1),
    "two tiles": ({}, 2),
    "averaging": ({"discard": 1, "cycles": {"samples": 5}, "adc_channels": 3}, 1),
    "a short limit": ({"limit": 3}, 2),
    "ramped gate": ({"preset": "milo-hfo2", "clock_hz": 1e6}, 1),
    "long latencies": ({"cycles": {"select": 4, "settle_read": 7, "settle_drive": 9, "convert": 5, "recover": 3}}, 1),
}


def list_for(bench, tile, n, rng):
    cells = rng.integers(0, bench.config.geometry.cells, n).astype(np.int32)
    levels = rng.integers(0, len(bench.config.levels), n).astype(np.uint8)
    offsets = np.zeros(bench.tiles + 1, np.int64)
    offsets[tile + 1 :] = n
    return WriteList(offsets, cells, levels)


@pytest.mark.parametrize("case", CASES)
def test_a_write_list_gives_what_the_fast_engine_gives(case):
    changes, tiles = CASES[case]
    bench = Bench(crossbar(**changes), tiles)
    columns = bench.config.geometry.columns
    rng = np.random.default_rng(len(case))
    # A fault that answers reads but no pulse: its writes must fail.
    for model in bench.models:
        model.fault[3] = FAULT_NON_RESPONDING
        bench.engine._fault[model.tile, 3] = FAULT_NON_RESPONDING
    lists = [list_for(bench, tile, 12, rng) for tile in range(tiles)]
    lists[0].cells[5] = 3
    lists[0].levels[5] = 15
    writes = [
        command(Opcode.WRITE, tile, *divmod(int(todo.cells[i]), columns), int(todo.levels[i]))
        for i in range(12)
        for tile, todo in enumerate(lists)
    ]
    setup = [beat for tile in range(tiles) for beat in configure(bench.config, tile)]
    counters = [beat for tile in range(tiles) for beat in counter_commands(tile)]
    beats = [*setup, command(Opcode.ARM, argument=1), *counters, *writes, *counters]
    responses = bench.run(beats, len(beats))

    assert all(r["ok"] for r in responses if r["kind"] != Opcode.WRITE)
    for tile, todo in enumerate(lists):
        expected = bench.engine.write(todo)
        got = [r for r in responses if r["kind"] == Opcode.WRITE and r["tile"] == tile]
        assert [r["payload.cell.code"] for r in got] == expected.codes.tolist()
        assert [r["payload.cell.sets"] for r in got] == expected.sets.tolist()
        assert [r["payload.cell.resets"] for r in got] == expected.resets.tolist()
        assert [bool(r["ok"]) for r in got] == expected.ok.tolist()
        values = [r["payload.value"] for r in responses if r["kind"] == Opcode.COUNTER and r["tile"] == tile]
        before, after = np.array(values).reshape(2, -1)
        spent = after - before
        phases, actions = spent[: len(PHASES)], spent[len(PHASES) :]
        # Between the two times that a counter is asked for, the other questions are counted too.
        questions = len(PHASES) + len(ACTIONS)
        phases[1] -= 3 * questions
        phases[8] -= questions
        actions[Action.COMMAND_BEAT] -= questions
        actions[Action.RESPONSE_BEAT] -= questions
        assert [phases[p] for p in TIMED] == [expected.activity.phases[p] for p in TIMED]
        assert actions.tolist() == expected.activity.actions.tolist()
        model = bench.models[tile]
        assert model.g.tolist() == bench.engine._g[tile].tolist()
        assert model.pulses.tolist() == bench.engine._pulses[tile].tolist()
        assert model.conversions == bench.engine._conversions[tile].tolist()
        assert expected.sets.sum() + expected.resets.sum() > 0
