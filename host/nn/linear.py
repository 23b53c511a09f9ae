"""`torch.nn.functional.linear` where the weight may lie on the crossbar."""

from torch import Tensor
from torch.nn import functional as F

from twinbar.host.nn.mapped_parameter import check_use, on_crossbar


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Multiply [..., inputs] to [..., outputs]; the bias is added digitally.

    A weight of several groups multiplies every one of them by the same input.
    """
    layer = on_crossbar(weight)
    if layer is None:
        return F.linear(input, weight, bias)
    check_use(layer, weight, 2, layer.form.groups)
    return layer.multiply(_for_groups(input, layer.form.groups), bias=bias)


def _for_groups(x: Tensor, groups: int) -> Tensor:
    return x if groups == 1 else x.repeat(*[1] * (x.dim() - 1), groups)
