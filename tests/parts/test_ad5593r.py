"""AD5593R: its words, and the part at an I2C bus that keeps its limits, and at one that does not."""

from dataclasses import replace
from typing import Any

import pytest
from amaranth.hdl import ResetInserter, Signal
from amaranth.sim import Simulator
from assemblies import ASSEMBLIES
from front_end_bench import FrontEndBench

from twinbar.hw.errors import ConfigError
from twinbar.hw.gateware.front_end.i2c_transceiver import I2cTransceiver
from twinbar.hw.gateware.front_end.serial_front_end import SerialFrontEnd
from twinbar.hw.gateware.front_end.spi_transceiver import MAX_BITS
from twinbar.hw.parts.ad5593r import AD5593R
from twinbar.hw.parts.ad7476a import AD7476A
from twinbar.hw.parts.assembly import DacOutput, DrivenLine, DrivePath, SerialParts
from twinbar.hw.parts.front_end_clock import FrontEndRegisters
from twinbar.hw.parts.hc595 import HC595_4V5
from twinbar.hw.parts.i2c import I2cBus, I2cCycles, i2c_cycles
from twinbar.hw.protocol.vocabulary import Record

PART = AD5593R()
LINES = (DrivenLine.BIT_LINE, DrivenLine.SOURCE_LINE, DrivenLine.WORD_LINE)
CLOCKS_HZ = (1e6, 4e6, 12e6, 50e6)
ALIGN = MAX_BITS - PART.word_bits


def test_known_words() -> None:
    # The sheet's pointer 0001 and the pin's number, then 12 bits of data; registers by their numbers.
    assert PART.write_and_update(2, 0xABC) == 0x120ABC
    assert PART.start_up() == (0x0B0000, 0x030000, 0x070000, 0x0500FF)
    assert AD5593R(internal_reference=True).start_up()[0] == 0x0B0200


@pytest.mark.parametrize(("channel", "code"), [(8, 0), (-1, 0), (0, 4096), (0, -1)])
def test_what_the_part_does_not_have_is_refused(channel: int, code: int) -> None:
    with pytest.raises(ConfigError, match="AD5593R has no"):
        PART.write_and_update(channel, code)


class Sent:
    """What came of words that a transceiver has sent."""

    def __init__(self, cycles: I2cCycles, words: list[tuple[int, int]], clock_hz: float, absent: int = -1) -> None:
        self.devices = [PART.device() for _ in PART.timing.addresses]
        there = {
            address: device
            for number, (address, device) in enumerate(zip(PART.timing.addresses, self.devices, strict=True))
            if number != absent
        }
        self.bus = I2cBus(PART.timing, there)
        self.accepted: list[int] = []
        self.unanswered = 0
        dut = I2cTransceiver(cycles, PART.word_bits)

        async def bench(ctx: Any) -> None:
            waiting = list(words)
            end = cycles.clear + (len(words) + 1) * cycles.frame(PART.word_bits) + 10
            for cycle in range(end):
                ctx.set(dut.words.valid, bool(waiting))
                if waiting:
                    chip, word = waiting[0]
                    ctx.set(dut.words.payload.bits, word << ALIGN)
                    ctx.set(dut.words.payload.chip, chip)
                    if ctx.get(dut.words.ready):
                        self.accepted.append(cycle)
                        waiting.pop(0)
                level = self.bus.drive(cycle * 1e9 / clock_hz, ctx.get(dut.pins.clock), ctx.get(dut.pins.data))
                ctx.set(dut.pins.inputs, level)
                await ctx.tick()
            self.unanswered = ctx.get(dut.unanswered)

        simulator = Simulator(dut)
        simulator.add_clock(1 / clock_hz)
        simulator.add_testbench(bench)
        simulator.run()


