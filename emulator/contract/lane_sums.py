"""Sums as wide as a lane of a response beat: they saturate, at every addition of a cascade."""

import numpy as np
import numpy.typing as npt


def saturate(sums: npt.NDArray[np.signedinteger], lane_bits: int) -> npt.NDArray[np.signedinteger]:
    """Bound sums by the least and the greatest value of a lane."""
    if lane_bits >= sums.dtype.itemsize * 8:
        return sums
    return np.clip(sums, -(1 << (lane_bits - 1)), (1 << (lane_bits - 1)) - 1)


def add_up(sums: npt.NDArray[np.signedinteger], lane_bits: int) -> npt.NDArray[np.int64]:
    """Add the sums of a cascade's members, from the last one to the first.

    Parameters
    ----------
    sums : int [members, ...]
    lane_bits : int

    Returns
    -------
    int64 [...]
    """
    total = saturate(sums[-1].astype(np.int64), lane_bits)
    for own in sums[-2::-1]:
        total = saturate(total + saturate(own, lane_bits), lane_bits)
    return total
