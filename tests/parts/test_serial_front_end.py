"""The serial front end: what its requests do at the parts, and the cycles that they take.

Cycles are counted by hand from ``docs/parts.md``. At 50 MHz a cycle is 20 ns, and the parts of `PMOD` take:

* 74HC595 at 4.5 V: 63 ns a bit, that is 4 cycles; 22 ns (2 cycles) of chip select high; 22 ns of hold, one cycle more
  than the half bit before it; one cycle of setup. The 10 rows have two parts (16 bits), 1 + 64 + 1 + 2 = 68 cycles; the
  12 columns, 12 places of pairs and the reference have four (32 bits), 1 + 128 + 1 + 2 = 132 cycles.
* AD5628: 2 cycles for each of 32 bits, one of setup and one of chip select high: 66 cycles a word.
* AD7476A: 50 ns a bit, that is 4 cycles (of an even period), 16 bits; 1 of setup, 1 of hold, and 7 (125 ns) of chip
  select high: 73 cycles a frame.

The registers are SELECT 3, SETTLE_READ 5, SETTLE_MULTIPLY 7, SETTLE_DRIVE 11.
"""

from dataclasses import replace

import pytest
from assemblies import DURATIONS, PMOD, PMOD_CONFIG, WIDE
from front_end_bench import FrontEndBench

from twinbar.hw.errors import ConfigError
from twinbar.hw.parts.assembly import DacOutput, DrivenLine, DrivePath
from twinbar.hw.protocol.vocabulary import Record, Request, Selection

START_UP = 50 + 8 * 66 + 11 + 200
"""Cycles in which a front end has come to rest: power-up (1 us), the words of all outputs, settling, and some more."""


def run(script, config=PMOD_CONFIG, parts=PMOD):
    bench = FrontEndBench(config, parts, DURATIONS)
    bench.run(script)
    return bench


async def duration(bench: FrontEndBench, request: Request, **choices) -> int:
    start = bench.cycle
    done = await bench.request(request, **choices)
    assert done is not None
    return done - start + 1


def test_parts_are_started_and_made_safe() -> None:
    async def script(bench: FrontEndBench) -> None:
        await bench.tick(START_UP)

    bench = run(script)
    assert bench.at_pins.dacs[0].reference_on
    assert [bench.at_pins.output(place) for place in range(7)] == [1, 0, 2, 0, 1, 2, 2]
    assert bench.at_pins.adcs[0].conversions == [0]
    assert bench.at_pins.rows.closed == bench.at_pins.columns.closed == []


def test_a_cell_is_connected_and_opened_again() -> None:
    async def script(bench: FrontEndBench) -> None:
        await bench.tick(START_UP)
        bench.point(Selection.CELL, 9, 5)
        assert await duration(bench, Request.SELECT) == 2 + 1 + 68 + 132 + 3
        assert (bench.at_pins.rows.closed, bench.at_pins.columns.closed) == ([9], [5])
        await bench.tick(5)
        assert bench.at_pins.rows.closed == [9]
        bench.point(Selection.NONE)
        await bench.tick(2)
        assert bench.at_pins.rows.closed == bench.at_pins.columns.closed == []

    run(script)


def test_switches_are_open_while_others_are_loaded() -> None:
    async def script(bench: FrontEndBench) -> None:
        await bench.tick(START_UP)
        bench.point(Selection.CELL, 1, 1)
        await bench.request(Request.SELECT)
        bench.point(Selection.CELL, 2, 3)
        start = bench.cycle
        seen = []
        bench.ctx.set(bench.dut.tile.request, Request.SELECT)
        while not bench.ctx.get(bench.dut.tile.done):
            await bench.tick()
            seen.append((tuple(bench.at_pins.rows.closed), tuple(bench.at_pins.columns.closed)))
        assert bench.cycle - start > 50
        assert set(seen) <= {((1,), (1,)), ((), ()), ((2,), (3,))}
        assert seen.index(((), ())) <= 1

    run(script)


