"""Checkpoints: exact, complete after SIGKILL or power failure at any moment, and read without pickle.

A checkpoint is one file, ``<generation>-<SHA-256>.npz``: NumPy arrays, the first of which is a manifest in JSON that
puts the others into their places. The name carries the checksum of the content, so that one rename makes both valid
together. The newest two generations are kept; a damaged one is passed over for the one before it.
"""

import hashlib
import io
import json
import re
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from twinbar.host.experiment.durable import is_temporary, replace_file, sync_folder
from twinbar.host.experiment.state_tree import flatten_state, restore_state
from twinbar.hw.errors import ConfigError, TwinbarError
from twinbar.hw.reading import reading

FORMAT: Final = 2
KEPT: Final = 2
"""Generations that are kept: the newest, and one to fall back to."""

_NAME = re.compile(r"(\d{8,})-([0-9a-f]{64})\.npz")


class _Generation(NamedTuple):
    number: int
    digest: str
    path: Path


def save_checkpoint(folder: Path, state: Mapping[str, Any]) -> None:
    """Write a new generation; the previous one stays until the new one is complete.

    Parameters
    ----------
    folder : Path
        Made where it is missing.
    state : mapping of str
        See `twinbar.host.experiment.state_tree.flatten_state` for what it may hold.

    Raises
    ------
    TypeError
        If the state holds something that could not be restored exactly.
    TwinbarError
        If it cannot be written; older generations are then as they were.
    """
    content = _encode(state)
    generations: list[_Generation] = []
    try:
        if not folder.is_dir():
            folder.mkdir(parents=True)
            sync_folder(folder.parent)
        generations = _generations(folder)
        number = generations[0].number + 1 if generations else 1
        replace_file(folder / f"{number:08d}-{hashlib.sha256(content).hexdigest()}.npz", content)
        for old in generations[KEPT - 1 :]:
            old.path.unlink()
        for path in folder.iterdir():
            if is_temporary(path):
                path.unlink()
    except OSError as error:
        remedy = (
            "the one before it is complete: make room, then continue with --resume"
            if generations
            else "it would be the first of this run: make room, or choose another folder, and start again"
        )
        raise TwinbarError(
            f"the checkpoint in {folder} cannot be written ({error.strerror or error}); {remedy}"
        ) from error


def load_checkpoint(folder: Path, notice: Callable[[str], None] = warnings.warn) -> dict[str, Any] | None:
    """Read the newest complete generation.

    Parameters
    ----------
    folder : Path
    notice : callable
        Takes one sentence for each damaged generation that is passed over.

    Returns
    -------
    dict or None
        The state as it was saved, or None where no generation was ever completed.

    Raises
    ------
    ConfigError
        If generations are there, but none can be used.
    """
    generations = _generations(folder) if folder.is_dir() else []
    for generation in generations:
        try:
            content = generation.path.read_bytes()
        except OSError as error:
            notice(f"{generation.path} cannot be read ({error.strerror or error}); the checkpoint before it is used")
            continue
        if hashlib.sha256(content).hexdigest() == generation.digest:
            return _decode(content, generation.path)
        notice(f"{generation.path} is damaged (its checksum differs); the checkpoint before it is used")
    if generations:
        raise ConfigError(
            f"{folder} is damaged: none of its {len(generations)} checkpoints can be read with the right checksum; "
            "restore the folder from a copy, or start a new run with another --out"
        )
    return None


def _generations(folder: Path) -> list[_Generation]:
    """List the completed generations, newest first."""
    found = []
    for path in folder.iterdir():
        match = _NAME.fullmatch(path.name)
        if match:
            found.append(_Generation(int(match[1]), match[2], path))
    return sorted(found, reverse=True)


def _encode(state: Mapping[str, Any]) -> bytes:
    tree, arrays = flatten_state(dict(state))
    manifest = json.dumps({"format": FORMAT, "state": tree}, separators=(",", ":")).encode()
    buffer = io.BytesIO()
    np.savez(buffer, np.frombuffer(manifest, dtype=np.uint8), *arrays)
    return buffer.getvalue()


def _decode(content: bytes, path: Path) -> dict[str, Any]:
    """Restore a state; the checksum is right, so that what cannot be read was written by another version."""
    with reading(path, f"a checkpoint of format {FORMAT}", "resume with the version of Twinbar that wrote it"):
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            members = [archive[f"arr_{index}"] for index in range(len(archive.files))]
            manifest = json.loads(members[0].tobytes())
            if manifest["format"] != FORMAT:
                raise ValueError(f"its format is {manifest['format']}")
        state: dict[str, Any] = restore_state(manifest["state"], members[1:])
        if not isinstance(state, dict):
            raise ValueError("it holds no state")
    return state
