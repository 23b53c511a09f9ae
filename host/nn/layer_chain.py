"""Layers of a network whose products run as one program, in which the activations between them stay on the chip."""

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from twinbar.emulator.contract.bulk_operations import ChainedLayer
from twinbar.emulator.contract.chain_moves import outputs_in_order, transfers_of
from twinbar.emulator.contract.digital_functions import BIAS_MAX, SCALE_MAX, SHIFT_MAX, DigitalFunctions
from twinbar.host.accounted_engine import AccountedEngine
from twinbar.host.nn.chain_search import Chained
from twinbar.host.nn.crossbar_matmul import CrossbarMatmul
from twinbar.hw.errors import ConfigError
from twinbar.hw.protocol.sizes import MAX_TILES

ROUNDING: Final = 0.51
"""Codes by which an activation of the chip may differ from that of the host, but for the rounding of scale and bias."""


class LayerChain:
    """The products of a chain: the first layer's call runs the program, the others take what is there.

    Parameters
    ----------
    session : AccountedEngine
    chain : sequence of Chained

    Attributes
    ----------
    programs : int
        Batches that went through the chain.
    apart : int
        Batches whose layers multiplied one after the other: activations below zero, or not those of the chip.
    limited : int
        Biases that were beyond what the chip holds, over all programs.

    Raises
    ------
    ConfigError
        If the layers do not fit a chain.
    """

    def __init__(self, session: AccountedEngine, chain: Sequence[Chained]) -> None:
        self.names = [own.layer.name for own in chain]
        self.programs = self.apart = self.limited = 0
        self._session = session
        self._chain = list(chain)
        self._matmuls = [own.layer.matmul for own in chain]
        self._made: list[tuple[Tensor, Tensor]] | None = None
        self._answered = True
        self._bounds = [math.inf] * len(chain)
        array = session.engine.config.array
        blocks = [matmul.map.blocks[0].tiles for matmul in self._matmuls]
        controllers = {tile // MAX_TILES for block in blocks for tile in (block.tiles.start, block.tiles.stop - 1)}
        if len(controllers) > 1:
            raise ConfigError(
                f"the layers {', '.join(self.names)} of a chain take tiles of {len(controllers)} controllers, each of "
                f"{MAX_TILES}; take larger tiles, or array.chained_layers = false"
            )
        self._outputs = [block.used_columns // 2 for block in blocks]
        try:
            transfers_of([ChainedLayer(block, 1.0) for block in blocks], self._outputs, array.controller(1))
        except ConfigError as error:
            raise ConfigError(f"layers {', '.join(self.names)} cannot be chained: {error}") from None

    def run(self, x: Tensor, *, wanted: bool) -> tuple[Tensor, Tensor] | None:
        """Run the program of a batch, and return the product of the first layer; None if each multiplies by itself.

        Parameters
        ----------
        x : float32 Tensor [batch, inputs]
        wanted : bool
            Whether the host needs what is between the layers: sums of hidden layers are answered, too.
        """
        for own in self._chain:
            # Those behind the first have not been called yet.
            own.layer.matmul.training = own.module.training
            wanted = wanted or own.module.training
        self._made = self._run(x, answered=wanted or self._is_watched())
        return None if self._made is None else self._made[0]

    def made(self, matmul: CrossbarMatmul, x: Tensor) -> tuple[Tensor, Tensor] | None:
        """Return the product of a later layer; None if it is given other activations than the chip made.

        Those of a module that computes something else between its layers are, and those of a layer called alone.
        """
        if self._made is None:
            return None
        place = self._matmuls.index(matmul)
        if not self._is_from_chip(place, x):
            self._made = None
            self.apart += 1
            return None
        if self._answered:
            matmul.follow_inputs(x)
        y, seen = self._made[place]
        if matmul is self._matmuls[-1]:
            self._made = None
        return y, seen

    def leads(self, matmul: CrossbarMatmul) -> bool:
        """Whether a layer is the first."""
        return matmul is self._matmuls[0]

    def _is_watched(self) -> bool:
        """Whether somebody looks at what the layers give."""
        modules = [part for own in self._chain[:-1] for part in (own.module, *own.between)]
        return any(part._forward_hooks for part in modules) or any(
            part._forward_pre_hooks for own in self._chain[:-1] for part in own.between
        )

    def _run(self, x: Tensor, *, answered: bool) -> list[tuple[Tensor, Tensor]] | None:
        """Run the program of a batch; None if the layers have to multiply by themselves."""
        if any(matmul.calibrating or not matmul.calibrated for matmul in self._matmuls):
            return None
        if bool((x < 0).any()):
            self.apart += 1
            return None
        head, config = self._matmuls[0], self._session.engine.config
        codes, seen, lsb = head.quantize(x)
        layers, units = [], []
        for own, matmul, following in zip(self._chain, self._matmuls, [*self._matmuls[1:], None], strict=True):
            units.append(matmul.sum_unit(lsb))
            functions = None
            if following is not None:
                lsb = following.input_lsb
                functions = self._functions(own, units[-1], lsb, config.array.input_max)
            block = matmul.map.blocks[0].tiles
            layers.append(ChainedLayer(block, matmul.range.full_scale, functions, answered or following is None))
        macs = len(x) * sum(matmul.map.inputs * matmul.map.outputs for matmul in self._matmuls)
        results = self._session.multiply_chain(layers, codes, self.names[0], macs)
        self.programs += 1
        self._answered = answered
        made = []
        for matmul, layer, result, unit, outputs in zip(
            self._matmuls, layers, results, units, self._outputs, strict=True
        ):
            matmul.note(result, len(x))
            y = matmul.outputs_of(result.codes, unit) if layer.answered else _unknown(len(x), int(outputs.sum()))
            made.append((y, seen))
            if layer.functions is not None:
                following = self._matmuls[len(made)]
                self._bounds[len(made)] = ROUNDING + unit / following.input_lsb
                seen = _unknown(len(x), following.map.inputs)
                if layer.answered:
                    kept = layer.functions.codes(outputs_in_order(result.codes, outputs))
                    seen = torch.from_numpy(kept.astype(np.float32)).mul_(following.input_lsb)
        return made

    def _functions(self, own: Chained, unit: float, lsb: float, input_max: int) -> DigitalFunctions:
        """Return what turns sums of a layer, in a unit, into codes of the next one."""
        outputs = own.layer.matmul.map.outputs
        ratio = unit / lsb
        # As many bits of the scale as there are.
        shift = min(SHIFT_MAX, max(0, math.floor(math.log2((SCALE_MAX + 0.5) / ratio))))
        scale = min(round(ratio * 2.0**shift), SCALE_MAX)
        bias = np.zeros(outputs, np.int64)
        if own.module.bias is not None:
            wanted = np.rint(own.module.bias.detach().to("cpu", torch.float64).numpy() / unit)
            self.limited += int((np.abs(wanted) > BIAS_MAX).sum())
            bias = np.clip(wanted, -BIAS_MAX, BIAS_MAX).astype(np.int64)
        return DigitalFunctions(np.full(outputs, scale, np.int64), bias, shift, True, input_max)

    def _is_from_chip(self, place: int, x: Tensor) -> bool:
        """Whether activations are what bias and ReLU make of the sums of the layer before."""
        assert self._made is not None
        seen, matmul = self._made[place][1], self._matmuls[place]
        if x.shape != seen.shape:
            return False
        if not self._answered:
            return bool(x.isnan().all())
        top, lsb = matmul.range.input_max, matmul.input_lsb
        # The scale is exact to half a unit in SCALE_MAX / 2; the bias, to half a unit of the sum.
        return bool(((x.clamp(0, top) - seen).abs() <= self._bounds[place] * lsb + x.clamp(0, top) / SCALE_MAX).all())

    def state_dict(self) -> dict[str, int]:
        """Return what was counted."""
        return {"programs": self.programs, "apart": self.apart, "limited": self.limited}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` gave."""
        self.programs, self.apart, self.limited = (int(state[name]) for name in ("programs", "apart", "limited"))


def _unknown(vectors: int, width: int) -> Tensor:
    """Stand for activations that stay on the chip: whatever is computed of them shows that it should not have been."""
    return torch.full((1, 1), math.nan).expand(vectors, width)
