"""What a layer sees and holds, and how far rounding may take an output from the product of both."""

import torch
from torch import Tensor

from twinbar.host.nn.crossbar_matmul import CrossbarMatmul
from twinbar.host.nn.mapped_layer import MappedLayer


def activations(*shape: int, seed: int = 0, lowest: int = 0) -> Tensor:
    """Draw activations up to 1 whose 4-bit codes are beyond doubt: none lies near the middle between two codes."""
    generator = torch.Generator().manual_seed(seed)
    codes = torch.randint(lowest, 16, shape, generator=generator)
    x = codes + 0.8 * (torch.rand(shape, generator=generator) - 0.5)
    x.view(-1)[0] = 15
    return x.clamp(max=15) / 15


def seen_by(layer: MappedLayer, x: Tensor) -> Tensor:
    """Inputs as their integer codes stand for them (float64), of either sign."""
    lsb = layer.matmul.range.input_max / layer.matmul.session.engine.config.array.input_max
    return torch.round(x.double() / lsb) * lsb


def held_weights(layer: MappedLayer) -> Tensor:
    """The weights that the cells hold now, from their conductances (float64, in the shape of the twin's)."""
    matmul = layer.matmul
    cells = matmul.session.engine.config.cells
    conductance = matmul.session.engine.conductances_s().ravel()
    plus = matmul.map.output_address[:, None] + matmul.map.input_address[None, :]
    top = matmul.cells.weight_per_level * (matmul.cells.levels - 1)
    weights = (conductance[plus] - conductance[plus + 1]) / (cells.g_max_s - cells.g_min_s) * top
    return torch.from_numpy(weights).view(layer.weight.shape)


def error_bound(matmul: CrossbarMatmul, passes: int = 1) -> float:
    """Largest error of an output that rounding can make: half a code for every conversion that enters it."""
    array = matmul.session.engine.config.array
    gain = matmul.session.engine.config.adc_range(matmul.range.full_scale).codes_per_grid
    conversions = matmul.map.blocks[0].tiles.shape[0] * (1 if array.pairs == "subtract" else 2) * passes
    planes = sum(2**plane for plane in range(array.planes))
    lsb = matmul.range.input_max / array.input_max
    grid_per_weight = (
        (1 - matmul.session.engine.config.cells.g_min_s / matmul.session.engine.config.cells.g_max_s)
        * 2**array.grid_bits
        / (matmul.cells.weight_per_level * (matmul.cells.levels - 1))
    )
    # A little more, for the float32 of the result.
    return 1.001 * 0.5 * conversions * planes / gain / grid_per_weight * lsb
