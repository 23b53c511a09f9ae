"""Training on a board in software, over lines that can be lost, damaged, or belong to a board that was switched off."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from twinbar.emulator.contract.program import Program
from twinbar.host.board.connection import BoardConnection
from twinbar.host.board.software_board import SoftwareBoard, SoftwareLine
from twinbar.host.experiment import run_parts
from twinbar.host.experiment.config import ExperimentConfig
from twinbar.host.experiment.progress_display import SilentProgress
from twinbar.host.experiment.resolved_crossbar import build_crossbar
from twinbar.host.experiment.run_folder import RunFolder
from twinbar.host.experiment.train import train
from twinbar.host.transport.line import Line
from twinbar.hw.link.link_config import LinkConfig
from twinbar.hw.protocol.packing import pack, unpack
from twinbar.hw.protocol.vocabulary import Opcode, Status

LINK = LinkConfig(clock_hz=100_000_000, baud=2_000_000)
RUN: dict[str, Any] = {
    "data.limit": 120,
    "data.pool": 2,
    "model.hidden": (8,),
    "array.rows": 32,
    "array.columns": 32,
    "array.sharing": True,
    "array.adc_offset_codes": 1.0,
    "device.levels": 8,
    "write.pulse_limit": 30,
    "training.epochs": 2,
    "training.batch_size": 20,
    "training.lr": 0.05,
    "engine.threads": 1,
}
"""`digits` at 4 x 4 pixels on one tile of 32 x 32 cells."""
BOARD: dict[str, Any] = {"engine.name": "board", "engine.port": "in this process", "engine.wait_s": 5.0}


def make_board(changes: dict[str, Any] | None = None) -> SoftwareBoard:
    crossbar = build_crossbar(ExperimentConfig().merge(RUN | (changes or {})))
    return SoftwareBoard(crossbar, crossbar.array.controller(1), LINK)


def is_armed(board: SoftwareBoard) -> bool:
    """Whether a tile reads: asked of the controller itself, since a new session of the link would disarm it."""
    answers = board.controller.run(Program(pack(Opcode.READ, np.arange(board.controller.controller.tiles)))).responses
    return bool((unpack(answers)["status"] == Status.OK.value).any())


class BreakingLine(SoftwareLine):
    """A line on which something happens in one of the reads to come, or in all from then on.

    Attributes
    ----------
    reads_before : int
        Counts down; at 0 it happens.
    happens : BaseException
    for_good : bool
    """

    def __init__(self, board: SoftwareBoard, reads_before: int = 1 << 30) -> None:
        super().__init__(board)
        self.reads_before = reads_before
        self.happens: BaseException = KeyboardInterrupt()
        self.for_good = False

    def read(self, timeout_s: float) -> bytes:
        """Return the bytes that have come (see `Line`)."""
        self.reads_before -= 1
        if self.reads_before == 0 or (self.for_good and self.reads_before < 0):
            raise self.happens
        return super().read(timeout_s)


def run(path: Path, changes: dict[str, Any], resume: bool = False) -> tuple[dict[str, Any], list[str]]:
    """Train; gives the report and what was said."""
    progress = SilentProgress()
    if resume:
        folder = RunFolder.open(path, ExperimentConfig, {})
    else:
        folder = RunFolder.create(path, ExperimentConfig().merge(RUN | changes))
    with folder:
        report = train(folder.config, folder, progress, resume=resume)
    return report, progress.messages


def use_lines(monkeypatch: pytest.MonkeyPatch, make_line: Callable[[], Line]) -> None:
    """Let training on a board open these lines."""

    def build_board(config: ExperimentConfig) -> BoardConnection | None:
        engine = config.engine
        if engine.name != "board":
            return None
        record = engine.record_line and Path(engine.record_line)
        return BoardConnection("here", engine.baud, engine.wait_s, engine.check, lambda *_: make_line(), record)

    monkeypatch.setattr(run_parts, "build_board", build_board)


def result_of(report: dict[str, Any]) -> dict[str, Any]:
    """What must be the same whichever engine trained, and whatever its link did: all but the waiting for the link."""

    def without_waiting(part: dict[str, Any]) -> dict[str, Any]:
        kept = {key: value for key, value in part.items() if key not in TIMED}
        kept["cycles"] = {key: part["cycles"][key] for key in ("write", "forward")}
        kept["macs"] = (part.get("efficiency") or {"macs": 0})["macs"]
        # A clock is gated while a tile waits.
        waits = ("static", "clock_gating")
        kept["energy"] = {k: v for k, v in part["energy_breakdown_j"].items() if not k.startswith(waits)}
        kept["actions"] = {name: count for name, count in part["actions"].items() if name != "clock_gate"}
        kept["phase_cycles"] = {
            kind: {name: cycles for name, cycles in phases.items() if name not in ("idle", "stall")}
            for kind, phases in part["phase_cycles"].items()
        }
        return kept

    return {
        "epochs": [without_waiting(epoch) for epoch in report["epochs"]],
        "totals": without_waiting(report["totals"]),
        "initialization": without_waiting(report["initialization"]),
        "wear": report["wear"],
    }


TIMED = (
    "host_seconds", "seconds", "energy_j", "energy_breakdown_j", "energy_uncertainty_j", "energy_parts_j", "efficiency",
)  # fmt: skip


def lines_to(board: SoftwareBoard, *lost_at: tuple[int, ...]) -> Callable[[], Line]:
    """Return lines to a board one after the other: the reads in which each is lost; later ones are not."""
    plans = list(lost_at)
    return lambda: SoftwareLine(board, plans.pop(0) if plans else ())
