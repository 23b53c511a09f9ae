"""Converters with offsets and gain errors, calibrated before a training: every engine comes to the same result."""

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from software_runs import RUN, result_of, run

from twinbar.boards.core_of_board import core_of
from twinbar.boards.known_boards import find
from twinbar.boards.wiring import find_wiring
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.virtual.compiled_board import CompiledBoard
from twinbar.host.board.board_crossbar import settling_times, use_of
from twinbar.host.experiment.checkpoint import load_checkpoint
from twinbar.host.experiment.config import ExperimentConfig
from twinbar.host.experiment.resolved_crossbar import build_crossbar
from twinbar.host.transport.background import repeating
from twinbar.host.transport.endpoint import TcpEndpoint
from twinbar.host.virtual.server import Server
from twinbar.hw.gateware.board_core import CoreConfig
from twinbar.hw.protocol.registers import TRIM_INIT

pytestmark = [pytest.mark.compiler, pytest.mark.ci]

SIZES = {"rows": 32, "columns": 32, "adc_channels": 2, "dac_bits": 12, "input_bits": 4}
WIRINGS = {"direct": ("ice40-hx8k-b-evn", "ice40-hx8k-b-evn"), "serial": ("ulx3s-25f", "ulx3s")}
"""A board and a wiring: with gain trims, and with parts that have none."""


def core(kind: str) -> CoreConfig:
    board, wiring = WIRINGS[kind]
    return core_of(find(board), find_wiring(wiring), **SIZES)


def changes(kind: str) -> dict[str, Any]:
    """Return the keys of a training: `digits`, with converters that need all of their calibration."""
    board, wiring = WIRINGS[kind]
    keys: dict[str, Any] = {
        **{f"array.{name}": value for name, value in SIZES.items() if name != "dac_bits"},
        "array.adc_offset_codes": 3.0,
        "array.adc_gain_error": 0.04,
        "timing.clock_hz": find(board).clock_hz,
        "device.preset": "chip",
        "data.limit": 24,
        "training.epochs": 1,
        "training.batch_size": 8,
        "engine.seed": 7,
    }
    parts = core(kind).parts
    if parts is not None:
        keys |= {"array.front_end": wiring, **use_of(parts), **settling_times(parts, SIZES["rows"], 2)}
    return keys


def crossbar(kind: str) -> CrossbarConfig:
    return build_crossbar(ExperimentConfig().merge(RUN | changes(kind)))


@pytest.mark.parametrize("kind", WIRINGS)
def test_the_result_is_the_same_on_every_engine(kind: str, tmp_path: Path) -> None:
    fast, _ = run(tmp_path / "fast", changes(kind))
    checkpoint = load_checkpoint(tmp_path / "fast" / "checkpoint")
    assert checkpoint is not None
    measured = checkpoint["state"]["engine"]
    assert measured["offsets"].any()
    trims = measured["trims"] - TRIM_INIT
    assert not trims.any() if kind == "serial" else trims.all()
    rtl, _ = run(tmp_path / "rtl", changes(kind) | {"engine.name": "rtl"})
    assert result_of(rtl) == result_of(fast)
    board = CompiledBoard(core(kind), crossbar(kind), words=True)
    server = Server(board, TcpEndpoint(0))
    with closing(server.endpoint), repeating(server.step):
        port = {"engine.name": "board", "engine.port": server.endpoint.name, "engine.check": True}
        report, _ = run(tmp_path / "board", changes(kind) | port | {"engine.wait_s": 600.0})
    assert report["board"]["differing_responses"] == 0
    assert report["board"]["responses"] > 500
    assert result_of(report) == result_of(fast)
    # No part has seen a limit of its datasheet broken.
    assert board.complaints() == (0, [])
