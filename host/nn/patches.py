"""Patches of a convolution's input (im2col): each of them is one input vector."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, product

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from twinbar.emulator.kernels.compiled import kernel
from twinbar.emulator.kernels.tile_threads import for_tiles


@dataclass(frozen=True)
class Patches:
    """How a convolution cuts patches out of its input, by dimension.

    Parameters
    ----------
    kernel, stride, padding, dilation : tuple of int
        As those of `torch.nn.functional.conv2d`; padding is zeros.
    """

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]

    def places(self, size: Sequence[int]) -> tuple[int, ...]:
        """Return the number of patches along each dimension of an input of this size."""
        return tuple(
            (size[n] + 2 * self.padding[n] - self.dilation[n] * (self.kernel[n] - 1) - 1) // self.stride[n] + 1
            for n in range(len(size))
        )

    def covered(self, x: Tensor) -> Tensor:
        """Return the part of an input [batch, channels, ...] that lies in any patch."""
        for n, (index, size) in enumerate(zip(_covered(self, tuple(x.shape[2:])), x.shape[2:], strict=True)):
            if len(index) < size:
                x = x.index_select(2 + n, torch.from_numpy(index))
        return x

    def of(self, codes: Tensor) -> np.ndarray:
        """Return the patches of all places, channel by channel.

        Parameters
        ----------
        codes : uint8 or float32 Tensor [batch, channels, ...]

        Returns
        -------
        array of the same type [batch * places, channels * kernel]
        """
        padded = F.pad(codes, list(chain(*((size, size) for size in reversed(self.padding))))).contiguous()
        begin, within = _offsets(self, padded.shape[1], tuple(padded.shape[2:]))
        image = padded.flatten(1).numpy()
        patches = np.empty((len(image) * len(begin), len(within)), image.dtype)
        for_tiles(_cut_patches, len(patches), image, begin, within, patches)
        return patches


@lru_cache(maxsize=256)
def _covered(patches: Patches, size: tuple[int, ...]) -> list[np.ndarray]:
    """List the positions that lie in any patch, along each dimension."""
    found = []
    for n, places in enumerate(patches.places(size)):
        begin = np.arange(places) * patches.stride[n] - patches.padding[n]
        positions = np.unique(begin[:, None] + np.arange(patches.kernel[n]) * patches.dilation[n])
        found.append(positions[(positions >= 0) & (positions < size[n])])
    return found


@lru_cache(maxsize=256)
def _offsets(patches: Patches, channels: int, size: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return where the patches of a padded image begin, and where their values lie from there (int64)."""
    dimensions = range(len(size))
    step = [math.prod(size[n + 1 :]) for n in dimensions]
    unpadded = [size[n] - 2 * patches.padding[n] for n in dimensions]
    begin = _sums([np.arange(count) * patches.stride[n] * step[n] for n, count in enumerate(patches.places(unpadded))])
    within = [np.arange(patches.kernel[n]) * patches.dilation[n] * step[n] for n in dimensions]
    return begin, _sums([np.arange(channels) * math.prod(size), *within])


def _sums(parts: list[np.ndarray]) -> np.ndarray:
    """Add one number of each part, in every combination; the last part is the fastest."""
    return np.array([sum(numbers) for numbers in product(*(one.tolist() for one in parts))], np.int64)


@kernel
def _cut_patches(first, last, image, begin, within, patches):
    """Copy the patches ``first`` to ``last - 1``, of one padded image after the other."""
    places = begin.shape[0]
    for number in range(first, last):
        own = image[number // places]
        start = begin[number % places]
        for i in range(within.shape[0]):
            patches[number, i] = own[start + within[i]]
