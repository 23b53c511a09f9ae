"""Writes a bitstream to a board with the program that its maker names."""

import json
import shutil
import subprocess
from pathlib import Path

from twinbar.boards.bitstream import MANIFEST, built_for
from twinbar.boards.board_definition import BoardDefinition
from twinbar.hw.errors import ConfigError, LinkError, ToolMissingError


def flash(board: BoardDefinition, bitstream: Path) -> None:
    """Write a bitstream to a board.

    Raises
    ------
    ToolMissingError
        If the board's programmer is not installed.
    LinkError
        If it fails: usually there is no board, or no permission to use it.
    """
    program, *arguments = board.programmer.command
    path = shutil.which(program)
    if path is None:
        raise ToolMissingError(
            f"{board.title} is programmed with {program}, which this machine lacks; get it with: "
            f"{board.programmer.install}"
        )
    command = [path, *(str(bitstream) if argument == "{}" else argument for argument in arguments)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", check=False)
    if done.returncode:
        lines = [line.strip() for line in (done.stderr + done.stdout).splitlines() if line.strip()]
        raise LinkError(
            f"{program} could not program the {board.title} ({lines[-1] if lines else 'it gave no reason'}); connect "
            "the board, and see that you may use it (udev rules)"
        )


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
        raise ConfigError(f"{bitstream} is no file; twinbar board build writes one with --out")
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
