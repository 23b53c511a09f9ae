"""Tests of the core behind its link and UART: a session opens, and a register is read."""

import cocotb
from cocotb.clock import Clock
from cocotb.queue import Queue
from cocotb.triggers import ClockCycles, with_timeout
from twinbar_protocol import CONTROLLER, UART_DIVISOR, UART_SESSION

PERIOD_NS = 10
DIVISOR = UART_DIVISOR


async def send(dut, data):
    """Put bytes on the line: a start bit, eight bits with the lowest first, a stop bit."""
    for byte in data:
        for bit in (0, *(byte >> place & 1 for place in range(8)), 1):
            dut.rx.value = bit
            await ClockCycles(dut.clk, DIVISOR)


async def listen(dut, frames):
    """Take bytes from the line, each bit in its middle; a zero ends a frame."""
    frame = bytearray()
    while True:
        while int(dut.tx.value):
            await ClockCycles(dut.clk, 1)
        await ClockCycles(dut.clk, DIVISOR // 2)
        assert int(dut.tx.value) == 0
        byte = 0
        for place in range(8):
            await ClockCycles(dut.clk, DIVISOR)
            byte |= int(dut.tx.value) << place
        await ClockCycles(dut.clk, DIVISOR)
        assert int(dut.tx.value) == 1, "there is no stop bit"
        if byte:
            frame.append(byte)
        elif frame:
            frames.put_nowait(frame.hex())
            frame = bytearray()


@cocotb.test()
async def a_session_opens_and_reads_a_register(dut):
    """Frame for frame what the model of the link says."""
    Clock(dut.clk, PERIOD_NS, "ns").start()
    await ClockCycles(dut.clk, 1)
    dut.rx.value, dut.stop.value, dut.rst.value = 1, 0, 1
    for name in (f"tiles__{tile}__{pin}" for tile in range(CONTROLLER["tiles"]) for pin in ("compliance", "fault")):
        getattr(dut, name).value = 0
    await ClockCycles(dut.clk, 4)
    frames = Queue()
    cocotb.start_soon(listen(dut, frames))
    dut.rst.value = 0
    await ClockCycles(dut.clk, 4 * DIVISOR)
    for sent, answer in UART_SESSION:
        await send(dut, bytes.fromhex(sent))
        assert await with_timeout(frames.get(), 100, "ms") == answer
