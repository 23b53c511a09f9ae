"""Whatever is in a file, it is read or refused in one sentence, and nothing is written.

``TWINBAR_FUZZ=100000 python -m pytest tests/fuzz`` tries as many files of each kind; CI tries fewer. Another
``TWINBAR_FUZZ_SEED``, the first of as many seeds, gives other files. Most of the time goes into writing them: a
``--basetemp`` in memory halves it.
"""

import gzip
import json
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mutations import mutated

from twinbar.hw.errors import TwinbarError

COUNT = int(os.environ.get("TWINBAR_FUZZ", "250"))
"""Files of each kind."""

FIRST_SEED = int(os.environ.get("TWINBAR_FUZZ_SEED", "0"))

Case = tuple[dict[str, bytes], Callable[[Path], Any]]
"""Whole files by name, of which the first is damaged, and what reads the folder that they are in."""


def configuration(scratch: Path) -> Case:
    from twinbar.host.experiment.config import ExperimentConfig

    return {"c.toml": ExperimentConfig().to_toml().encode()}, lambda path: ExperimentConfig.from_toml(path / "c.toml")


def preset(scratch: Path) -> Case:
    from importlib.resources import files

    from twinbar.emulator.devices.preset import load_preset

    text = (files("twinbar.emulator.devices.presets") / "taox-hfox.toml").read_bytes()
    return {"cell.toml": text}, lambda path: load_preset(path / "cell.toml")


def energy_table(scratch: Path) -> Case:
    from importlib.resources import files

    from twinbar.emulator.ledger.energy_table import load_energy_table

    text = (files("twinbar.emulator.ledger.energy_tables") / "macro-65nm.toml").read_bytes()
    return {"chip.toml": text}, lambda path: load_energy_table(path / "chip.toml")


def wiring(scratch: Path) -> Case:
    from importlib.resources import files

    from twinbar.boards.wiring import find_wiring

    text = (files("twinbar.boards.wirings") / "icebreaker.toml").read_bytes()
    return {"w.toml": text}, lambda path: find_wiring(str(path / "w.toml"))


def idx(scratch: Path, *, packed: bool = False) -> Case:
    from twinbar.host.data.idx_folder import load_idx_folder

    images = struct.pack(">IIII", 0x0803, 4, 3, 3) + bytes(range(36))
    labels = struct.pack(">II", 0x0801, 4) + bytes([0, 1, 2, 1])
    whole = {
        f"{part}-{what}-ubyte": content
        for part in ("train", "t10k")
        for what, content in (("images-idx3", images), ("labels-idx1", labels))
    }
    if packed:
        whole = {f"{name}.gz": gzip.compress(content, mtime=0) for name, content in whole.items()}
    return whole, load_idx_folder


def packed_idx(scratch: Path) -> Case:
    return idx(scratch, packed=True)


