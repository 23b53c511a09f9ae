"""The link's gateware against the host: compiled for thousands of frames, and its parts against the pure functions."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped
from amaranth.sim import Simulator
from beats import MNIST, AnsweringController, any_beats, as_beats, sparse_writes, widths_of
from compiled_link import CompiledLine
from gateware_line import GatewareLine, PinLine
from sent_frames import LateHello
from simulated_line import faults

from twinbar.host.transport.controller_state import read_registers
from twinbar.host.transport.link import Link
from twinbar.hw.actions import Action
from twinbar.hw.errors import LinkError
from twinbar.hw.gateware.block_ram import block_ram
from twinbar.hw.gateware.controller import Controller
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.gateware.link.linked_controller import LinkedController
from twinbar.hw.gateware.link.packer import Packer
from twinbar.hw.gateware.link.unpacker import Unpacker
from twinbar.hw.link import command_codec
from twinbar.hw.link.frames import SEQUENCE, FrameKind, HostFrame, on_line
from twinbar.hw.link.link_config import LinkConfig
from twinbar.hw.link.responses import ResponseEncoder
from twinbar.hw.protocol.packing import pack, unpack
from twinbar.hw.protocol.registers import ACTION_COUNTERS
from twinbar.hw.protocol.vocabulary import Mode, Opcode, Status

SMALL = ControllerConfig(tiles=3, rows=16, columns=8)
BOARD = LinkConfig(linger_s=1e-4, receive_bytes=1024, transmit_bytes=1024)
SKEWED = LinkConfig(clock_hz=25_000_000, baud=500_000, linger_s=1e-4, receive_bytes=1024, transmit_bytes=1024)
FAST = LinkConfig(clock_hz=12_000_000, baud=3_000_000, linger_s=1e-3)
SESSION = 6
"""Number of a session whose frames a test makes itself."""


def compiled(pace: int = 40, seed: int = 0, link: LinkConfig = BOARD, **line: Any) -> CompiledLine:
    return CompiledLine(SMALL, link, AnsweringController(SMALL, seed=seed, pace=pace), **line)


def check(line: Any, link: Link, programs: Iterable[np.ndarray]) -> None:
    """Run programs; every command must be executed once, in order, and its answer must come back."""
    executed, answered = len(line.controller.commands), len(line.controller.responses)
    programs = list(programs)
    found = [link.run(program) for program in programs]
    assert line.controller.commands[executed:] == np.concatenate(programs).tolist()
    np.testing.assert_array_equal(np.concatenate(found), as_beats(line.controller.responses[answered:]))


@pytest.mark.compiler
def test_programs_over_the_netlist() -> None:
    line = compiled()
    link = Link(line, SMALL.hash)
    rng = np.random.default_rng(0)
    check(line, link, [any_beats(rng, count, SMALL) for count in (1, 7, 60, 3000, 2)])
    assert link.statistics.resent == link.statistics.damaged == link.statistics.requests == 0


@pytest.mark.compiler
def test_the_netlist_ignores_a_late_hello_whatever_number_it_awaits() -> None:
    """More bytes than the largest buffer holds, in more frames than there are numbers."""
    late = LateHello()
    line = compiled(pace=64, link=LinkConfig(receive_bytes=65536, transmit_bytes=65536), to_board=late)
    link = Link(line)
    resets = line.controller.resets
    # Nine bytes each.
    check(line, link, [pack(Opcode.WRITE_REGISTER, np.arange(7300) % 3, address=5, value=7 << 30)])
    assert late.frames > SEQUENCE
    assert line.to_board.bytes > 65536
    assert line.controller.resets == resets
    assert link.statistics.resent == 0


@pytest.mark.compiler
@pytest.mark.parametrize("kind", ["flip", "drop", "duplicate", "reorder", "cut", "noise"])
def test_the_netlist_executes_every_command_once_whatever_happens(kind: str) -> None:
    damage = faults(1, **{kind: 0.04}), faults(2, **{kind: 0.04})
    line = compiled(to_board=damage[0], to_host=damage[1])
    link = Link(line, SMALL.hash)
    rng = np.random.default_rng(3)
    sizes = rng.choice([1, 20, 100, 1000], p=[0.5, 0.35, 0.12, 0.03], size=100)
    check(line, link, [any_beats(rng, int(size), SMALL) for size in sizes])
    assert sum(way.damaged for way in damage) > 6


@pytest.mark.compiler
def test_a_thousand_frames_with_every_fault() -> None:
    rates = dict.fromkeys(("flip", "drop", "duplicate", "reorder", "cut", "noise"), 0.01)
    damage = faults(5, **rates), faults(6, **rates)
    line = compiled(to_board=damage[0], to_host=damage[1])
    link = Link(line)
    rng = np.random.default_rng(7)
    check(line, link, [any_beats(rng, 2500, SMALL) for _ in range(8)])
    assert sum(way.frames for way in damage) > 1000
    assert link.statistics.resent > 10


@pytest.mark.compiler
def test_a_program_of_loads_ends_and_a_new_session_starts_clean() -> None:
    line = compiled(pace=0)
    first = Link(line, first_session=2)
    loads = pack(Opcode.LOAD, 1, word=np.arange(4), bits=7)
    first.run(loads)
    assert line.controller.commands == loads.tolist()
    line.write(HostFrame(FrameKind.DATA, 3, 1, 1, command_codec.encode(pack(Opcode.SAFE), widths_of(SMALL))).pack())
    for _ in range(40):
        line.step()
    assert line.controller.busy
    resets = line.controller.resets
    second = Link(line, first_session=2)
    assert line.controller.resets == resets + 1
    line.controller.pace = 5
    assert len(second.run(pack(Opcode.SAFE))) == SMALL.tiles


@pytest.mark.compiler
def test_nothing_is_executed_that_was_not_sent() -> None:
    line = compiled()
    rng = np.random.default_rng(0)
    write = pack(Opcode.WRITE, 0, row=1, column=1, level=1)
    packed = command_codec.encode(write, widths_of(SMALL))
    stranger = HostFrame(FrameKind.DATA, 0, payload=packed).pack()
    for data in (rng.integers(256, size=20_000, dtype=np.uint8).tobytes(), b"\0" + stranger):
        line.write(data)
    for _ in range(4000):
        line.step()
    assert line.controller.commands == []
    link = Link(line, first_session=SESSION - 1)
    line.write(HostFrame(FrameKind.DATA, SESSION + 1, payload=packed).pack())
    # Nor a frame that is not the next one, nor one of which a bit is wrong.
    line.write(HostFrame(FrameKind.DATA, SESSION, seq=1, payload=packed).pack())
    damaged = bytearray(HostFrame(FrameKind.DATA, SESSION, payload=packed).pack())
    damaged[6] ^= 4
    line.write(bytes(damaged))
    for _ in range(200):
        line.step()
    assert line.controller.commands == []
    assert len(link.run(write)) == 1


@pytest.mark.compiler
def test_a_frame_without_a_kind_is_nobodys() -> None:
    """With a right CRC, the session, and an acknowledgement of what the host does not have."""
    line = compiled(pace=2, to_host=faults(3, drop=0.3))
    line.longest = 30_000_000  # it takes 8 million
    link = Link(line, first_session=SESSION - 1)
    # What is acknowledged so is forgotten; what was lost could not be sent again. Connecting may take several sessions.
    session = line.heard_session
    line.disturb = b"".join(on_line(bytes([session, 0, ack])) for ack in range(1, 200))
    check(line, link, [any_beats(np.random.default_rng(4), 600, SMALL)])
    assert link.statistics.requests > 3


@pytest.mark.compiler
@pytest.mark.parametrize("divisor", [SKEWED.divisor - 1, SKEWED.divisor + 1])
def test_a_host_whose_clock_is_two_percent_off(divisor: int) -> None:
    """Bits of 49 and 51 cycles where the board has 50: the stop bit is still sampled within it."""
    assert SKEWED.divisor == 50
    line = compiled(link=SKEWED, baud_divisor=divisor)
    link = Link(line)
    check(line, link, [any_beats(np.random.default_rng(4), 300, SMALL)])
    assert link.statistics.damaged == link.statistics.resent == 0


@pytest.mark.compiler
def test_another_baud_rate_is_reported() -> None:
    line = compiled(baud_divisor=26)
    with pytest.raises(LinkError, match=r"not readable; check that the board was built for this baud rate|no board"):
        Link(line)
    assert line.controller.commands == []


@pytest.mark.compiler
def test_a_stream_of_nonsense_in_good_frames_stops_the_board(monkeypatch: pytest.MonkeyPatch) -> None:
    line = compiled()
    link = Link(line)
    monkeypatch.setattr(command_codec, "encode", lambda beats, widths: bytes(20))
    with pytest.raises(LinkError, match="cannot read what it was sent"):
        link.run(pack(Opcode.SAFE))
    assert line.controller.commands == []


@pytest.mark.compiler
def test_the_pins_are_busy_when_the_line_is_the_bottleneck() -> None:
    config = ControllerConfig(tiles=30)
    controller = AnsweringController(config)
    controller.context = 0
    line = CompiledLine(config, FAST, controller)
    link = Link(line)
    rng = np.random.default_rng(0)
    beats = np.concatenate([sparse_writes(rng, 400, config) for _ in range(8)])
    cycles, to_board, to_host = line.cycles, line.to_board.bytes, line.to_host.bytes
    link.run(beats)
    seconds = (line.cycles - cycles) / FAST.clock_hz
    shares = [
        10 * count / FAST.baud / seconds for count in (line.to_board.bytes - to_board, line.to_host.bytes - to_host)
    ]
    print(f"to the board {shares[0]:.1%}, to the host {shares[1]:.1%} of the line")
    assert max(shares) >= 0.9


class FlippedBit:
    """Flips a bit of the next bytes, when it is due."""

    due = False

    def pass_on(self, data: bytes) -> bytes:
        if not (self.due and data):
            return data
        self.due = False
        return bytes([data[0] ^ 1, *data[1:]])


def test_a_session_in_amaranths_simulator() -> None:
    """The same source without a compiler in between, with a damaged frame each way."""
    damage = [FlippedBit(), FlippedBit()]
    line = GatewareLine(SMALL, BOARD, AnsweringController(SMALL, pace=5), *damage)
    link = Link(line, SMALL.hash)
    rng = np.random.default_rng(1)
    check(line, link, [any_beats(rng, 12, SMALL)])
    for way in damage:
        way.due = True
        check(line, link, [any_beats(rng, 4, SMALL)])
        assert not way.due
    assert link.statistics.resent or link.statistics.requests


def test_the_controller_behind_its_link() -> None:
    """The real controller: identity, a refused write, arming, and a new session that disarms."""
    config = ControllerConfig(tiles=2, rows=4, columns=4)
    line = PinLine(LinkedController(Controller(config), BOARD), BOARD)
    link = Link(line, config.hash)
    low, high = read_registers(link, 1, ["HASH_LOW", "HASH_HIGH"])
    assert low | high << 32 == config.hash
    arm = pack(Opcode.ARM, 1, mode=Mode.READ)
    found = unpack(link.run(np.concatenate([arm, pack(Opcode.READ, 1), pack(Opcode.WRITE, [0, 1])])))
    in_order = np.argsort(found["tile"], kind="stable")
    assert [Status(int(status)) for status in found["status"][in_order]] == [
        *(Status.DISARMED, Status.OK, Status.OK, Status.DISARMED),
    ]
    again = Link(line, config.hash)
    assert unpack(again.run(pack(Opcode.READ, 1)))["status"].tolist() == [Status.DISARMED.value]
    assert read_registers(again, 1, [ACTION_COUNTERS[Action.CONVERT_VERIFY]]) == [1]


class UnpackerBench(wiring.Component):
    """An unpacker with its ring."""

    def __init__(self, config: ControllerConfig, data: bytes, level_bits: int) -> None:
        self.depth = 1 << len(data).bit_length()
        self.ring = block_ram(shape=8, depth=self.depth, init=data)
        self.dut = Unpacker(widths_of(config, level_bits), self.depth)
        super().__init__({"o": Out(self.dut.o.signature), "end": In(range(self.depth)), "waiting": Out(1)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.ring, m.submodules.dut = self.ring, self.dut
        read = self.ring.read_port()
        connect(m, self.dut.o, flipped(self.o))
        m.d.comb += [read.addr.eq(self.dut.address), self.dut.stored.eq(read.data), self.dut.end.eq(self.end)]
        m.d.comb += self.waiting.eq(self.dut.waiting)
        return m


GEOMETRIES = [
    (MNIST, 4),
    (ControllerConfig(tiles=256, rows=1024, columns=1024, adc_bits=16, input_bits=8), 8),
    (ControllerConfig(tiles=3, rows=5, columns=2, adc_bits=3, input_bits=1), 1),
    (ControllerConfig(tiles=2, rows=100, columns=70, input_bits=8), 5),
]


@pytest.mark.parametrize(("config", "level_bits"), GEOMETRIES)
def test_unpacker(config: ControllerConfig, level_bits: int) -> None:
    rng = np.random.default_rng(2)
    beats = any_beats(rng, 120, config)
    data = command_codec.encode(beats, widths_of(config, level_bits))
    bench = UnpackerBench(config, data, level_bits)
    found: list[int] = []

    async def drive(ctx: Any) -> None:
        while len(found) < len(beats):
            # Bytes become valid in pieces, as frames come.
            if rng.random() < 0.05 or not ctx.get(bench.waiting):
                ctx.set(bench.end, min(len(data), ctx.get(bench.end) + int(rng.integers(20))))
            ready = rng.random() < 0.8
            ctx.set(bench.o.ready, ready)
            if ready and ctx.get(bench.o.valid):
                found.append(ctx.get(bench.o.payload.as_value()))
            await ctx.tick()
        await ctx.tick().repeat(5)
        assert ctx.get(bench.waiting)

    simulator = Simulator(bench)
    simulator.add_clock(1e-6)
    simulator.add_testbench(drive)
    simulator.run()
    assert found == beats.tolist()


@pytest.mark.parametrize(("config", "level_bits"), GEOMETRIES)
def test_packer(config: ControllerConfig, level_bits: int) -> None:
    widths = widths_of(config, level_bits)
    controller = AnsweringController(config, seed=8)
    rng = np.random.default_rng(4)
    for beat in any_beats(rng, 60, config).tolist():
        controller.take(beat)
    beats = controller.step()[:150]
    encoder = ResponseEncoder(widths)
    records = [encoder.encode(beat) for beat in beats]
    expected = [record >> place & 1 for record, size in records for place in range(size)]
    dut = Packer(widths)
    found: list[int] = []

    async def drive(ctx: Any) -> None:
        waiting = list(beats)
        while waiting:
            ctx.set(dut.i.valid, 1)
            ctx.set(dut.i.payload.as_value(), waiting[0])
            ready = rng.random() < 0.8
            ctx.set(dut.o.ready, ready)
            if ready:
                found.append(ctx.get(dut.o.payload))
            if ctx.get(dut.i.ready):
                waiting.pop(0)
            await ctx.tick()

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(drive)
    simulator.run()
    assert found == expected
