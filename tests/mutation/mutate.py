"""Applies the faults one at a time in a copy of the source, and writes down what catches each.

Parts of file names or texts as arguments choose some of them.

What was found is kept in ``build/mutation.json`` by the fault, the file that it changes and the test: a run that was
killed goes on where it was. What is of other faults, files or tests than there are now is dropped, so that the file can
be stored as it is.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from source_faults import FAULTS, SourceFault

ROOT = Path(__file__).resolve().parent.parent.parent
RESULTS = ROOT / "build" / "mutation.json"
PACKAGES = ("hw", "emulator", "host", "boards")
LONGEST_S = 600
HANGS = -1
"""Instead of the exit status of a process that was stopped because it took too long."""


def copy_source(folder: Path) -> None:
    """Lay the packages out as they are imported, with the tests beside them."""
    shutil.copytree(ROOT / "twinbar", folder / "twinbar")
    for name in PACKAGES:
        shutil.copytree(ROOT / name, folder / "twinbar" / name, ignore=shutil.ignore_patterns("__pycache__"))
        (folder / name).symlink_to(folder / "twinbar" / name)
    shutil.copytree(ROOT / "tests", folder / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "docs", "tools", "examples", "benchmarks"):
        (folder / name).symlink_to(ROOT / name)


def key(fault: SourceFault) -> str:
    files = [fault.file] if fault.caught_by.startswith("prove ") else [fault.file, fault.caught_by]
    contents = "\0".join((ROOT / name).read_text(encoding="utf-8") for name in files)
    return hashlib.sha256(f"{fault}\0{contents}".encode()).hexdigest()[:24]


def run_catcher(caught_by: str, folder: Path) -> int:
    """Run a test file or a proof; gives its exit status, or `HANGS` if it takes too long."""
    if caught_by.startswith("prove "):
        command = ["-m", "twinbar", "prove", "--no-mutants", caught_by.removeprefix("prove ")]
    else:
        command = ["-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", caught_by]
    try:
        run = subprocess.run(
            [sys.executable, *command],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(folder)},
            capture_output=True,
            check=False,
            timeout=LONGEST_S,
        )
    except subprocess.TimeoutExpired:
        return HANGS
    return run.returncode


def is_caught(fault: SourceFault, folder: Path) -> bool:
    """Run what is to catch a fault, with it."""
    path = folder / fault.file
    right = path.read_text(encoding="utf-8")
    path.write_text(right.replace(fault.old, fault.new), encoding="utf-8")
    try:
        return run_catcher(fault.caught_by, folder) in (1, HANGS)
    finally:
        path.write_text(right, encoding="utf-8")


def main() -> int:
    RESULTS.parent.mkdir(exist_ok=True)
    with open(RESULTS.with_suffix(".lock"), "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("another run applies faults in build/mutated; let it end first", file=sys.stderr)
            return 2
        return apply_faults()


def apply_faults() -> int:
    """Apply those that are not known yet; gives the exit status."""
    known = {key(fault) for fault in FAULTS}
    before = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    found = {each: of_fault for each, of_fault in before.items() if each in known}
    RESULTS.write_text(json.dumps(found, indent=1), encoding="utf-8")
    folder = ROOT / "build" / "mutated"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    copy_source(folder)
    passing: set[str] = set()
    for fault in FAULTS:
        if key(fault) in found or not any(part in f"{fault}" for part in sys.argv[1:] or [""]):
            continue
        if fault.caught_by not in passing:
            # What fails without a fault would catch every one.
            if run_catcher(fault.caught_by, folder) != 0:
                print(f"{fault.caught_by} does not pass without a fault; nothing was applied that it is to catch")
                return 2
            passing.add(fault.caught_by)
        begun = time.monotonic()
        caught = is_caught(fault, folder)
        found[key(fault)] = {**vars(fault), "caught": caught, "seconds": round(time.monotonic() - begun, 1)}
        print(f"{'caught' if caught else 'NOT CAUGHT'}: {fault.file}: {fault.new!r} ({fault.caught_by})", flush=True)
        RESULTS.write_text(json.dumps(found, indent=1), encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    return int(not all(found[key(fault)]["caught"] for fault in FAULTS if key(fault) in found))


if __name__ == "__main__":
    raise SystemExit(main())
