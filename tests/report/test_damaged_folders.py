import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from twinbar.host.report.page import build_report
from twinbar.hw.errors import ConfigError


@pytest.fixture
def run(tmp_path: Path, make_run: Callable) -> Path:
    make_run(tmp_path, epochs=1, steps=5, layers=(20, 10))
    return tmp_path


def refused(folder: Path) -> str:
    """Build, expect a refusal that leaves no file behind, and give its text."""
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} if folder.is_dir() else {}
    with pytest.raises(ConfigError) as caught:
        build_report(folder)
    if folder.is_dir():
        assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    text = str(caught.value)
    assert "\n" not in text
    return text


def edit(path: Path, **changes: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def edit_arrays(path: Path, **changes: np.ndarray | None) -> None:
    with np.load(path) as archive:
        arrays = dict(archive)
    for name, value in changes.items():
        if value is None:
            del arrays[name]
        else:
            arrays[name] = value
    np.savez(path, **arrays)


def test_no_folder(tmp_path: Path) -> None:
    assert "is not a run folder: it does not exist" in refused(tmp_path / "none")
    (tmp_path / "file").write_text("")
    assert "is not a run folder: it is a file" in refused(tmp_path / "file")


def test_another_folder(tmp_path: Path) -> None:
    assert "it has neither report.json nor compare.json; give a folder that" in refused(tmp_path)


def test_json_that_is_cut_short(run: Path) -> None:
    text = (run / "report.json").read_text()
    (run / "report.json").write_text(text[: len(text) // 2])
    assert "report.json is damaged: " in (message := refused(run))
    assert "at line" in message


def test_json_that_is_not_text(run: Path) -> None:
    (run / "report.json").write_bytes(b"\xff\xfe\x00")
    assert "it must be JSON in UTF-8" in refused(run)


def test_json_of_another_shape(run: Path) -> None:
    (run / "report.json").write_text("[1, 2]")
    assert "it must hold one JSON object" in refused(run)


def test_another_schema(run: Path) -> None:
    edit(run / "report.json", schema=2)
    assert "has schema 2; this version of Twinbar reads schema 1" in refused(run)


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"epochs": [{"epoch": "one"}]}, "epochs.0.epoch"),
        ({"epochs": 3}, "epochs"),
        ({"totals": {"energy_j": {"write": "much"}}}, "totals.energy_j.write"),
        ({"warnings": "none"}, "warnings"),
    ],
)
def test_a_key_of_the_wrong_kind(run: Path, changes: dict[str, object], place: str) -> None:
    edit(run / "report.json", **changes)
    assert f"is not what `twinbar train` writes: at {place}: " in refused(run)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("", "its first line must name the columns"),
        ("a,b\n1,2\n", "its first line must name the columns"),
        ("step,epoch,loss\n1,1,0.5\n2,1,oops\n", "steps.csv is damaged"),
        ("step,epoch,loss\n1,1,0.5\n2,1\n", "steps.csv is damaged"),
    ],
)
def test_a_table_of_steps_that_is_none(run: Path, table: str, message: str) -> None:
    (run / "steps.csv").write_text(table)
    assert message in refused(run)


def test_a_last_line_that_is_still_being_written_is_left_out(run: Path) -> None:
    (run / "arrays.npz").unlink()
    (run / "steps.csv").write_text("step,epoch,loss\n1,1,0.5\n2,1,0.4\n3,1,0.")
    build_report(run)
    drawing = (run / "plots" / "loss.svg").read_text()
    assert ">2<" in drawing
    assert ">3<" not in drawing


def test_a_table_of_steps_without_lines(run: Path) -> None:
    (run / "arrays.npz").unlink()
    (run / "steps.csv").write_text("step,epoch,loss\n")
    build_report(run)
    assert not (run / "plots" / "loss.svg").exists()


def test_an_archive_that_is_cut_short(run: Path) -> None:
    content = (run / "arrays.npz").read_bytes()
    (run / "arrays.npz").write_bytes(content[: len(content) // 2])
    assert "arrays.npz is damaged" in refused(run)


def test_an_archive_that_holds_objects(run: Path) -> None:
    edit_arrays(run / "arrays.npz", tile_names=np.array([object()], dtype=object))
    assert "arrays.npz is damaged" in refused(run)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pulses": None}, "lacks the array `pulses`"),
        ({"pulses": np.zeros(4, np.uint32)}, "it must be [tiles, rows, columns]"),
        ({"mapped": np.ones((1, 2, 3), bool)}, "`mapped` has the shape (1, 2, 3)"),
        ({"tile_names": np.array(["a", "b", "c"])}, "3 tile names for"),
        ({"levels_s": np.array([2e-6, 1e-6])}, "ascending conductances"),
        ({"levels_s": np.array([1e-6])}, "names a level that `levels_s` does not have"),
    ],
)
def test_arrays_that_do_not_belong_together(run: Path, changes: dict[str, np.ndarray | None], message: str) -> None:
    edit_arrays(run / "arrays.npz", **changes)
    assert message in refused(run)


def test_conductances_that_are_no_numbers(run: Path) -> None:
    with np.load(run / "arrays.npz") as archive:
        shape = archive["conductance_s"].shape
    edit_arrays(run / "arrays.npz", conductance_s=np.full(shape, np.nan, np.float32))
    assert "not finite" in refused(run)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("name", ["report.json", "steps.csv", "arrays.npz", "checkpoint/000001.npz"])
def test_a_pipe_in_place_of_a_file_is_not_waited_for(run: Path, name: str) -> None:
    (run / name).parent.mkdir(exist_ok=True)
    (run / name).unlink(missing_ok=True)
    os.mkfifo(run / name)
    assert refused(run) == f"{run / name} is not a file but a pipe, a socket or a device; remove it"


def test_a_comparison_with_one_damaged_run(tmp_path: Path, make_compare: Callable) -> None:
    make_compare(tmp_path, ("closed-loop", "float"), epochs=1, steps=5, layers=(20, 10))
    (tmp_path / "float" / "report.json").write_text("{")
    assert "float/report.json is damaged" in refused(tmp_path)


def test_a_comparison_without_policies(tmp_path: Path) -> None:
    (tmp_path / "compare.json").write_text(json.dumps({"schema": 1, "policies": {}}))
    assert "is not what `twinbar compare` writes: at policies: " in refused(tmp_path)


def test_a_place_that_cannot_be_written(tmp_path: Path, make_run: Callable) -> None:
    make_run(tmp_path, "float", epochs=1, steps=5)
    (tmp_path / "plots").write_text("a file where the folder should be")
    with pytest.raises(ConfigError, match="cannot be written"):
        build_report(tmp_path)
    assert not (tmp_path / "index.html").exists()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]
