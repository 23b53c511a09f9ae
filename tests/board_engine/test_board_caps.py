"""Boards with caps: a run within them runs as ever, one beyond them is refused in a sentence."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from software_runs import RUN

from twinbar.boards.core_of_board import core_of
from twinbar.boards.known_boards import find
from twinbar.boards.wiring import Limits, find_wiring
from twinbar.emulator.contract import beats
from twinbar.emulator.contract.program import Program
from twinbar.host.board.board_controller import BoardController
from twinbar.host.board.software_board import SoftwareBoard, SoftwareLine
from twinbar.host.experiment.config import ExperimentConfig
from twinbar.host.experiment.resolved_crossbar import build_crossbar
from twinbar.host.transport.link import Link
from twinbar.hw.errors import ConfigError
from twinbar.hw.protocol.packing import pack, unpack
from twinbar.hw.protocol.registers import record_address
from twinbar.hw.protocol.vocabulary import Opcode, Record, Status


def _host(**caps: Any) -> BoardController:
    crossbar = build_crossbar(ExperimentConfig().merge(RUN))
    controller = crossbar.array.controller(1)
    board = SoftwareBoard(crossbar, replace(controller, **caps))
    return BoardController(crossbar, controller, link=Link(SoftwareLine(board)), check=True)


def test_a_run_within_the_caps_runs_and_no_register_goes_beyond(compiled_kernels: None) -> None:
    host = _host(width_cap=1000, pulse_cap=30)
    host.run(Program(beats.configure(host.config, 1)))
    wide = record_address(Record.SET, 5)
    answers = host.run(
        Program(np.concatenate([pack(Opcode.DISARM, 0), beats.write_register(0, wide, 1001 | 255 << 28)]))
    )
    assert unpack(answers.responses)["status"].tolist() == [Status.OK.value, Status.BAD_VALUE.value]
    assert host.differing == 0


@pytest.mark.parametrize(
    ("caps", "sentence"),
    [
        (
            {"pulse_cap": 29},
            r"needs 30 pulses per write \(PULSE_LIMIT\), and the board is built for 29",
        ),
        (
            {"width_cap": 1},
            r"needs pulses of \S+ us \(SET_WIDTH\), and the board is built for pulses of 0.01 us",
        ),
        ({"code_caps": (10, 4095, 4095)}, r"this run needs the code \d+ on the bit line \(SET_\w+\)"),
    ],
)
def test_a_cap_below_what_a_run_needs_is_one_sentence(
    compiled_kernels: None, caps: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ConfigError, match=sentence):
        _host(**caps)


def test_limits_of_a_wiring_become_caps() -> None:
    board = find("icebreaker")
    wiring = find_wiring(board.wiring).model_copy(update={"limits": Limits(pulse_us=10, pulses=50, bit_line=3000)})
    made = core_of(board, wiring).controller
    # 10 us at 12 MHz.
    assert (made.width_cap, made.pulse_cap, made.code_caps) == (120, 50, (3000, 4095, 4095))
    assert not core_of(board, find_wiring(board.wiring)).controller.capped
    with pytest.raises(ConfigError, match=r"limits.pulse_us is 0.05, less than a cycle of 12 MHz; give 0.0833 or more"):
        Limits(pulse_us=0.05).caps(12e6)