@pytest.mark.parametrize("clock_hz", CLOCKS_HZ)
def test_words_arrive_and_every_limit_is_kept(clock_hz: float) -> None:
    """Two parts on the bus; a frame takes the cycles that it is counted with."""
    cycles = i2c_cycles(PART.timing, clock_hz, PART.word_bits)
    words = [(0, word) for word in PART.start_up()]
    words += [
        (1, PART.write_and_update(7, 0xFFF)),
        (0, PART.write_and_update(0, 0x801)),
        (1, PART.write_and_update(2, 5)),
    ]
    sent = Sent(cycles, words, clock_hz)
    assert sent.bus.violations == []
    assert [device.violations for device in sent.devices] == [[], []]
    assert sent.devices[0].writes == [(0, 0x801)]
    assert sent.devices[1].writes == [(7, 0xFFF), (2, 5)]
    assert sent.unanswered == 0
    frame = cycles.frame(PART.word_bits)
    assert sent.accepted == [cycles.clear + n * frame for n in range(len(words))]


def test_a_frame_by_hand() -> None:
    """At 4 MHz, in cycles of 250 ns."""
    cycles = i2c_cycles(PART.timing, 4e6, PART.word_bits)
    # High: 600 and 300 ns to rise are 4 cycles; low: the 10 cycles of 2.5 us less these; START 600 ns, 3 cycles; STOP
    # 600 and 300 ns, 4; free: 1300 and 300 ns, 7.
    assert (cycles.low, cycles.peak, cycles.setup, cycles.stop, cycles.high) == (6, 4, 3, 4, 7)
    # START, 36 bits, a low clock, STOP, and the free bus.
    assert cycles.frame(24) == 3 + 36 * 10 + 6 + 4 + 7
    # After a reset, two times a low clock, STOP and the free bus.
    assert cycles.clear == 2 * (6 + 4 + 7) - 1


class CutFrames:
    """What a part makes of a word whose frame a reset has cut off, and of the word that is sent after the reset."""

    def __init__(self, clock_hz: float, word: int, then: int) -> None:
        self.cycles = cycles = i2c_cycles(PART.timing, clock_hz, PART.word_bits)
        self.writes: list[list[tuple[int, int]]] = []
        self.holds = 0
        """Resets in which the part held the data line low."""
        cut, dut = Signal(), I2cTransceiver(cycles, PART.word_bits)

        async def bench(ctx: Any) -> None:
            for after in range(1, cycles.frame(PART.word_bits)):
                device, words = PART.device(), [word, then]
                bus, line, accepted = I2cBus(PART.timing, {PART.timing.addresses[0]: device}), 1, 0
                last = cycles.clear + after
                for cycle in range(last + 1 + cycles.clear + cycles.frame(PART.word_bits) + 2):
                    ctx.set(cut, cycle == last)
                    ctx.set(dut.words.valid, accepted < len(words))
                    if accepted < len(words):
                        ctx.set(dut.words.payload.bits, words[accepted] << ALIGN)
                        accepted += ctx.get(dut.words.ready) and cycle != last
                    line = bus.drive(cycle * 1e9 / clock_hz, ctx.get(dut.pins.clock), ctx.get(dut.pins.data))
                    ctx.set(dut.pins.inputs, line)
                    self.holds += cycle == last + 1 and not line
                    await ctx.tick()
                self.writes.append(device.writes)
                assert not ctx.get(dut.unanswered)
                ctx.set(cut, 1)
                await ctx.tick()

        simulator = Simulator(ResetInserter(cut)(dut))
        simulator.add_clock(1 / clock_hz)
        simulator.add_testbench(bench)
        simulator.run()


def test_a_frame_that_a_reset_cuts_off_does_not_harm_the_next_one() -> None:
    """In any cycle, those included in which the part acknowledges, and holds the data line over the reset."""
    found = CutFrames(1e6, PART.write_and_update(1, 0xABC), PART.write_and_update(2, 0x123))
    assert found.holds >= 3 * found.cycles.low
    assert all(writes[-1] == (2, 0x123) for writes in found.writes)
    assert {tuple(writes[:-1]) for writes in found.writes} == {(), ((1, 0xABC),)}


