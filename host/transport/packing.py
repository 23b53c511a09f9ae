"""Beats of the protocol as arrays of 64-bit words, by the offsets of the layouts that the gateware uses."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from amaranth.hdl import Shape
from amaranth.lib import data

from twinbar.hw.errors import ConfigError

_WORD_BITS = 64


def leaves(layout: Any, start: int = 0, path: str = "") -> Iterator[tuple[str, int, Shape]]:
    """Give name, first bit and shape of every number in a layout; nested names are joined by dots."""
    view = layout.as_shape() if hasattr(layout, "as_shape") else layout
    if not isinstance(view, data.Layout):
        yield path, start, Shape.cast(layout)
        return
    for name, field in view:
        if not str(name).startswith("_"):
            yield from leaves(field.shape, start + field.offset, f"{path}.{name}" if path else str(name))


def pack(layout: Any, **values: npt.ArrayLike) -> npt.NDArray[np.uint64]:
    """Make beats of a layout.

    Parameters
    ----------
    layout : amaranth layout or `data.Struct` of at most 64 bits
    **values : int or int array
        Fields by name (nested ones as ``dict``-unpacked dotted names); fields that are not named are 0. Arrays are
        broadcast against each other.

    Returns
    -------
    uint64 array

    Raises
    ------
    ConfigError
        If a field does not exist or a value does not fit in it.
    """
    known = {name: (start, shape) for name, start, shape in leaves(layout)}
    shape = np.broadcast_shapes(*(np.shape(value) for value in values.values()))
    beats = np.zeros(shape, np.uint64)
    for name, value in values.items():
        if name not in known:
            raise ConfigError(f"a beat has no field {name!r}; its fields are {', '.join(known)}")
        start, field = known[name]
        number = np.asarray(value).astype(np.int64)
        least = -(1 << field.width - 1) if field.signed else 0
        most = (1 << field.width - field.signed) - 1
        if number.size and not (least <= number.min() and number.max() <= most):
            raise ConfigError(f"field {name!r} holds {least} to {most}; {number.min()} to {number.max()} was given")
        mask = np.uint64((1 << field.width) - 1)
        beats |= (number.astype(np.uint64) & mask) << np.uint64(start)
    return beats


def unpack(layout: Any, beats: npt.ArrayLike) -> Mapping[str, npt.NDArray[np.int64]]:
    """Take beats of a layout apart: int64 arrays by field name, as `pack` takes them.

    The members of a union overlap, and each is given; the header of a beat says which of them counts.
    """
    words = np.asarray(beats, dtype=np.uint64)
    fields = {}
    for name, start, shape in leaves(layout):
        if start + shape.width > _WORD_BITS:
            raise ConfigError(f"field {name!r} ends at bit {start + shape.width}; a beat has {_WORD_BITS} bits")
        number = ((words >> np.uint64(start)) & np.uint64((1 << shape.width) - 1)).astype(np.int64)
        if shape.signed:
            number -= (number >> shape.width - 1) << shape.width
        fields[name] = number
    return fields
