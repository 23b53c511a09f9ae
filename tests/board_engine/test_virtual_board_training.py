"""Training on a virtual board that emulates its array is training on the engine `fast`, down to each cell."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from software_runs import result_of, run

from twinbar.boards.known_boards import find
from twinbar.emulator.contract import beats
from twinbar.emulator.contract.program import Program
from twinbar.emulator.engines.program.fast_controller import FastController
from twinbar.emulator.virtual.compiled_board import CompiledBoard
from twinbar.host.board.emulated_board import emulated_core, emulated_run
from twinbar.host.experiment.checkpoint import load_checkpoint
from twinbar.host.experiment.config import ExperimentConfig
from twinbar.host.experiment.resolved_crossbar import build_crossbar
from twinbar.host.transport.background import repeating
from twinbar.host.transport.endpoint import TcpEndpoint
from twinbar.host.transport.link import Link
from twinbar.host.transport.open_line import open_line
from twinbar.host.virtual.server import Server
from twinbar.hw.protocol.packing import pack
from twinbar.hw.protocol.vocabulary import Opcode

pytestmark = pytest.mark.compiler

ARRAY: dict[str, Any] = {"array.rows": 32, "array.columns": 32, "array.adc_offset_codes": 0.0, "engine.seed": 5}
SMALL: dict[str, Any] = ARRAY | {
    "array.front_end": "emulated",
    "device.preset": "chip",
    "timing.clock_hz": 12e6,
    "data.limit": 40,
    "model.hidden": (8,),
    "training.epochs": 1,
    "trace.record": True,
}
STORED = Path(__file__).parents[1] / "stored" / "emulated-array.json"
"""What the training comes to (see tools/store_results.py)."""


@pytest.fixture
def server() -> Iterator[Server]:
    """A board at a port, fresh from power-up."""
    icebreaker = find("icebreaker")
    core = emulated_core(icebreaker, emulated_run(icebreaker, None, ARRAY))
    server = Server(CompiledBoard(core), TcpEndpoint(0))
    with closing(server.endpoint), repeating(server.step):
        yield server


def test_responses_cells_and_cycles_are_those_of_the_fast_engine(
    compiled_kernels: None, server: Server, tmp_path: Path
) -> None:
    fast, _ = run(tmp_path / "fast", SMALL)
    port = {"engine.name": "board", "engine.port": server.endpoint.name, "engine.check": True}
    report, _ = run(tmp_path / "board", SMALL | port)
    assert report["board"]["responses"] > 1000
    assert report["board"]["differing_responses"] == 0
    # Accuracies, wear, actions, and the cycles of all phases but the waiting for the link.
    assert result_of(report) == result_of(fast)
    # And those that are stored; losses are stored as they are rounded with the plainest vector instructions.
    stored = json.loads(STORED.read_text(encoding="utf-8"))["report"]
    for part in (*report["epochs"], *stored["epochs"]):
        del part["train_loss"]
    assert result_of(report) == result_of(stored)
    # When commands are taken depends on how deep the queues are.
    commands = [
        pq.read_table(tmp_path / name / "commands.parquet").drop(["accepted", "answered", "response_cycles"])
        for name in ("board", "fast")
    ]
    assert commands[0].equals(commands[1])

    checkpoint = load_checkpoint(tmp_path / "fast" / "checkpoint")
    assert checkpoint is not None
    cells = checkpoint["state"]["engine"]
    assert cells["pulses"].sum() > 300
    config = build_crossbar(ExperimentConfig().merge(SMALL))
    controller = FastController(config, server.board.core.controller)
    controller.load_cells({name: cells[name] for name in controller.cells() if name != "driven"})
    every = np.arange(config.array.cells)
    reads = pack(Opcode.READ, 0, row=every // 32, column=every % 32)
    with Link(open_line(server.endpoint.name, server.board.core.link.baud)) as link:
        for program in (beats.configure(config, 1), reads):
            assert np.array_equal(link.run(program), controller.run(Program(program)).responses)
