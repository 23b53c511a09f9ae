"""What every engine offers: programs of writes, reads and multiplications on the tiles of one crossbar."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final, Protocol

import numpy as np

from twinbar.emulator.contract.activity import Activity
from twinbar.emulator.contract.digital_functions import DigitalFunctions
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.crossbar.write_registers import WriteRegisters
from twinbar.hw.errors import ConfigError
from twinbar.hw.protocol import registers
from twinbar.hw.protocol.vocabulary import Destination


@dataclass(frozen=True)
class WriteList:
    """Cells to write, grouped by tile.

    Parameters
    ----------
    offsets : int64 [tiles + 1]
        The entries of tile ``k`` are ``offsets[k]`` to ``offsets[k + 1]``.
    cells : int32 [n]
        ``row * columns + column`` within the tile.
    levels : uint8 [n]
        Level to reach.
    held : int16 [n], optional
        Level that each cell is at, as far as the host knows: by it, writes can begin with a pulse.
    initial : bool
        Whether cells are programmed first (`CrossbarConfig.algorithm`).
    """

    offsets: np.ndarray
    cells: np.ndarray
    levels: np.ndarray
    held: np.ndarray | None = None
    initial: bool = False

    def __len__(self) -> int:
        return len(self.cells)


@dataclass(frozen=True)
class PulseList:
    """Pulses to give without reading, grouped by tile: trains of one polarity, each on one cell.

    Parameters
    ----------
    offsets : int64 [tiles + 1]
        The trains of tile ``k`` are ``offsets[k]`` to ``offsets[k + 1]``, in the order in which they are given.
    cells : int32 [n]
        ``row * columns + column`` within the tile.
    polarities : uint8 [n]
        `twinbar.emulator.devices.layout.SET` or ``RESET``.
    counts : uint8 [n]
        Pulses of each train: 1 to the pulse limit of the configuration's registers.
    """

    offsets: np.ndarray
    cells: np.ndarray
    polarities: np.ndarray
    counts: np.ndarray

    def __len__(self) -> int:
        return len(self.cells)


_NO_CODES: Final = np.zeros(0, np.int32)
_NO_PULSES: Final = np.zeros(0, np.uint16)
_NONE_OK: Final = np.zeros(0, np.bool_)


@dataclass(frozen=True)
class WriteResult:
    """Responses of a write list, in its order.

    Parameters
    ----------
    codes : int32 [n]
        Code of the last read of each cell; of one that was not converted, no code (`CrossbarConfig.gives_codes`).
    sets, resets : uint16 [n]
        Pulses applied.
    ok : bool [n]
        Whether the code lies in the level's window, as far as that was verified.
    activity : Activity
    """

    codes: np.ndarray
    sets: np.ndarray
    resets: np.ndarray
    ok: np.ndarray
    activity: Activity

    @classmethod
    def of_nothing(cls) -> "WriteResult":
        """Return the responses of an empty list: a program without a command takes no cycle."""
        return cls(_NO_CODES, _NO_PULSES, _NO_PULSES, _NONE_OK, Activity())


@dataclass(frozen=True)
class TileBlock:
    """The tiles of one layer: a grid of ``row_tiles x column_tiles`` tiles, numbered from ``first_tile``.

    They are numbered row by row. Where the row tiles of a column form a cascade, they are neighbours instead, the first
    member lowest: the grid is numbered column by column.

    Parameters
    ----------
    first_tile : int
    row_input : int64 [row tiles, rows]
        Input that drives each row; the number of inputs where a row is unused.
    used_rows : int64 [row tiles]
    used_columns : int64 [column tiles]
        Columns that hold weights, from the first.
    inputs : int
        Number of inputs of the layer.
    by_column : bool
        Whether the row tiles of a column are neighbours, and add their sums in a cascade.
    """

    first_tile: int
    row_input: np.ndarray
    used_rows: np.ndarray
    used_columns: np.ndarray
    inputs: int
    by_column: bool = False

    @cached_property
    def shape(self) -> tuple[int, int]:
        """Row tiles and column tiles."""
        return len(self.row_input), len(self.used_columns)

    @cached_property
    def tiles(self) -> slice:
        """Numbers of the tiles."""
        return slice(self.first_tile, self.first_tile + len(self.row_input) * len(self.used_columns))

    @property
    def numbers(self) -> np.ndarray:
        """Number of each tile (int64 [row tiles, column tiles])."""
        rows, columns = self.shape
        row, column = np.arange(rows)[:, None], np.arange(columns)
        return self.first_tile + (column * rows + row if self.by_column else row * columns + column)

    @cached_property
    def cascade(self) -> bool:
        """Whether its tiles add their sums: a single row tile has nothing to add."""
        return self.by_column and len(self.row_input) > 1

    def columns(self) -> "list[TileBlock]":
        """Return each column of tiles as a block of its own; the tiles must be numbered by column."""
        assert self.by_column
        rows = len(self.row_input)
        return [
            replace(self, first_tile=self.first_tile + c * rows, used_columns=self.used_columns[c : c + 1])
            for c in range(len(self.used_columns))
        ]


@dataclass(frozen=True)
class LayerProduct:
    """A batch of multiplications that a program is asked for.

    Parameters
    ----------
    block : TileBlock
    inputs : integer [batch, inputs]
        Input codes.
    full_scale : float
        Column current of the largest code, in read-grid units.
    macs : int
        Multiplications with accumulation that it is for (`Activity.macs`).
    """

    block: TileBlock
    inputs: np.ndarray
    full_scale: float
    macs: int = 0


@dataclass(frozen=True, eq=False)
class ChainedLayer:
    """A layer of a chain.

    Parameters
    ----------
    block : TileBlock
        A single row tile, or cascades.
    full_scale : float
        Column current of the largest code, in read-grid units.
    functions : DigitalFunctions or None
        None of the last layer.
    answered : bool
        Whether its sums go to the host; those of the last layer always do.
    """

    block: TileBlock
    full_scale: float
    functions: DigitalFunctions | None = None
    answered: bool = True

    @property
    def answering(self) -> np.ndarray:
        """Tiles that have the sums, one of each column (int64 [column tiles])."""
        return self.block.numbers[0]

    @property
    def activation(self) -> int:
        """What the register `ACTIVATION` of these tiles holds."""
        if self.functions is None:
            return 0
        sums = Destination.BOTH if self.answered else Destination.KEPT
        return int(
            registers.ACTIVATION.word.pack(
                sums=sums.value, relu=self.functions.relu, shift=self.functions.shift, zero=0
            )
        )


def apart(products: "Sequence[LayerProduct]") -> list[list[int]]:
    """Divide products into programs whose products have no tile in common.

    Returns
    -------
    list of list of int
        Positions of the products of each program: as few programs as keep the order of those on the same tile.
    """
    programs: list[list[int]] = []
    used: list[set[int]] = []
    for position, product in enumerate(products):
        tiles = set(range(product.block.tiles.start, product.block.tiles.stop))
        number = max((n + 1 for n, taken in enumerate(used) if taken & tiles), default=0)
        if number == len(programs):
            programs.append([])
            used.append(set())
        programs[number].append(position)
        used[number] |= tiles
    return programs


@dataclass(frozen=True)
class MultiplyResult:
    """Responses of a batch of multiplications.

    Parameters
    ----------
    codes : int32 or int64 [row tiles, column tiles, batch, outputs]
        Shifted and added codes of each column (or subtracted pair), less its offset. A cascade gives one sum
        for all its row tiles. The host adds up the first axis in any case.
    lowest, highest : int
        Extreme raw codes of single conversions; 0 where there were none.
    clipped : int
        Conversions that ended on an extreme code; where none is below zero, on the greatest.
    conversions : int
        Conversions made.
    activity : Activity
    """

    codes: np.ndarray
    lowest: int
    highest: int
    clipped: int
    conversions: int
    activity: Activity


def extreme_codes(extremes: np.ndarray, conversions: np.ndarray) -> tuple[int, int]:
    """Return the least and the largest code of several tiles; 0 where there was none.

    Parameters
    ----------
    extremes : int64 [tiles, 2 or more]
        Least and largest code of each tile.
    conversions : int64 [tiles]
        Conversions that each tile made.
    """
    converts = conversions > 0
    made = extremes if converts.all() else extremes[converts]
    if not len(made):
        return 0, 0
    return int(np.minimum.reduce(made[:, 0])), int(np.maximum.reduce(made[:, 1]))


def check_shape(name: str, saved: np.ndarray, own: np.ndarray) -> None:
    """Refuse an array of a checkpoint that was made with another crossbar.

    Raises
    ------
    ConfigError
        If the shapes differ.
    """
    if saved.shape != own.shape:
        raise ConfigError(f"the checkpoint's {name} has shape {saved.shape}, this crossbar needs {own.shape}")


class Engine(Protocol):
    """A crossbar with its controller, emulated or real."""

    config: CrossbarConfig
    tiles: int
    calibration: Activity
    """What calibrating the converters took when the engine was made; nothing where they are ideal."""

    def write(self, todo: WriteList) -> WriteResult:
        """Write cells to levels by closed-loop write-verify."""

    def pulse(self, todo: PulseList) -> Activity:
        """Give pulses without reading, by the ramps that are set: each train begins at the start of its ramp."""

    def set_ramps(self, ramps: WriteRegisters) -> Activity:
        """Bring other ramps of SET and RESET into all tiles, which are disarmed and armed again for that.

        Only the ramps count, which hold for writes and pulses alike. With those that are set already, nothing is done.
        """

    def read(self, offsets: np.ndarray, cells: np.ndarray) -> tuple[np.ndarray, Activity]:
        """Read single cells (arguments as in `WriteList`); gives their codes, int32 [n]."""

    def multiply(self, block: TileBlock, inputs: np.ndarray, full_scale: float) -> MultiplyResult:
        """Multiply input codes, integer [batch, inputs], by the conductances of a layer.

        ``full_scale`` is the column current of the largest code, in read-grid units.
        """

    def multiply_together(self, products: Sequence[LayerProduct]) -> list[MultiplyResult]:
        """Multiply by several layers in one program, in which their vectors take turns (`vector_order`).

        No two of them have a tile in common. What the program did stands in the first result; the others have done
        nothing.
        """

    def multiply_chain(self, chain: Sequence[ChainedLayer], inputs: np.ndarray) -> list[MultiplyResult]:
        """Multiply input codes, integer [batch, inputs], by layers that follow one another in one program.

        No two of them have a tile in common. Codes of layers that are not answered are those of no vector. What was
        done stands in the first result: registers of activations are written first, where they change.
        """

    def set_tick(self, tick: int) -> None:
        """Set the tick: cells age between programs, by training steps, not by cycles."""

    def conductances_s(self) -> np.ndarray:
        """Return what a noiseless read would see now, in siemens (float64 [tiles, rows, columns])."""

    def pulse_counts(self) -> np.ndarray:
        """Return the pulses that each cell has had (uint32 [tiles, rows, columns])."""

    def state_dict(self) -> dict[str, Any]:
        """Return everything that a program changes, for a checkpoint."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` gave."""


class MakeEngine(Protocol):
    """What makes an engine."""

    def __call__(
        self, config: CrossbarConfig, tiles: int, mapped_columns: np.ndarray, /, *, layers: Sequence[TileBlock] = ()
    ) -> Engine:
        """Make it from a configuration, a number of tiles, the mapped columns of each tile, and the layers."""
