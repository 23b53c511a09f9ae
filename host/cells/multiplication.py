"""Multiplications of input vectors by the conductances of a tile."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twinbar.emulator.contract import beats
from twinbar.host.cells.accounted_controller import AccountedController
from twinbar.host.cells.cell_commands import PIECE, Progress, in_turn, tell
from twinbar.host.cells.places import Ints, as_array
from twinbar.hw.errors import ConfigError
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.protocol.layouts import MAX_COLUMNS
from twinbar.hw.protocol.packing import pack
from twinbar.hw.protocol.vocabulary import Opcode


@dataclass(frozen=True)
class Multiplication:
    """How vectors are multiplied.

    Parameters
    ----------
    outputs : int or None
        How many, from the first; None is all.
    subtract : bool
        An output is the difference of a pair of columns; else a column.
    codes : bool
        Rows are driven by their whole codes; else bit plane by bit plane.
    skip : bool
        Bit planes (or vectors) without a one are left out.
    """

    outputs: int | None = None
    subtract: bool = True
    codes: bool = True
    skip: bool = True


def multiply(
    controller: AccountedController, tile: Ints, inputs: npt.ArrayLike, how: Multiplication, progress: Progress | None
) -> Ints:
    """Multiply input vectors.

    Parameters
    ----------
    controller : AccountedController
    tile : int array
        Broadcast against the vectors.
    inputs : int [..., rows]
        Rows that are left out at the end are 0.
    how : Multiplication
    progress : callable or None

    Returns
    -------
    int64 [..., outputs]
        Sums of ADC codes.

    Raises
    ------
    ConfigError
        If inputs or outputs do not fit the tile.
    """
    config = controller.shape
    vectors, numbers, shape = _vectors(config, tile, as_array("inputs", inputs))
    available = config.columns // 2 if how.subtract else config.columns
    count = available if how.outputs is None else how.outputs
    if not 1 <= count <= available:
        raise ConfigError(f"{count} outputs are asked for; a tile has 1 to {available}")
    words = beats.input_words(vectors, config)
    place = np.arange(words.shape[1])[None]
    loads = pack(Opcode.LOAD, numbers[:, None], word=place, clear=place == 0, bits=words)
    flags = {"subtract": int(how.subtract), "codes": int(how.codes), "skip": int(how.skip)}
    product = pack(Opcode.MULTIPLY, numbers[:, None], outputs=count % MAX_COLUMNS, **flags)
    program = np.concatenate([loads, product], axis=1)
    order = in_turn(numbers, config.tiles)
    sums = np.zeros((len(vectors), count), np.int64)
    per_run = max(1, PIECE // program.shape[1])
    for start in range(0, len(order), per_run):
        entries = order[start : start + per_run]
        macs = len(entries) * vectors.shape[1] * count
        answers = controller.run(program[entries].reshape(-1), "forward", macs=macs)
        _, found = beats.lanes_of(answers, config.outputs_per_beat)
        answered = entries[np.argsort(numbers[entries], kind="stable")]
        sums[answered] = found.reshape(len(entries), -1)[:, :count]
        tell(progress, start + len(entries), len(order))
    return sums.reshape(*shape, count)


def _vectors(
    config: ControllerConfig, tile: Ints, given: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], Ints, tuple[int, ...]]:
    """Return the vectors one after the other, the tile of each, and their shape."""
    most = (1 << config.input_bits) - 1
    whole = given.ndim and given.dtype.kind in "biu" and given.size and given.min() >= 0 and given.max() <= most
    if not whole or given.shape[-1] > config.rows:
        raise ConfigError(
            f"inputs are {given.dtype} {given.shape}; they must be whole numbers from 0 to {most}, at most "
            f"{config.rows} in a vector"
        )
    try:
        shape = np.broadcast_shapes(tile.shape, given.shape[:-1])
    except ValueError:
        raise ConfigError(
            f"inputs of shape {given.shape} and tiles of shape {tile.shape} do not fit each other; give shapes that "
            "broadcast (but for the rows)"
        ) from None
    vectors = np.broadcast_to(given, (*shape, given.shape[-1])).reshape(-1, given.shape[-1])
    return vectors, np.broadcast_to(tile, shape).ravel(), shape
