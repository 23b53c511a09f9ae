"""The parameter of a weight that lies on the crossbar: PyTorch's own functions multiply by its conductances.

A module keeps its class, its own forward pass, its hooks and the names of its parameters; only its weight is another
kind of parameter. PyTorch hands every function that is called with such a weight to it (``__torch_function__``):
products run on the crossbar, whatever else reads the weight in a forward pass is refused.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.autograd.graph import get_gradient_edge, increment_version

from twinbar.host.nn.crossbar_products import PRODUCTS
from twinbar.host.nn.mapped_parameter import MappedParameter
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
    + [getattr(Tensor, name).__set__ for name in ("grad",)]
    + [torch.is_floating_point, torch.is_complex, torch.numel]
)
"""What a forward pass may ask of a weight, or set, without reading it."""
_MADE_LIKE: Final = frozenset(
    (
        torch.empty_like,
        torch.full_like,
        torch.ones_like,
        torch.rand_like,
        torch.randint_like,
        torch.randn_like,
        torch.zeros_like,
        Tensor.new,
        Tensor.new_empty,
        Tensor.new_full,
        Tensor.new_ones,
        Tensor.new_tensor,
        Tensor.new_zeros,
    )
)
"""Make a tensor of a weight's shape, type and device."""
_CONVERTED_LIKE: Final = frozenset((Tensor.expand_as, Tensor.reshape_as, Tensor.to, Tensor.type_as, Tensor.view_as))
"""Give another tensor the shape, type or device of a weight."""
_DATA_READ: Final = Tensor.data.__get__  # type: ignore[attr-defined]
_DATA_SET: Final = Tensor.data.__set__  # type: ignore[attr-defined]


class CrossbarWeight(MappedParameter):
    """A parameter whose products run on the crossbar."""

    @classmethod
    def __torch_function__(
        cls, func: Callable[..., Any], types: Iterable[type], args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Run a function of PyTorch that was called with such a weight."""
        kwargs = kwargs or {}
        product = PRODUCTS.get(func)
        if func is torch.autograd.grad:
            return _differentiate(*args, **kwargs)
        with torch._C.DisableTorchFunctionSubclass():
            if product is None and (func in _HARMLESS or _makes_another(func, args)):
                return func(*args, **kwargs)
            weights = _weights_in(args)
            if kwargs:
                weights += _weights_in(kwargs.values())
            layers = [weight.layer for weight in weights if weight.layer is not None]
            for layer in layers:
                if layer.current.on_twin:
                    return func(*args, **kwargs)
            if product is not None and layers:
                with layers[0].current.run():
                    return product(*args, **kwargs)
            for layer in layers:
                if layer.current.is_going_on():
                    raise read_error(layer.name, func)
            if func == _DATA_READ:
                # As `data`, but what is changed in it counts as a change of the weight, which its cells must follow.
                return args[0].detach()
            if func == _DATA_SET and layers:
                return _set_data(args[0], args[1])
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


def _differentiate(outputs: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
    """Compute `torch.autograd.grad` of weights; what is computed again meanwhile (checkpointing) is on the crossbar."""
    chosen = [inputs] if isinstance(inputs, Tensor) else inputs
    edges: list[Any] = [get_gradient_edge(x) if isinstance(x, CrossbarWeight) else x for x in chosen]
    return torch.autograd.grad(outputs, edges, *args, **kwargs)


def _set_data(weight: CrossbarWeight, values: Tensor) -> None:
    """Set `data` of a weight; other values count as a change of the weight, another type or device does not.

    Raises
    ------
    TwinbarError
        If they do not fit the cells.
    """
    assert weight.layer is not None
    if values.shape != weight.shape:
        raise TwinbarError(
            f"the weight of layer {weight.layer.name} is {list(weight.shape)}, and the values given to its data are "
            f"{list(values.shape)}; give the same shape, or convert the module again"
        )
    with torch.no_grad():
        same = not values.is_meta and torch.equal(weight.detach().to(values), values)
        Tensor.data.__set__(weight, values)  # type: ignore[attr-defined]
    if not same:
        increment_version(weight)


def _makes_another(func: Callable[..., Any], args: tuple[Any, ...]) -> bool:
    """Whether a function asks a weight for its shape, type and place only, to give another tensor these."""
    if func in _MADE_LIKE:
        return True
    return func in _CONVERTED_LIKE and not isinstance(args[0], CrossbarWeight)


def _weights_in(values: Iterable[Any]) -> list[CrossbarWeight]:
    """Return the weights in arguments, and in lists, tuples and mappings in them."""
    found = []
    for value in values:
        # `isinstance` would ask the class of parameters, which takes long.
        kind = type(value)
        if kind is Tensor or value is None:
            continue
        if issubclass(kind, CrossbarWeight):
            found.append(value)
        elif issubclass(kind, dict):
            found += _weights_in(value.values())
        elif issubclass(kind, list | tuple):
            found += _weights_in(value)
    return found
