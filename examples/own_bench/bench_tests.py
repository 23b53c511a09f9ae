"""The bench as it runs in the simulator: arrays, rules, coverage and scoreboard around a core."""

import json
import os
from pathlib import Path

import cocotb

from twinbar.cocotb import (
    COVERED,
    ArrayAtPins,
    CorePlayer,
    CycleSampler,
    FastScoreboard,
    InputPulse,
    ResponseCoverage,
    StreamHost,
    covering_programs,
    make_state,
    protocol_of,
    rules_of,
)
from twinbar.emulator.contract.program import Pin


@cocotb.test()
async def everything_that_is_stated_is_covered(dut) -> None:
    """Programs hit every bin; rules hold in every cycle, and the engine `fast` does the same."""
    controller, crossbar = COVERED.controller, COVERED.config
    protocol = protocol_of(controller)
    host = StreamHost(dut, protocol)
    await host.start()

    state = make_state(crossbar, controller.tiles, controller.adc_channels)
    arrays = [ArrayAtPins(dut, state, tile, controller) for tile in range(controller.tiles)]
    rules, coverage = rules_of(dut, protocol), ResponseCoverage(protocol)
    scoreboard = FastScoreboard(crossbar, controller)
    sampler = CycleSampler(dut)
    sampler.watch(*arrays, rules, coverage, scoreboard)
    cocotb.start_soon(sampler.run())

    player, programs = CorePlayer(dut), 0
    for program in covering_programs():
        pulses = [
            InputPulse("stop" if each.pin is Pin.STOP else f"tiles__{each.tile}__fault", each.first, each.last)
            for each in program.pins
        ]
        await player.play(program.commands.tolist(), program.arrivals.tolist(), program.ready.tolist(), pulses)
        programs += 1
    rules.check()
    totals = scoreboard.compare(state)
    assert coverage.missing == []
    found = {
        "bins": len(coverage.bins),
        "hit": len(coverage.bins) - len(coverage.missing),
        "programs": programs,
        "rules": sorted({type(rule).__name__ for rule in rules.rules}),
        **totals._asdict(),
    }
    Path(os.environ["OWN_BENCH_FOUND"]).write_text(json.dumps(found), encoding="utf-8")
