"""Folders of IDX files, in all the names that sets of the MNIST family have.

``train-images-idx3-ubyte`` (MNIST, Fashion-MNIST, KMNIST), ``emnist-letters-train-images-idx3-ubyte`` (EMNIST: several
sets in one folder), dots or underscores instead of hyphens, ``test`` instead of ``t10k``, each with or without ``.gz``;
and the folders that torchvision makes (``MNIST/raw``).
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from twinbar.host.data.dataset import Dataset
from twinbar.host.data.idx import read_images, read_labels
from twinbar.hw.errors import ConfigError

_NAME: Final = re.compile(
    r"(?P<prefix>.*?)(?P<part>train|test|t10k)[-_.](?P<what>images|labels)[-_.]idx(?P<dimensions>\d)[-_.]ubyte(?:\.gz)?"
)
_PARTS: Final = {"train": "train", "test": "t10k"}
"""How MNIST calls the parts of a set."""

Files = dict[tuple[str, str], Path]
"""Files of a set: by part ("train" or "test") and content ("images" or "labels")."""


def load_idx_folder(folder: Path, name: str | None = None) -> Dataset:
    """Read a set from its four IDX files.

    Parameters
    ----------
    folder : Path
        Holds them; where it holds several sets, the beginning of their names stands behind it, such as
        ``EMNIST/raw/emnist-letters``.
    name : str, optional
        What the set is called; the name of the folder by default.

    Raises
    ------
    ConfigError
        If a file is missing or unusable, several sets are there, or the files do not belong together.
    """
    folder, prefix = _split(folder)
    place, sets = _find(folder)
    files = _choose(place, sets, prefix)
    parts = {}
    for part in _PARTS:
        images, labels = read_images(files[part, "images"]), read_labels(files[part, "labels"])
        if len(images) != len(labels):
            raise ConfigError(
                f"{files[part, 'images']} holds {len(images)} images but {files[part, 'labels'].name} holds "
                f"{len(labels)} labels; the two files do not belong together"
            )
        parts[part] = images, labels
    (train_images, train_labels), (test_images, test_labels) = parts["train"], parts["test"]
    if train_images.shape[1:] != test_images.shape[1:]:
        sizes = ["x".join(map(str, images.shape[1:])) for images in (train_images, test_images)]
        raise ConfigError(
            f"{place}: training images are {sizes[0]} pixels and test images {sizes[1]}; both must have one size"
        )
    return Dataset(
        name=name or (prefix or folder.resolve().name).strip("-_."),
        train_images=train_images,
        train_labels=train_labels,
        test_images=test_images,
        test_labels=test_labels,
        classes=int(max(train_labels.max(), test_labels.max())) + 1,
    )


def is_idx_set(path: Path) -> bool:
    """Whether a path is a folder, or a folder and the beginning of the names of a set in it."""
    return path.is_dir() or (path.parent.is_dir() and any(True for _ in path.parent.glob(f"{path.name}*idx*ubyte*")))


def _split(folder: Path) -> tuple[Path, str]:
    if folder.is_dir():
        return folder, ""
    if folder.exists() or not is_idx_set(folder):
        raise ConfigError(f"{folder} is not a folder; it must hold the four IDX files of an MNIST-like set")
    return folder.parent, folder.name


def _find(folder: Path) -> tuple[Path, dict[str, Files]]:
    """Return the sets of a folder by the beginning of their names, or those of the one folder below that has any."""
    sets = _sets_in(folder)
    if sets:
        return folder, sets
    below = [(place, found) for place in _below(folder) if (found := _sets_in(place))]
    if len(below) > 1:
        raise ConfigError(
            f"{folder} has IDX files in {', '.join(str(place.relative_to(folder)) for place, _ in below)}; name one of "
            "these folders"
        )
    if not below:
        held = sorted(path.name for path in folder.iterdir())[:5]
        there = f"it holds {', '.join(held)}" if held else "it is empty"
        raise ConfigError(
            f"{folder} has no train-images-idx3-ubyte, with or without .gz, and no folders train and test of images; "
            f"{there}"
        )
    return below[0]


def _below(folder: Path) -> Iterator[Path]:
    for child in sorted(path for path in folder.iterdir() if path.is_dir()):
        yield child
        yield from sorted(path for path in child.iterdir() if path.is_dir())


def _sets_in(folder: Path) -> dict[str, Files]:
    sets: dict[str, Files] = {}
    for path in sorted(folder.iterdir()):
        match = _NAME.fullmatch(path.name)
        # macOS leaves a hidden "._name" beside each file on foreign disks.
        if match and path.is_file() and not path.name.startswith("."):
            part = "train" if match["part"] == "train" else "test"
            sets.setdefault(match["prefix"], {}).setdefault((part, match["what"]), path)
    return sets


def _choose(folder: Path, sets: dict[str, Files], prefix: str) -> Files:
    chosen = {name: files for name, files in sets.items() if name.startswith(prefix)}
    exact = [name for name in chosen if name.strip("-_.") == prefix.strip("-_.")]
    if len(exact) == 1:
        chosen = {exact[0]: chosen[exact[0]]}
    if len(chosen) > 1:
        names = ", ".join(sorted(name.strip("-_.") or "train" for name in chosen))
        raise ConfigError(f"{folder} holds the sets {names}; name one of them, such as {folder / names.split(', ')[0]}")
    ((name, files),) = chosen.items()
    for part, stem in _PARTS.items():
        for what, dimensions in (("images", 3), ("labels", 1)):
            if (part, what) not in files:
                raise ConfigError(
                    f"{folder} has no {name}{stem}-{what}-idx{dimensions}-ubyte, with or without .gz; it holds "
                    f"{', '.join(path.name for path in files.values())}"
                )
    return files
