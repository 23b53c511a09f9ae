"""The parameter of a weight that lies on the crossbar: PyTorch's own functions multiply by its conductances.

A module keeps its class, its own forward pass, its hooks and the names of its parameters; only its weight is another
kind of parameter. PyTorch hands every function that is called with such a weight to it (``__torch_function__``):
products run on the crossbar, whatever else reads the weight in a forward pass is refused.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final, Protocol

import torch
from torch import Tensor, nn

from twinbar.host.nn.current_pass import Pass
from twinbar.host.nn.weight_matrix import WeightMatrix
from twinbar.hw.errors import TwinbarError

_ATTRIBUTES: Final = (
    "_backward_hooks",
    "_version",
    "device",
    "dtype",
    "grad",
    "grad_fn",
    "is_cpu",
    "is_cuda",
    "is_leaf",
    "is_meta",
    "is_mkldnn",
    "is_mps",
    "is_nested",
    "is_quantized",
    "is_sparse",
    "is_xpu",
    "itemsize",
    "layout",
    "nbytes",
    "ndim",
    "output_nr",
    "requires_grad",
    "shape",
)
_METHODS: Final = (
    "__hash__",
    "__len__",
    "__repr__",
    "data_ptr",
    "dim",
    "element_size",
    "get_device",
    "is_complex",
    "is_contiguous",
    "is_floating_point",
    "ndimension",
    "nelement",
    "numel",
    "register_hook",
    "requires_grad_",
    "size",
    "storage_offset",
    "stride",
)
_HARMLESS: Final = frozenset(
    [getattr(Tensor, name).__get__ for name in _ATTRIBUTES]
    + [getattr(Tensor, name) for name in _METHODS]
    + [torch.is_floating_point, torch.is_complex, torch.numel]
)
"""What a forward pass may ask of a weight without reading it."""

Product = Callable[..., Any]
"""Computes what a function of PyTorch does, on the crossbar; takes its arguments."""


class Multiplied(Protocol):
    """What a weight knows of its cells: a `twinbar.host.nn.mapped_layer.MappedLayer`."""

    name: str
    form: WeightMatrix
    current: Pass

    def multiply(self, x: Tensor, block: int | None = None) -> Tensor:
        """Multiply activations [..., inputs] to [..., outputs]."""


class CrossbarWeight(nn.Parameter):
    """A parameter whose products run on the crossbar.

    Attributes
    ----------
    layer : Multiplied or None
        None in copies of a module without its crossbar: they are ordinary parameters.
    """

    layer: Multiplied | None = None

    @classmethod
    def __torch_function__(
        cls, func: Callable[..., Any], types: Iterable[type], args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Run a function of PyTorch that was called with such a weight."""
        kwargs = kwargs or {}
        with torch._C.DisableTorchFunctionSubclass():
            if func in _HARMLESS:
                return func(*args, **kwargs)
            layers = [weight.layer for weight in _weights_in((args, kwargs)) if weight.layer is not None]
            if not layers or any(layer.current.on_twin for layer in layers):
                return func(*args, **kwargs)
            from twinbar.host.nn.products import PRODUCTS

            product = PRODUCTS.get(func)
            if product is not None:
                return product(*args, **kwargs)
            for layer in layers:
                if layer.current.depth:
                    raise read_error(layer.name, func)
            return func(*args, **kwargs)

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Pickle as an ordinary parameter: the crossbar is saved with its network."""
        with torch.no_grad(), torch._C.DisableTorchFunctionSubclass():
            plain = nn.Parameter(self.detach(), self.requires_grad)
        return plain.__reduce_ex__(protocol)


def read_error(name: str, func: Callable[..., Any]) -> TwinbarError:
    """Say that a weight was read in a forward pass without being multiplied by."""
    what = getattr(func, "__name__", str(func))
    if what == "__get__":
        what = getattr(getattr(func, "__self__", None), "__name__", what)
    return TwinbarError(
        f"the weights of layer {name} were read ({what}) in a forward pass without a product on the crossbar; leave "
        f"the layer digital with exclude=[{name!r}], or call the layer instead"
    )


def on_crossbar(weight: object) -> Multiplied | None:
    """Return the layer of a weight whose products run on the crossbar now; None for any other object."""
    layer = weight.layer if isinstance(weight, CrossbarWeight) else None
    return None if layer is None or layer.current.on_twin else layer


def _weights_in(value: Any) -> list[CrossbarWeight]:
    if isinstance(value, CrossbarWeight):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return [weight for item in value for weight in _weights_in(item)]
    return []
