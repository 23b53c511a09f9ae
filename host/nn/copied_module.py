"""A copy of a user's module, whose own one is left as it is."""

import copy

from torch import Tensor, nn

from twinbar.hw.errors import ConfigError


def copy_module(module: nn.Module) -> nn.Module:
    """Copy a module with all that is in it.

    Raises
    ------
    ConfigError
        If it holds something that cannot be copied.
    """
    # Old weight_norm and pruning keep a computed weight beside the parameters, which PyTorch refuses to copy; they
    # compute it again before every use.
    computed = [
        value
        for part in module.modules()
        for value in vars(part).values()
        if isinstance(value, Tensor) and not value.is_leaf
    ]
    memo = {id(value): value.detach().clone() for value in computed}
    try:
        return copy.deepcopy(module, memo)
    except (RuntimeError, TypeError) as error:
        raise ConfigError(f"the module cannot be copied, which its conversion begins with: {error}") from None
