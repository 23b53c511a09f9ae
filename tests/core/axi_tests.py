"""What runs inside the HDL simulator: the AXI wrapper, driven by the models of cocotbext-axi."""

import itertools
import random

import cocotb
from bus_values import CONTROLLER, beat, bytes_of, reading, response_fields
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, with_timeout
from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiResp, AxiStreamBus, AxiStreamSink, AxiStreamSource

from twinbar.hw.protocol.bus_registers import (
    BUS_ACCESS,
    BUS_CONTROL,
    BUS_STATUS,
    BUS_TIMEOUT,
    COMMAND_HIGH,
    bus_address,
    tile_address,
)
from twinbar.hw.protocol.commands import Opcode
from twinbar.hw.protocol.enumerations import Mode, Status
from twinbar.hw.protocol.registers import BY_NAME

PERIOD_NS = 10


class Host:
    """The three interfaces of the wrapper."""

    def __init__(self, dut) -> None:
        self.dut = dut
        options = {"reset_active_level": False}
        self.registers = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axil"), dut.aclk, dut.aresetn, **options)
        self.commands = AxiStreamSource(AxiStreamBus.from_prefix(dut, "s_axis"), dut.aclk, dut.aresetn, **options)
        self.responses = AxiStreamSink(AxiStreamBus.from_prefix(dut, "m_axis"), dut.aclk, dut.aresetn, **options)

    async def start(self) -> "Host":
        dut = self.dut
        Clock(dut.aclk, PERIOD_NS, "ns").start()
        dut.stop.value = 0
        for tile in range(CONTROLLER.tiles):
            for name in ("compliance", "fault", *(f"code__{channel}" for channel in range(CONTROLLER.adc_channels))):
                getattr(dut, f"tiles__{tile}__{name}").value = 0
        dut.aresetn.value = 0
        await ClockCycles(dut.aclk, 4)
        dut.aresetn.value = 1
        await ClockCycles(dut.aclk, 4)
        return self

    async def read(self, address: int) -> tuple[int, AxiResp]:
        answer = await with_timeout(self.registers.read(address, 4), 100, "us")
        return int.from_bytes(answer.data, "little"), answer.resp

    async def write(self, address: int, value: int) -> AxiResp:
        return (await with_timeout(self.registers.write(address, value.to_bytes(4, "little")), 100, "us")).resp

    async def respond(self) -> dict[str, int]:
        frame = await with_timeout(self.responses.recv(), 100, "us")
        return response_fields(bytes(frame.tdata))


@cocotb.test()
async def registers_are_words(dut) -> None:
    """Constants of every tile, values beyond 32 bits, and each reason for SLVERR."""
    host = await Host(dut).start()
    for tile in range(CONTROLLER.tiles):
        # The letters TWBR, as docs/protocol.md says.
        assert await host.read(tile_address(tile, 0x00)) == (0x54574252, AxiResp.OKAY)
    assert await host.read(tile_address(1, BY_NAME["SELECT"].address)) == (1, AxiResp.OKAY)
    assert await host.write(tile_address(1, BY_NAME["SELECT"].address), 300) == AxiResp.OKAY
    assert await host.read(tile_address(1, BY_NAME["SELECT"].address)) == (300, AxiResp.OKAY)
    assert await host.read(tile_address(0, BY_NAME["SELECT"].address)) == (1, AxiResp.OKAY)
    codes = tile_address(0, BY_NAME["SET_HIGH"].address)
    assert await host.write(codes + 4, 0xF) == AxiResp.OKAY
    assert await host.write(codes, 0xFFF_0F0_AB) == AxiResp.OKAY
    assert await host.read(codes) == (0xFFF0F0AB, AxiResp.OKAY)
    assert await host.read(codes + 4) == (0xF, AxiResp.OKAY)
    # The high word is used once.
    assert await host.write(codes, 5) == AxiResp.OKAY
    assert [await host.read(codes), await host.read(codes + 4)] == [(5, AxiResp.OKAY), (0, AxiResp.OKAY)]
    assert await host.write(codes + 4, 0x10) == AxiResp.SLVERR
    for address, status in (
        (tile_address(0, 0x7F), Status.BAD_REGISTER),
        (tile_address(0, BY_NAME["IDENTITY"].address), Status.BAD_REGISTER),
        (tile_address(0, BY_NAME["SELECT"].address), Status.BAD_VALUE),
        (tile_address(CONTROLLER.tiles, BY_NAME["SELECT"].address), Status.BAD_TILE),
    ):
        assert await host.write(address, 0) == AxiResp.SLVERR
        value, _ = await host.read(bus_address(BUS_ACCESS))
        assert BUS_ACCESS.word.unpack(value)["status"] == status.value
    # Words that a wrapper with streams has not, and parts of a word.
    assert await host.write(bus_address(COMMAND_HIGH), 0) == AxiResp.SLVERR
    answer = await host.registers.write(tile_address(0, BY_NAME["SELECT"].address), b"\x09\x00")
    assert answer.resp == AxiResp.SLVERR
    assert await host.read(tile_address(0, BY_NAME["SELECT"].address)) == (1, AxiResp.OKAY)


