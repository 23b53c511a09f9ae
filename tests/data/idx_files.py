"""Writes sets of IDX files."""

import gzip
from pathlib import Path

import numpy as np

NAMES = {
    "train-images": "train-images-idx3-ubyte",
    "train-labels": "train-labels-idx1-ubyte",
    "t10k-images": "t10k-images-idx3-ubyte",
    "t10k-labels": "t10k-labels-idx1-ubyte",
}


def idx_bytes(array: np.ndarray) -> bytes:
    header = bytes([0, 0, 8, array.ndim])
    return (
        header + b"".join(int(length).to_bytes(4, "big") for length in array.shape) + array.astype(np.uint8).tobytes()
    )


def arrays(train: int = 12, test: int = 6, height: int = 5, width: int = 4) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(7)
    return {
        "train-images": rng.integers(0, 256, (train, height, width)),
        "train-labels": np.arange(train) % 4,
        "t10k-images": rng.integers(0, 256, (test, height, width)),
        "t10k-labels": np.arange(test) % 4,
    }


def write_set(folder: Path, compressed: bool = True, dotted: bool = False, **changes: np.ndarray) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for role, array in {**arrays(), **{key.replace("_", "-"): value for key, value in changes.items()}}.items():
        name = NAMES[role].replace("-idx", ".idx") if dotted else NAMES[role]
        content = idx_bytes(array)
        path = folder / (name + ".gz" if compressed else name)
        path.write_bytes(gzip.compress(content, mtime=0) if compressed else content)
    return folder
