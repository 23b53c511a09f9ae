"""The host's side of the watchdog: on in every session, tiles armed again, programs that were cut off."""

import numpy as np
import pytest
from software_runs import RUN, make_board

from twinbar.emulator.contract import beats
from twinbar.emulator.contract.program import Program
from twinbar.host.board.board_controller import BoardController
from twinbar.host.board.software_board import SoftwareBoard, SoftwareLine
from twinbar.host.board.watchdog import WATCHDOG_S, watchdog_cycles
from twinbar.host.experiment.config import ExperimentConfig
from twinbar.host.experiment.resolved_crossbar import build_crossbar
from twinbar.host.transport.controller_state import read_registers
from twinbar.host.transport.link import Link
from twinbar.hw.errors import SilentBoardError
from twinbar.hw.protocol.packing import pack, unpack
from twinbar.hw.protocol.registers import WATCHDOG
from twinbar.hw.protocol.vocabulary import Mode, Opcode, Status


def test_the_interval_is_five_seconds_or_what_the_register_holds() -> None:
    assert watchdog_cycles(12_000_000) == 60_000_000
    assert watchdog_cycles(50_000_000) == 250_000_000
    assert watchdog_cycles(100_000_000) == (1 << 28) - 1


@pytest.fixture
def board(compiled_kernels: None) -> SoftwareBoard:
    return make_board()


@pytest.fixture
def line(board: SoftwareBoard) -> SoftwareLine:
    return SoftwareLine(board)


@pytest.fixture
def host(board: SoftwareBoard, line: SoftwareLine) -> BoardController:
    crossbar = build_crossbar(ExperimentConfig().merge(RUN))
    host = BoardController(crossbar, crossbar.array.controller(1), link=Link(line), check=True)
    host.run(Program(beats.configure(crossbar, 1)))
    return host


def _set_watchdog(board: SoftwareBoard, cycles: int, *then: np.ndarray) -> None:
    """Set the register behind the host's back, arm, and run some beats."""
    value = beats.write_register(0, WATCHDOG.address, cycles)
    board.controller.run(Program(np.concatenate([pack(Opcode.DISARM, 0), value, beats.arm(1), *then])))


def test_every_session_switches_it_on(host: BoardController) -> None:
    # 5 s at 100 MHz are more than 28 bits hold.
    assert read_registers(host.link, 0, ["WATCHDOG"]) == [(1 << 28) - 1]
    assert host.link.hello.clock_hz == 100_000_000


def test_tiles_that_were_stopped_between_programs_are_armed_again(
    host: BoardController, board: SoftwareBoard, line: SoftwareLine
) -> None:
    said: list[str] = []
    host.notice = said.append
    reading = Program(pack(Opcode.READ, 0, row=[0, 1], column=[2, 3]))
    _set_watchdog(board, 10, pack(Opcode.WAIT, 0, cycles=100))
    assert unpack(board.controller.run(reading).responses)["watchdog"].all()
    board.controller.run(Program(beats.write_register(0, WATCHDOG.address, 0)))
    line.read(WATCHDOG_S)
    answers = unpack(host.run(reading).responses)
    assert answers["status"].tolist() == [Status.OK.value] * 2
    assert answers["mode"].tolist() == [Mode.WRITE.value] * 2
    assert said == [
        "the host said nothing for more than 5 s, so that the board has disarmed its tiles; they are armed again"
    ]


def test_a_fault_of_another_kind_is_left_to_the_user(
    host: BoardController, board: SoftwareBoard, line: SoftwareLine
) -> None:
    host.run(Program(pack(Opcode.DISARM, 0)))
    line.read(WATCHDOG_S)
    answers = unpack(host.run(Program(pack(Opcode.READ, 0, row=0, column=2))).responses)
    assert answers["status"].tolist() == [Status.DISARMED.value]


def test_a_program_that_is_cut_off_ends_in_one_sentence(host: BoardController, board: SoftwareBoard) -> None:
    _set_watchdog(board, 10)
    with pytest.raises(SilentBoardError, match=r"in the middle of a program, because the host said nothing for more"):
        host.run(Program(pack(Opcode.READ, 0, row=[0, 1], column=[2, 3])))