@cocotb.test()
async def accesses_go_between_the_beats_of_a_busy_stream(dut) -> None:
    """Register commands of the stream and of the bus, at the same time, each get their own answers, in order."""
    host = await Host(dut).start()
    draw = random.Random(5)
    # Addresses of the stream and of the bus are different, so that a mixed-up answer is noticed.
    names = ("SETTLE_READ", "SETTLE_DRIVE", "GEOMETRY", "LEVELS")
    wanted = {"SETTLE_READ": 16, "SETTLE_DRIVE": 16, "GEOMETRY": 8 | 8 << 11 | 2 << 22, "LEVELS": 16}
    sent = [(draw.choice(names), draw.randrange(2)) for _ in range(60)]
    host.responses.set_pause_generator(itertools.cycle([1, 1, 0, 1, 0, 0, 1, 1, 1]))
    for name, tile in sent:
        await host.commands.send(bytes_of(reading(name, tile)))
        if draw.random() < 0.3:
            await host.commands.send(bytes_of(beat(Opcode.WAIT, tile, cycles=3)))

    async def on_the_bus() -> None:
        for number in range(40):
            tile = number % 2
            assert await host.write(tile_address(tile, BY_NAME["RANGE_READ"].address), number) == AxiResp.OKAY
            assert await host.read(tile_address(tile, BY_NAME["RANGE_READ"].address)) == (number, AxiResp.OKAY)

    bus = cocotb.start_soon(on_the_bus())
    found = {tile: [] for tile in range(2)}
    while sum(map(len, found.values())) < len(sent):
        response = await host.respond()
        if response["opcode"] != Opcode.WAIT.value:
            found[response["tile"]].append((response["address"], response["value"]))
    await with_timeout(bus, 200, "us")
    for tile, answers in found.items():
        assert answers == [(BY_NAME[name].address, wanted[name]) for name, at in sent if at == tile]


@cocotb.test()
async def an_access_without_an_answer_is_given_up(dut) -> None:
    """Behind a tile that rests, and behind a response that nobody takes; afterwards everything works."""
    host = await Host(dut).start()
    assert await host.write(bus_address(BUS_TIMEOUT), 60) == AxiResp.OKAY
    await host.commands.send(bytes_of(beat(Opcode.WAIT, 0, cycles=400)))
    await ClockCycles(dut.aclk, 12)
    start = cocotb.utils.get_sim_time("ns")
    assert (await host.read(tile_address(0, 0x00)))[1] == AxiResp.SLVERR
    cycles = (cocotb.utils.get_sim_time("ns") - start) / PERIOD_NS
    assert 60 <= cycles < 70
    access = BUS_ACCESS.word.unpack((await host.read(bus_address(BUS_ACCESS)))[0])
    status = BUS_STATUS.word.unpack((await host.read(bus_address(BUS_STATUS)))[0])
    assert (access["timed_out"], status["late"], status["busy"]) == (1, 1, 1)
    assert (await host.respond())["opcode"] == Opcode.WAIT.value
    await ClockCycles(dut.aclk, 20)
    assert BUS_STATUS.word.unpack((await host.read(bus_address(BUS_STATUS)))[0])["late"] == 0
    host.responses.pause = True
    for _ in range(2):
        await host.commands.send(bytes_of(beat(Opcode.WAIT, 0, cycles=2)))
    await ClockCycles(dut.aclk, 30)
    assert (await host.read(tile_address(0, BY_NAME["SELECT"].address)))[1] == AxiResp.SLVERR
    host.responses.pause = False
    assert [(await host.respond())["opcode"] for _ in range(2)] == [Opcode.WAIT.value] * 2
    # The late answer was SELECT's, and nobody else takes it for his.
    assert await host.read(tile_address(0, BY_NAME["SETTLE_READ"].address)) == (16, AxiResp.OKAY)
    assert host.responses.empty()


@cocotb.test()
async def the_bus_stops_the_tiles(dut) -> None:
    """BUS_CONTROL does what the pin does."""
    host = await Host(dut).start()
    await host.commands.send(bytes_of(beat(Opcode.ARM, 1, mode=Mode.READ)))
    assert (await host.respond())["mode"] == Mode.READ.value
    assert await host.write(bus_address(BUS_CONTROL), 2) == AxiResp.SLVERR
    assert await host.write(bus_address(BUS_CONTROL), 1) == AxiResp.OKAY
    await ClockCycles(dut.aclk, 5)
    value, _ = await host.read(tile_address(1, BY_NAME["INPUTS"].address))
    assert BY_NAME["INPUTS"].word.unpack(value)["stop"] == 1
    access = BUS_ACCESS.word.unpack((await host.read(bus_address(BUS_ACCESS)))[0])
    assert (access["mode"], access["faults"]) == (Mode.SAFE.value, 0b100)
