"""Tests of the core with a front end of serial parts: begin with these, and add models of your own board."""

import cocotb
import twinbar_protocol
from cocotb.triggers import ReadOnly, RisingEdge
from core_tests import run
from twinbar_bench.core_hosts import host_of
from twinbar_bench.core_rules import rules_of
from twinbar_bench.cycle_sampler import CycleSampler
from twinbar_protocol import CONTROLLER, LEVEL_WINDOWS, REGISTERS, pack, unpack

PULSES = 3


async def started(dut, data_line):
    """Return a host after reset; the line from the converters is held at a level."""
    host = host_of(dut, twinbar_protocol)
    await host.start()
    sampler = CycleSampler(dut, host.clock_name)
    sampler.watch(rules_of(dut, twinbar_protocol))
    cocotb.start_soon(sampler.run())
    for tile in range(CONTROLLER["tiles"]):
        line = getattr(dut, f"tiles__{tile}__adc__inputs")
        line.value = (1 << len(line)) - 1 if data_line else 0
    return host


@cocotb.test()
async def every_tile_says_what_it_is(dut):
    """The constants of the registers."""
    host = await started(dut, data_line=0)
    for tile in range(CONTROLLER["tiles"]):
        (letters,) = await run(host, pack("READ_REGISTER", tile, address=REGISTERS["IDENTITY"]))
        assert letters["value"].to_bytes(4, "big") == b"TWBR"


@cocotb.test()
async def a_read_gives_what_the_line_says(dut):
    """A line that stays low is code 0."""
    host = await started(dut, data_line=0)
    armed, read = await run(host, pack("ARM", 0, mode=1), pack("READ", 0, row=1, column=1))
    assert (armed["status"], read["status"], read["code"]) == ("OK", "OK", 0)


@cocotb.test()
async def a_cell_that_does_not_answer_gets_no_more_pulses_than_the_limit(dut):
    """The gate opens as often as the response says, and never while the read path is connected."""
    host = await started(dut, data_line=0)
    opened = []

    async def watch():
        before = 0
        while True:
            await ReadOnly()
            gate, read = int(dut.tiles__0__write_gate.value), int(dut.tiles__0__read_enable.value)
            assert not (gate and read)
            if gate and not before:
                opened.append(1)
            before = gate
            await RisingEdge(host.clock)

    cocotb.start_soon(watch())
    settings = {LEVEL_WINDOWS: 10 | 20 << 16, REGISTERS["PULSE_LIMIT"]: PULSES}
    await run(host, *(pack("WRITE_REGISTER", 0, address=where, value=value) for where, value in settings.items()))
    await host.send(pack("ARM", 0, mode=2))
    assert unpack(await host.receive())["status"] == "OK"
    (written,) = await run(host, pack("WRITE", 0, row=0, column=0, level=0))
    assert (written["status"], written["sets"], len(opened)) == ("FAILED", PULSES, PULSES)
