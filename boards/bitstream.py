"""Bitstreams that were built, and what is known of them: each in a folder of its own in the user's cache."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import platformdirs

from twinbar.boards.board_definition import BoardDefinition
from twinbar.boards.toolchain import Family, family_of

NAME: Final = "twinbar"
REPORT: Final = "report.json"
MANIFEST: Final = "manifest.json"


@dataclass(frozen=True)
class AchievedClock:
    """What place-and-route reached for a clock."""

    name: str
    achieved_hz: float
    wanted_hz: float

    @property
    def met(self) -> bool:
        """Whether it is fast enough."""
        return self.achieved_hz >= self.wanted_hz


@dataclass(frozen=True)
class Bitstream:
    """A bitstream, and what is known of it.

    Parameters
    ----------
    path : Path
    digest : str
        Hash of its inputs, tools included.
    used : dict of str to (int, int)
        Cells used and available, by kind.
    clocks : list of AchievedClock
    manifest : dict
        What ``manifest.json`` beside it says.
    cached : bool
        Whether it was there already.
    """

    path: Path
    digest: str
    used: dict[str, tuple[int, int]]
    clocks: list[AchievedClock]
    manifest: dict[str, Any]
    cached: bool

    @property
    def late(self) -> list[AchievedClock]:
        """Clocks that are too slow, the worst one first."""
        late = [clock for clock in self.clocks if not clock.met]
        return sorted(late, key=lambda clock: clock.achieved_hz / clock.wanted_hz)

    def touch(self) -> None:
        """Make it the newest one of its board."""
        os.utime(self.path.with_name(MANIFEST))


def bitstream_folder() -> Path:
    """Return the folder of the bitstreams that were built, in the user's cache."""
    return Path(platformdirs.user_cache_dir("twinbar")) / "bitstreams"


def load(folder: Path, family: Family, *, cached: bool = True) -> Bitstream:
    """Read what is known of a bitstream."""
    report = json.loads((folder / REPORT).read_text(encoding="utf-8"))
    used = {
        kind: (report["utilization"][kind]["used"], report["utilization"][kind]["available"])
        for kind in family.cells
        if report["utilization"].get(kind, {}).get("used")
    }
    clocks = [
        AchievedClock(_clock_name(name), clock["achieved"] * 1e6, clock["constraint"] * 1e6)
        for name, clock in report["fmax"].items()
    ]
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    return Bitstream(folder / f"{NAME}.{family.extension}", manifest["inputs"], used, clocks, manifest, cached)


def built_for(board: BoardDefinition) -> Iterator[Bitstream]:
    """Return the bitstreams that were built for a board and meet its timing, the newest one first."""
    family = family_of(board.make_platform().device)
    manifests = bitstream_folder().glob(f"{board.name}-*/{MANIFEST}")
    for manifest in sorted(manifests, key=lambda file: file.stat().st_mtime_ns, reverse=True):
        found = load(manifest.parent, family)
        if found.manifest["board"] == board.name and not found.late:
            yield found


def manifest_text(result: Bitstream) -> str:
    """Return the manifest with the figures of the result, as JSON."""
    clocks = {clock.name: {"achieved_hz": clock.achieved_hz, "wanted_hz": clock.wanted_hz} for clock in result.clocks}
    return json.dumps({**result.manifest, "used": result.used, "clocks": clocks}, indent=2) + "\n"


def _clock_name(name: str) -> str:
    """Take nextpnr's decorations off the name of a clock."""
    return name.removeprefix("$glbnet$").partition("$")[0] or name