def test_rows_of_a_bit_plane_are_connected() -> None:
    inputs = [3, 0, 5, 15, 8, 2, 1, 4, 12, 7]

    async def script(bench: FrontEndBench) -> None:
        await bench.tick(START_UP)
        await bench.load(0, 0xFFFFFFFF)
        for word in range(2):
            bits = sum(value << 4 * place for place, value in enumerate(inputs[8 * word : 8 * word + 8]))
            await bench.load(word, bits, clear=word == 0)
        for plane in range(4):
            bench.point(Selection.PLANE, column=4, channels=0b11, plane=plane)
            await bench.request(Request.SELECT)
            assert bench.at_pins.rows.closed == [row for row, value in enumerate(inputs) if value >> plane & 1]
            assert bench.at_pins.columns.closed == [4, 5]
        # A vector that clears all words and writes one leaves nothing of the one before.
        await bench.load(1, 0x11, clear=True)
        bench.point(Selection.PLANE, column=4, channels=0b01, plane=0)
        await bench.request(Request.SELECT)
        assert (bench.at_pins.rows.closed, bench.at_pins.columns.closed) == ([8, 9], [4])

    run(script)


@pytest.mark.parametrize("input_bits", [1, 2, 8])
def test_rows_of_words_of_every_width(input_bits: int) -> None:
    config = replace(PMOD_CONFIG, input_bits=input_bits, rows=19)
    inputs = [(5 * row + 3) % (1 << input_bits) for row in range(19)]

    async def script(bench: FrontEndBench) -> None:
        await bench.tick(START_UP)
        for word in range(config.words):
            here = inputs[word * config.rows_per_word : (word + 1) * config.rows_per_word]
            await bench.load(word, sum(value << config.field_bits * place for place, value in enumerate(here)))
        for plane in {0, input_bits - 1}:
            bench.point(Selection.PLANE, plane=plane, channels=3)
            await bench.request(Request.SELECT)
            assert bench.at_pins.rows.closed == [row for row, value in enumerate(inputs) if value >> plane & 1]
        bench.point(Selection.CELL, row=18, column=11)
        await bench.request(Request.SELECT)
        assert (bench.at_pins.rows.closed, bench.at_pins.columns.closed) == ([18], [11])

    run(script, config)


def test_pairs_and_the_reference_have_switches_of_their_own() -> None:
    async def script(bench: FrontEndBench) -> None:
        await bench.tick(START_UP)
        bench.ctx.set(bench.dut.tile.subtract, 1)
        bench.point(Selection.COLUMN, column=4, channels=0b11)
        await bench.request(Request.SELECT)
        matrix = bench.at_pins.matrix
        assert bench.at_pins.rows.closed == []
        assert set(bench.at_pins.columns.closed) == matrix.closed_columns(4, 2, 3, subtract=True) == {20, 21}
        bench.ctx.set(bench.dut.tile.subtract, 0)
        bench.point(Selection.REFERENCE, column=3)
        await bench.request(Request.SELECT)
        assert bench.at_pins.rows.closed == []
        assert set(bench.at_pins.columns.closed) == matrix.closed_columns(3, 2, 2, reference=True) == {3, 24}

    run(script)


def test_only_codes_that_change_are_written() -> None:
    steps = [
        ((9, 0, 2), 0, 1, 3 + 66 + 11),
        ((10, 4, 3), 200, 4, 3 + 4 * 66 + 11),
        ((10, 4, 3), 200, 0, 3),
        ((10, 4, 30), 255, 2, 3 + 2 * 66 + 11),
    ]

    async def script(bench: FrontEndBench) -> None:
        await bench.tick(START_UP)
        for codes, limit, words, cycles in steps:
            before = len(bench.at_pins.dacs[0].writes)
            taken = await duration(bench, Request.DRIVE, update_in_second=(Record.SET, codes, limit))
            assert taken == cycles
            assert len(bench.at_pins.dacs[0].writes) - before == words
            assert [bench.at_pins.output(place) for place in range(4)] == [
                *codes,
                PMOD.dac_code(DrivenLine.LIMIT, limit, 12),
            ]
            assert bench.cycle * bench.at_pins.period_ns - max(bench.at_pins.dacs[0].changed_ns) >= 11 * 20

    run(script)


