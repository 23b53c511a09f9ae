"""Training through OpenMENA's wiring: a virtual board with DACs on I2C comes to what the engine `fast` comes to."""

from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from software_runs import RUN, result_of, run

from twinbar.boards.core_of_board import core_of
from twinbar.boards.known_boards import find
from twinbar.boards.wiring import find_wiring
from twinbar.emulator.virtual.compiled_board import CompiledBoard
from twinbar.host.board.board_crossbar import settling_times, use_of
from twinbar.host.data.digits import load_digits
from twinbar.host.experiment.config import ExperimentConfig
from twinbar.host.experiment.resolved_crossbar import build_crossbar
from twinbar.host.transport.background import repeating
from twinbar.host.transport.endpoint import TcpEndpoint
from twinbar.host.virtual.server import Server

pytestmark = [pytest.mark.compiler, pytest.mark.slow]
CLOCK_HZ = 12e6


def zeros_and_ones(path: Path) -> None:
    """Store the zeros and ones of `digits` at 2 x 2 pixels: as much as one tile of 8 x 8 cells can learn."""
    digits = load_digits()

    def pooled(images: Any, labels: Any) -> tuple[Any, Any]:
        kept = images[labels < 2].reshape(-1, 2, 4, 2, 4)
        return kept.mean((2, 4)).round().astype(np.uint8), labels[labels < 2]

    train = pooled(digits.train_images, digits.train_labels)
    test = pooled(digits.test_images, digits.test_labels)
    np.savez(path, x_train=train[0], y_train=train[1], x_test=test[0], y_test=test[1])


def test_the_result_is_that_of_the_fast_engine(tmp_path: Path) -> None:
    zeros_and_ones(tmp_path / "zeros-ones.npz")
    wiring = find_wiring("openmena")
    parts = wiring.serial_parts(CLOCK_HZ)
    assert parts is not None
    changes: dict[str, Any] = {
        "array.front_end": "openmena",
        "array.rows": 8,
        "array.columns": 8,
        "array.adc_channels": 4,
        "array.adc_offset_codes": 0.0,
        "array.sharing": False,
        **use_of(parts),
        **settling_times(parts, 8, 4),
        "timing.clock_hz": CLOCK_HZ,
        "device.preset": "chip",
        "data.name": str(tmp_path / "zeros-ones.npz"),
        "data.pool": 1,
        "data.limit": 16,
        "model.hidden": (),
        "training.epochs": 1,
        "training.batch_size": 4,
        "training.lr": 2.0,
        "engine.seed": 3,
    }
    fast, _ = run(tmp_path / "fast", changes)
    assert fast["totals"]["cycles"]["write"] > 1_000_000
    crossbar = build_crossbar(ExperimentConfig().merge(RUN | changes))
    board = CompiledBoard(core_of(find("ice40-hx8k-b-evn"), wiring), crossbar, words=True)
    server = Server(board, TcpEndpoint(0))
    with closing(server.endpoint), repeating(server.step):
        port = {"engine.name": "board", "engine.port": server.endpoint.name, "engine.check": True}
        report, _ = run(tmp_path / "board", changes | port | {"engine.wait_s": 600.0})
    assert report["board"]["responses"] > 500
    assert report["board"]["differing_responses"] == 0
    assert result_of(report) == result_of(fast)
    # No part on any bus has seen a limit of its datasheet broken.
    assert board.complaints() == (0, [])
