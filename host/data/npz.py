"""Sets of images in one ``.npz`` file, with the names that Keras, MedMNIST and laboratories give the arrays."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np

from twinbar.host.data.dataset import Dataset
from twinbar.host.data.idx import channels_last
from twinbar.hw.errors import ConfigError
from twinbar.hw.reading import reading

NAMES: Final = (
    ("x_train", "y_train", "x_test", "y_test"),
    ("train_images", "train_labels", "test_images", "test_labels"),
    ("X_train", "y_train", "X_test", "y_test"),
)
"""Names of the arrays: training images and labels, test images and labels."""

_MOST_LABEL: Final = 999_999


def load_npz(path: Path) -> Dataset:
    """Read a set of images.

    Parameters
    ----------
    path : Path
        Images are uint8 [images, height, width] or [images, height, width, channels], or floating point from 0 to 1;
        channels may stand before the height where they are 1, 3 or 4. Labels are whole numbers from 0, [images] or
        [images, 1].

    Raises
    ------
    ConfigError
        If the file is damaged, lacks an array, or the arrays are no images and labels.
    """
    remedy = f"give a file with the arrays {', '.join(NAMES[0])}"
    with reading(path, "a file of NumPy arrays (.npz)", remedy), _open(path, remedy) as archive:
        names = next((names for names in NAMES if set(names) <= set(archive.files)), None)
        if names is None:
            raise ConfigError(f"{path} holds {', '.join(archive.files) or 'nothing'}; {remedy}")
        train_images, train_labels, test_images, test_labels = (archive[name] for name in names)
    train = _images(path, names[0], train_images), _labels(path, names[1], train_labels)
    test = _images(path, names[2], test_images), _labels(path, names[3], test_labels)
    classes = int(max(train[1].max(initial=0), test[1].max(initial=0))) + 1
    return Dataset(path.stem, train[0], train[1], test[0], test[1], classes)


@contextmanager
def _open(path: Path, remedy: str) -> Iterator[Any]:
    with path.open("rb") as file:
        # NumPy tries a pickle where there is no archive, and says so at length.
        if not zipfile.is_zipfile(file):
            raise ConfigError(f"{path} is damaged, or another kind of file; {remedy}")
        file.seek(0)
        with np.load(file, allow_pickle=False) as archive:
            yield archive


def _images(path: Path, name: str, array: np.ndarray) -> np.ndarray:
    if array.ndim not in (3, 4):
        raise ConfigError(
            f"{path}: {name} has the shape {array.shape}; images are [images, height, width] or "
            "[images, height, width, channels]"
        )
    if 0 in array.shape[1:]:
        raise ConfigError(f"{path}: {name} has the shape {array.shape}, images without a pixel")
    array = channels_last(array)
    if array.dtype == np.uint8:
        return array
    if array.dtype.kind == "f" and array.size and float(array.min()) >= 0 and float(array.max()) <= 1:
        return np.rint(array * 255).astype(np.uint8)
    what = str(array.dtype)
    if array.dtype.kind == "f" and array.size:
        finite = bool(np.isfinite(array).all())
        what += f" from {float(array.min()):g} to {float(array.max()):g}" if finite else " with NaN or infinity in it"
    raise ConfigError(f"{path}: {name} is {what}; pixels are bytes (uint8), or floating point from 0 to 1")


def _labels(path: Path, name: str, array: np.ndarray) -> np.ndarray:
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise ConfigError(
            f"{path}: {name} is {array.dtype} of shape {array.shape}; labels are whole numbers, one for each image"
        )
    if array.size and int(array.max()) > _MOST_LABEL:
        raise ConfigError(f"{path}: {name} has the label {array.max()}; labels are 0 to {_MOST_LABEL}")
    return array.astype(np.int64)
