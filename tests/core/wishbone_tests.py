"""What runs inside the HDL simulator: the Wishbone wrapper, driven by the model of cocotbext-wishbone."""

import cocotb
from bus_values import CONTROLLER, beat, reading, response_fields
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, with_timeout
from cocotbext.wishbone.driver import WBOp, WishboneMaster

from twinbar.hw.protocol.bus_registers import (
    BUS_ACCESS,
    BUS_STATUS,
    BUS_TIMEOUT,
    COMMAND_HIGH,
    COMMAND_LOW,
    RESPONSE_PARTS,
    bus_address,
    tile_address,
)
from twinbar.hw.protocol.commands import Opcode
from twinbar.hw.protocol.enumerations import Status
from twinbar.hw.protocol.registers import BY_NAME

ACK, ERR = 1, 2
SIGNALS = {
    "cyc": "cyc_i",
    "stb": "stb_i",
    "we": "we_i",
    "adr": "adr_i",
    "datwr": "dat_i",
    "datrd": "dat_o",
    "ack": "ack_o",
    "err": "err_o",
    "sel": "sel_i",
}


class Host:
    """The bus of the wrapper."""

    def __init__(self, dut) -> None:
        self.dut = dut

    async def start(self) -> "Host":
        dut = self.dut
        Clock(dut.clk_i, 10, "ns").start()
        dut.stop.value = 0
        for tile in range(CONTROLLER.tiles):
            for name in ("compliance", "fault", *(f"code__{channel}" for channel in range(CONTROLLER.adc_channels))):
                getattr(dut, f"tiles__{tile}__{name}").value = 0
        dut.rst_i.value = 1
        # Icarus does not pass on what is set before time has begun, as the model does when it is made.
        await ClockCycles(dut.clk_i, 1)
        self.bus = WishboneMaster(dut, "wb", dut.clk_i, timeout=1000, signals_dict=SIGNALS)
        await ClockCycles(dut.clk_i, 4)
        dut.rst_i.value = 0
        await ClockCycles(dut.clk_i, 4)
        return self

    async def run(self, *operations: WBOp) -> list[tuple[int, int]]:
        """Run operations in one cycle of the bus; gives data and reply of each."""
        done = await with_timeout(self.bus.send_cycle(list(operations)), 100, "us")
        return [(int(each.datrd), each.ack) for each in done]

    async def read(self, address: int) -> tuple[int, int]:
        return (await self.run(WBOp(address)))[0]

    async def write(self, address: int, value: int, sel: int = 0xF) -> int:
        return (await self.run(WBOp(address, value, sel=sel)))[0][1]

    async def send(self, word: int) -> list[int]:
        low, high = word & 0xFFFFFFFF, word >> 32
        return [await self.write(bus_address(COMMAND_LOW), low), await self.write(bus_address(COMMAND_HIGH), high)]

    async def status(self) -> dict[str, int]:
        return BUS_STATUS.word.unpack((await self.read(bus_address(BUS_STATUS)))[0])

    async def take(self) -> dict[str, int]:
        """Take the response that waits."""
        assert self.dut.irq.value == 1
        word = 0
        for part, register in enumerate(RESPONSE_PARTS):
            value, reply = await self.read(bus_address(register))
            assert reply == ACK
            word |= value << 32 * part
        return response_fields(word.to_bytes(12, "little"))


@cocotb.test()
async def registers_are_words(dut) -> None:
    """Words beyond 32 bits, several operations in a cycle, and ERR with its reason."""
    host = await Host(dut).start()
    select, high = tile_address(1, BY_NAME["SELECT"].address), tile_address(0, BY_NAME["SET_HIGH"].address)
    assert await host.read(tile_address(1, 0x00)) == (0x54574252, ACK)
    found = await host.run(WBOp(select, 9), WBOp(select), WBOp(high + 4, 3), WBOp(high, 77), WBOp(high), WBOp(high + 4))
    assert [reply for _, reply in found] == [ACK] * 6
    assert [value for value, _ in (found[1], found[4], found[5])] == [9, 77, 3]
    assert await host.write(select, 0) == ERR
    value, _ = await host.read(bus_address(BUS_ACCESS))
    assert BUS_ACCESS.word.unpack(value)["status"] == Status.BAD_VALUE.value
    assert await host.write(select, 1, sel=0b0011) == ERR
    assert await host.read(select) == (9, ACK)


@cocotb.test()
async def beats_go_through_the_mailbox(dut) -> None:
    """Commands until queue and mailbox are full; responses in order; register accesses between them."""
    host = await Host(dut).start()
    assert (await host.read(bus_address(RESPONSE_PARTS[-1])))[1] == ERR
    assert await host.send(beat(Opcode.WAIT, 1, cycles=600)) == [ACK, ACK]
    for _ in range(5):  # four in the queue, and one that waits before it
        assert await host.send(reading("CONVERT", 1)) == [ACK, ACK]
        await ClockCycles(dut.clk_i, 3)
    assert (await host.status())["command_waits"] == 1
    assert await host.send(reading("SELECT", 1)) == [ERR, ERR]
    assert (await host.status())["response_waits"] == 0
    while not dut.irq.value:
        await ClockCycles(dut.clk_i, 1)
    assert (await host.take())["opcode"] == Opcode.WAIT.value
    for _ in range(5):
        await ClockCycles(dut.clk_i, 30)
        response = await host.take()
        assert (response["address"], response["value"]) == (BY_NAME["CONVERT"].address, 16)
    assert await host.read(tile_address(1, BY_NAME["CONVERT"].address)) == (16, ACK)
    assert dut.irq.value == 0
    status = await host.status()
    assert (status["busy"], status["command_waits"], status["late"]) == (0, 0, 0)


@cocotb.test()
async def a_cycle_that_is_dropped_changes_nothing_later(dut) -> None:
    """A host that gives an access up: its answer is nobody's, and the next one is its own."""
    host = await Host(dut).start()
    assert await host.write(bus_address(BUS_TIMEOUT), 0) == ACK
    assert await host.send(beat(Opcode.WAIT, 0, cycles=100)) == [ACK, ACK]
    dut.wb_cyc_i.value, dut.wb_stb_i.value, dut.wb_we_i.value = 1, 1, 0
    dut.wb_adr_i.value = tile_address(0, BY_NAME["SELECT"].address)
    await ClockCycles(dut.clk_i, 20)
    dut.wb_cyc_i.value, dut.wb_stb_i.value = 0, 0
    await ClockCycles(dut.clk_i, 3)
    assert (await host.status())["late"] == 1
    while not dut.irq.value:
        await ClockCycles(dut.clk_i, 1)
    assert (await host.take())["opcode"] == Opcode.WAIT.value
    assert await host.read(tile_address(0, BY_NAME["SETTLE_READ"].address)) == (16, ACK)
    assert (await host.status())["late"] == 0