def test_a_part_that_is_not_there_is_noticed() -> None:
    cycles = i2c_cycles(PART.timing, 4e6, PART.word_bits)
    word = PART.write_and_update(0, 9)
    assert Sent(cycles, [(0, word)], 4e6, absent=1).unanswered == 0
    sent = Sent(cycles, [(1, word), (0, word)], 4e6, absent=1)
    assert sent.unanswered == 1
    # The others are written all the same.
    assert sent.devices[0].writes == [(0, 9)]
    assert sent.devices[1].writes == []


@pytest.mark.parametrize(
    ("field", "limit"),
    [
        ("low", "low_ns"),
        ("peak", "high_ns"),
        ("setup", "select_setup_ns"),
        ("stop", "select_hold_ns"),
        ("high", "select_high_ns"),
        ("change", "data_hold_ns"),
    ],
)
def test_a_limit_that_is_broken_is_noticed(field: str, limit: str) -> None:
    """Of a bus at 20 MHz, one time is as short as can be; a data line that changes too late is the setup time's."""
    cycles = i2c_cycles(PART.timing, 20e6, PART.word_bits)
    short = {"low": cycles.change + 1, "peak": 3}.get(field, 1)
    word = PART.write_and_update(0, 1)
    sent = Sent(replace(cycles, **{field: short}), [(0, word)] * 2, 20e6)
    assert limit in {violation.limit for violation in sent.bus.violations}
    late = Sent(replace(cycles, change=cycles.low - 1), [(0, word)], 20e6)
    assert {violation.limit for violation in late.bus.violations} == {"data_setup_ns"}


def test_a_part_that_does_not_answer_is_a_fault_until_the_reset() -> None:
    """Nothing pulls the data line low: the start-up is not acknowledged, and the tile hears of it."""
    config, parts = ASSEMBLIES["two wires"]
    dut, seen = SerialFrontEnd(config, parts), []

    async def bench(ctx: Any) -> None:
        for answered in (0, 1):
            ctx.set(dut.pins.dac.inputs, 1 - answered)
            for _ in range(3 * parts.dac_cycles.frame(PART.word_bits)):
                await ctx.tick()
            seen.append(ctx.get(dut.tile.fault))

    simulator = Simulator(dut)
    simulator.add_clock(1 / parts.clock_hz)
    simulator.add_testbench(bench)
    simulator.run()
    # An answer that comes later does not tell what the part has missed.
    assert seen == [1, 1]


def test_outputs_of_reads_begin_at_their_code_of_rest() -> None:
    """Two outputs with the codes of one line, from 2048 upwards, and no further than the part goes."""
    config, parts = ASSEMBLIES["two wires"]
    reads = frozenset({DrivePath.READ, DrivePath.MULTIPLY})
    rows = tuple(DacOutput(DrivenLine.BIT_LINE, reads, channel, 1, rest=2048) for channel in (2, 5))
    raised = replace(parts, outputs=(*parts.outputs[:2], *rows))
    bench = FrontEndBench(config, raised, FrontEndRegisters(2, 3, 3, 4))
    found = []

    async def script(bench: FrontEndBench) -> None:
        for code in (0, 137, 3000):
            await bench.update(Record.READ, (code, 0, 0))
            await bench.tick(13 * raised.dac_cycles.frame(PART.word_bits))
            found.append([bench.at_pins.output(place) for place in range(4)])

    bench.run(script)
    assert found == [[0, 0, 2048, 2048], [0, 0, 2185, 2185], [0, 0, 4095, 4095]]
    with pytest.raises(ConfigError, match="drives pulses and rests at code 1; only outputs of reads"):
        replace(parts, outputs=(replace(parts.outputs[0], rest=1), *parts.outputs[1:]))
    with pytest.raises(ConfigError, match="AD5593R has no code 4096"):
        replace(raised, outputs=(*parts.outputs[:2], replace(rows[0], rest=4096)))


def test_more_parts_than_addresses_are_refused() -> None:
    outputs = tuple(DacOutput(line, frozenset({DrivePath.WRITE}), 0, chip) for chip, line in enumerate(LINES))
    with pytest.raises(ConfigError, match="there are 3 AD5593R on one bus, which tells 2 apart by their addresses"):
        SerialParts(clock_hz=4e6, dac=PART, outputs=outputs, adc=AD7476A(), switch=HC595_4V5)
