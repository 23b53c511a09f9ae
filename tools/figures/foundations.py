"""What figures rest on, cheap enough to be looked at by every run of the tests.

A measurement of minutes or hours cannot be repeated for each commit, and most commits change none of its figures. The
trainings in tests/stored/ take a second each, and other tests hold the code to them to the last bit: where none of
*their* figures has moved, those of the same kind over a whole MNIST epoch have not either.
"""

import hashlib
import json
from functools import cache
from typing import Any, Final

from amaranth.back import rtlil

from figures.figure_record import ROOT
from twinbar.hw.gateware.controller import Controller
from twinbar.hw.gateware.controller_config import ControllerConfig

STORED: Final = ROOT / "tests" / "stored"


def stored_reports(*names: str) -> dict[str, Any]:
    """Reports of stored trainings, by name."""
    return {name: json.loads((STORED / f"{name}.json").read_text(encoding="utf-8"))["report"] for name in names}


def learning(report: dict[str, Any]) -> dict[str, Any]:
    """Accuracy and updates, which follow from cells, converters, writes and policy."""
    last, totals = report["epochs"][-1], report["totals"]
    found = {"test_accuracy": last["test_accuracy"], "twin_test_accuracy": last["twin_test_accuracy"]}
    if "wear" in report:
        found |= {key: totals[key] for key in ("updates_per_weight", "update_elimination", "write_elimination")}
        found["mean_pulses_per_cell"] = report["wear"]["mean_pulses_per_cell"]
    return found


def cost(report: dict[str, Any]) -> dict[str, Any]:
    """Writes, pulses, energy and time, which follow from the prices and the cycles as well."""
    totals = report["totals"]
    return {
        "test_accuracy": report["epochs"][-1]["test_accuracy"],
        **{key: totals[key] for key in ("cell_writes", "pulses", "energy_j", "seconds")},
    }


def digest_of_files(*names: str) -> dict[str, str]:
    """Digests of files of the repository: a workload, say."""
    return {name: _digest((ROOT / name).read_bytes()) for name in names}


@cache
def netlist_of_a_tile() -> dict[str, str]:
    """Digest of the controller's netlist, which area and clock follow from; lines of its sources do not count."""
    text = rtlil.convert(Controller(ControllerConfig()), emit_src=False)
    return {"netlist": _digest(text.encode())}


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
