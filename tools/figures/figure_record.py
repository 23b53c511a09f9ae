"""What is kept of a measurement: docs/figures/NAME.json, with commit, commands, figures and what they rest on."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[2]
FOLDER: Final = ROOT / "docs" / "figures"


@dataclass(frozen=True)
class FigureRecord:
    """A measurement, as it is stored.

    Parameters
    ----------
    commit : str
        State of the sources that was measured.
    commands : list of str
        What gives the figures.
    workload : str
        What was measured, and on what.
    figures : dict
    rests_on : dict
        What the figures follow from, as it was then: the measurement is stale when it is no longer so.
    """

    commit: str
    commands: list[str]
    workload: str
    figures: dict[str, Any]
    rests_on: dict[str, Any]

    def save(self, name: str) -> Path:
        """Write it."""
        path = FOLDER / f"{name}.json"
        path.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")
        return path


def load_record(name: str) -> FigureRecord:
    """Load a measurement.

    Raises
    ------
    SystemExit
        If it was never made.
    """
    path = FOLDER / f"{name}.json"
    if not path.is_file():
        raise SystemExit(f"{path.relative_to(ROOT)} is missing; run: make figures NAMES={name}")
    return FigureRecord(**json.loads(path.read_text(encoding="utf-8")))
