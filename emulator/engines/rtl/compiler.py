"""Finds a C++ compiler: the system's, or the one that comes from pip."""

import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from twinbar.hw.errors import ToolMissingError


def find_compiler() -> list[str]:
    """Return the command of the C++ compiler.

    It is ``$CXX``, or the first of c++, g++ and clang++, or that of the Python package ``ziglang``.

    Raises
    ------
    ToolMissingError
        If there is none, or the system is one whose libraries nobody has tried.
    """
    if os.name != "posix":
        raise ToolMissingError(
            "compiled netlists run on Linux and macOS only; on this system, use the engine fast, events or pysim"
        )
    for name in (os.environ.get("CXX"), "c++", "g++", "clang++"):
        path = shutil.which(name) if name else None
        if path:
            return [path]
    if importlib.util.find_spec("ziglang") is not None:
        return [sys.executable, "-m", "ziglang", "c++"]
    package = {"darwin": "run `xcode-select --install`"}.get(
        sys.platform, "install g++ (Debian and Ubuntu: `apt install g++`; Fedora: `dnf install gcc-c++`)"
    )
    raise ToolMissingError(
        "the rtl engine compiles the netlist, and no C++ compiler was found; "
        f"run `python -m pip install 'twinbar[rtl]'`, or {package}"
    )


def identity_of(compiler: list[str]) -> str:
    """Return what a library depends on beside its C++ and flags: the compiler, and the processor that it compiles for.

    The compiler of ``ziglang`` uses what the processor at hand can do: its libraries may not run on another one.
    """
    done = subprocess.run([*compiler, "--version"], capture_output=True, encoding="utf-8", errors="replace")
    version = done.stdout.splitlines()[0] if done.stdout else ""
    return f"{' '.join(compiler)} {version} {platform.machine()} {processor()}"


def processor() -> str:
    """Return the instructions that the processor has, where the system tells them, or its name."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.startswith(("flags", "Features"))), platform.processor())
