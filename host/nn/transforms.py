"""Transforms of `torch.func`, which change what a function computes: none of them can change a crossbar."""

import torch

from twinbar.hw.errors import TwinbarError


def refuse_transforms(name: str) -> None:
    """Refuse to multiply within vmap, grad, jacrev and their kin.

    Raises
    ------
    TwinbarError
        If one of them is going on.
    """
    if torch._C._functorch.peek_interpreter_stack() is not None:
        raise TwinbarError(
            f"{name} is on a crossbar, which cannot run within torch.func (vmap, grad, jacrev); call it with a batch, "
            "or within net.twin()"
        )
