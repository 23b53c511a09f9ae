import gzip
from pathlib import Path

import numpy as np
import pytest
from idx_files import NAMES, arrays, idx_bytes, write_set

from twinbar.host.data import load_dataset
from twinbar.host.data.idx import read_images, read_labels
from twinbar.hw.errors import ConfigError

TRAIN_IMAGES = NAMES["train-images"]


def refusal(folder: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        load_dataset(str(folder))
    sentence = str(caught.value)
    assert "\n" not in sentence
    return sentence


@pytest.mark.parametrize("compressed", [True, False])
@pytest.mark.parametrize("dotted", [True, False])
def test_a_folder_gives_what_was_written(tmp_path: Path, compressed: bool, dotted: bool) -> None:
    data = load_dataset(str(write_set(tmp_path / "fashion", compressed, dotted)))
    expected = arrays()
    assert data.name == "fashion"
    assert data.classes == 4
    assert data.image_shape == (5, 4)
    np.testing.assert_array_equal(data.train_images, expected["train-images"])
    np.testing.assert_array_equal(data.train_labels, expected["train-labels"])
    np.testing.assert_array_equal(data.test_images, expected["t10k-images"])
    np.testing.assert_array_equal(data.test_labels, expected["t10k-labels"])
    assert (data.train_images.dtype, data.train_labels.dtype) == (np.uint8, np.int64)


def test_classes_are_counted_over_training_and_test_labels(tmp_path: Path) -> None:
    assert load_dataset(str(write_set(tmp_path, t10k_labels=np.full(6, 25)))).classes == 26


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    write_set(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte.gz").unlink()
    assert refusal(tmp_path) == (
        f"{tmp_path} has no t10k-labels-idx1-ubyte, with or without .gz; it holds t10k-images-idx3-ubyte.gz, "
        "train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz"
    )


def test_a_file_instead_of_a_folder_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "images"
    path.write_bytes(b"")
    assert "is not a folder; it must hold the four IDX files" in refusal(path)


@pytest.mark.parametrize("compressed", [True, False])
def test_swapped_files_are_noticed(tmp_path: Path, compressed: bool) -> None:
    suffix = ".gz" if compressed else ""
    write_set(tmp_path, compressed)
    images, labels = (tmp_path / (NAMES[role] + suffix) for role in ("train-images", "train-labels"))
    content = images.read_bytes()
    images.write_bytes(labels.read_bytes())
    labels.write_bytes(content)
    sentence = refusal(tmp_path)
    assert sentence.startswith(str(images))
    assert "holds labels (IDX magic number 2049) where images (2051) belong; the files seem to be swapped" in sentence


@pytest.mark.parametrize("missing", [1, 7, 100])
def test_a_plain_file_cut_short_is_noticed(tmp_path: Path, missing: int) -> None:
    write_set(tmp_path, compressed=False)
    path = tmp_path / TRAIN_IMAGES
    path.write_bytes(path.read_bytes()[:-missing])
    assert f"{path} is cut short: its header promises 240 bytes of images and {240 - missing} bytes follow" in refusal(
        tmp_path
    )


@pytest.mark.parametrize("kept", [5, 15])
def test_a_file_that_ends_in_its_header_is_noticed(tmp_path: Path, kept: int) -> None:
    write_set(tmp_path, compressed=False)
    path = tmp_path / TRAIN_IMAGES
    path.write_bytes(path.read_bytes()[:kept])
    assert "ends within its header" in refusal(tmp_path)


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, 0.99])
def test_a_gzip_file_cut_short_is_noticed(tmp_path: Path, kept: float) -> None:
    write_set(tmp_path)
    path = tmp_path / f"{TRAIN_IMAGES}.gz"
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content))])
    sentence = refusal(tmp_path)
    assert str(path) in sentence
    assert "fetch or copy it again" in sentence


def test_a_flipped_bit_in_a_gzip_file_is_noticed(tmp_path: Path) -> None:
    write_set(tmp_path)
    path = tmp_path / f"{TRAIN_IMAGES}.gz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)
    assert str(path) in refusal(tmp_path)


def test_a_file_that_is_too_long_is_noticed(tmp_path: Path) -> None:
    write_set(tmp_path, compressed=False)
    path = tmp_path / TRAIN_IMAGES
    path.write_bytes(path.read_bytes() + b"\0")
    assert "is too long: its header promises 240 bytes" in refusal(tmp_path)


def test_a_header_that_promises_the_moon_costs_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "moon"
    path.write_bytes(gzip.compress(bytes([0, 0, 8, 3]) + b"\xff" * 12 + b"\0" * 100))
    with pytest.raises(ConfigError, match="is cut short"):
        read_images(path)


@pytest.mark.parametrize("content", [b"", b"\0", b"PK\x03\x04 and more", bytes([0, 0, 13, 3]) + bytes(40)])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other"
    path.write_bytes(content)
    with pytest.raises(
        ConfigError, match=r"other is not an IDX file of labels: it starts with .* instead of 00 00 08 01"
    ):
        read_labels(path)


def test_an_empty_set_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty"
    path.write_bytes(idx_bytes(np.zeros((0, 5, 4))))
    with pytest.raises(ConfigError, match="0 x 5 x 4 images; at least one is needed"):
        read_images(path)


def test_counts_that_differ_are_noticed(tmp_path: Path) -> None:
    sentence = refusal(write_set(tmp_path, train_labels=np.zeros(11)))
    assert "holds 12 images but train-labels-idx1-ubyte.gz holds 11 labels" in sentence


def test_image_sizes_that_differ_are_noticed(tmp_path: Path) -> None:
    sentence = refusal(write_set(tmp_path, t10k_images=np.zeros((6, 4, 5))))
    assert "training images are 5x4 pixels and test images 4x5" in sentence


def test_an_unreadable_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_images(tmp_path)
