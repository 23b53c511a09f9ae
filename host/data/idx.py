"""Image sets as four IDX files, the format of MNIST and its relatives, gzip-compressed or plain.

Format: Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten digits", section "File formats": two
zero bytes, a type code (0x08: unsigned byte), the number of dimensions, the lengths as big-endian 32-bit integers, then
the values in C order.
"""

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twinbar.host.data.dataset import Dataset
from twinbar.hw.errors import ConfigError

IMAGES_MAGIC: Final = 0x0803
"""Unsigned bytes in three dimensions: image, row, column."""
LABELS_MAGIC: Final = 0x0801
"""Unsigned bytes in one dimension."""

_CONTENT = {IMAGES_MAGIC: "images", LABELS_MAGIC: "labels"}
_GZIP_MAGIC = b"\x1f\x8b"
_CHUNK = 1 << 20

_STEMS = {"train": "train", "test": "t10k"}


def read_images(path: Path) -> NDArray[np.uint8]:
    """Read an IDX file of grey images, uint8 [images, height, width].

    Raises
    ------
    ConfigError
        If the file cannot be read, is not an IDX file of images, or its length is not what its header says.
    """
    return _read(path, IMAGES_MAGIC)


def read_labels(path: Path) -> NDArray[np.int64]:
    """Read an IDX file of labels, int64 [labels].

    Raises
    ------
    ConfigError
        If the file cannot be read, is not an IDX file of labels, or its length is not what its header says.
    """
    return _read(path, LABELS_MAGIC).astype(np.int64)


def load_idx_folder(folder: Path, name: str | None = None) -> Dataset:
    """Read an MNIST-like set from its four IDX files.

    Parameters
    ----------
    folder : Path
        Holds ``train-images-idx3-ubyte``, ``train-labels-idx1-ubyte``, ``t10k-images-idx3-ubyte`` and
        ``t10k-labels-idx1-ubyte``, each with or without ``.gz``; ``.idx3-ubyte`` instead of ``-idx3-ubyte`` will do.
    name : str, optional
        What the set is called; the name of the folder by default.

    Raises
    ------
    ConfigError
        If a file is missing or unusable, or the files do not belong together.
    """
    if not folder.is_dir():
        raise ConfigError(f"{folder} is not a folder; it must hold the four IDX files of an MNIST-like set")
    parts = {part: _read_pair(folder, stem) for part, stem in _STEMS.items()}
    (train_images, train_labels), (test_images, test_labels) = parts["train"], parts["test"]
    if train_images.shape[1:] != test_images.shape[1:]:
        raise ConfigError(
            f"{folder}: training images are {train_images.shape[1]}x{train_images.shape[2]} pixels and test images "
            f"{test_images.shape[1]}x{test_images.shape[2]}; both must have one size"
        )
    return Dataset(
        name=name or folder.resolve().name,
        train_images=train_images,
        train_labels=train_labels,
        test_images=test_images,
        test_labels=test_labels,
        classes=int(max(train_labels.max(), test_labels.max())) + 1,
    )


def find_idx_file(folder: Path, stem: str, dimensions: int) -> Path | None:
    """Find an IDX file by its usual names, for example ``train-images`` with 3 dimensions; None where there is none."""
    for separator in "-.":
        for suffix in ("", ".gz"):
            path = folder / f"{stem}{separator}idx{dimensions}-ubyte{suffix}"
            if path.is_file():
                return path
    return None


def _read_pair(folder: Path, stem: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    paths = []
    for content, dimensions in (("images", 3), ("labels", 1)):
        path = find_idx_file(folder, f"{stem}-{content}", dimensions)
        if path is None:
            raise ConfigError(f"{folder} has no {stem}-{content}-idx{dimensions}-ubyte, with or without .gz")
        paths.append(path)
    images, labels = read_images(paths[0]), read_labels(paths[1])
    if len(images) != len(labels):
        raise ConfigError(
            f"{paths[0]} holds {len(images)} images but {paths[1].name} holds {len(labels)} labels; "
            "the two files do not belong together"
        )
    return images, labels


def _read(path: Path, magic: int) -> NDArray[np.uint8]:
    content = _CONTENT[magic]
    dimensions = magic & 0xFF
    try:
        with path.open("rb") as raw:
            compressed = raw.read(2) == _GZIP_MAGIC
            raw.seek(0)
            with gzip.open(raw) if compressed else raw as stream:
                header = stream.read(4 + 4 * dimensions)
                shape = _parse_header(path, header, magic)
                # One byte more than promised tells a file that is too long; chunks keep a lying header from
                # claiming memory that the file cannot fill.
                wanted = math.prod(shape)
                values = bytearray()
                while len(values) <= wanted and (chunk := stream.read(min(_CHUNK, wanted + 1 - len(values)))):
                    values += chunk
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ConfigError(f"{path} is a damaged gzip file ({_reason(error)}); fetch or copy it again") from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror or error}); it must hold {content}") from error
    if len(values) != wanted:
        found = f"{len(values)} bytes follow" if len(values) < wanted else "more bytes follow"
        fault = "is cut short" if len(values) < wanted else "is too long"
        raise ConfigError(
            f"{path} {fault}: its header promises {wanted} bytes of {content} and {found}; fetch or copy it again"
        )
    return np.frombuffer(values, dtype=np.uint8).reshape(shape)


def _parse_header(path: Path, header: bytes, magic: int) -> tuple[int, ...]:
    content = _CONTENT[magic]
    found = int.from_bytes(header[:4], "big")
    if found in _CONTENT and found != magic:
        raise ConfigError(
            f"{path} holds {_CONTENT[found]} (IDX magic number {found}) where {content} ({magic}) belong; "
            "the files seem to be swapped"
        )
    if len(header) < 4 or found != magic:
        raise ConfigError(
            f"{path} is not an IDX file of {content}: it starts with {header[:4].hex(' ') or 'nothing'} "
            f"instead of {magic.to_bytes(4, 'big').hex(' ')}"
        )
    dimensions = magic & 0xFF
    if len(header) < 4 + 4 * dimensions:
        raise ConfigError(f"{path} is cut short: it ends within its header; fetch or copy it again")
    shape = struct.unpack(f">{dimensions}I", header[4:])
    if 0 in shape:
        raise ConfigError(f"{path} says it holds {' x '.join(map(str, shape))} {content}; at least one is needed")
    return shape


def _reason(error: Exception) -> str:
    return "it ends too early" if isinstance(error, EOFError) else str(error)
