"""The controller in software is compiled before a board is at a port."""

import pytest
from software_runs import make_board

from twinbar.emulator.contract.program import Program
from twinbar.hw.protocol.packing import pack
from twinbar.hw.protocol.vocabulary import Opcode


@pytest.fixture(scope="session", autouse=True)
def compiled_controller() -> None:
    """Compile it, or load it: a board that is busy for seconds with that would be taken for a silent one."""
    make_board().controller.run(Program(pack(Opcode.CLEAR)))
