"""Finds the programs of a toolchain."""

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from twinbar.hw.errors import ToolMissingError, TwinbarError


def find_tool(name: str, package: str) -> str:
    """Find a program beside the interpreter or on the path.

    Raises
    ------
    ToolMissingError
        If there is none; the text names the ``package`` that brings it.
    """
    found = locate(name)
    if found is None:
        raise ToolMissingError(f"{name} is missing; `pip install {package}` brings it")
    return found


def locate(name: str) -> str | None:
    """Return the path of a program beside the interpreter or on the path; None if there is none."""
    for folder in (Path(sys.executable).parent, Path(sysconfig.get_path("scripts"))):
        if (folder / name).is_file():
            return str(folder / name)
    return shutil.which(name)


def run_tool(command: list[str], folder: Path, *, may_fail: bool = False) -> str:
    """Run a program in a folder and give what it says.

    Raises
    ------
    TwinbarError
        If it fails and may not.
    """
    done = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", errors="replace", check=False)
    said = done.stdout + done.stderr
    if done.returncode and not may_fail:
        raise TwinbarError(f"{Path(command[0]).name} failed:\n{said[-2000:]}")
    return said
