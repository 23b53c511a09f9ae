"""The session that lies recorded in ``sessions``: what the host sends in it, and how it is recorded again.

``python tests/link/recorded_session.py`` does that with the netlist of the iCEBreaker's core, after a change of
link or protocol.
"""

from pathlib import Path

import numpy as np
from crossbar_choices import crossbar_of, shape_of

from twinbar.boards.core_of_board import core_of
from twinbar.boards.known_boards import find
from twinbar.boards.wiring import find_wiring
from twinbar.emulator.contract import beats
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.hw.gateware.board_core import CoreConfig
from twinbar.hw.protocol.packing import pack
from twinbar.hw.protocol.vocabulary import Opcode

SESSION = Path(__file__).parent / "sessions" / "icebreaker-writes.jsonl"
SIZE = 8


def core() -> CoreConfig:
    board = find("icebreaker")
    return core_of(board, find_wiring(board.wiring), rows=SIZE, columns=SIZE)


def crossbar(core: CoreConfig) -> CrossbarConfig:
    return crossbar_of(
        "milo-hfo2",
        **shape_of(core.controller),
        command_depth=core.controller.command_depth,
        inputs="planes",
        pairs="separate",
        levels=16,
        seed=3,
        clock_hz=core.link.clock_hz,
        select=4,
        settle_read=4,
        settle_drive=85,
        settle_multiply=4,
        recover=3,
        samples=1,
    )


def programs(array: CrossbarConfig) -> list[np.ndarray]:
    """Configure a tile, write twenty cells by write-verify, and read all."""
    rng = np.random.default_rng(1)
    rows, columns, levels = rng.integers(0, SIZE, 20), rng.integers(0, SIZE, 20), rng.integers(0, 16, 20)
    every = np.arange(SIZE * SIZE)
    return [
        beats.configure(array, 1),
        pack(Opcode.WRITE, 0, row=rows, column=columns, level=levels),
        pack(Opcode.READ, 0, row=every // SIZE, column=every % SIZE),
    ]


def record() -> None:
    """Run the programs on the compiled core."""
    from twinbar.emulator.virtual.compiled_board import CompiledBoard
    from twinbar.host.transport.link import Link
    from twinbar.host.transport.recording import RecordingLine
    from twinbar.host.virtual.virtual_line import VirtualLine

    config = core()
    array = crossbar(config)
    board = CompiledBoard(config, array)
    with Link(RecordingLine(VirtualLine(board), SESSION), config.controller.hash, first_session=3) as link:
        for commands in programs(array):
            link.run(commands)
    assert board.complaints() == (0, []), board.complaints()


if __name__ == "__main__":
    record()
