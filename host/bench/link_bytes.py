"""Bytes that writes take on the serial link."""

from typing import Any, Final

import numpy as np

from twinbar.emulator.contract.program import Program
from twinbar.emulator.engines.controller_engine import ControllerEngine
from twinbar.emulator.engines.program.fast_controller import FastController
from twinbar.host.bench.workloads import reference_crossbar
from twinbar.hw.link.command_codec import encode
from twinbar.hw.link.frames import MOST_TO_BOARD, MOST_TO_HOST, BoardFrame, FrameKind, HostFrame
from twinbar.hw.link.responses import ResponseEncoder
from twinbar.hw.link.widths import Widths
from twinbar.hw.protocol.packing import pack
from twinbar.hw.protocol.vocabulary import Opcode

TILES: Final = 30
"""Tiles of 128 x 128 cells of the MLP 784-256-10."""
WRITES: Final = 400
"""Writes of a training step."""
STEPS: Final = 10


def _pieces(payload: bytes, most: int) -> list[bytes]:
    return [payload[start : start + most] for start in range(0, len(payload), most)]


def measure_link() -> dict[str, Any]:
    """Return the bytes per sparse write and per response, framing included; repetitions and acknowledgements are not.

    The writes move random cells of all tiles by one level, in ascending order of tile and cell.
    """
    config = reference_crossbar()
    array = config.array
    # The fast engine does not make beats; its controller does.
    engine = ControllerEngine(config, TILES, np.full(TILES, array.columns), make=FastController)
    controller = array.controller(TILES)
    widths = Widths(TILES, controller.rows, controller.columns, controller.adc_bits, controller.sum_bits)
    rng = np.random.default_rng(0)
    top = len(config.levels) - 1
    sent = received = 0
    for _ in range(STEPS):
        address = np.sort(rng.choice(TILES * array.cells, WRITES, replace=False))
        tile, cell = np.divmod(address, array.cells)
        row, column = np.divmod(cell, array.columns)
        before = rng.integers(0, top + 1, WRITES)
        after = np.where(before == 0, 1, np.where(before == top, top - 1, before + rng.choice([-1, 1], WRITES)))
        engine.controller.run(Program(pack(Opcode.WRITE, tile, row=row, column=column, level=before)))
        commands = pack(Opcode.WRITE, tile, row=row, column=column, level=after)
        answers = engine.controller.run(Program(commands)).responses
        to_board = _pieces(encode(commands, widths), MOST_TO_BOARD)
        sent += sum(len(HostFrame(FrameKind.DATA, 0, payload=piece).pack()) for piece in to_board)
        # Each step's responses are packed on their own, to whole bytes.
        encoder = ResponseEncoder(widths)
        bits = sum(encoder.encode(int.from_bytes(answer.tobytes(), "little"))[1] for answer in answers)
        to_host = _pieces(bytes(-(-bits // 8)), MOST_TO_HOST)
        received += sum(len(BoardFrame(FrameKind.DATA, 0, 0, 0, 0, 0, 0, piece).pack()) for piece in to_host)
    writes = STEPS * WRITES
    return {"link_bytes_per_write": sent / writes, "link_bytes_per_response": received / writes}
