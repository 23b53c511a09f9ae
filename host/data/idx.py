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
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twinbar.hw.errors import ConfigError

IMAGES_MAGIC: Final = 0x0803
"""Unsigned bytes in three dimensions: image, row, column."""
COLOUR_MAGIC: Final = 0x0804
"""Unsigned bytes in four dimensions: image, row, column, channel; or image, channel, row, column."""
LABELS_MAGIC: Final = 0x0801
"""Unsigned bytes in one dimension."""

_CONTENT = {IMAGES_MAGIC: "images", COLOUR_MAGIC: "images", LABELS_MAGIC: "labels"}
_CHANNELS = (1, 3, 4)
_GZIP_MAGIC = b"\x1f\x8b"
_CHUNK = 1 << 20


def read_images(path: Path) -> NDArray[np.uint8]:
    """Read an IDX file of images, uint8 [images, height, width], or [images, height, width, channels] in colour.

    Raises
    ------
    ConfigError
        If the file cannot be read, is not an IDX file of images, or its length is not what its header says.
    """
    return channels_last(_read(path, IMAGES_MAGIC))


def channels_last(images: NDArray[Any]) -> NDArray[Any]:
    """Return images whose channels stand last; [images, channels, height, width] is told by its number of channels."""
    if images.ndim == 4 and images.shape[3] not in _CHANNELS and images.shape[1] in _CHANNELS:
        return np.ascontiguousarray(images.transpose(0, 2, 3, 1))
    return images


def read_labels(path: Path) -> NDArray[np.int64]:
    """Read an IDX file of labels, int64 [labels].

    Raises
    ------
    ConfigError
        If the file cannot be read, is not an IDX file of labels, or its length is not what its header says.
    """
    return _read(path, LABELS_MAGIC).astype(np.int64)


def _read(path: Path, magic: int) -> NDArray[np.uint8]:
    content = _CONTENT[magic]
    try:
        with path.open("rb") as raw:
            compressed = raw.read(2) == _GZIP_MAGIC
            raw.seek(0)
            with gzip.open(raw) if compressed else raw as stream:
                header = stream.read(4)
                header += stream.read(4 * (header[3] if len(header) == 4 else 0))
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
    if found == COLOUR_MAGIC and magic == IMAGES_MAGIC:
        magic = COLOUR_MAGIC
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
