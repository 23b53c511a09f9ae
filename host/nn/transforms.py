"""Transforms of `torch.func` and traces of `torch.jit`: they take a function apart, which a crossbar does not allow."""

import torch

from twinbar.hw.errors import TwinbarError


def refuse_transforms(name: str) -> None:
    """Refuse to multiply within vmap, grad, jacrev and their kin, and in a trace.

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
    if torch.jit.is_tracing():
        raise TwinbarError(f"{name} is on a crossbar, which torch.jit cannot trace; trace it within net.twin()")
