"""Traces on disk: a folder of Parquet files, one for each part of a run that can be replayed on its own.

A part begins where a run begins or goes on from a checkpoint, and ends with one; its file is complete or not there.
What must be known to replay it stands in its metadata: the configuration of the run, and the state at its begin.
"""

import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from twinbar.host.trace.rows import SCHEMA
from twinbar.hw.errors import ConfigError, TwinbarError
from twinbar.hw.reading import reading

VERSION: Final = 1
_VERSION, _CONFIG, _STATE = b"twinbar.trace", b"twinbar.config", b"twinbar.state"


@dataclass(frozen=True)
class TracePart:
    """A part of a trace.

    Parameters
    ----------
    path : Path
    config : str
        Resolved configuration of the run, TOML.
    state : dict of str to array
        State of the engine when the part began, and its `MAPPED_COLUMNS`.
    rows : pyarrow.Table
    """

    path: Path
    config: str
    state: dict[str, np.ndarray]
    rows: pa.Table


def part_path(folder: Path, number: int) -> Path:
    """Return the path of a part."""
    return folder / f"part-{number:05d}.parquet"


def write_part(folder: Path, number: int, config: str, state: dict[str, np.ndarray], tables: list[pa.Table]) -> None:
    """Write a part, completely or not at all.

    Raises
    ------
    TwinbarError
        If it cannot be written.
    """
    packed = io.BytesIO()
    np.savez_compressed(packed, **cast(Any, state))
    metadata = {_VERSION: str(VERSION).encode(), _CONFIG: config.encode(), _STATE: packed.getvalue()}
    rows = pa.concat_tables(tables) if tables else SCHEMA.empty_table()
    path = part_path(folder, number)
    unfinished = path.with_suffix(".unfinished")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        pq.write_table(rows.replace_schema_metadata(metadata), unfinished, compression="zstd")
        os.replace(unfinished, path)
    except OSError as error:
        raise TwinbarError(f"the trace {path} cannot be written: {error.strerror or error}") from error


def cut_back(folder: Path, parts: int) -> None:
    """Remove the parts from number ``parts`` on: the run goes on from a checkpoint before them."""
    for path in [*folder.glob("part-*.parquet"), *folder.glob("part-*.unfinished")]:
        if path.suffix == ".unfinished" or int(path.stem.partition("-")[2]) >= parts:
            path.unlink()


def read_parts(trace: Path) -> Iterator[TracePart]:
    """Return the parts of a trace, in order.

    Parameters
    ----------
    trace : Path
        A run folder, its ``commands.parquet``, or one part.

    Raises
    ------
    ConfigError
        If there is no trace, or it is damaged or of another version.
    """
    if (trace / "commands.parquet").is_dir():
        trace = trace / "commands.parquet"
    paths = sorted(trace.glob("part-*.parquet")) if trace.is_dir() else [trace]
    if not paths or not paths[0].is_file():
        raise ConfigError(f"{trace} holds no trace; record one with: twinbar train --record")
    for path in paths:
        with reading(path, "a part of a trace", "record the trace again"):
            rows = pq.read_table(path)
            metadata: dict[bytes, Any] = rows.schema.metadata or {}
            version = metadata.get(_VERSION, b"").decode()
            if version != str(VERSION):
                raise ConfigError(
                    f"{path} is not a trace of this version ({version or 'none'}, not {VERSION}); record it again"
                )
            with np.load(io.BytesIO(metadata[_STATE])) as packed:
                state = dict(packed)
            part = TracePart(path, metadata[_CONFIG].decode(), state, rows)
        yield part
