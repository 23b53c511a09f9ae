"""Sets of images as folders: ``train/<class>/*.png`` and ``test/<class>/*.png``."""

from pathlib import Path
from typing import Final

import numpy as np

from twinbar.host.data.dataset import Dataset
from twinbar.hw.errors import ConfigError
from twinbar.hw.reading import reading

SUFFIXES: Final = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".pgm", ".ppm", ".tif", ".tiff"})
_TEST: Final = ("test", "val", "valid")


def is_image_folder(folder: Path) -> bool:
    """Whether a folder has a sub-folder ``train`` with a folder for each class."""
    train = folder / "train"
    return train.is_dir() and any(path.is_dir() for path in train.iterdir())


def load_image_folder(folder: Path) -> Dataset:
    """Read a set of images, all of one size, grey or in colour.

    Parameters
    ----------
    folder : Path
        Has ``train`` and ``test`` (or ``val``), each with a folder for each class; classes are numbered in the order of
        their names.

    Raises
    ------
    ConfigError
        If a part is missing, a class of the test images is unknown, or images cannot be read or differ in size.
    """
    test = next((folder / name for name in _TEST if (folder / name).is_dir()), None)
    if test is None:
        raise ConfigError(f"{folder} has a folder train, but no folder test; it must have both")
    classes = sorted(path.name for path in (folder / "train").iterdir() if path.is_dir())
    train_images, train_labels = _read(folder / "train", classes)
    test_images, test_labels = _read(test, classes)
    return Dataset(folder.resolve().name, train_images, train_labels, test_images, test_labels, len(classes))


def _read(part: Path, classes: list[str]) -> tuple[np.ndarray, np.ndarray]:
    images: list[np.ndarray] = []
    labels: list[int] = []
    for place in sorted(path for path in part.iterdir() if path.is_dir()):
        if place.name not in classes:
            raise ConfigError(
                f"{place} is a class that the training images do not have; they have {', '.join(classes)}"
            )
        for path in sorted(path for path in place.iterdir() if path.suffix.lower() in SUFFIXES):
            image = _image(path)
            if images and image.shape != images[0].shape:
                sizes = ["x".join(map(str, one.shape)) for one in (image, images[0])]
                raise ConfigError(f"{path} is {sizes[0]}, but images before it are {sizes[1]}; all must have one size")
            images.append(image)
            labels.append(classes.index(place.name))
    if not images:
        raise ConfigError(f"{part} holds no image; classes are folders with files such as .png or .jpg")
    return np.stack(images), np.array(labels, np.int64)


def _image(path: Path) -> np.ndarray:
    from PIL import Image

    with reading(path, "an image", "remove it or fetch it again"), Image.open(path) as opened:
        grey = opened.mode in ("1", "L", "I", "F", "I;16", "LA")
        return np.asarray(opened.convert("L" if grey else "RGB"))
