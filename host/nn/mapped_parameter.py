"""A parameter that lies on the crossbar, and what functions that multiply by it know of its cells."""

from collections.abc import Callable
from typing import Any, Protocol

from torch import Tensor, nn

from twinbar.host.nn.current_pass import Pass
from twinbar.host.nn.patches import Patches
from twinbar.host.nn.weight_matrix import WeightMatrix
from twinbar.hw.errors import TwinbarError

Product = Callable[..., Any]
"""Computes what a function of PyTorch does, on the crossbar; takes its arguments."""


class Multiplied(Protocol):
    """What a weight knows of its cells: a `twinbar.host.nn.mapped_layer.MappedLayer`."""

    name: str
    form: WeightMatrix
    current: Pass

    def multiply(self, x: Tensor, block: int | None = None, bias: Tensor | None = None) -> Tensor:
        """Multiply activations [..., inputs] to [..., outputs], and add a bias."""

    def convolve(self, x: Tensor, patches: Patches) -> Tensor:
        """Convolve [batch, channels, ...] to [batch, outputs, ...]."""


class MappedParameter(nn.Parameter):
    """A parameter that a layer keeps on the crossbar.

    Attributes
    ----------
    layer : Multiplied or None
        None in copies of a module without its crossbar: they are ordinary parameters.
    """

    layer: Multiplied | None = None


def on_crossbar(weight: object) -> Multiplied | None:
    """Return the layer of a weight whose products run on the crossbar now; None for any other object."""
    # `isinstance` would ask the class of parameters, which takes long.
    layer = getattr(weight, "layer", None) if issubclass(type(weight), MappedParameter) else None
    return None if layer is None or layer.current.on_twin else layer


def check_use(layer: Multiplied, weight: Tensor, dimensions: int, groups: int = 1, *, transposed: bool = False) -> None:
    """Refuse to multiply by a weight as if it were that of another kind of layer.

    Raises
    ------
    TwinbarError
        If the cells hold another matrix.
    """
    form = layer.form
    if (weight.dim(), form.groups, form.transposed) != (dimensions, groups, transposed):
        raise TwinbarError(
            f"the weights of layer {layer.name} were multiplied by as another kind of layer than they are on the "
            f"crossbar; leave the layer digital with exclude=[{layer.name!r}], or call the layer instead"
        )
