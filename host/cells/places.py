"""Which cells a verb is for: tiles, rows and columns as arrays of any shape, or whole tiles."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from twinbar.hw.errors import ConfigError
from twinbar.hw.gateware.controller_config import ControllerConfig

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Places:
    """Cells, one after the other, and the shape in which they were asked for.

    Parameters
    ----------
    tile, row, column : int64 [n]
    shape : tuple of int
        Of the results; its product is n.
    """

    tile: Ints
    row: Ints
    column: Ints
    shape: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.tile)

    def part(self, chosen: npt.NDArray[Any]) -> "Places":
        """Return some of them, as a list."""
        tile = self.tile[chosen]
        return Places(tile, self.row[chosen], self.column[chosen], tile.shape)


def locate(
    controller: ControllerConfig,
    tile: npt.ArrayLike,
    rows: npt.ArrayLike | None,
    columns: npt.ArrayLike | None,
    **values: npt.ArrayLike,
) -> tuple[Places, dict[str, npt.NDArray[Any]]]:
    """Broadcast addresses, and values that belong to them, against each other.

    Parameters
    ----------
    controller : ControllerConfig
        Has the tiles, rows and columns.
    tile : int array
    rows, columns : int array, optional
        Without both, every cell of each tile: the results then have the shape of ``tile``, rows and columns.
    **values : arrays
        By name.

    Returns
    -------
    places : Places
    values : dict of arrays [n]
        By name, in the order of the places.

    Raises
    ------
    ConfigError
        If an address is not a whole number or lies outside the array, or shapes do not fit each other.
    """
    numbers = whole_numbers("tile", tile)
    expected = None
    if rows is None and columns is None:
        expected = (*numbers.shape, controller.rows, controller.columns)
        given = {
            "tile": numbers[..., None, None],
            "rows": np.arange(controller.rows)[:, None],
            "columns": np.arange(controller.columns),
        }
    elif rows is None or columns is None:
        missing = "rows" if rows is None else "columns"
        raise ConfigError(f"{missing} are missing; give rows and columns, or leave out both for the whole tile")
    else:
        given = {"tile": numbers, "rows": whole_numbers("rows", rows), "columns": whole_numbers("columns", columns)}
    bounds = {"tile": controller.tiles, "rows": controller.rows, "columns": controller.columns}
    for name, bound in bounds.items():
        _check_inside(name, given[name], bound)
    arrays = given | {name: as_array(name, value) for name, value in values.items()}
    try:
        together = dict(zip(arrays, np.broadcast_arrays(*arrays.values()), strict=True))
    except ValueError:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
        raise ConfigError(f"these shapes do not fit each other: {shapes}; give shapes that broadcast") from None
    shape = together["tile"].shape
    if expected is not None and shape != expected:
        name = next(name for name in values if arrays[name].ndim > len(expected) or shape != expected)
        raise ConfigError(
            f"{name} have the shape {arrays[name].shape}, and the cells {expected}; give one value for each cell, or "
            "the rows and columns (and tiles) that are meant"
        )
    flat = {name: array.ravel() for name, array in together.items()}
    return Places(flat["tile"], flat["rows"], flat["columns"], shape), {name: flat[name] for name in values}


def as_array(name: str, value: npt.ArrayLike) -> npt.NDArray[Any]:
    """Return a value as an array.

    Raises
    ------
    ConfigError
        If it is none, for instance lists of different lengths.
    """
    try:
        return np.asarray(value)
    except ValueError:
        raise ConfigError(f"{name} are lists of different lengths; give an array") from None


def whole_numbers(name: str, value: npt.ArrayLike) -> Ints:
    """Return a value as an array of whole numbers.

    Raises
    ------
    ConfigError
        If it has others.
    """
    array = as_array(name, value)
    # An empty list has no type that would say that it holds whole numbers.
    if array.dtype.kind not in "iu" and array.size:
        raise ConfigError(f"{name} are of type {array.dtype}; give whole numbers")
    return array.astype(np.int64)


def _check_inside(name: str, numbers: Ints, bound: int) -> None:
    wrong = numbers[(numbers < 0) | (numbers >= bound)]
    if wrong.size:
        one = {"tile": "tile", "rows": "row", "columns": "column"}[name]
        raise ConfigError(f"{one} {wrong.flat[0]} is outside the array; its {one}s are 0 to {bound - 1}")
