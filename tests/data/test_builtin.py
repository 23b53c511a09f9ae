import hashlib
import os
import shutil
from pathlib import Path

import numpy as np
import pooch
import pytest
from idx_files import arrays, write_set

from twinbar.host.data import digits, load_dataset, mnist
from twinbar.hw.errors import ConfigError


def test_digits_are_split_evenly_over_the_classes() -> None:
    data = load_dataset("digits")
    assert (len(data.train_images), len(data.test_images), data.image_shape, data.classes) == (1437, 360, (8, 8), 10)
    train, test = np.bincount(data.train_labels), np.bincount(data.test_labels)
    assert np.all(np.abs(test - (train + test) / 5) <= 1)


def test_digits_use_the_whole_range_of_a_byte() -> None:
    data = load_dataset("digits")
    # 16 grey steps and white, evenly spaced
    assert np.unique(data.train_images).tolist() == [int(step * 255 / 16 + 0.5) for step in range(17)]


def test_digits_hold_no_image_twice_in_training_and_test() -> None:
    datasets = pytest.importorskip("sklearn.datasets", reason="needs scikit-learn, which holds the original")
    data = load_dataset("digits")
    together = np.concatenate([data.train_images, data.test_images]).reshape(1797, -1)
    original = datasets.load_digits().images.reshape(1797, -1)
    order = np.lexsort(original.T)
    np.testing.assert_allclose(together[np.lexsort(together.T)] / 255 * 16, original[order], atol=0.04)


def test_the_digits_in_the_package_are_those_of_scikit_learn() -> None:
    datasets = pytest.importorskip("sklearn.datasets", reason="needs scikit-learn, which holds the original")
    original = datasets.load_digits()
    images, labels = digits.stored()
    assert images.dtype == labels.dtype == np.uint8
    np.testing.assert_array_equal(images, original.images)
    np.testing.assert_array_equal(labels, original.target)


def test_the_digits_in_the_package_are_whole() -> None:
    images, labels = digits.stored()
    # Digests of scikit-learn's images and classes, as bytes.
    assert hashlib.sha256(images.tobytes()).hexdigest().startswith("8f26b2bd9d135c25")
    assert hashlib.sha256(labels.tobytes()).hexdigest().startswith("8ba4f891220f5e4c")


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"there is no data set, folder or file minst; did you mean mnist\?"):
        load_dataset("minst")
    with pytest.raises(ConfigError, match="choose digits, mnist, a folder of IDX files or of images, or"):
        load_dataset("nowhere")


def test_mnist_comes_from_the_folder_in_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_set(tmp_path / "mnist")
    monkeypatch.setenv(mnist.DATA_VARIABLE, str(tmp_path))
    data = load_dataset("mnist")
    assert data.name == "mnist"
    np.testing.assert_array_equal(data.train_images, arrays()["train-images"])


def test_a_folder_in_the_environment_without_mnist_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(mnist.DATA_VARIABLE, str(tmp_path))
    with pytest.raises(ConfigError, match=r"TWINBAR_DATA is .*, but there is no folder .*mnist"):
        load_dataset("mnist")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv(mnist.DATA_VARIABLE, raising=False)
    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / "cache" / project)
    return tmp_path / "cache" / "twinbar" / "mnist"


class Mirror:
    """Stands for the network: `pooch.retrieve` fetches from a folder, or fails like requests does."""

    def __init__(self, folder: Path, reachable: tuple[str, ...]) -> None:
        self.folder = folder
        self.reachable = reachable
        self.asked: list[str] = []

    def __call__(self, url: str, output_file: str, _: object) -> None:
        self.asked.append(url)
        if not url.startswith(self.reachable):
            raise ConnectionError("no route to host")
        shutil.copyfile(self.folder / os.path.basename(url), output_file)


def serve(monkeypatch: pytest.MonkeyPatch, folder: Path, reachable: tuple[str, ...]) -> Mirror:
    mirror = Mirror(folder, reachable)
    monkeypatch.setattr(pooch.core, "choose_downloader", lambda url, progressbar=False: mirror)
    return mirror


def checksums(folder: Path) -> dict[str, str]:
    return {path.name: pooch.file_hash(str(path)) for path in sorted(folder.iterdir())}


def test_mnist_is_downloaded_once_and_checked(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write_set(tmp_path / "server")
    monkeypatch.setattr(mnist, "CHECKSUMS", checksums(source))
    mirror = serve(monkeypatch, source, mnist.MIRRORS)
    data = load_dataset("mnist")
    np.testing.assert_array_equal(data.test_images, arrays()["t10k-images"])
    assert len(mirror.asked) == 4
    assert {path.name for path in cache.iterdir()} == set(mnist.CHECKSUMS)
    load_dataset("mnist")
    assert len(mirror.asked) == 4


def test_the_second_mirror_stands_in_for_the_first(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_set(tmp_path / "server")
    monkeypatch.setattr(mnist, "CHECKSUMS", checksums(source))
    mirror = serve(monkeypatch, source, mnist.MIRRORS[1:])
    assert len(load_dataset("mnist").train_images) == 12
    assert len(mirror.asked) == 8


def test_a_download_with_another_checksum_is_refused(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_set(tmp_path / "server")
    serve(monkeypatch, source, mnist.MIRRORS)  # the files are sound, but not those of MNIST
    with pytest.raises(ConfigError, match=r"cannot be downloaded .*ValueError"):
        load_dataset("mnist")
    assert not (cache / "train-images-idx3-ubyte.gz").exists()


def test_without_a_network_the_choices_are_named(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    serve(monkeypatch, tmp_path, ())
    with pytest.raises(ConfigError) as caught:
        load_dataset("mnist")
    sentence = str(caught.value)
    for choice in ("TWINBAR_DATA", str(cache), "network", "--data digits"):
        assert choice in sentence
    assert "\n" not in sentence


@pytest.mark.mnist
@pytest.mark.mnist
def test_mnist_is_mnist() -> None:
    data = load_dataset("mnist")
    assert (len(data.train_images), len(data.test_images), data.image_shape, data.classes) == (
        60000,
        10000,
        (28, 28),
        10,
    )
    # Mean and standard deviation of the training pixels, as every MNIST example normalizes by.
    assert round(float(data.train_images.mean()) / 255, 4) == 0.1307
    assert round(float(data.train_images.std()) / 255, 4) == 0.3081