def test_read_paths_share_an_output() -> None:
    async def script(bench: FrontEndBench) -> None:
        await bench.tick(START_UP)
        await bench.update(Record.READ, (100, 0, 50))
        await bench.update(Record.MULTIPLY, (300, 0, 70))
        await bench.tick(START_UP)
        shared = [bench.at_pins.output(place) for place in (4, 5, 6)]
        assert shared == [300, 50, 70]
        for request, cycles, bit_line in (
            (Request.CONNECT_READ, 1 + 66 + 11 + 5, 100),
            (Request.CONNECT_READ, 1 + 5, 100),
            (Request.CONNECT_MULTIPLY, 1 + 66 + 11 + 7, 300),
            (Request.CONNECT_MULTIPLY, 1 + 7, 300),
        ):
            assert await duration(bench, request) == cycles
            assert [bench.at_pins.output(place) for place in (4, 5, 6)] == [bit_line, 50, 70]
        assert [bench.at_pins.output(place) for place in range(4)] == [1, 0, 2, 0]

    run(script)


def test_conversions_of_all_channels_at_once() -> None:
    async def script(bench: FrontEndBench) -> None:
        await bench.tick(START_UP)
        bench.point(Selection.PLANE, column=2, channels=3)
        await bench.request(Request.SELECT)
        await bench.request(Request.CONNECT_MULTIPLY)
        bench.at_pins.levels = [4095, 0x123]
        assert await duration(bench, Request.CONVERT) == 73 + 1
        assert [bench.code(0), bench.code(1)] == [1023, 0x123 >> 2]
        # The next group of columns is connected first, then the one after is there already.
        bench.point(Selection.PLANE, column=6, channels=3)
        bench.at_pins.levels = [0, 2048]
        assert await duration(bench, Request.CONVERT) == (2 + 132 + 3) + 73 + 1
        assert bench.at_pins.columns.closed == [6, 7]
        assert await duration(bench, Request.CONVERT) == 73 + 1
        assert [bench.code(0), bench.code(1)] == [0, 512]

    run(script)


def test_what_the_parts_cannot_connect_is_a_fault() -> None:
    plain = replace(PMOD, pairs=False, reference=False)

    async def script(bench: FrontEndBench) -> None:
        await bench.tick(START_UP)
        for selection, subtract in ((Selection.CODES, 0), (Selection.REFERENCE, 0), (Selection.PLANE, 1)):
            bench.ctx.set(bench.dut.tile.subtract, subtract)
            bench.point(selection, channels=1)
            assert await bench.request(Request.SELECT, until=bench.cycle + 300) is None
            assert bench.ctx.get(bench.dut.tile.fault)
            assert bench.at_pins.rows.closed == bench.at_pins.columns.closed == []
            await bench.tick()
            assert not bench.ctx.get(bench.dut.tile.fault)

    run(script, parts=plain)


def test_faults_of_the_board_reach_the_tile() -> None:
    async def script(bench: FrontEndBench) -> None:
        for pin in ("fault", "compliance"):
            bench.ctx.set(getattr(bench.dut.pins, pin), 1)
            assert bench.ctx.get(getattr(bench.dut.tile, pin))

    run(script)


def test_mistakes_in_an_assembly_are_explained() -> None:
    write = DacOutput(DrivenLine.BIT_LINE, frozenset({DrivePath.WRITE}), 0)
    for outputs, reason in (
        ((write, write), "each used once"),
        ((write, replace(write, channel=1)), "driven by two outputs"),
        ((replace(write, channel=8),), "AD5628 has no output 8"),
        ((replace(write, drives=frozenset({DrivePath.WRITE, DrivePath.READ})),), "needs an output of its own"),
        ((replace(write, drives=frozenset()),), "drives nothing"),
        ((DacOutput(DrivenLine.LIMIT, frozenset({DrivePath.READ}), 0),), "belongs to the write drive"),
    ):
        with pytest.raises(ConfigError, match=reason):
            replace(PMOD, outputs=outputs)


def test_a_tile_that_its_parts_cannot_serve_is_refused() -> None:
    with pytest.raises(ConfigError, match="AD5628 resolves 10"):
        replace(PMOD, dac=replace(PMOD.dac, bits=10)).check(channels=2, dac_bits=12)
    with pytest.raises(ConfigError, match="ADS8688 has 8 inputs"):
        WIDE.check(channels=16, dac_bits=12)
    WIDE.check(channels=8, dac_bits=12)
