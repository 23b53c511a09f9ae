"""Layers whose forward pass runs on the crossbar and whose backward pass runs on the float twin."""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from twinbar.emulator.contract.bulk_operations import MultiplyResult
from twinbar.host.accounted_engine import AccountedEngine
from twinbar.host.nn.mapping import LayerMap
from twinbar.host.nn.ranges import ConverterRange
from twinbar.host.update.programmed import ProgrammedLayer
from twinbar.hw.errors import ConfigError, TwinbarError

CALIBRATION_ROUNDS = 4


class CrossbarMatmul:
    """Multiplies activations by the conductances of one layer, in the units of the twin.

    Parameters
    ----------
    session : AccountedEngine
    cells : ProgrammedLayer
    range_margin : float
        Head room of the ADC range above the largest current seen.
    range_tracking : bool
        Whether ranges follow the activations while training, or stay as calibrated.
    """

    def __init__(
        self, session: AccountedEngine, cells: ProgrammedLayer, range_margin: float, range_tracking: bool
    ) -> None:
        config = session.engine.config
        array = config.array
        self.session = session
        self.cells = cells
        self.map: LayerMap = cells.map
        self._margin = range_margin
        self._tracking = range_tracking
        self._input_top = array.input_max
        grid_per_gmax = 1 << array.grid_bits
        window = (1 - config.cells.g_min_s / config.cells.g_max_s) * grid_per_gmax
        self._weight_per_grid = cells.weight_per_level * (cells.levels - 1) / window
        most_rows = int(self.map.block.used_rows.max())
        self.range = ConverterRange(full_scale=float(most_rows * array.step_input_max * grid_per_gmax))
        self.calibrating = False
        self.training = False
        self.clipped = 0
        self.conversions = 0

    def quantize(self, x: Tensor) -> tuple[np.ndarray, float]:
        """Turn activations of one sign into input codes (uint8), and give the activation of one code."""
        lsb = max(self.range.input_max, 1e-12) / self._input_top
        codes = (x * (1.0 / lsb)).round_().clamp_(0, self._input_top).to(torch.uint8)
        return codes.numpy(), lsb

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Multiply activations, float [batch, inputs], by the crossbar.

        Activations of both signs take two passes, one for each sign, because rows are driven with one polarity.

        Returns
        -------
        y : Tensor [batch, outputs]
        seen : Tensor [batch, inputs]
            The activations as the converters saw them.
        """
        least, most = (float(extreme) for extreme in torch.aminmax(x))
        if not (math.isfinite(least) and math.isfinite(most)):
            raise TwinbarError(
                f"layer {self.map.name} was given activations that are not finite; lower the learning rate"
            )
        if self.calibrating:
            self.range.input_max = max(most, -least, 1e-6)
            self._calibrate([x, -x] if least < 0 else [x])
        elif self.training and self._tracking:
            self.range.track_input(max(most, -least), len(x))
        y, seen = self._one_sign(x)
        if least < 0:
            negative_y, negative_seen = self._one_sign(-x)
            return y - negative_y, seen - negative_seen
        return y, seen

    def _calibrate(self, passes: list[Tensor]) -> None:
        """Fit the range to the largest current of all passes; where it clipped, the next round looks further."""
        for _ in range(CALIBRATION_ROUNDS):
            outcomes = [self._multiply(self.quantize(x)[0]) for x in passes]
            gain = outcomes[0][1]
            extremes = [max(abs(result.highest), abs(result.lowest)) for result, _ in outcomes if result.conversions]
            if extremes:
                self.range.full_scale = max((max(extremes) + 1) / gain * self._margin, 1.0)

    def _one_sign(self, x: Tensor) -> tuple[Tensor, Tensor]:
        codes, lsb = self.quantize(x)
        result, gain = self._multiply(codes)
        if self.training:
            self.clipped += result.clipped
            self.conversions += result.conversions
            if self._tracking:
                self.range.track_current(result, gain, self._margin, len(x))
        total = result.codes.sum(axis=0)
        if self.session.engine.config.array.pairs != "subtract":
            total = total[..., 0::2] - total[..., 1::2]
        scale = self._weight_per_grid * lsb / gain
        y = torch.from_numpy(self.map.gather(total).astype(np.float32)).mul_(scale)
        return y, torch.from_numpy(codes).to(torch.float32).mul_(lsb)

    def _multiply(self, codes: np.ndarray) -> tuple[MultiplyResult, float]:
        result = self.session.multiply_layer(self.map.block, codes, self.range.full_scale)
        return result, self.session.engine.config.adc_range(self.range.full_scale).codes_per_grid

    def take_clipped(self) -> float:
        """Return the part of the training's conversions that saturated since this was last asked."""
        share = self.clipped / max(self.conversions, 1)
        self.clipped = self.conversions = 0
        return share

    def state_dict(self) -> dict[str, float | int]:
        """Return what training changes."""
        return {
            "full_scale": self.range.full_scale,
            "input_max": self.range.input_max,
            "clipped": self.clipped,
            "conversions": self.conversions,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` gave."""
        self.range.full_scale = state["full_scale"]
        self.range.input_max = state["input_max"]
        self.clipped = state["clipped"]
        self.conversions = state["conversions"]


class _StraightThrough(torch.autograd.Function):
    """Forward on the crossbar; backward as if the twin had computed it, with the inputs that the converters saw."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, matmul: CrossbarMatmul) -> Tensor:
        y, seen = matmul(x.detach())
        ctx.save_for_backward(seen, weight)
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        (gradient,) = gradients
        seen, weight = ctx.saved_tensors
        to_x = gradient @ weight if ctx.needs_input_grad[0] else None
        return to_x, gradient.t() @ seen, None


class CrossbarLayer(nn.Module):
    """A layer with a float twin (its parameters) and cells on the crossbar.

    Parameters
    ----------
    twin : nn.Module
        The layer that this one replaces; its parameters become the twin's.
    matmul : CrossbarMatmul
    """

    def __init__(self, twin: nn.Module, matmul: CrossbarMatmul) -> None:
        super().__init__()
        self.weight = nn.Parameter(twin.weight.detach().clone())  # type: ignore[operator]
        self.bias = nn.Parameter(twin.bias.detach().clone()) if twin.bias is not None else None  # type: ignore[operator]
        self.matmul = matmul
        self.use_twin = False

    def train(self, mode: bool = True) -> "CrossbarLayer":
        """Switch between training, in which ranges track, and evaluation."""
        super().train(mode)
        self.matmul.training = mode
        return self

    @property
    def matrix(self) -> np.ndarray:
        """The twin's weights as the policies see them (float32 [outputs, inputs], the same memory)."""
        return self.weight.detach().view(self.weight.shape[0], -1).numpy()


class CrossbarLinear(CrossbarLayer):
    """`torch.nn.Linear` on a crossbar."""

    def forward(self, x: Tensor) -> Tensor:
        """Multiply [..., inputs] to [..., outputs]; the bias is added digitally."""
        if self.use_twin:
            return F.linear(x, self.weight, self.bias)
        rows = x.reshape(-1, x.shape[-1])
        y = _StraightThrough.apply(rows, self.weight, self.matmul).view(*x.shape[:-1], -1)
        return y if self.bias is None else y + self.bias


class CrossbarConv2d(CrossbarLayer):
    """`torch.nn.Conv2d` on a crossbar: every patch of the image is one input vector (im2col)."""

    def __init__(self, twin: nn.Conv2d, matmul: CrossbarMatmul) -> None:
        super().__init__(twin, matmul)
        if twin.groups != 1 or twin.padding_mode != "zeros" or isinstance(twin.padding, str):
            raise ConfigError(
                "a convolution with groups, a padding mode other than zeros or named padding cannot be converted; "
                "use groups=1 and padding as numbers"
            )
        self.kernel_size = twin.kernel_size
        self.stride = twin.stride
        self.padding = twin.padding
        self.dilation = twin.dilation

    def forward(self, x: Tensor) -> Tensor:
        """Convolve [batch, channels, height, width]; the bias is added digitally."""
        if self.use_twin:
            return F.conv2d(x, self.weight, self.bias, self.stride, self.padding, self.dilation)
        patches = F.unfold(x, self.kernel_size, self.dilation, self.padding, self.stride)
        batch, size, places = patches.shape
        rows = patches.transpose(1, 2).reshape(batch * places, size)
        y = _StraightThrough.apply(rows, self.weight.view(self.weight.shape[0], -1), self.matmul)
        height = (x.shape[2] + 2 * self.padding[0] - self.dilation[0] * (self.kernel_size[0] - 1) - 1) // self.stride[
            0
        ] + 1
        y = y.view(batch, places, -1).transpose(1, 2).reshape(batch, -1, height, places // height)
        return y if self.bias is None else y + self.bias[None, :, None, None]
