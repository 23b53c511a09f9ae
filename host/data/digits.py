"""The `digits` set: 1,797 handwritten digits of 8x8 pixels, which come with the package.

Source: E. Alpaydin, C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository, 1998,
doi:10.24432/C50P49, licensed under CC BY 4.0. ``digits.npz`` holds its test part, unchanged, in the order of
scikit-learn's copy.
"""

from importlib import resources
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twinbar.host.data.dataset import Dataset

_FULL_SCALE: Final = 16
"""Largest pixel value in the file."""
_TEST_EVERY: Final = 5


def stored() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Read the file: images uint8 [1797, 8, 8], pixels 0 to 16, and classes uint8 [1797]."""
    with resources.files(__package__).joinpath("digits.npz").open("rb") as file, np.load(file) as arrays:
        return arrays["images"], arrays["labels"]


def load_digits() -> Dataset:
    """Return the 1,797 images as 1,437 for training and 360 for testing, pixels rescaled to 0..255.

    The split is stratified and depends on no random generator: sorted by class, every fifth image is a test image.
    """
    pixels, classes = stored()
    images = np.floor(pixels * (255 / _FULL_SCALE) + 0.5).astype(np.uint8)
    labels = classes.astype(np.int64)
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
