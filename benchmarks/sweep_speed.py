"""A sweep of short trainings on one worker and on two: how much sooner it ends, and what the scheduler takes.

Digits, eight settings with four seeds, three epochs each, a thread per run, kernels compiled before. Times of a busy
machine say nothing. The ratio by processor time does: what the sweep's own process takes, the one that its workers are
forked from, and one worker, one after the other. It is too low: the first two work at the same time, for two seconds.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

import twinbar as tb

LEVELS = [4, 8, 16, 32]
RATES = [0.05, 0.1]
SEEDS = 4
COMMON = {"data.name": "digits", "training.epochs": 3, "training.batch_size": 16, "engine.threads": 1}


def sweep_once(workers: int) -> dict[str, float]:
    """Sweep in this process; return seconds of the processor.

    They are those of this process, of the one that its workers are forked from (Linux), and of all workers together.
    """
    with tempfile.TemporaryDirectory() as scratch:
        vary = {"device.levels": LEVELS, "training.lr": RATES}
        out = Path(scratch) / "sweep"
        result = tb.sweep(vary, seeds=SEEDS, workers=workers, settings=COMMON, out=out, progress=False)
    if any(run["figures"] is None for run in result["runs"]):
        raise SystemExit("a run failed")
    ended = time.monotonic()
    own = resource.getrusage(resource.RUSAGE_SELF)
    servers = [child.cpu_times() for child in psutil.Process().children() if "forkserver" in " ".join(child.cmdline())]
    return {
        "ended_s": ended,
        "own_s": own.ru_utime + own.ru_stime,
        "server_s": sum(times.user + times.system for times in servers),
        "workers_s": sum(times.children_user + times.children_system for times in servers),
    }


def measured(workers: int) -> dict[str, float]:
    """Sweep in a fresh process, which all is timed of: imports, the workers' start, the page."""
    began = time.monotonic()
    done = subprocess.run([sys.executable, __file__, "--once", str(workers)], check=True, stdout=subprocess.PIPE)
    found = json.loads(done.stdout)
    return {"wall_s": found.pop("ended_s") - began, **found}


def ratios(one: dict[str, float], two: dict[str, float]) -> dict[str, Any]:
    """Compare a sweep on one worker with one on two."""
    apart = [
        found["own_s"] + found["server_s"] + found["workers_s"] / workers for workers, found in enumerate((one, two), 1)
    ]
    return {
        "one_worker": one,
        "two_workers": two,
        "times_as_fast": one["wall_s"] / two["wall_s"],
        "times_as_fast_by_processor_time": apart[0] / apart[1],
        "scheduler_s_per_run": two["own_s"] / (len(LEVELS) * len(RATES) * SEEDS),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=3, help="sweeps on each number of workers [default: 3]")
    parser.add_argument("--once", type=int, metavar="WORKERS", help="sweep once, and print seconds of the processor")
    asked = parser.parse_args()
    if asked.once:
        print(json.dumps(sweep_once(asked.once)))
        return
    turns = []
    for _ in range(asked.turns):
        turns.append(ratios(measured(1), measured(2)))
        print(json.dumps(turns[-1]), flush=True)
    for key in ("times_as_fast", "times_as_fast_by_processor_time", "scheduler_s_per_run"):
        print(f"{key}: median {statistics.median(turn[key] for turn in turns):.2f}")


if __name__ == "__main__":
    main()
