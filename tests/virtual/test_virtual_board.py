"""The compiled core with models on its pins, against the fast engine: the same responses and cells."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from virtual_samples import core, crossbar, products, reads, same_cells, writes

from twinbar.boards.known_boards import find
from twinbar.emulator.contract import beats
from twinbar.emulator.contract.program import Program
from twinbar.emulator.crossbar.configuration import with_parts
from twinbar.emulator.engines.program.fast_controller import FastController
from twinbar.emulator.virtual.compiled_board import CompiledBoard
from twinbar.host.board.emulated_board import emulated_core, emulated_run
from twinbar.host.experiment.resolved_crossbar import build_crossbar
from twinbar.host.transport.controller_state import read_counters
from twinbar.host.transport.link import Link
from twinbar.host.virtual.virtual_line import VirtualLine
from twinbar.hw.actions import Action
from twinbar.hw.errors import ConfigError
from twinbar.hw.link.front_end_number import EMULATED, front_end_number
from twinbar.hw.parts.ads8688 import ADS8688
from twinbar.hw.protocol.packing import pack, unpack
from twinbar.hw.protocol.vocabulary import Mode, Opcode, Record, Status
from twinbar.hw.timing import PHASES, Phase

pytestmark = pytest.mark.compiler

SERIAL, DIRECT = "icebreaker", "ice40-hx8k-b-evn"


def run_all(link: Link, controller: Any, programs: list[np.ndarray]) -> None:
    for commands in programs:
        expected = controller.run(Program(commands)).responses
        assert np.array_equal(link.run(commands), expected)


@pytest.mark.parametrize("words", [False, True], ids=["bits", "words"])
@pytest.mark.parametrize("name", [SERIAL, DIRECT])
def test_responses_and_cells_are_those_of_the_fast_engine(name: str, words: bool) -> None:
    config = core(name)
    array = crossbar(config)
    if config.parts is not None:
        array = with_parts(array, config.parts)
    board, fast = CompiledBoard(config, array, words=words), FastController(array, config.controller)
    rng = np.random.default_rng(4)
    link = Link(VirtualLine(board), config.controller.hash)
    offsets = pack(Opcode.CALIBRATE, 0, column=np.arange(8))
    pulses = pack(Opcode.PULSE, 0, row=np.arange(8), column=3, record=Record.SET.value, count=np.arange(1, 9))
    programs = [beats.configure(array, 1), offsets, writes(rng, 40), reads(rng, 20), products(rng, 4), pulses]
    run_all(link, fast, [*programs, writes(rng, 20), products(rng, 3)])
    same_cells(board, fast)
    assert board.cells()["pulses"].sum() > 50
    assert board.complaints() == (0, [])
    # Cycles in which nothing moves are not evaluated.
    assert board.evaluated_cycles < board.cycle


def test_bits_and_words_take_the_same_cycles() -> None:
    config = core()
    array = crossbar(config)
    counted = []
    for words in (False, True):
        link = Link(VirtualLine(CompiledBoard(config, array, words=words)))
        for commands in (beats.configure(array, 1), writes(np.random.default_rng(8), 30)):
            link.run(commands)
        cycles, actions = read_counters(link, 0)
        # Idle is what the line leaves.
        counted.append(({name: count for name, count in cycles.items() if name != "idle"}, actions))
    assert counted[0] == counted[1]
    assert counted[0][0]["convert"] > 1000


@pytest.mark.parametrize("words", [False, True], ids=["bits", "words"])
def test_serial_parts_take_the_cycles_that_the_fast_engine_accounts(words: bool) -> None:
    config = core(SERIAL)
    array = crossbar(config)
    board = CompiledBoard(config, array, words=words)
    assert config.parts is not None
    fast = FastController(with_parts(array, config.parts), config.controller)
    link = Link(VirtualLine(board), config.controller.hash)
    assert link.hello.front_end == front_end_number(config.parts)
    rng = np.random.default_rng(4)
    # The outputs have come to rest when the first command is there, early or late.
    rest = pack(Opcode.WAIT, 0, cycles=20_000)
    link.run(np.append(beats.configure(array, 1), rest))
    fast.run(Program(np.append(beats.configure(array, 1), rest)))
    for commands in (writes(rng, 40), reads(rng, 20), products(rng, 4), writes(rng, 30)):
        before, _ = read_counters(link, 0)
        expected = fast.run(Program(commands))
        assert np.array_equal(link.run(commands), expected.responses)
        after, _ = read_counters(link, 0)
        for name in _OF_THE_ARRAY:
            assert after[name] - before[name] == expected.phases[0][Phase[name.upper()]], name
    assert board.complaints() == (0, [])


@pytest.mark.slow
@pytest.mark.parametrize("words", [False, True], ids=["bits", "words"])
def test_an_adc_that_walks_over_its_inputs_draws_no_noise_for_results_that_nobody_takes(words: bool) -> None:
    """Its first frame converts the input that the conversion before has left chosen."""
    config = core(SERIAL)
    assert config.parts is not None
    parts = replace(config.parts, adc=ADS8688())
    config = replace(config, parts=parts, controller=replace(config.controller, adc_channels=4))
    array = with_parts(crossbar(config), parts)
    board, fast = CompiledBoard(config, crossbar(config), words=words), FastController(array, config.controller)
    link, rng = Link(VirtualLine(board), config.controller.hash), np.random.default_rng(6)
    odd = pack(Opcode.READ, 0, row=rng.integers(0, 8, 12), column=1 + 2 * rng.integers(0, 4, 12))
    averaged = beats.write_register(0, _address("SAMPLING"), 2 | 1 << 4)
    programs = [beats.configure(array, 1), pack(Opcode.CALIBRATE, 0, column=np.arange(8)), writes(rng, 20)]
    for _ in range(4):
        product = products(rng, 1)
        few = np.append(product[:-1], pack(Opcode.MULTIPLY, 0, column=4, outputs=rng.integers(1, 4)))
        programs += [odd[:3], product, odd[3:5], few, averaged, odd[5:], product]
    run_all(link, fast, programs)
    same_cells(board, fast)
    assert fast.cells()["conversions"].min() > 20
    assert board.complaints() == (0, [])


@pytest.mark.parametrize("words", [False, True], ids=["bits", "words"])
def test_a_board_that_emulates_its_array_is_the_fast_engine(words: bool) -> None:
    board = find("icebreaker")
    run = emulated_run(board, None, {"array.rows": 8, "array.columns": 8})
    config, array = emulated_core(board, run), build_crossbar(run)
    fast = FastController(array, config.controller)
    link = Link(VirtualLine(CompiledBoard(config, words=words)), config.controller.hash)
    assert link.hello.front_end == EMULATED
    rng = np.random.default_rng(9)
    every = pack(Opcode.READ, 0, row=np.repeat(np.arange(8), 8), column=np.tile(np.arange(8), 8))
    phases, actions = np.zeros(len(PHASES), np.int64), np.zeros(len(Action), np.int64)
    for commands in (beats.configure(array, 1), writes(rng, 40), products(rng, 4), every):
        expected = fast.run(Program(commands))
        assert np.array_equal(link.run(commands), expected.responses)
        phases, actions = phases + expected.phases[0], actions + expected.actions[0]
    cycles, counted = read_counters(link, 0)
    # The line lets a tile wait, and counters are read by commands.
    assert {name: cycles[name] for name in _OF_THE_ARRAY} == {
        name: phases[Phase[name.upper()]] for name in _OF_THE_ARRAY
    }
    for action in (
        Action.PULSE_SET,
        Action.PULSE_RESET,
        Action.CONVERT_VERIFY,
        Action.CONVERT_FORWARD,
        Action.WRITE_OK,
    ):
        assert counted[action] == actions[action] > 0


_OF_THE_ARRAY = ("select", "settle", "convert", "pulse", "recover")


def test_a_gate_that_opens_too_early_is_complained_of() -> None:
    config = core()
    array = crossbar(config, settle_drive=20)
    board = CompiledBoard(config, array)
    link = Link(VirtualLine(board))
    link.run(beats.configure(array, 1))
    link.run(pack(Opcode.PULSE, 0, row=1, column=2, record=Record.SET.value, count=1))
    count, (first, *_) = board.complaints()
    assert count >= 1
    assert str(first).endswith("the write gate opened while an output of a DAC was still on its way to its code")
    assert first.where == "tile 0, array"


def test_a_conversion_that_begins_too_early_is_complained_of() -> None:
    config = core()
    array = crossbar(config, settle_drive=20)
    board = CompiledBoard(config, array)
    link = Link(VirtualLine(board))
    link.run(beats.configure(array, 1))
    # Cells are read right after pulses, whose outputs take longer.
    link.run(writes(np.random.default_rng(1), 4))
    sentences = {complaint.sentence for complaint in board.complaints()[1]}
    assert "a conversion began while an output of a DAC was still on its way to its code" in sentences


def _address(name: str) -> int:
    from twinbar.hw.protocol.registers import BY_NAME

    return BY_NAME[name].address


def test_the_stop_pin_halts_and_a_watchdog_counts_the_time_at_rest() -> None:
    config = core()
    array = crossbar(config)
    board = CompiledBoard(config, array)
    link = Link(VirtualLine(board))
    set_up = [pack(Opcode.DISARM, 0), beats.write_register(0, _address("WATCHDOG"), 1_000_000)]
    arming = np.concatenate([beats.configure(array, 1), *set_up, pack(Opcode.ARM, 0, mode=Mode.READ)])
    assert not unpack(link.run(arming))["status"].any()
    board.run(3_000_000)
    answers = unpack(link.run(pack(Opcode.READ, 0)))
    assert (answers["status"].tolist(), answers["watchdog"].tolist()) == ([Status.FAULTED.value], [1])
    board.stop(True)
    board.run(10)
    assert unpack(link.run(pack(Opcode.READ, 0)))["stop"].tolist() == [1]


def test_an_array_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ConfigError, match="the crossbar has rows = 8 and its controller 16; make them equal"):
        CompiledBoard(_larger(), crossbar(core()))


def _larger() -> Any:
    from dataclasses import replace

    small = core()
    return replace(small, controller=replace(small.controller, rows=16))
