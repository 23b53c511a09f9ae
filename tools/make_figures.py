"""Measures the figures of README and docs again: ``python tools/make_figures.py [NAME ...]``, or ``make figures``.

Without names, those that are stale are measured. Each is kept in docs/figures/NAME.json with its commit, and
``make docs`` writes them into the pages. ``--list`` says what there is and what is stale: that of which something has
moved that it rests on, such as the stored trainings of its kind, a netlist, a workload (`figures.foundations`).
"""

import argparse
import subprocess
import sys

from figures.figure_record import ROOT, FigureRecord, load_record
from figures.measurements import MEASUREMENTS, is_stale

SOURCES = ("hw", "emulator", "host", "boards", "twinbar", "benchmarks", "tests/stored", "tools/figures")


def commit() -> str:
    """Return the commit of the sources.

    Raises
    ------
    SystemExit
        If they differ from it: nobody could find out what was measured.
    """
    changed = git("status", "--porcelain", "--", *SOURCES)
    if changed:
        raise SystemExit(f"commit first: a figure is kept with its commit, and these differ from it:\n{changed}")
    return git("rev-parse", "--short=10", "HEAD")


def git(*words: str) -> str:
    """Return what git says of the repository."""
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"of {', '.join(MEASUREMENTS)}; stale ones if none is given"
    )
    parser.add_argument("--list", action="store_true", help="only say what there is")
    parser.add_argument("--check", action="store_true", help="end with status 1 if a figure is stale")
    given = parser.parse_args()
    unknown = [name for name in given.names if name not in MEASUREMENTS]
    if unknown:
        parser.error(f"there is no measurement {unknown[0]!r}; choose among {', '.join(MEASUREMENTS)}")
    if given.list:
        for name, measurement in MEASUREMENTS.items():
            state = "stale" if is_stale(name) else f"of {load_record(name).commit}"
            print(f"{name:20} {state:16} about {measurement.minutes} min: {'; '.join(measurement.commands)}")
        return
    if given.check:
        stale = [name for name in MEASUREMENTS if is_stale(name)]
        if stale:
            raise SystemExit(f"stale: {', '.join(stale)}; run: make figures")
        return
    names = given.names or [name for name in MEASUREMENTS if is_stale(name)]
    at = commit() if names else ""
    for name in names:
        measurement = MEASUREMENTS[name]
        print(f"{name}: about {measurement.minutes} minutes", flush=True)
        rests_on = measurement.rests_on()
        # A folder of this commit: trainings of another state must not be taken for its own.
        found = measurement.measure(ROOT / "runs" / "figures" / f"{name}-{at}")
        record = FigureRecord(at, list(measurement.commands), measurement.workload, found, rests_on)
        print(f"wrote {record.save(name).relative_to(ROOT)}", flush=True)
    if not names:
        print("no figure is stale", file=sys.stderr)


if __name__ == "__main__":
    main()
