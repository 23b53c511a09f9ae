"""Writes a bitstream to a board with the program that its maker names."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

from twinbar.boards.bitstream import MANIFEST, built_for
from twinbar.boards.bitstream_programmer import Memory
from twinbar.boards.board_definition import BoardDefinition
from twinbar.hw.errors import ConfigError, LinkError, ToolMissingError

_BLAME: Final = re.compile(
    r"\b(error|fail|failed|can't|cannot|could not|unable|no such|not found|denied)\b", re.IGNORECASE
)
"""What the line of a programmer's output says that tells why it gave up."""


def flash(
    board: BoardDefinition,
    bitstream: Path,
    memory: Memory | None = None,
    serial: str | None = None,
    options: tuple[str, ...] = (),
) -> Memory:
    """Write a bitstream to a board, and return the memory that holds it.

    Parameters
    ----------
    board : BoardDefinition
    bitstream : Path
    memory : {"flash", "sram"}, optional
        The memory that is usual for the board unless another is asked for.
    serial : str, optional
        Serial number of the board's USB adapter, where several are connected.
    options : tuple of str
        Further options of the programmer.

    Raises
    ------
    ConfigError
        If the programmer cannot do what is asked for.
    ToolMissingError
        If the board's programmer is not installed.
    LinkError
        If it fails: usually there is no board, or no permission to use it.
    """
    programmer = board.programmer
    memory = programmer.usual if memory is None else memory
    arguments = programmer.arguments(bitstream, memory, serial, options)
    path = shutil.which(programmer.program)
    if path is None:
        raise ToolMissingError(
            f"{board.title} is programmed with {programmer.program}, which this machine lacks; get it with: "
            f"{programmer.install}"
        )
    done = subprocess.run([path, *arguments], capture_output=True, encoding="utf-8", errors="replace", check=False)
    if done.returncode:
        raise LinkError(
            f"{programmer.program} could not program the {board.title} ({_reason(done.stderr, done.stdout)}); connect "
            "the board, and see that you may use it (udev rules)"
        )
    return memory


def _reason(*outputs: str) -> str:
    """Return the line of a programmer's output that says why it gave up; the last one is often ``ABORT.``."""
    lines = [line.strip() for output in outputs for line in output.splitlines() if line.strip()]
    blamed = [line for line in lines if _BLAME.search(line)]
    return (blamed or lines or ["it gave no reason"])[0 if blamed else -1]


def choose(board: BoardDefinition, bitstream: Path | None) -> Path:
    """Return the bitstream to be written: the one that was asked for, or the board's newest that meets its timing.

    Raises
    ------
    ConfigError
        If there is none, or it is for another board.
    """
    if bitstream is None:
        newest = next(built_for(board), None)
        if newest is None:
            raise ConfigError(f"no bitstream was built for {board.name} yet; run: twinbar board build {board.name}")
        return newest.path
    if not bitstream.is_file():
        raise ConfigError(f"{bitstream} is not a file; twinbar board build writes one with --out")
    made_for = _made_for(bitstream.parent)
    if made_for not in (None, board.name):
        raise ConfigError(f"{bitstream} was built for {made_for}, not for {board.name}")
    return bitstream


def _made_for(folder: Path) -> str | None:
    """Return the board that a bitstream was built for; None where no manifest lies beside it."""
    try:
        return str(json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["board"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
