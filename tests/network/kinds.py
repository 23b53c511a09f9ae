"""What a kind of module in the zoo is."""

import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

Call = Callable[..., Any]


@dataclass(frozen=True)
class Kind:
    """A module that users have, and what they call it with.

    Parameters
    ----------
    name : str
    make : callable
        Makes the module.
    inputs : callable
        Makes its arguments.
    uncalled : tuple of str
        Layers that these arguments do not lead through.
    dtype : torch.dtype
        Coarsest type that the module computes in.
    keywords : mapping
        Further arguments.
    """

    name: str
    make: Callable[[], nn.Module]
    inputs: Callable[[], tuple[Any, ...]]
    uncalled: tuple[str, ...] = ()
    dtype: torch.dtype = torch.float32
    keywords: Mapping[str, Any] | None = None

    def build(self) -> tuple[nn.Module, tuple[Any, ...]]:
        """Make the module and its arguments, always the same ones."""
        torch.manual_seed(zlib.crc32(self.name.encode()))
        return self.make(), self.inputs()

    def call(self, module: nn.Module, inputs: tuple[Any, ...]) -> Tensor:
        """Run a module, with the same random numbers every time, and return all that it gives as one vector."""
        torch.manual_seed(1)
        out = list(floats(module(*inputs, **(self.keywords or {}))))
        return torch.cat([x.double().flatten() for x in out])


class Wrapped(nn.Module):
    """A module that is called in a way of its own, by a function that can be imported."""

    def __init__(self, call: Call, **parts: nn.Module) -> None:
        super().__init__()
        for name, part in parts.items():
            setattr(self, name, part)
        self.call = call

    def forward(self, *inputs: Any) -> Any:
        return self.call(self, *inputs)


def floats(value: Any) -> Iterator[Tensor]:
    """Yield the tensors of real numbers in nested values."""
    if isinstance(value, Tensor):
        if value.is_floating_point():
            yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from floats(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from floats(item)


def normal(*shape: int) -> Callable[[], tuple[Tensor]]:
    """Return what draws a batch."""
    return lambda: (torch.randn(*shape),)
