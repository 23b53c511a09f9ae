"""Multiplications on a tile of a board."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twinbar.emulator.contract import beats
from twinbar.host.board.commands import PIECE, Ints, Progress, run, tell
from twinbar.host.transport.link import Link
from twinbar.hw.errors import ConfigError
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.protocol.layouts import MAX_COLUMNS
from twinbar.hw.protocol.packing import pack, unpack_results
from twinbar.hw.protocol.vocabulary import Opcode


@dataclass(frozen=True)
class Multiplication:
    """How vectors are multiplied.

    Parameters
    ----------
    tile : int
    outputs : int or None
        How many, from the first; None is all.
    subtract : bool
        An output is the difference of a pair of columns; else a column.
    codes : bool
        Rows are driven by their whole codes; else bit plane by bit plane.
    """

    tile: int
    outputs: int | None
    subtract: bool
    codes: bool


def multiply(
    link: Link, controller: ControllerConfig, inputs: npt.ArrayLike, how: Multiplication, progress: Progress | None
) -> Ints:
    """Multiply input vectors, int [rows] or [batch, rows]; gives sums of codes, int64 [outputs] or [batch, outputs].

    Raises
    ------
    ConfigError
        If inputs or outputs do not fit the tile.
    """
    given = np.asarray(inputs)
    vectors = np.atleast_2d(given)
    most = (1 << controller.input_bits) - 1
    whole = vectors.dtype.kind in "biu" and vectors.size and vectors.min() >= 0 and vectors.max() <= most
    if not whole or vectors.ndim > 2 or vectors.shape[1] > controller.rows:
        raise ConfigError(
            f"inputs are {given.dtype} {given.shape}; they must be whole numbers from 0 to {most}, at most "
            f"{controller.rows} in a vector"
        )
    available = controller.columns // 2 if how.subtract else controller.columns
    count = available if how.outputs is None else how.outputs
    if not 1 <= count <= available:
        raise ConfigError(f"{count} outputs are asked for; a tile has 1 to {available}")
    words = beats.input_words(vectors, controller)
    place = np.arange(words.shape[1])[None]
    loads = pack(Opcode.LOAD, how.tile, word=place, clear=place == 0, bits=words)
    product = pack(
        Opcode.MULTIPLY,
        how.tile,
        outputs=count % MAX_COLUMNS,
        subtract=int(how.subtract),
        codes=int(how.codes),
        skip=1,
    )
    program = np.concatenate([loads, np.broadcast_to(product, (len(vectors), 1))], axis=1)
    per_run = max(1, PIECE // program.shape[1])
    sums = []
    for start in range(0, len(program), per_run):
        found = run(link, program[start : start + per_run].reshape(-1))
        sums.append(unpack_results(Opcode.MULTIPLY, found)["sum"].reshape(-1, count))
        tell(progress, min(start + per_run, len(program)), len(program))
    return np.concatenate(sums).reshape(*given.shape[:-1], count)
