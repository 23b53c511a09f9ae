"""Optimizers of PyTorch by name."""

import difflib
import inspect
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from torch.optim import Optimizer

_COMMON: Final = frozenset({"sgd", "adam"})
"""Checked without importing PyTorch, which takes a second."""
_WRAPPED: Final = ("add_param_group", "zero_grad", "state_dict", "load_state_dict")
_UNUSABLE: Final = {
    "lbfgs": "evaluates the loss several times per step, which a crossbar would have to be written for",
    "sparseadam": "works on sparse gradients only",
}


def optimizer_name(name: str) -> str:
    """Check the name of an optimizer, in any capitals, and give it in small letters.

    Raises
    ------
    ValueError
        If PyTorch has no such optimizer, or it cannot train a crossbar.
    """
    lower = name.lower()
    if lower in _UNUSABLE:
        raise ValueError(f"training.optimizer is {name}, which {_UNUSABLE[lower]}; use sgd, adam or another one")
    if lower not in _COMMON and lower not in (known := _optimizers()):
        near = difflib.get_close_matches(lower, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"it must be one of {', '.join(sorted(known))}"
        raise ValueError(f"training.optimizer is {name}, which torch.optim does not have; {hint}")
    return lower


def optimizer_class(name: str) -> "type[Optimizer]":
    """Return the class of an optimizer that `optimizer_name` accepts, without what serves `torch.compile` alone.

    PyTorch wraps the methods of its optimizers so that a compiled training loop does not trace them; the wrappers
    import the compiler at the first call, which takes seconds. Nothing is compiled here, so the methods are used as
    they are written. A PyTorch without wrappers works as well: there is nothing to take off then.
    """
    import torch

    cls = _optimizers()[optimizer_name(name)]
    plain = {method: inspect.unwrap(getattr(cls, method)) for method in _WRAPPED}
    # A wrapper of `step` also keeps the update itself out of the gradients.
    plain["step"] = torch.no_grad()(inspect.unwrap(cls.step))
    return type(cls.__name__, (cls,), plain)


def _optimizers() -> "dict[str, type[Optimizer]]":
    from torch import optim

    found = {}
    for name, member in vars(optim).items():
        if isinstance(member, type) and issubclass(member, optim.Optimizer) and member is not optim.Optimizer:
            found[name.lower()] = member
    return {name: member for name, member in found.items() if name not in _UNUSABLE}
