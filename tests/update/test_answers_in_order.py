"""Responses of a write list come back in the order of the cells, with sums of each layer; all numbers by hand."""

import numpy as np

from twinbar.host.update.kernels import put_in_order


def test_responses_are_put_in_order_and_summed_by_layer() -> None:
    order = np.array([2, 0, 3, 1])
    codes, ok = np.array([12, 10, 13, 11], np.int32), np.array([True, False, False, True])
    sets, resets = np.array([1, 2, 3, 4], np.uint16), np.array([5, 6, 7, 8], np.uint16)
    in_order, fine = np.empty(4, np.int32), np.empty(4, np.bool_)
    sums = np.full((3, 3), 99, np.int64)
    # Cells 0 and 1 are of the first layer, the second has none.
    put_in_order(order, codes, ok, sets, resets, np.array([2, 2, 4]), in_order, fine, sums)
    assert in_order.tolist() == [10, 11, 12, 13]
    assert fine.tolist() == [False, True, True, False]
    assert sums.tolist() == [[1, 6, 14], [0, 0, 0], [1, 4, 12]]
