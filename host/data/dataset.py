"""A labelled set of images, split into training, test and (on request) validation images."""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from twinbar.hw.errors import ConfigError


def _no_images() -> NDArray[np.uint8]:
    return np.empty((0, 0, 0), dtype=np.uint8)


def _no_labels() -> NDArray[np.int64]:
    return np.empty(0, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images and their classes.

    Parameters
    ----------
    name : str
        What the set is called in reports.
    train_images, test_images : uint8 [images, height, width] or [images, height, width, channels]
        0 is background, 255 full intensity.
    train_labels, test_labels : int64 [images]
        Classes, 0 to ``classes - 1``.
    classes : int
        Number of classes, and of a network's outputs.
    validation_images, validation_labels
        Images held out of the training set by `validation_split`; empty before.

    Raises
    ------
    ConfigError
        If images and labels do not belong together.
    """

    name: str
    train_images: NDArray[np.uint8]
    train_labels: NDArray[np.int64]
    test_images: NDArray[np.uint8]
    test_labels: NDArray[np.int64]
    classes: int
    validation_images: NDArray[np.uint8] = field(default_factory=_no_images)
    validation_labels: NDArray[np.int64] = field(default_factory=_no_labels)

    def __post_init__(self) -> None:
        if self.classes < 2:
            raise ConfigError(f"{self.name} has a single class; at least two are needed to tell images apart")
        shape = self.train_images.shape[1:]
        for part in ("train", "test", "validation"):
            images, labels = getattr(self, f"{part}_images"), getattr(self, f"{part}_labels")
            if len(images) != len(labels):
                raise ConfigError(
                    f"{self.name}: {len(images)} {part} images have {len(labels)} labels; one each is needed"
                )
            if len(images) == 0:
                if part != "validation":
                    raise ConfigError(f"{self.name} has no {part} images; at least one is needed")
                continue
            if images.shape[1:] != shape:
                raise ConfigError(
                    f"{self.name}: {part} images are {_size(images.shape[1:])} pixels and training images "
                    f"{_size(shape)}; all must have one size"
                )
            if labels.min() < 0 or labels.max() >= self.classes:
                wrong = labels.min() if labels.min() < 0 else labels.max()
                raise ConfigError(
                    f"{self.name}: a {part} label is {wrong}; with {self.classes} classes, "
                    f"labels are 0 to {self.classes - 1}"
                )

    @property
    def image_shape(self) -> tuple[int, int]:
        """Height and width of an image in pixels."""
        return self.train_images.shape[1], self.train_images.shape[2]

    @property
    def channels(self) -> int:
        """Channels of a pixel: 1 for grey images."""
        return self.train_images.shape[3] if self.train_images.ndim == 4 else 1

    def subset(self, limit: int | None) -> "Dataset":
        """Keep the first ``limit`` training images (all of them where there are fewer, or where it is None).

        Raises
        ------
        ConfigError
            If the limit is below 1.
        """
        if limit is None:
            return self
        if limit < 1:
            raise ConfigError(f"a limit of {limit} training images cannot be used; it must be 1 or more")
        return replace(self, train_images=self.train_images[:limit], train_labels=self.train_labels[:limit])

    def pooled(self, size: int) -> "Dataset":
        """Average squares of ``size`` x ``size`` pixels to one, so that fewer inputs are needed.

        Pixels that no whole square is left of, at the right and at the bottom, are left out.

        Raises
        ------
        ConfigError
            If an image holds no square of this size.
        """
        if size == 1:
            return self
        height, width = (side // size for side in self.image_shape)
        if not min(height, width):
            raise ConfigError(
                f"images of {_size(self.image_shape)} pixels hold no square of {size}x{size}; data.pool must be "
                f"{min(self.image_shape)} or less"
            )

        def pool(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
            cut = images[:, : height * size, : width * size].astype(np.uint32)
            sums = cut.reshape(len(images), height, size, width, size, *images.shape[3:]).sum(axis=(2, 4))
            return ((sums + size * size // 2) // (size * size)).astype(np.uint8)

        held = pool(self.validation_images) if len(self.validation_images) else self.validation_images
        return replace(
            self,
            train_images=pool(self.train_images),
            test_images=pool(self.test_images),
            validation_images=held,
        )

    def validation_split(self, part: float | int, seed: int = 0) -> "Dataset":
        """Hold out a random part of the training images for validation; the test images stay as they are.

        Parameters
        ----------
        part : float or int
            A float is a fraction of the training images (0 holds out none), an int a number of images.
        seed : int
            Chooses which images: 0 to 2**32 - 1. The same seed chooses the same images with every release of NumPy
            (NEP 19 freezes the streams of ``RandomState``).

        Returns
        -------
        Dataset
            The remaining training images, in their order, and the validation images, in theirs.

        Raises
        ------
        ConfigError
            If fewer than one image would remain for training, or a positive part holds out none.
        """
        count = len(self.train_images)
        held = part if isinstance(part, int) else round(part * count)
        if part == 0:
            return self
        if not 1 <= held < count:
            raise ConfigError(
                f"a validation part of {part} would hold out {held} of {count} training images; "
                "it must leave at least one on either side"
            )
        chosen = np.zeros(count, dtype=bool)
        chosen[np.random.RandomState(seed).permutation(count)[:held]] = True
        return replace(
            self,
            train_images=self.train_images[~chosen],
            train_labels=self.train_labels[~chosen],
            validation_images=self.train_images[chosen],
            validation_labels=self.train_labels[chosen],
        )


def _size(shape: tuple[int, ...]) -> str:
    return "x".join(str(length) for length in shape)
