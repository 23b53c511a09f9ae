"""The `digits` set: 8x8 handwritten digits that come with scikit-learn.

Source: E. Alpaydin, C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository, 1998,
doi:10.24432/C50P49 (its test part, 1,797 images, as shipped with scikit-learn).
"""

from typing import Final

import numpy as np

from twinbar.host.data.dataset import Dataset

_FULL_SCALE: Final = 16
"""Largest pixel value in scikit-learn's copy."""
_TEST_EVERY: Final = 5


def load_digits() -> Dataset:
    """Give the 1,797 images as 1,437 for training and 360 for testing, pixels rescaled to 0..255.

    The split is stratified and depends on no random generator: sorted by class, every fifth image is a test image.
    """
    from sklearn import datasets

    bunch = datasets.load_digits()
    images = np.floor(bunch.images * (255 / _FULL_SCALE) + 0.5).astype(np.uint8)
    labels = bunch.target.astype(np.int64)
    is_test = np.zeros(len(labels), dtype=bool)
    is_test[np.argsort(labels, kind="stable")[::_TEST_EVERY]] = True
    return Dataset(
        name="digits",
        train_images=images[~is_test],
        train_labels=labels[~is_test],
        test_images=images[is_test],
        test_labels=labels[is_test],
        classes=10,
    )
