"""Patches of codes are those that `torch.nn.functional.unfold` cuts out of floats."""

import itertools

import pytest
import torch
from torch.nn import functional as F

from twinbar.host.nn.patches import Patches

SHAPES = list(itertools.product((1, 2, 3), (1, 2, 3), (0, 1), (1, 2)))


@pytest.mark.parametrize(("kernel", "stride", "padding", "dilation"), SHAPES)
def test_patches_are_those_of_unfold(kernel: int, stride: int, padding: int, dilation: int) -> None:
    codes = torch.randint(0, 16, (3, 2, 7, 8), generator=torch.Generator().manual_seed(1)).to(torch.uint8)
    patches = Patches((kernel, 2), (stride, 1), (padding, 1), (dilation, 2))
    unfolded = F.unfold(codes.float(), (kernel, 2), (dilation, 2), (padding, 1), (stride, 1))
    assert patches.of(codes).tolist() == unfolded.transpose(1, 2).flatten(0, 1).int().tolist()
    for ordered in (codes.to(memory_format=torch.channels_last), codes.transpose(2, 3).contiguous().transpose(2, 3)):
        assert (patches.of(ordered) == patches.of(codes)).all()


@pytest.mark.parametrize(("kernel", "stride", "padding", "dilation"), SHAPES)
def test_what_no_patch_covers_is_left_out(kernel: int, stride: int, padding: int, dilation: int) -> None:
    numbers = torch.arange(1.0, 7 * 8 + 1).view(1, 1, 7, 8)
    patches = Patches((kernel, 1), (stride, 2), (padding, 0), (dilation, 1))
    unfolded = F.unfold(numbers, (kernel, 1), (dilation, 1), (padding, 0), (stride, 2))
    covered = set(unfolded.flatten().tolist()) - {0.0}
    assert sorted(patches.covered(numbers).flatten().tolist()) == sorted(covered)


def test_activations_that_no_patch_covers_set_no_range() -> None:
    x = torch.zeros(1, 1, 4, 4)
    x[..., 1::2, :] = 100.0
    assert float(Patches((1, 1), (2, 2), (0, 0), (1, 1)).covered(x).max()) == 0.0
