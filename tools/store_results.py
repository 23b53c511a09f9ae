"""Writes what the trainings in tests/stored/ come to: the figures that no rebuilding may change.

Each file there names its choices (``changes``, by dotted configuration key) and holds the outcome. A test trains each
again and compares. Run this script only where a change of a figure is meant, and say why in a decision (docs/adr/)::

    .venv/bin/python tools/store_results.py                  # all files
    .venv/bin/python tools/store_results.py siamese lenet    # some of them

For a new training, write a file that holds ``changes`` alone, and run the script with its name.

Float32 sums of the twin's gradients are rounded as the vector instructions of a processor order them, and a last bit
can decide whether a weight is updated. The script therefore asks the libraries for the instructions that every x86-64
processor has: it is run as a process of its own.
"""

import argparse
import csv
import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any, Final

# They are read when the libraries are loaded.
os.environ |= {"ATEN_CPU_CAPABILITY": "default", "MKL_CBWR": "COMPATIBLE", "ONEDNN_MAX_CPU_ISA": "SSE41"}

import numpy as np

from twinbar.host.data.dataset import Dataset
from twinbar.host.experiment.config import ExperimentConfig
from twinbar.host.experiment.progress_display import SilentProgress
from twinbar.host.experiment.run_folder import RunFolder
from twinbar.host.experiment.task import prepare_data
from twinbar.host.experiment.train import train

STORED: Final = Path(__file__).resolve().parent.parent / "tests" / "stored"
NOT_STORED: Final = ("environment", "config", "host_seconds")
"""Keys of a report that tell of this computer, or repeat ``changes``."""


def stored_names() -> list[str]:
    """Names of the stored trainings."""
    return sorted(path.stem for path in STORED.glob("*.json"))


def load(name: str) -> dict[str, Any]:
    """Load a stored training."""
    return json.loads((STORED / f"{name}.json").read_text(encoding="utf-8"))


def outcome(stored: dict[str, Any], folder: Path, engine: str) -> dict[str, Any]:
    """Train as a stored file says.

    Parameters
    ----------
    stored : dict
        ``changes``; with ``enlarge``, each pixel of the images becomes a square of as many pixels a side.
    folder : Path
        Of the run; new.
    engine : str

    Returns
    -------
    dict
        ``report`` without `NOT_STORED`; digests of each array of arrays.npz and of each column of steps.csv.
    """
    config = ExperimentConfig().merge(stored["changes"] | {"engine.name": engine})
    data = enlarged(prepare_data(config), stored.get("enlarge", 1))
    with RunFolder.create(folder, config) as created:
        report = train(config, created, SilentProgress(), resume=False, task=data)
    found: dict[str, Any] = {"report": _without(report, NOT_STORED)}
    if (folder / "arrays.npz").exists():
        with np.load(folder / "arrays.npz") as arrays:
            found["arrays"] = {name: _digest_of_array(arrays[name]) for name in arrays.files}
    with (folder / "steps.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    columns = zip(*rows, strict=True)
    found["steps"] = {name: _digest("\n".join(column).encode()) for name, column in zip(header, columns, strict=True)}
    return json.loads(json.dumps(found))


def enlarged(data: Dataset, factor: int) -> Dataset:
    """Make a square of ``factor`` pixels a side out of each pixel."""
    train_images, test_images = (
        images.repeat(factor, axis=1).repeat(factor, axis=2) for images in (data.train_images, data.test_images)
    )
    return Dataset(data.name, train_images, data.train_labels, test_images, data.test_labels, data.classes)


def _without(value: Any, keys: tuple[str, ...]) -> Any:
    if isinstance(value, dict):
        return {key: _without(item, keys) for key, item in value.items() if key not in keys}
    return [_without(item, keys) for item in value] if isinstance(value, list) else value


def _digest_of_array(array: np.ndarray) -> str:
    return _digest(f"{array.dtype.str} {array.shape} ".encode() + np.ascontiguousarray(array).tobytes())


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def as_text(value: Any, indent: int = 0) -> str:
    """Write JSON with one line for each object or list that holds no other one."""
    items = list(value.values()) if isinstance(value, dict) else value
    if not isinstance(value, dict | list) or not any(isinstance(item, dict | list) for item in items):
        return json.dumps(value)
    keys = [f"{json.dumps(key)}: " for key in value] if isinstance(value, dict) else [""] * len(items)
    inner = " " * (indent + 1)
    lines = ",\n".join(inner + key + as_text(item, indent + 1) for key, item in zip(keys, items, strict=True))
    opened, closed = "{}" if isinstance(value, dict) else "[]"
    return f"{opened}\n{lines}\n{' ' * indent}{closed}"


def main() -> None:
    """Train, and write the files."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="stored trainings; all of them without any")
    parser.add_argument("--engine", default="fast", help="engine that trains; each comes to the same [default: fast]")
    parser.add_argument("--into", type=Path, default=STORED, help="folder that the files are written to")
    given = parser.parse_args()
    for name in given.names or stored_names():
        stored = {key: value for key, value in load(name).items() if key in ("changes", "enlarge")}
        with tempfile.TemporaryDirectory() as folder:
            stored |= outcome(stored, Path(folder) / "run", given.engine)
        (given.into / f"{name}.json").write_text(as_text(stored) + "\n", encoding="utf-8")
        print(name, flush=True)


if __name__ == "__main__":
    main()
