"""What runs inside the HDL simulator: a core with serial parts that check every edge, against the engine `fast`."""

import os

import cocotb
import numpy as np
from serial_core import CORE, settled, slower

from twinbar.cocotb import (
    CorePlayer,
    CycleSampler,
    FastScoreboard,
    PartsAtPins,
    StreamHost,
    make_state,
    protocol_of,
    rules_of,
)
from twinbar.emulator.contract import beats
from twinbar.hw.protocol.packing import pack
from twinbar.hw.protocol.vocabulary import Opcode, Record


@cocotb.test()
async def parts_keep_their_times_and_cells_do_the_same(dut) -> None:
    controller, crossbar = CORE.controller, CORE.config
    protocol = protocol_of(controller)
    state = make_state(crossbar, controller.tiles, controller.adc_channels)
    host = StreamHost(dut, protocol)
    assembly = slower(crossbar.parts) if "SLOWER" in os.environ else crossbar.parts
    parts = PartsAtPins(dut, protocol, controller, assembly, state, 0)
    sampler = CycleSampler(dut)
    rules, scoreboard = rules_of(dut, protocol), FastScoreboard(crossbar, controller)
    await host.start(cycles=4)
    sampler.watch(parts, rules, scoreboard)
    cocotb.start_soon(sampler.run())
    player = CorePlayer(dut)
    row, column = np.divmod(np.arange(8), 4)
    programs = [
        # The parts' own start begins with the reset; for the engine, with the first command.
        pack(Opcode.WAIT, 0, cycles=3000),
        np.concatenate([beats.set_registers(crossbar, 1), *settled(short=os.environ.get("SHORT", "")), beats.arm(1)]),
        pack(Opcode.CALIBRATE, 0, column=np.arange(4)),
        pack(Opcode.WRITE, 0, row=row, column=column, level=np.arange(8) % 4),
        pack(Opcode.PULSE, 0, row=row[:3], column=3, count=2, record=Record.RESET.value),
        pack(Opcode.READ, 0, row=row, column=column),
        np.append(pack(Opcode.LOAD, 0, word=0, clear=1, bits=0b11_01_10_01), pack(Opcode.MULTIPLY, 0, outputs=4)),
    ]
    for program in programs:
        await player.play([int(each) for each in program])
    rules.check()
    totals = scoreboard.compare(state)
    assert totals.pulses > 10
    assert sum(len(dac.writes) for dac in parts.dacs) > 10