def pulses(scratch: Path) -> Case:
    from twinbar.emulator.devices.measurement import read_pulse_trains

    rows = ["polarity,pulse,conductance_uS"]
    rows += [f"set,{n},{1 + 0.3 * n}" for n in range(1, 12)] + [f"reset,{n},{4 - 0.3 * n}" for n in range(1, 12)]
    return {"p.csv": "\n".join(rows).encode()}, lambda path: read_pulse_trains(path / "p.csv")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small run folder with a trace."""
    from twinbar.host.experiment.config import ExperimentConfig
    from twinbar.host.experiment.progress_display import SilentProgress
    from twinbar.host.experiment.run_folder import RunFolder
    from twinbar.host.experiment.train import train

    changes = {"data.limit": 16, "data.pool": 4, "training.epochs": 1, "model.hidden": (3,), "trace.record": True}
    config = ExperimentConfig().merge({**changes, "array.rows": 4, "array.columns": 8, "device.levels": 4})
    folder = tmp_path_factory.mktemp("fuzz") / "run"
    with RunFolder.create(folder, config) as opened:
        train(config, opened, SilentProgress(), resume=False)
    return folder


def report(run: Path, name: str) -> Case:
    from twinbar.host.report.folder import load

    names = ["report.json", "steps.csv", "arrays.npz", "config.toml"]
    names.sort(key=lambda other: other != name)
    return {other: (run / other).read_bytes() for other in names}, load


def trace(run: Path) -> Case:
    from twinbar.host.trace.store import read_parts

    (part,) = sorted((run / "commands.parquet").glob("part-*"))[:1]
    return {"part-00000.parquet": part.read_bytes()}, lambda path: list(read_parts(path))


def checkpoint(run: Path) -> Case:
    """A checkpoint whose checksum is right, so that its content is read."""
    import hashlib

    from twinbar.host.experiment.checkpoint import load_checkpoint

    newest = max((run / "checkpoint").glob("*.npz"))

    def read(path: Path) -> Any:
        content = (path / "state").read_bytes()
        (path / f"00000001-{hashlib.sha256(content).hexdigest()}.npz").write_bytes(content)
        return load_checkpoint(path)

    return {"state": newest.read_bytes()}, read


def session(scratch: Path) -> Case:
    from twinbar.emulator.verify.session import Session, SessionStep
    from twinbar.host.cli.verify_command import read_session

    state = Session("pair", (SessionStep((0x1234, 0x99)),)).state_dict()
    text = json.dumps({"difference": {"session": state}}).encode()
    return {"s.json": text}, lambda path: read_session(path / "s.json")


def network_state(scratch: Path) -> Case:
    """What a network keeps beside its parameters; PyTorch itself refuses damaged files."""
    import torch
    from torch import nn

    import twinbar as tb

    net = tb.convert(nn.Linear(3, 2), device="ideal", levels=4)
    net(torch.rand(2, 3))
    whole = net.state_dict()
    packed = whole["crossbar_state"]

    def read(path: Path) -> Any:
        try:
            tree = json.loads((path / "tree.json").read_bytes())
        except (ValueError, RecursionError):
            raise TwinbarError("it is no JSON") from None
        return net.load_state_dict({**whole, "crossbar_state": {**packed, "tree": tree}})

    return {"tree.json": json.dumps(packed["tree"]).encode()}, read


SIMPLE = [configuration, preset, energy_table, wiring, idx, packed_idx, pulses, session, network_state]


def damage(case: Case, folder: Path, count: int) -> None:
    """Read many damaged files, and the whole ones."""
    whole, read = case
    victim = next(iter(whole))
    for name, content in whole.items():
        (folder / name).write_bytes(content)
    read(folder)
    before = {path.name for path in folder.iterdir()}
    refused = 0
    for seed in range(FIRST_SEED, FIRST_SEED + count):
        (folder / victim).write_bytes(mutated(whole[victim], seed))
        try:
            read(folder)
        except TwinbarError as error:
            refused += 1
            text = str(error)
            assert text.strip(), seed
            assert "\n" not in text, (seed, text)
        except Exception as error:
            raise AssertionError(f"seed {seed}: {type(error).__name__}: {error}") from error
        for path in folder.iterdir():
            if path.name not in before:
                assert path.suffix == ".npz", path
                path.unlink()
    # Else nothing was damaged.
    assert refused > count / 20


@pytest.mark.parametrize("make", SIMPLE, ids=lambda make: make.__name__)
@pytest.mark.filterwarnings("ignore")
def test_files(make: Callable[[Path], Case], tmp_path: Path) -> None:
    (tmp_path / "scratch").mkdir()
    (tmp_path / "files").mkdir()
    damage(make(tmp_path / "scratch"), tmp_path / "files", COUNT)


@pytest.mark.parametrize("name", ["report.json", "steps.csv", "arrays.npz"])
@pytest.mark.filterwarnings("ignore")
def test_run_folders(name: str, run: Path, tmp_path: Path) -> None:
    damage(report(run, name), tmp_path, COUNT)


@pytest.mark.parametrize("make", [trace, checkpoint], ids=lambda make: make.__name__)
@pytest.mark.filterwarnings("ignore")
def test_traces_and_checkpoints(make: Callable[[Path], Case], run: Path, tmp_path: Path) -> None:
    if make is trace:
        pytest.importorskip("pyarrow", reason="traces need the extra record")
    damage(make(run), tmp_path, COUNT)


CHANGES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "empty": lambda state: state.clear(),
    "no engine": lambda state: state.pop("engine"),
    "a layer less": lambda state: state["layers"].pop(),
    "another shape": lambda state: state["layers"][0]["cells"].update(plus=np.zeros((1, 1), np.uint8)),
    "text for a number": lambda state: state.update(step="many"),
    "another module": lambda state: state["module"].clear(),
    "no optimizer": lambda state: state.update(optimizer=None),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_checkpoint_with_other_content_is_refused_and_nothing_is_lost(name: str, run: Path, tmp_path: Path) -> None:
    import shutil

    from twinbar.host.experiment.checkpoint import load_checkpoint, save_checkpoint
    from twinbar.host.experiment.progress_display import SilentProgress
    from twinbar.host.experiment.run_folder import RunFolder
    from twinbar.host.experiment.train import train

    folder = tmp_path / "run"
    shutil.copytree(run, folder)
    saved = load_checkpoint(folder / "checkpoint")
    assert saved is not None
    CHANGES[name](saved["state"])
    shutil.rmtree(folder / "checkpoint")
    save_checkpoint(folder / "checkpoint", saved if name != "empty" else {})
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    with RunFolder.open(folder) as opened, pytest.raises(TwinbarError, match="checkpoint"):
        train(opened.config, opened, SilentProgress(), resume=True)
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before
