"""What runs inside the HDL simulator: programs drawn for a controller with options, against the engine `fast`."""

import os

import cocotb
from drawn_sessions import DONE, DRAWN, programs_of

from twinbar.cocotb import (
    ArrayAtPins,
    CorePlayer,
    CycleSampler,
    FastScoreboard,
    InputPulse,
    StreamHost,
    make_state,
    protocol_of,
    rules_of,
)
from twinbar.emulator.contract.program import Pin
from twinbar.hw.protocol.packing import pack
from twinbar.hw.protocol.registers import ACTION_COUNTERS
from twinbar.hw.protocol.vocabulary import Opcode


@cocotb.test()
async def drawn_programs_do_the_same(dut) -> None:
    """Responses, cycles, phases, pulses and cells are those of `fast`; what the options are for was done."""
    name = os.environ["DRAWN"]
    elaboration = DRAWN[name]
    controller, crossbar = elaboration.controller, elaboration.config
    tiles = range(controller.tiles)
    protocol = protocol_of(controller)
    host = StreamHost(dut, protocol)
    # On a chip, memories are known when the deepest one is cleared: 256 words.
    await host.start(cycles=300)
    state = make_state(crossbar, controller.tiles, controller.adc_channels)
    arrays = [ArrayAtPins(dut, state, tile, controller) for tile in tiles]
    rules, scoreboard = rules_of(dut, protocol), FastScoreboard(crossbar, controller)
    sampler = CycleSampler(dut)
    sampler.watch(*arrays, rules, scoreboard)
    cocotb.start_soon(sampler.run())
    player = CorePlayer(dut)
    for program in programs_of(name):
        pulses = [
            InputPulse("stop" if each.pin is Pin.STOP else f"tiles__{each.tile}__fault", each.first, each.last)
            for each in program.pins
        ]
        await player.play(program.commands.tolist(), program.arrivals.tolist(), program.ready.tolist(), pulses)
    done = {}
    for action in DONE[name]:
        beats = [pack(Opcode.READ_REGISTER, tile, address=ACTION_COUNTERS[action]).item() for tile in tiles]
        done[action.name] = sum(protocol.unpack(beat)["value"] for beat in await player.play(beats))
    rules.check()
    totals = scoreboard.compare(state)
    print(f"{name}: {totals}, {done}")
    assert all(done.values()), done
