"""Products that a forward pass of a part of a batch has made, and where the layers find them."""

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from twinbar.emulator.contract.bulk_operations import LayerProduct, MultiplyResult


@dataclass(frozen=True)
class MadeProduct:
    """Activations, and what the crossbar made of them.

    Parameters
    ----------
    layer : str
    x : Tensor
    y : Tensor
    seen : Tensor
        The activations as the converters saw them.
    """

    layer: str
    x: Tensor
    y: Tensor
    seen: Tensor


class ProductSource(Protocol):
    """Where a pass gets its products from, in place of a program for each."""

    def take(self, layer: str, x: Tensor) -> tuple[Tensor, Tensor] | None:
        """Return a product that is there (``y`` and ``seen``); None if it has to be made."""

    def keep(self, made: MadeProduct) -> None:
        """Take note of one that was made."""

    def multiply(self, product: LayerProduct) -> MultiplyResult:
        """Make one, in a program with those of other layers."""
