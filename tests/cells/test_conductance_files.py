"""Conductances from files and into files: every format gives the same, and bad files end in one sentence."""

import sys
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from twinbar.host.cells.chip import Chip
from twinbar.host.cells.conductance_reader import read_conductances
from twinbar.host.cells.conductance_writer import save_conductances
from twinbar.hw.errors import ConfigError, ToolMissingError

MAP = np.random.default_rng(0).uniform(1e-7, 1e-5, (4, 6))


@pytest.mark.parametrize("suffix", ["npz", "h5", "hdf5", "csv"])
def test_what_is_written_is_read_to_the_last_bit(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"map.{suffix}"
    save_conductances(path, MAP)
    np.testing.assert_array_equal(read_conductances(path), MAP)
    if suffix != "csv":
        save_conductances(path, np.stack([MAP, 2 * MAP]), overwrite=True)
        np.testing.assert_array_equal(read_conductances(str(path)), np.stack([MAP, 2 * MAP]))


@pytest.mark.parametrize(
    ("name", "content", "unit", "siemens"),
    [
        ("m.csv", "1e-6,2e-6\n3e-6,4e-6\n", None, [[1e-6, 2e-6], [3e-6, 4e-6]]),
        ("m.csv", "# chip 3\n# unit: uS\n1,2\n3,4\n", None, [[1e-6, 2e-6], [3e-6, 4e-6]]),
        ("m.csv", "# unit = kohm\n100;200\n50;25\n", None, [[1e-5, 5e-6], [2e-5, 4e-5]]),
        ("m.txt", "1,5 2,5\n", "uS", [[1.5e-6, 2.5e-6]]),
        ("m.txt", "1,5 2,5\n3.5 4.5\n", "uS", None),
        ("m.tsv", "1,5\t2,5\n", "µS", [[1.5e-6, 2.5e-6]]),
        ("m.txt", "1.5 2.5\n", "uS", [[1.5e-6, 2.5e-6]]),
    ],
)
def test_tables_and_their_units(tmp_path: Path, name: str, content: str, unit: str | None, siemens: Any) -> None:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    if siemens is None:
        with pytest.raises(ConfigError, match="line 1: column 2 is '5 2', not a number"):
            read_conductances(path, unit=unit)
    else:
        np.testing.assert_allclose(read_conductances(path, unit=unit), siemens, rtol=1e-12)


def test_arrays_that_others_have_written(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    np.savez(tmp_path / "one.npz", G=MAP)
    np.savez(tmp_path / "many.npz", conductance_s=MAP, voltage=np.zeros(3))
    np.savez(tmp_path / "unit.npz", G=MAP * 1e6, unit="uS")
    np.save(tmp_path / "plain.npy", MAP)
    with h5py.File(tmp_path / "deep.h5", "w") as file:
        file.create_dataset("array/G", data=MAP * 1e6).attrs["unit"] = np.bytes_("uS")
    for path in tmp_path.iterdir():
        np.testing.assert_allclose(read_conductances(path), MAP, rtol=1e-12)


def bad_files(folder: Path) -> dict[str, str]:
    """Files by name, and what is said of them."""
    np.savez(folder / "two.npz", a=MAP, b=MAP)
    np.savez(folder / "none.npz")
    np.savez(folder / "words.npz", G=np.array([["a", "b"]]))
    np.savez(folder / "flat.npz", G=MAP.ravel())
    np.savez(folder / "volts.npz", G=MAP, unit="V")
    np.savez(folder / "objects.npz", G=np.array([{}], dtype=object), allow_pickle=True)
    (folder / "text.npz").write_text("1,2\n")
    (folder / "text.h5").write_text("1,2\n")
    (folder / "empty.npy").write_bytes(b"")
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (4000000000000000, 1), }".ljust(117) + b"\n"
    (folder / "huge.npy").write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    (folder / "ragged.csv").write_text("1,2\n3\n")
    (folder / "words.csv").write_text("1,two\n")
    (folder / "empty.csv").write_text("# nothing\n")
    (folder / "map.xlsx").write_text("")
    (folder / "folder.npz").mkdir()
    return {
        "two.npz": "holds a, b; name the one of conductances conductance_s",
        "none.npz": "holds no array; name the one",
        "words.npz": "of the shape (1, 2); conductances are numbers",
        "flat.npz": "holds float64 of the shape (24,); conductances are numbers of the shape (rows, columns)",
        "volts.npz": "the unit is 'V'; it is one of a conductance or a resistance, like uS",
        "objects.npz": "it is no npz file, or it is damaged",
        "text.npz": "it is no npz file, or it is damaged",
        "text.h5": "it is no h5 file, or it is damaged",
        "empty.npy": "it is no npy file, or it is damaged",
        "huge.npy": "it is no npy file, or it is damaged",
        "ragged.csv": "line 2: 1 numbers, and 2 in the first row",
        "words.csv": "line 1: column 2 is 'two', not a number",
        "empty.csv": "holds no numbers",
        "map.xlsx": "conductances are read from .npz, .npy, .h5, .hdf5, .csv, .tsv, .txt files",
        "folder.npz": "cannot read",
        "missing.npz": "No such file or directory",
        "missing.h5": "No such file or directory",
        "missing.csv": "No such file or directory",
    }


def test_bad_files_end_in_one_sentence(tmp_path: Path) -> None:
    for name, expected in bad_files(tmp_path).items():
        with pytest.raises(ConfigError) as caught:
            read_conductances(tmp_path / name)
        assert expected in str(caught.value), name
        assert name in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", ["npz", "h5", "csv"])
def test_damaged_files_are_read_or_refused(tmp_path: Path, suffix: str) -> None:
    path, random = tmp_path / f"map.{suffix}", Random(0)
    save_conductances(path, MAP)
    whole = path.read_bytes()
    sentences = []
    for _ in range(150):
        content = bytearray(whole)
        for _ in range(random.randint(1, 4)):
            content[random.randrange(len(content))] = random.randrange(256)
        path.write_bytes(bytes(content[: random.choice([len(content), random.randrange(len(content))])]))
        try:
            read_conductances(path)
        except ConfigError as error:
            sentences.append(str(error))
    assert sentences
    assert not any("\n" in sentence for sentence in sentences)


def test_nothing_is_overwritten_unasked(tmp_path: Path) -> None:
    path = tmp_path / "map.csv"
    path.write_text("mine")
    with pytest.raises(ConfigError, match="exists already; choose another name, or overwrite=True"):
        save_conductances(path, MAP)
    assert path.read_text() == "mine"
    for name, values, sentence in (
        ("map.xlsx", MAP, "conductances are written to .npz, .h5, .hdf5, .csv files"),
        ("two.csv", np.stack([MAP, MAP]), "a .csv file holds one tile, and these are 2"),
        ("flat.npz", MAP.ravel(), r"have the shape \(24,\)"),
        ("no/such/folder.npz", MAP, "No such file or directory"),
    ):
        with pytest.raises(ConfigError, match=sentence):
            save_conductances(tmp_path / name, values)
    assert [entry.name for entry in tmp_path.iterdir()] == ["map.csv"]


def test_hdf5_names_the_command_that_installs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(
        ToolMissingError, match=r"needs the package h5py, .*; run: python -m pip install 'twinbar\[hdf5\]'"
    ):
        read_conductances(tmp_path / "m.h5")
    with pytest.raises(ToolMissingError, match=r"python -m pip install 'twinbar\[hdf5\]'"):
        save_conductances(tmp_path / "m.h5", MAP)
    assert list(tmp_path.iterdir()) == []


def test_a_chip_takes_its_conductances_from_a_file(tmp_path: Path) -> None:
    chip, twin = (Chip("ideal", 8, 8, levels=16) for _ in range(2))
    asked = np.linspace(chip.scale.g_min_s, chip.scale.g_max_s, 64).reshape(8, 8)
    save_conductances(tmp_path / "asked.npz", asked)
    by_file = chip.write_conductance(tmp_path / "asked.npz")
    by_array = twin.write_conductance(asked)
    np.testing.assert_array_equal(by_file.codes, by_array.codes)
    np.testing.assert_array_equal(chip.conductance(), twin.conductance())
    save_conductances(tmp_path / "reached.npz", chip.conductance())
    np.testing.assert_array_equal(read_conductances(tmp_path / "reached.npz"), chip.conductance())
    assert twin.write_conductance(str(tmp_path / "asked.npz")).ok.all()
