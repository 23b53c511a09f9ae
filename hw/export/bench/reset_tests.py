"""Tests of a core for a chip, which has no initial values: the reset alone makes everything known."""

import cocotb
import twinbar_protocol
from cocotb.handle import ArrayObject, HierarchyArrayObject, HierarchyObject, LogicArrayObject, LogicObject
from cocotb.triggers import ClockCycles, ReadOnly, Timer
from twinbar_bench.core_hosts import host_of
from twinbar_protocol import CONTROLLER, INITIAL, RESET_CYCLES, pack, unpack


def unknown(handle):
    """Return the names of the signals below a handle that have a bit that is not 0 or 1."""
    if isinstance(handle, HierarchyObject | HierarchyArrayObject):
        return [name for child in handle for name in unknown(child)]
    if isinstance(handle, ArrayObject):
        return [name for word in handle for name in unknown(word)]
    if isinstance(handle, LogicArrayObject | LogicObject):
        return [] if set(str(handle.value)) <= set("01") else [handle._path]
    return []


@cocotb.test()
async def the_reset_makes_everything_known(dut):
    """Registers and pins within the stated cycles; settings and tables have their first values."""
    host = host_of(dut, twinbar_protocol)
    await Timer(1, "ns")
    if "icarus" in cocotb.SIM_NAME.lower():  # Verilator knows 0 and 1 only
        assert unknown(dut), "registers are known before the reset"
    await host.start(cycles=1)
    assert int(dut.busy.value) == 1
    for gate in ("write_gate", "read_enable"):
        assert all(int(getattr(dut, f"tiles__{tile}__{gate}").value) == 0 for tile in range(CONTROLLER["tiles"]))
    await ClockCycles(host.clock, RESET_CYCLES)
    await ReadOnly()
    assert int(dut.busy.value) == 0
    assert unknown(dut) == []
    await ClockCycles(host.clock, 1)
    for tile in range(CONTROLLER["tiles"]):
        for address, value in INITIAL.items():
            await host.send(pack("READ_REGISTER", tile, address=address))
            response = unpack(await host.receive())
            assert (response["status"], response["value"]) == ("OK", value), f"register {address:#x}"
