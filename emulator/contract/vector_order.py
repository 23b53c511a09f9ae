"""The order in which the vectors of several layers share one stream of commands."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt


class VectorBeats(NamedTuple):
    """The beats of a product, vector by vector.

    Parameters
    ----------
    beats : array [n]
    counts : int64 [vectors]
        Beats of each vector.
    """

    beats: npt.NDArray[Any]
    counts: npt.NDArray[np.int64]

    @classmethod
    def alike(cls, beats: npt.NDArray[Any], vectors: int) -> "VectorBeats":
        """Return the beats of as many vectors, which are the same for each of them."""
        return cls(np.tile(beats, vectors), np.full(vectors, len(beats)))


def in_proportion(products: Sequence[VectorBeats]) -> npt.NDArray[Any]:
    """Merge the beats of several products so that all of them advance in proportion.

    Vector ``v`` of a product of ``n`` vectors is sent at the part ``v / n`` of the way. Of two at the same place, that
    of fewer vectors goes first, which has to do more for each of them; then the one that is named first. No layer then
    waits behind the whole batch of another one, and the queue in front of its tiles does not run empty.

    Returns
    -------
    array [beats of all]
    """
    fewest_first = sorted(products, key=lambda own: len(own.counts))
    return _merged(fewest_first, [np.arange(len(own.counts)) / max(len(own.counts), 1) for own in fewest_first])


def vector_by_vector(products: Sequence[VectorBeats]) -> npt.NDArray[Any]:
    """Merge the beats of several products of as many vectors: the first vector of each, then the second ..."""
    return _merged(products, [np.arange(len(own.counts)) for own in products])


def _merged(products: Sequence[VectorBeats], places: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """Sort the beats of all products by the places of their vectors; equal ones stay in their order."""
    if len(products) == 1:
        return products[0].beats
    place = [np.repeat(own, product.counts) for own, product in zip(places, products, strict=True)]
    return np.concatenate([own.beats for own in products])[np.argsort(np.concatenate(place), kind="stable")]
