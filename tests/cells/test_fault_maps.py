"""Maps of faulty cells: read, drawn in lines, on all engines, found by writing, and trained on."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from twinbar.emulator.crossbar.cell_state import make_cells
from twinbar.emulator.crossbar.configuration import build_config
from twinbar.emulator.crossbar.fault_map import draw_faults, read_fault_map
from twinbar.emulator.devices.preset import load_preset
from twinbar.emulator.engines.bulk.engine import FastEngine
from twinbar.emulator.engines.side_by_side import side_by_side
from twinbar.emulator.sections.array_section import ArrayConfig
from twinbar.emulator.sections.device_section import DeviceConfig
from twinbar.host.cells.chip import Chip
from twinbar.host.cells.fault_detection import detect_faults, save_faults
from twinbar.hw.errors import ConfigError

SMALL = ArrayConfig(rows=4, columns=6)


def saved(path: Path, faults: Any) -> str:
    save_faults(path, faults)
    return str(path)


def test_shares_and_lines_of_a_drawn_map() -> None:
    faults = draw_faults((40, 64, 64), 0.0904, 0.0175, in_lines=0.5, seed=1)
    # Chen et al. (2014): 9.04 % and 1.75 %. Some 2.7 % of the 5,120 lines are broken: a relative error of 8 %.
    assert (faults == 1).mean() == pytest.approx(0.0904, rel=0.15)
    assert (faults == 2).mean() == pytest.approx(0.0175, rel=0.4)
    whole = (faults > 0).all(axis=2).sum() + (faults > 0).all(axis=1).sum()
    assert whole == pytest.approx(5120 * (1 - np.sqrt(1 - 0.5 * 0.1079)), rel=0.25)
    alone = draw_faults((40, 64, 64), 0.0904, 0.0175, seed=1)
    assert (alone > 0).mean() == pytest.approx(0.1079, rel=0.03)
    assert not (alone > 0).all(axis=2).any()


@pytest.mark.parametrize("one_for_all", [True, False])
def test_every_engine_has_the_map(tmp_path: Path, one_for_all: bool) -> None:
    faults = draw_faults((1 if one_for_all else 3, 4, 6), 0.2, 0.2, seed=3)
    file = saved(tmp_path / "map.npz", faults[0] if one_for_all else faults)
    config = build_config(load_preset("taox-hfox"), DeviceConfig(fault_map=file), SMALL)
    expected = np.broadcast_to(faults.reshape(-1, 24), (3, 24))
    mapped = np.full(3, 6)
    assert np.array_equal(make_cells(config, SMALL.controller(3)).fault, expected)
    assert np.array_equal(FastEngine(config, 3, mapped).state_dict()["fault"], expected)
    # On two controllers, the second one begins with the third tile.
    engine = side_by_side(FastEngine, 2)(config, 3, mapped)
    written = np.concatenate([part["fault"] for part in engine.state_dict()["controllers"]])
    assert np.array_equal(written, expected)


@pytest.mark.parametrize("engine", ["fast", "events"])
def test_faults_are_found_as_they_are(engine: str, tmp_path: Path) -> None:
    faults = draw_faults((2, 4, 6), 0.2, 0.15, seed=5)
    settings = {"device.fault_map": saved(tmp_path / "map.npz", faults), "write.pulse_limit": 500}
    chip = Chip("taox-hfox", 4, 6, levels=4, tiles=2, engine=engine, settings=settings)
    assert np.array_equal(detect_faults(chip), faults)


def test_cells_that_do_not_respond(tmp_path: Path) -> None:
    faults = np.zeros((4, 6), np.uint8)
    faults[1, 2] = 3
    # Cells of this preset lie at the middle of their window before they are written.
    settings = {"device.fault_map": saved(tmp_path / "map.npz", faults), "write.pulse_limit": 2000}
    chip = Chip("ecram", 4, 6, levels=4, settings=settings)
    assert np.array_equal(detect_faults(chip)[0], faults)


def test_a_map_that_was_found_is_trained_on(tmp_path: Path, train_run: Any) -> None:
    faults = draw_faults((1, 64, 64), 0.05, 0.02, seed=7)[0]
    file = saved(tmp_path / "found.npz", faults)
    run = train_run({"array.rows": 64, "array.columns": 64, "device.fault_map": file, "training.epochs": 1})
    sound = train_run({"array.rows": 64, "array.columns": 64, "training.epochs": 1})
    assert run.report["epochs"][0]["cells_failed"] > sound.report["epochs"][0]["cells_failed"]


@pytest.mark.parametrize(
    ("array", "says"),
    [
        (np.zeros((4, 5), np.uint8), r"of the shape \(4, 5\); a fault map is of whole numbers, of the shape \(4, 6\)"),
        (np.zeros((4, 6)), "holds float64"),
        (np.full((4, 6), 4), "values from 4 to 4; faults are 0"),
    ],
)
def test_files_that_are_no_maps_are_refused(tmp_path: Path, array: Any, says: str) -> None:
    np.save(tmp_path / "map.npy", array)
    with pytest.raises(ConfigError, match=says):
        read_fault_map(tmp_path / "map.npy", 4, 6)


def test_other_bad_input(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"map.csv: fault maps are read from .npy and .npz files"):
        read_fault_map(tmp_path / "map.csv", 4, 6)
    with pytest.raises(
        ConfigError, match=r"^there is no fault map .*nothing.npz; give the name of a .npy or .npz file$"
    ):
        read_fault_map(tmp_path / "nothing.npz", 4, 6)
    (tmp_path / "folder.npy").mkdir()
    with pytest.raises(ConfigError, match=r"folder.npy cannot be read \(it is a folder\); give a .npy or .npz file"):
        read_fault_map(tmp_path / "folder.npy", 4, 6)
    np.savez(tmp_path / "cut.npz", fault=np.zeros((4, 6), np.uint8))
    (tmp_path / "cut.npz").write_bytes((tmp_path / "cut.npz").read_bytes()[:100])
    for name, content in (("broken.npz", b"no zip"), ("empty.npy", b""), ("cut.npz", None)):
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(
            ConfigError, match=rf"{name} is damaged .* it must be an array of faults, .*; save it again"
        ):
            read_fault_map(tmp_path / name, 4, 6)
    for name in ("broken.npz", "empty.npy", "objects.npy"):
        np.save(tmp_path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
        with pytest.raises(ConfigError) as caught:
            read_fault_map(tmp_path / name, 4, 6)
        assert "pickle" not in str(caught.value)  # NumPy advises to load it unsafely
    np.savez(tmp_path / "two.npz", a=np.zeros(3), b=np.zeros(3))
    with pytest.raises(ConfigError, match="holds a, b; it must hold one array"):
        read_fault_map(tmp_path / "two.npz", 4, 6)
    with pytest.raises(ConfigError, match=r"add up to 1\.2"):
        draw_faults((1, 4, 6), 0.6, 0.6)
    file = saved(tmp_path / "two-tiles.npz", np.zeros((2, 4, 6), np.uint8))
    with pytest.raises(ConfigError, match="exists already; choose another name, or overwrite=True"):
        save_faults(file, np.zeros((4, 6), np.uint8))
    config = build_config(load_preset("taox-hfox"), DeviceConfig(fault_map=file), SMALL)
    with pytest.raises(ConfigError, match="has 2 tiles, and 3 are used"):
        make_cells(config, SMALL.controller(3))
    with pytest.raises(ConfigError, match="low is 3 and high is 3"):
        detect_faults(Chip("taox-hfox", 4, 6, levels=4), low=3)
