"""OpenMENA's wiring: DACs on I2C, an output of reads for each row, and four columns at a time before one ADC."""

import numpy as np
import pytest
from virtual_samples import crossbar, products, reads, same_cells, writes

from twinbar.boards.core_of_board import core_of
from twinbar.boards.known_boards import find
from twinbar.boards.wiring import find_wiring
from twinbar.emulator.contract import beats
from twinbar.emulator.contract.program import Program
from twinbar.emulator.crossbar.configuration import with_parts
from twinbar.emulator.engines.program.fast_controller import FastController
from twinbar.emulator.virtual.compiled_board import CompiledBoard
from twinbar.host.board.board_crossbar import settling_times, use_of
from twinbar.host.cells.chip import Chip
from twinbar.host.transport.controller_state import read_counters
from twinbar.host.transport.link import Link
from twinbar.host.virtual.virtual_line import VirtualLine
from twinbar.hw.parts.assembly import DrivePath
from twinbar.hw.parts.i2c import I2cTiming
from twinbar.hw.protocol.packing import pack
from twinbar.hw.protocol.vocabulary import Opcode
from twinbar.hw.timing import Phase

CLOCK_HZ = 12e6
BOARD = find("ice40-hx8k-b-evn")


def test_it_is_what_the_shield_has() -> None:
    """Eight outputs of one AD5593R at 0x11, one a row, around a virtual ground of 0.75 V (of 1.5 V)."""
    parts = find_wiring("openmena").serial_parts(CLOCK_HZ)
    assert parts is not None
    assert isinstance(parts.dac.timing, I2cTiming)
    rows = [output for output in parts.outputs if DrivePath.READ in output.drives]
    assert [(parts.dac.timing.addresses[each.chip], each.channel) for each in rows] == [(0x11, n) for n in range(8)]
    assert {each.rest / 4096 * 1.5 for each in rows} == {0.75}
    # The firmware waits for 5 ms, and the ADC's filter takes 0.1 ms.
    assert settling_times(parts, 8, 4)["timing.settle_read"] == 5100 * 12


@pytest.mark.compiler
@pytest.mark.parametrize("words", [False, True], ids=["bits", "words"])
def test_responses_cells_and_cycles_are_those_of_the_fast_engine(words: bool) -> None:
    config = core_of(BOARD, find_wiring("openmena"))
    assert config.parts is not None
    array = crossbar(config)
    board = CompiledBoard(config, array, words=words)
    fast = FastController(with_parts(array, config.parts), config.controller)
    link, rng = Link(VirtualLine(board), config.controller.hash), np.random.default_rng(4)
    rest = pack(Opcode.WAIT, 0, cycles=40_000)
    for commands in (np.append(beats.configure(array, 1), rest), pack(Opcode.CALIBRATE, 0, column=np.arange(8))):
        assert np.array_equal(link.run(commands), fast.run(Program(commands)).responses)
    for commands in (writes(rng, 20), reads(rng, 10), products(rng, 3), writes(rng, 10)):
        before, _ = read_counters(link, 0)
        expected = fast.run(Program(commands))
        assert np.array_equal(link.run(commands), expected.responses)
        after, _ = read_counters(link, 0)
        for name in ("select", "settle", "convert", "pulse"):
            assert after[name] - before[name] == expected.phases[0][Phase[name.upper()]], name
    same_cells(board, fast)
    assert board.cells()["pulses"].sum() > 50
    assert board.complaints() == (0, [])


def test_reads_are_calibrated_and_levels_written_through_it() -> None:
    parts = find_wiring("openmena").serial_parts(CLOCK_HZ)
    assert parts is not None
    keys = {"array.front_end": "openmena", "timing.clock_hz": CLOCK_HZ, "array.adc_gain_error": 0.05}
    keys |= {"array.adc_channels": 4, **use_of(parts), **settling_times(parts, 8, 4)}
    chip = Chip("chip", 8, 8, seed=3, settings=keys)
    level = np.arange(64).reshape(8, 8) % 12
    assert chip.write_levels(level).ok.all()
    places = tuple(each.ravel() for each in np.indices((8, 8)))
    known = chip.conductance()[0][places]
    chip.calibrate()
    found = chip.calibrate_reads(known, *places)
    assert len(found.channels) == 4
    read = np.mean([chip.read_conductance(*places) for _ in range(16)], axis=0)
    assert abs(np.median(read / known - 1)) < 0.02
