"""Sends frames of every kind to an armed board and to a host, in parts that keep what they found.

``python tests/fuzz/frame_campaign.py [TARGET]... [--frames N] [--seconds S] [--store]``. Targets are ``bits`` (the
netlist of a board, bit by bit), ``words`` (injected behind its UART) and ``host`` (the host's decoder); all by default.
What a part found lies in ``build/frames.json`` under the state of the source: a run that was ended goes on where it
was; ``--store`` writes the sums to ``docs/figures/frames.json`` for the verification report. A part that fails says
with which seed it does so again.
"""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tools"), str(Path(__file__).resolve().parent)]

from armed_board import ArmedFrames, crossbar  # noqa: E402
from decoded_frames import DecodedFrames  # noqa: E402
from source_state import ENGINES, GATEWARE, source_state  # noqa: E402

RESULTS: Final = ROOT / "build" / "frames.json"
FIGURES: Final = ROOT / "docs" / "figures" / "frames.json"
SOURCES: Final = (*GATEWARE, *ENGINES, "emulator/virtual", "host/transport", "tests/fuzz")
PART: Final = 20_000
"""Frames of a part."""
WANTED: Final = {"bits": 100_000, "words": 900_000, "host": 1_000_000}
"""Frames that are asked for."""


def armed(seed: int, frames: int, *, words: bool) -> dict[str, Any]:
    """Send frames to a board; gives how many there were of each kind."""
    found = ArmedFrames(seed, words=words)
    turn = 0
    while found.frames.total() < frames:
        turn += 1
        if turn % 4:
            found.ignore(min(250, frames))
        else:
            found.disturb(25)
        found.forge()
        if turn % 3 == 0:
            found.forge_anything()
    found.close()
    return {"frames": dict(found.frames), "pulses": found.pulses}


def decoded(seed: int, frames: int) -> dict[str, Any]:
    """Send frames to a host."""
    found = DecodedFrames(seed, crossbar())
    while found.frames.total() < frames:
        found.run(found.chance.choice([1, 30, 120]))
        if found.programs % 5 == 0:
            found.run(2, believed=True)
    return {"frames": dict(found.frames), "programs": found.programs, "refused": found.refused}


TARGETS: Final[dict[str, Callable[[int, int], dict[str, Any]]]] = {
    "bits": lambda seed, frames: armed(seed, frames, words=False),
    "words": lambda seed, frames: armed(seed, frames, words=True),
    "host": decoded,
}


def sums(found: dict[str, Any], state: str) -> dict[str, Any]:
    """Add the parts of each target up."""
    parts = [each for each in found.values() if each["state"] == state]
    totals: dict[str, Any] = {}
    for target in TARGETS:
        kinds, rest = Counter[str](), Counter[str]()
        for each in parts:
            if each["target"] == target:
                kinds.update(each["frames"])
                rest.update({key: each[key] for key in ("pulses", "programs", "refused") if key in each})
        if kinds:
            totals[target] = {"frames": kinds.total(), "kinds": dict(kinds.most_common()), **rest}
    return {"schema": 1, "state": state, "sources": SOURCES, "wanted": WANTED, "found": totals}


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--frames", type=int, help="of each target, instead of what is asked for")
    parser.add_argument("--seconds", type=float, default=3600.0, help="begin no part after this time (3600)")
    parser.add_argument("--store", action="store_true", help=f"write the sums to {FIGURES.relative_to(ROOT)}")
    asked = parser.parse_args()
    for name in asked.targets:
        if name not in TARGETS:
            parser.error(f"there is no target {name!r}; choose from {', '.join(TARGETS)}")
    found = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
    RESULTS.parent.mkdir(exist_ok=True)
    state, begun = source_state(SOURCES), time.monotonic()
    for target in asked.targets or TARGETS:
        for seed in range(-(-(asked.frames or WANTED[target]) // PART)):
            key = f"{state} {target} {seed}"
            if key in found or time.monotonic() - begun > asked.seconds:
                continue
            started = time.monotonic()
            try:
                result = TARGETS[target](seed, PART)
            except BaseException:
                print(f"{target}, seed {seed}: failed", file=sys.stderr, flush=True)
                raise
            seconds = round(time.monotonic() - started, 1)
            found[key] = {"state": state, "target": target, **result, "seconds": seconds}
            RESULTS.write_text(json.dumps(found, indent=1), encoding="utf-8")
            print(f"{target}, seed {seed}: {sum(result['frames'].values())} frames in {seconds} s", flush=True)
    totals = sums(found, state)
    for target, each in totals["found"].items():
        print(f"{target}: {each['frames']:,} of {WANTED[target]:,} frames")
    if asked.store:
        FIGURES.write_text(json.dumps(totals, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
