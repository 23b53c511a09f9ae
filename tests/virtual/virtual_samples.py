"""Cores that the tests compile, arrays behind them, and programs."""

from typing import Any

import numpy as np
from crossbar_choices import crossbar_of, shape_of

from twinbar.boards.core_of_board import core_of
from twinbar.boards.known_boards import find
from twinbar.boards.wiring import find_wiring
from twinbar.emulator.contract import beats
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.crossbar.range_codes import range_code
from twinbar.emulator.virtual.compiled_board import CompiledBoard
from twinbar.hw.gateware.board_core import CoreConfig
from twinbar.hw.protocol import registers
from twinbar.hw.protocol.packing import pack
from twinbar.hw.protocol.vocabulary import Opcode

SIZE = 8
SIZES = {"rows": SIZE, "columns": SIZE, "adc_channels": 1, "command_depth": 2}
"""Of all tests that compile the board of a wiring: each other size is another netlist."""
LEVELS = 16
SETTLE_DRIVE = 85
"""7 us at 12 MHz: what the AD5628 takes."""


def core(name: str = "icebreaker") -> CoreConfig:
    board = find(name)
    return core_of(board, find_wiring(board.wiring), **SIZES)


def crossbar(core: CoreConfig, **cycles: int) -> CrossbarConfig:
    durations = {"select": 4, "settle_read": 4, "settle_drive": SETTLE_DRIVE, "settle_multiply": 4} | cycles
    return crossbar_of(
        "milo-hfo2",
        **shape_of(core.controller),
        command_depth=core.controller.command_depth,
        inputs="planes",
        pairs="separate",
        levels=LEVELS,
        seed=3,
        clock_hz=core.link.clock_hz,
        **{"convert": 9, "recover": 3, "samples": 1, **durations},
        adc_offset_codes=1.0,
    )


def writes(rng: np.random.Generator, count: int) -> np.ndarray:
    row, column, level = rng.integers(0, SIZE, count), rng.integers(0, SIZE, count), rng.integers(0, LEVELS, count)
    return pack(Opcode.WRITE, 0, row=row, column=column, level=level)


def reads(rng: np.random.Generator, count: int) -> np.ndarray:
    return pack(Opcode.READ, 0, row=rng.integers(0, SIZE, count), column=rng.integers(0, SIZE, count))


def products(rng: np.random.Generator, count: int) -> np.ndarray:
    """Multiply vectors, some of them sparse."""
    parts = [beats.write_register(0, registers.RANGE_MULTIPLY.address, range_code(1500.0))]
    for number in range(count):
        inputs = rng.integers(0, 16, SIZE) * (rng.random(SIZE) < 0.7)
        word = sum(int(value) << 4 * place for place, value in enumerate(inputs))
        parts.append(pack(Opcode.LOAD, 0, word=0, clear=1, bits=word))
        parts.append(pack(Opcode.MULTIPLY, 0, outputs=SIZE, skip=number % 2))
    return np.concatenate(parts)


def same_cells(board: CompiledBoard, controller: Any) -> None:
    expected = controller.cells()
    for name, values in board.cells().items():
        assert np.array_equal(values, expected[name]), name
