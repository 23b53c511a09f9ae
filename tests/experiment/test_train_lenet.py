"""A convolutional network on images of a folder of IDX files."""

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest


@pytest.fixture(scope="module")
def stripes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images of 12 x 12 pixels of three classes: stripes across, down, and neither."""
    folder = tmp_path_factory.mktemp("stripes")
    rng = np.random.default_rng(0)
    for stem, count in (("train", 240), ("t10k", 90)):
        labels = np.arange(count) % 3
        images = rng.integers(0, 60, size=(count, 12, 12))
        for image, label, phase in zip(images, labels, rng.integers(4, size=count), strict=True):
            stripe = 160 * ((np.arange(12) + phase) // 2 % 2)
            if label < 2:
                image += stripe[:, None] if label == 0 else stripe[None, :]
            else:
                image += 80
        (folder / f"{stem}-images-idx3-ubyte").write_bytes(
            struct.pack(">IIII", 0x803, count, 12, 12) + images.astype(np.uint8).tobytes()
        )
        (folder / f"{stem}-labels-idx1-ubyte").write_bytes(
            struct.pack(">II", 0x801, count) + labels.astype(np.uint8).tobytes()
        )
    return folder


def test_lenet_learns_on_the_crossbar(train_run: Callable[..., Any], stripes: Path) -> None:
    run = train_run(
        {
            "data.name": str(stripes),
            "data.limit": None,
            "model.kind": "lenet",
            "model.bias": True,
            "array.rows": 64,
            "array.columns": 64,
            "training.epochs": 4,
            "training.lr": 0.02,
        }
    )
    assert run.report["epochs"][-1]["test_accuracy"] > 0.6  # chance is a third
    weights = 6 * 25 + 16 * 150 + 120 * 16 + 84 * 120 + 3 * 84
    assert run.report["totals"]["weights"] == weights
    # Every place of an image is an input vector of its own; tiles of 64 x 64 cells apply it each, unless it is empty.
    steps = 144 * 1 + 4 * 3 + 1 * 4 + 1 * 6 + 1 * 2
    assert 0.9 < run.report["totals"]["actions"]["input_step"] / (steps * 240 * 4) <= 1
