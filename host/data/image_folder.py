"""Sets of images as folders: ``train/<class>/*.png`` and ``test/<class>/*.png``."""

from pathlib import Path
from typing import Final

import numpy as np

from twinbar.host.data.dataset import Dataset
from twinbar.hw.errors import ConfigError
from twinbar.hw.reading import reading

SUFFIXES: Final = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".pgm", ".ppm", ".tif", ".tiff", ".webp"})
_TEST: Final = ("test", "val", "valid")
_GREY: Final = ("1", "L", "LA", "La")


def is_image_folder(folder: Path) -> bool:
    """Whether a folder has a sub-folder ``train`` with a folder for each class."""
    train = folder / "train"
    return train.is_dir() and bool(_classes(train))


def load_image_folder(folder: Path) -> Dataset:
    """Read a set of images, all of one size, grey or in colour.

    Files and folders that systems leave behind (``.DS_Store``, ``.ipynb_checkpoints``, ``__MACOSX``) do not count.

    Parameters
    ----------
    folder : Path
        Has ``train`` and ``test`` (or ``val``), each with a folder for each class; classes are numbered in the order of
        their names.

    Raises
    ------
    ConfigError
        If a part is missing, a class of the training images is empty, one of the test images is unknown, or images
        cannot be read or differ in size or kind.
    """
    test = next((folder / name for name in _TEST if (folder / name).is_dir()), None)
    if test is None:
        raise ConfigError(f"{folder} has a folder train, but no folder test; it must have both")
    classes = [place.name for place in _classes(folder / "train")]
    train_images, train_labels = _read(folder / "train", classes)
    test_images, test_labels = _read(test, classes)
    empty = sorted(set(range(len(classes))) - set(train_labels.tolist()))
    if empty:
        raise ConfigError(
            f"{folder / 'train' / classes[empty[0]]} holds no image; a class needs files such as .png or .jpg: "
            "add some, or remove the folder"
        )
    return Dataset(folder.resolve().name, train_images, train_labels, test_images, test_labels, len(classes))


def _entries(folder: Path) -> list[Path]:
    """List a folder, without what a system hides in it."""
    with reading(folder, "a folder", "choose another"):
        return sorted(path for path in folder.iterdir() if not path.name.startswith((".", "__MACOSX")))


def _classes(part: Path) -> list[Path]:
    return [path for path in _entries(part) if path.is_dir()]


def _read(part: Path, classes: list[str]) -> tuple[np.ndarray, np.ndarray]:
    images: list[np.ndarray] = []
    labels: list[int] = []
    for place in _classes(part):
        if place.name not in classes:
            raise ConfigError(
                f"{place} is a class that the training images do not have; they have {', '.join(classes)}"
            )
        for path in _entries(place):
            if path.suffix.lower() not in SUFFIXES:
                continue
            image = _image(path)
            if images and image.shape != images[0].shape:
                raise ConfigError(
                    f"{path} is {_kind(image)}, but images before it are {_kind(images[0])}; all must have one size, "
                    "and be grey or in colour"
                )
            images.append(image)
            labels.append(classes.index(place.name))
    if not images:
        raise ConfigError(f"{part} holds no image; classes are folders with files such as .png or .jpg")
    return np.stack(images), np.array(labels, np.int64)


def _kind(image: np.ndarray) -> str:
    return f"{image.shape[0]}x{image.shape[1]} {'grey' if image.ndim == 2 else 'in colour'}"


def _image(path: Path) -> np.ndarray:
    """Read an image upright, as cameras mark it, with 256 steps of brightness."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with reading(path, "an image", "remove it or fetch it again"), Image.open(path) as opened:
            image = ImageOps.exif_transpose(opened)
            if image.mode.startswith(("I", "F")):
                return _bytes(path, np.asarray(image))
            return np.asarray(image.convert("L" if image.mode in _GREY else "RGB"))
    except ConfigError as error:
        if isinstance(error.__cause__, UnidentifiedImageError):
            raise ConfigError(f"{path} is damaged, or no image; remove it or fetch it again") from None
        raise


def _bytes(path: Path, values: np.ndarray) -> np.ndarray:
    """Return the brightness of an image of 16 bits, or of floating point from 0 to 1, as bytes."""
    least, most = float(values.min()), float(values.max())
    if values.dtype.kind == "f":
        if least >= 0 and most <= 1:
            return np.rint(values * 255).astype(np.uint8)
    elif least >= 0 and most <= 0xFFFF:
        # Rounded: 65,535 / 255 = 257 steps of 16 bits are one of 8.
        return ((values.astype(np.int64) + 128) // 257).astype(np.uint8)
    raise ConfigError(
        f"{path} has values from {least:g} to {most:g}; images have bytes, whole numbers from 0 to 65535 (16 bits), or "
        "floating point from 0 to 1"
    )
