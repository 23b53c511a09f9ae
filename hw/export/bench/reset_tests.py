"""Tests of a core for a chip, which has no initial values: the reset alone makes everything known."""

import cocotb
from cocotb.handle import ArrayObject, HierarchyArrayObject, HierarchyObject, LogicArrayObject, LogicObject
from cocotb.triggers import ClockCycles, ReadOnly
from core_hosts import host_of
from twinbar_protocol import CONTROLLER, RESET_CYCLES


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
    """Within the stated cycles, and not right after the reset: registers, words of memories, and pins."""
    host = host_of(dut)
    await host.start()
    for tile in range(CONTROLLER["tiles"]):
        for channel in range(CONTROLLER["adc_channels"]):
            getattr(dut, f"tiles__{tile}__code__{channel}").value = 0
    for gate in ("write_gate", "read_enable"):
        assert all(int(getattr(dut, f"tiles__{tile}__{gate}").value) == 0 for tile in range(CONTROLLER["tiles"]))
    assert int(dut.busy.value) == 1
    if "icarus" in cocotb.SIM_NAME.lower():  # Verilator knows 0 and 1 only
        assert unknown(dut), "memories are known before they were written"
    await ClockCycles(host.clock, RESET_CYCLES)
    await ReadOnly()
    assert int(dut.busy.value) == 0
    assert unknown(dut) == []
