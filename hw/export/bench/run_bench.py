"""Runs the bench of every top module: ``python bench/run.py [icarus] [verilator] [--top NAME]``; both by default."""

import argparse
import contextlib
import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
MISSING, FAILED = 3, 1
PROGRAMS = {"icarus": ("iverilog", "iverilog"), "verilator": ("verilator", "verilator")}
"""Program of a simulator, and the package of a distribution that brings it."""
FIRST_WITH_INERTIAL_WRITES = (5, 36)
"""Version of Verilator from which on the main program of cocotb compiles."""


def missing(simulators):
    """Return the first thing that is not there, with the command that installs it."""
    if importlib.util.find_spec("cocotb") is None:
        return f"cocotb is not installed in {sys.executable}; run: {sys.executable} -m pip install 'cocotb>=2,<3'"
    for name in simulators:
        program, package = PROGRAMS[name]
        if shutil.which(program) is None:
            return f"the simulator {name} is not installed; run: apt-get install {package}"
    return None


def runner_for(simulator):
    """Return the runner of cocotb, and settings of its environment.

    Parameters
    ----------
    simulator : {"icarus", "verilator"}
    """
    from cocotb_tools import runner

    if simulator != "verilator":
        return runner.get_runner(simulator), {}
    said = subprocess.run(["verilator", "--version"], capture_output=True, text=True, check=True).stdout
    version = tuple(int(number) for number in re.search(r"(\d+)\.(\d+)", said).groups())
    is_old = version < FIRST_WITH_INERTIAL_WRITES

    class TopPinsOnly(runner.Verilator):
        """Compiles without optimization, and leaves signals within the core to Verilator: a bench is short."""

        def _build_command(self):
            verilate, make = super()._build_command()
            verilate = [
                str(HERE / "verilator_main.cpp") if is_old and str(word).endswith("/verilator.cpp") else word
                for word in verilate
                if word != "--public-flat-rw"
            ]
            return [verilate, [*make, "OPT_FAST=-O0", "OPT_SLOW=-O0", "OPT_GLOBAL=-O0"]]

    return TopPinsOnly(), {"COCOTB_TRUST_INERTIAL_WRITES": "0"} if is_old else {}


def run(simulator, top, sources, tests):
    """Run the bench of a top module; gives whether it passed."""
    from cocotb_tools.check_results import get_results

    runner, env = runner_for(simulator)
    folder = ROOT / "build" / simulator / top
    folder.mkdir(parents=True, exist_ok=True)
    sources = [ROOT / source for source in sources]
    if simulator == "verilator":
        visible = folder / "pins.vlt"
        visible.write_text(f'`verilator_config\npublic_flat_rw -module "{top}" -var "*"\n')
        sources.insert(0, visible)
    log, results = folder / "run.log", folder / "results.xml"
    results.unlink(missing_ok=True)
    # The runner of cocotb ends the process where something fails.
    with contextlib.suppress(RuntimeError, SystemExit):
        runner.build(
            sources=sources, hdl_toplevel=top, build_dir=folder, timescale=("1ns", "1ps"), log_file=folder / "build.log"
        )
        runner.test(
            hdl_toplevel=top,
            test_module=tests,
            build_dir=folder,
            test_dir=folder,
            results_xml=str(results),
            extra_env={"PYTHONPATH": str(HERE), **env},
            log_file=log,
        )
    if not results.exists():
        print(f"{top} on {simulator} did not run: see {folder}/build.log and run.log", flush=True)
        return False
    count, failures = get_results(results)
    said = f"{count} tests passed" if not failures else f"{failures} of {count} tests failed: see {log}"
    print(f"{top} on {simulator}: {said}", flush=True)
    return failures == 0 and count > 0


def main():
    """Run what was asked for."""
    from twinbar_protocol import BENCHES

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("simulators", nargs="*", metavar="icarus|verilator", help="both by default")
    parser.add_argument("--top", choices=BENCHES, help="only the bench of this module")
    asked = parser.parse_args()
    simulators = asked.simulators or list(PROGRAMS)
    unknown = [name for name in simulators if name not in PROGRAMS]
    if unknown:
        parser.error(f"there is no simulator {unknown[0]!r}; choose one of {', '.join(PROGRAMS)}")
    problem = missing(simulators)
    if problem is not None:
        print(f"Error: {problem}", file=sys.stderr)
        return MISSING
    tops = [asked.top] if asked.top else list(BENCHES)
    passed = [run(simulator, top, *BENCHES[top]) for simulator in simulators for top in tops]
    return 0 if all(passed) else FAILED


if __name__ == "__main__":
    sys.path.insert(0, str(HERE))
    sys.exit(main())
