"""The order in which products of several layers share one stream of commands."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt


def in_proportion(products: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """Merge the beats of several products so that all of them advance in proportion.

    Vector ``v`` of a product of ``n`` vectors is sent at the part ``(v + 1/2) / n`` of the way; of two at the same
    place the product that is named first goes first. No layer then waits behind the whole batch of another one, and
    the queue in front of its tiles does not run empty.

    Parameters
    ----------
    products : sequence of array [vectors, beats]
        Beats of each vector; a product has as many for each of its vectors.

    Returns
    -------
    array [beats of all]
    """
    if len(products) == 1:
        return products[0].reshape(-1)
    place = [np.repeat((np.arange(len(own)) + 0.5) / max(len(own), 1), own.shape[1]) for own in products]
    return np.concatenate([own.reshape(-1) for own in products])[np.argsort(np.concatenate(place), kind="stable")]
