"""A controller on a board against the engine `fast`: responses, cells, counts, and cycles but for the waiting."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from twinbar.emulator.contract import beats
from twinbar.emulator.contract.program import Pin, PinPulse, Program, ProgramResult
from twinbar.emulator.crossbar.cell_energy import CellEnergy
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.engines.program.fast_controller import FastController
from twinbar.host.board import software_board
from twinbar.host.board.board_controller import BoardController
from twinbar.host.board.software_board import SoftwareBoard, SoftwareLine
from twinbar.host.transport.link import Link
from twinbar.hw.errors import ConfigError
from twinbar.hw.link.link_config import LinkConfig
from twinbar.hw.protocol.packing import pack
from twinbar.hw.protocol.vocabulary import Opcode, Record
from twinbar.hw.timing import Phase

LINK = LinkConfig(clock_hz=100_000_000, baud=2_000_000)
WORK = [phase for phase in Phase if phase not in (Phase.IDLE, Phase.STALL)]


def pair(
    config: CrossbarConfig, tiles: int, check: bool = True
) -> tuple[BoardController, FastController, SoftwareBoard]:
    parameters = config.geometry.controller(tiles)
    board = SoftwareBoard(config, parameters, LINK)
    controller = BoardController(config, parameters, link=Link(SoftwareLine(board)), check=check)
    return controller, FastController(config, parameters), board


def any_program(rng: np.random.Generator, config: CrossbarConfig, tiles: int) -> Program:
    """Operations of every kind, refused ones included."""
    geometry = config.geometry
    row, column = rng.integers(geometry.rows, size=12), rng.integers(geometry.columns, size=12)
    parts = [
        pack(Opcode.WRITE, rng.integers(tiles, size=12), row=row, column=column, level=rng.integers(5, size=12)),
        pack(Opcode.READ, rng.integers(tiles, size=4), row=row[:4], column=column[:4]),
        pack(Opcode.PULSE, rng.integers(tiles), row=row[4], column=column[4], count=3, record=Record.SET),
        pack(Opcode.LOAD, rng.integers(tiles), word=0, clear=1, bits=rng.integers(1 << 32)),
        pack(Opcode.MULTIPLY, rng.integers(tiles), outputs=geometry.columns // 2, subtract=1, codes=1, skip=1),
        pack(Opcode.WAIT, rng.integers(tiles), cycles=40),
        pack(Opcode.WRITE, tiles, row=0, column=0),
        pack(Opcode.READ, 0, row=geometry.rows, column=0),
    ]
    order = rng.permutation(len(parts))
    return Program(np.concatenate([np.atleast_1d(parts[place]) for place in order]))


@pytest.mark.parametrize("tiles", [1, 3])
def test_programs_do_on_a_board_what_they_do_on_the_fast_engine(make_crossbar: Any, tiles: int) -> None:
    config = make_crossbar(levels=5)
    mine, fast, board = pair(config, tiles)
    rng = np.random.default_rng(tiles)
    programs = [Program(beats.configure(config, tiles)), *(any_program(rng, config, tiles) for _ in range(6))]
    for program in programs:
        found, expected = mine.run(program), fast.run(program)
        assert found.responses.tolist() == expected.responses.tolist()
        assert found.phases[:, WORK].tolist() == expected.phases[:, WORK].tolist()
        assert found.actions.tolist() == expected.actions.tolist()
        assert found.energy.tolist() == expected.energy.tolist()
        assert found.extremes.tolist() == expected.extremes.tolist()
        assert (found.phases.sum(axis=1) == found.cycles).all()
        assert len(found.response_cycles) == len(found.responses)
    assert mine.differing == 0
    for name, value in fast.cells().items():
        assert mine.cells()[name].tolist() == value.tolist()
        assert board.controller.cells()[name].tolist() == value.tolist()
    assert fast.cells()["pulses"].any()
    assert expected.energy.shape == (tiles, len(CellEnergy))


def test_a_board_may_have_more_tiles_than_are_needed(make_crossbar: Any) -> None:
    config = make_crossbar(levels=5)
    board = SoftwareBoard(config, config.geometry.controller(3), LINK)
    controller = BoardController(config, config.geometry.controller(1), link=Link(SoftwareLine(board)), check=True)
    fast = FastController(config, config.geometry.controller(1))
    reads = Program(pack(Opcode.READ, 0, row=np.arange(4), column=1))
    for program in (Program(beats.configure(config, 1)), reads):
        found, expected = controller.run(program), fast.run(program)
        assert found.responses.tolist() == expected.responses.tolist()
        assert found.phases[:, WORK].tolist() == expected.phases[:, WORK].tolist()
    assert controller.cells()["g"].shape[0] == 1


class NearlyFull(FastController):
    """A controller of which every counter that is read is ``missing`` short of its end, or of where it has wrapped to.

    The address of a register stands in bits 24 to 35 of its response, and the value in the upper 36 of 80 bits.
    Counters have the addresses from 0x80 to 0x9F.
    """

    missing = 0

    def run(self, program: Program) -> ProgramResult:
        result = super().run(program)
        told = result.responses.copy()
        for beat in told:
            bits = int.from_bytes(beat.tobytes(), "little")
            if bits & 31 == Opcode.READ_REGISTER.value and 0x80 <= bits >> 24 & 0xFFF < 0xA0:
                value = (bits >> 44) - self.missing & (1 << 36) - 1
                beat[:] = np.frombuffer((bits & (1 << 44) - 1 | value << 44).to_bytes(10, "little"), np.uint8)
        return replace(result, responses=told)


@pytest.mark.parametrize("short", [3, 300, 2000])
def test_counters_wrap(make_crossbar: Any, short: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(software_board, "FastController", NearlyFull)
    config = make_crossbar(levels=5)
    mine, fast, board = pair(config, 1, check=False)
    assert isinstance(board.controller, NearlyFull)
    board.controller.missing = short
    mine.start_session()
    for program in (Program(beats.configure(config, 1)), any_program(np.random.default_rng(2), config, 1)):
        found, expected = mine.run(program), fast.run(program)
        assert found.phases[:, WORK].tolist() == expected.phases[:, WORK].tolist()
        assert found.phases.min() >= 0
        assert found.actions.tolist() == expected.actions.tolist()


def test_what_only_a_simulated_world_can_do_is_refused(make_crossbar: Any) -> None:
    mine, _, _ = pair(make_crossbar(levels=5), 1)
    read = pack(Opcode.READ, 0, row=0, column=0)
    for program in (
        Program(np.concatenate([read, read]), arrivals=np.array([0, 9])),
        Program(read, ready=np.array([True, False])),
        Program(read, pins=[PinPulse(Pin.STOP, 3, 5)]),
    ):
        with pytest.raises(ConfigError, match="a board cannot run a program that says when"):
            mine.run(program)


def test_an_ageing_array_cannot_be_checked(make_crossbar: Any) -> None:
    mine, _, _ = pair(make_crossbar("ibm-pcm", levels=5), 1)
    mine.set_tick(0)
    with pytest.raises(ConfigError, match="ages from step to step"):
        mine.set_tick(1)
