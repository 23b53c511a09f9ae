"""A CSV file that grows by one row per step, and that a resumed run cuts back to its checkpoint."""

import csv
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from twinbar.hw.errors import ConfigError

Cell = int | float | str | None


class StepTable:
    """Rows of numbers under a header.

    Parameters
    ----------
    path : Path
    size : int
        Bytes of the file that a checkpoint vouches for; what lies behind them is cut off.

    Raises
    ------
    ConfigError
        If the file is shorter than that, or cannot be written.
    """

    def __init__(self, path: Path, size: int = 0) -> None:
        self._path = path
        self._columns: list[str] = []
        try:
            found = path.stat().st_size if path.exists() else 0
            if found < size:
                raise ConfigError(
                    f"{path} has {found} bytes, but {size} when the checkpoint was made; restore it from a copy, "
                    "or start a new run with another --out"
                )
            self._stream = path.open("r+b" if path.exists() else "w+b")
            self._stream.truncate(size)
            if size:
                self._columns = self._stream.readline().decode("utf-8").rstrip("\n").split(",")
            self._stream.seek(size)
        except OSError as error:
            raise ConfigError(f"{path} cannot be written: {error.strerror or error}") from error

    def append(self, row: Mapping[str, Cell]) -> None:
        """Add a row; the first one decides the columns. Floats are written with every digit that they need.

        Raises
        ------
        ValueError
            If a later row has other columns.
        """
        if not self._columns:
            self._columns = list(row)
            self._write(self._columns)
        if list(row) != self._columns:
            raise ValueError(f"a row with the columns {list(row)} does not fit {self._path}, which has {self._columns}")
        self._write(["" if value is None else value for value in row.values()])

    def sync(self) -> int:
        """Put all rows on the disk and give the size of the file in bytes."""
        self._stream.flush()
        os.fsync(self._stream.fileno())
        return self._stream.tell()

    def close(self) -> None:
        """Close the file."""
        self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _write(self, values: Sequence[Cell]) -> None:
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow(values)
        self._stream.write(line.getvalue().encode("utf-8"))
