"""Runs the bench beside it: ``python examples/own_bench/run_bench.py [icarus|verilator] [--json FILE]``.

It writes the Verilog of a small core, runs `bench_tests.py` in the simulator, and prints what was covered.
"""

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

from twinbar.cocotb import COVERED, runner_for
from twinbar.hw.verilog import NAME, export

HERE = Path(__file__).resolve().parent
PROGRAMS = {"icarus": "iverilog", "verilator": "verilator"}
MISSING, FAILED = 3, 1


def run(simulator: str, folder: Path, tests: str = "bench_tests") -> dict[str, object] | None:
    """Compile a core and run the bench; gives what it wrote down, None if it failed (see ``run.log``)."""
    from cocotb_tools.check_results import get_results

    source, found = folder / "core.v", folder / "found.json"
    source.write_text(export(COVERED.controller), encoding="utf-8")
    sources = [source]
    if simulator == "verilator":
        visible = folder / "pins.vlt"
        visible.write_text(f'`verilator_config\npublic_flat_rw -module "{NAME}" -var "*"\n', encoding="utf-8")
        sources.insert(0, visible)
    tool, environment = runner_for(simulator)
    if str(HERE) not in sys.path:
        sys.path.insert(0, str(HERE))  # the simulator looks where this process does
    try:
        tool.build(
            sources=sources,
            hdl_toplevel=NAME,
            build_dir=folder,
            timescale=("1ns", "1ps"),
            log_file=folder / "build.log",
        )
        results = tool.test(
            hdl_toplevel=NAME,
            test_module=tests,
            build_dir=folder,
            test_dir=folder,
            results_xml=str(folder / "results.xml"),
            extra_env={
                "OWN_BENCH_FOUND": str(found),
                "COCOTB_REWRITE_ASSERTION_FILES": f"{tests}.py",
                **environment,
            },
            log_file=folder / "run.log",
        )
        passed = get_results(results) == (1, 0)
    except (RuntimeError, SystemExit):
        passed = False
    return json.loads(found.read_text(encoding="utf-8")) if passed else None


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("simulator", nargs="?", choices=PROGRAMS, default="icarus")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was covered to a file")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="work in this folder and keep it")
    asked = parser.parse_args()
    if shutil.which(PROGRAMS[asked.simulator]) is None:
        program = PROGRAMS[asked.simulator]
        print(f"Error: {program} is not installed; run: apt-get install {program}", file=sys.stderr)
        return MISSING
    with tempfile.TemporaryDirectory() as scratch:
        folder = asked.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        found = run(asked.simulator, folder)
        if found is None:
            for name in ("build.log", "run.log"):
                if (folder / name).exists():
                    sys.stderr.write((folder / name).read_text(encoding="utf-8")[-4000:])
            return FAILED
    found["simulator"] = asked.simulator
    print(
        f"{found['hit']} of {found['bins']} bins hit by {found['programs']} programs in {found['cycles']} cycles; "
        f"{found['responses']} responses and {found['pulses']} pulses as the engine fast has them"
    )
    if asked.json is not None:
        asked.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
