"""The product of activations and the conductances of one layer, in the units of the twin."""

import math
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from twinbar.emulator.contract.bulk_operations import MultiplyResult
from twinbar.emulator.sections.array_section import InputRange
from twinbar.host.accounted_engine import AccountedEngine
from twinbar.host.nn.backward_count import BackwardCount
from twinbar.host.nn.input_codes import extremes, least_error_range, quantize
from twinbar.host.nn.made_products import MadeProduct
from twinbar.host.nn.mapping import LayerMap
from twinbar.host.nn.patches import Patches
from twinbar.host.nn.ranges import ConverterRange
from twinbar.host.update.cell_access import OuterProducts
from twinbar.host.update.programmed import ProgrammedLayer
from twinbar.hw.errors import TwinbarError

CALIBRATION_ROUNDS = 4
FEW_VALUES = 2048
"""Activations whose extremes one loop finds sooner than two calls of NumPy, which compare several at a time."""


class ProductChain(Protocol):
    """Makes products of several layers together: a `twinbar.host.nn.layer_chain.LayerChain`."""

    def run(self, x: Tensor, *, wanted: bool) -> tuple[Tensor, Tensor] | None:
        """Make all products, and return the first; None where each has to be made by itself."""

    def made(self, matmul: "CrossbarMatmul", x: Tensor) -> tuple[Tensor, Tensor] | None:
        """Return the product of a later layer, or None where it has to be made by itself."""

    def leads(self, matmul: "CrossbarMatmul") -> bool:
        """Whether a layer is the first of the chain."""

    def state_dict(self) -> dict[str, int]:
        """Return what was counted."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` gave."""


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
    input_range : str
        What the largest input code stands for: "largest" or "least-error" (`ArrayConfig.input_range`).

    Attributes
    ----------
    calibrated : bool
        Whether a batch has set the ranges.
    provisional : bool
        Whether it was one of an evaluation, so that the first one of training sets them again.
    calibrating : bool
        Whether the products that are made now set the ranges.
    products : int
        Products that were computed.
    backward : BackwardCount
        Backward passes through them that the account has not taken yet.
    factors : list of OuterProducts, optional
        Inputs and errors of the backward passes that the policy has not taken yet; None where it wants none.
    chain : ProductChain, optional
        Layers, this one among them, whose products run as one program.
    wanted : bool
        Whether a backward pass needs the activations.
    """

    def __init__(
        self,
        session: AccountedEngine,
        cells: ProgrammedLayer,
        range_margin: float,
        range_tracking: bool,
        input_range: InputRange = "largest",
    ) -> None:
        config = session.engine.config
        array = config.array
        self.session = session
        self.cells = cells
        self.map: LayerMap = cells.map
        self._margin = range_margin
        self._tracking = range_tracking
        self._cuts_inputs = input_range == "least-error"
        self._input_top = array.input_max
        grid_per_gmax = 1 << array.grid_bits
        self._window = (1 - config.cells.g_min_s / config.cells.g_max_s) * grid_per_gmax
        most_rows = max(int(block.tiles.used_rows.max()) for block in self.map.blocks)
        self._widest = float(most_rows * array.step_input_max * grid_per_gmax)
        self.range = ConverterRange(full_scale=self._widest)
        self._gain = (math.nan, 0.0)
        self._gains: dict[int, float] = {}
        self.calibrating = False
        self._calibrates_provisionally = False
        self._seen = False
        self.calibrated = False
        self.provisional = False
        self.training = False
        self.products = 0
        self.backward = BackwardCount(len(self.map.blocks))
        self.factors: list[OuterProducts] | None = None
        self.chain: ProductChain | None = None
        self.wanted = True
        self.overdriven = 0.0
        """Largest activation that was seen, in input ranges."""
        self.clipped = 0
        self.conversions = 0

    def take_factors(self) -> list[OuterProducts]:
        """Return the inputs and errors of the backward passes since this was last asked."""
        if self.factors is None:
            return []
        taken = list(self.factors)
        self.factors.clear()
        return taken

    def read_inputs(self, inputs: np.ndarray) -> np.ndarray:
        """Read the weights of some inputs, of which one at a time is driven with the largest code of a step.

        Parameters
        ----------
        inputs : int64 [n]
            Of a layer of one block.

        Returns
        -------
        float32 [n, outputs]
            G+ less G- in levels, not rounded.
        """
        config = self.session.engine.config
        code = config.array.step_input_max
        driven = np.zeros((len(inputs), self.map.inputs), np.uint8)
        driven[np.arange(len(inputs)), inputs] = code
        # A single row: no sum exceeds the current of a cell, with the head room that cells differ by.
        full_scale = self._margin * code * (1 << config.array.grid_bits)
        result = self.session.multiply_layer(self.map.blocks[0].tiles, driven, full_scale, layer=self.map.name)
        per_level = self._window / (self.cells.levels - 1) * code * config.adc_range(full_scale).codes_per_grid
        return self._outputs(result.codes, 0, 1.0).div_(per_level).numpy()

    def _outputs(self, codes: np.ndarray, block: int, scale: float) -> Tensor:
        """Put the codes of a block's tiles together: G+ less G- of each output, times ``scale`` (float32)."""
        paired = self.session.engine.config.array.pairs == "subtract"
        return torch.from_numpy(self.map.gather(codes, block, paired=paired, scale=scale))

    def begin_calibration(self, *, provisional: bool) -> None:
        """Let the products that follow set the ranges, all of them together, until ``calibrating`` is reset."""
        self.calibrating = True
        self._calibrates_provisionally = provisional
        self._seen = False

    def is_calibrated(self, training: bool) -> bool:
        """Whether the ranges are set; those from an evaluation are not good enough for training."""
        return self.calibrated and not (self.provisional and training)

    @property
    def input_lsb(self) -> float:
        """Activation of one input code."""
        return max(self.range.input_max, 1e-12) / self._input_top

    @property
    def _codes_per_grid(self) -> float:
        # A product asks twice.
        full_scale = self.range.full_scale
        if self._gain[0] != full_scale:
            config = self.session.engine.config
            code = config.range_code(full_scale)
            if code not in self._gains:
                self._gains[code] = config.adc_range_of(code).codes_per_grid
            self._gain = full_scale, self._gains[code]
        return self._gain[1]

    def sum_unit(self, lsb: float) -> float:
        """Return what one unit of a sum stands for, in units of the twin, where an input code stands for ``lsb``."""
        return self.cells.weight_per_level * (self.cells.levels - 1) / self._window * lsb / self._codes_per_grid

    def outputs_of(self, codes: np.ndarray, unit: float) -> Tensor:
        """Put the codes of a layer of one block together (float32 [vectors, outputs])."""
        return self._outputs(codes, 0, unit)

    def note(self, result: MultiplyResult, vectors: int) -> None:
        """Count what a product has converted while training, and let the range of the converters follow it."""
        if not self.training:
            return
        self.clipped += result.clipped
        self.conversions += result.conversions
        if self._tracking:
            self.range.track_current(result, self._codes_per_grid, self._margin, vectors)

    def follow_inputs(self, x: Tensor) -> None:
        """Let the range of the inputs follow activations, while training."""
        if self.training and self._tracking:
            self._track_inputs(x, float(x.abs().max()), len(x))

    def _track_inputs(self, x: Tensor, largest: float, vectors: int) -> None:
        if not self._cuts_inputs:
            self.range.track_input(largest, vectors)
        elif largest > 0:
            self.range.track_best_input(self._best_range(x, largest), vectors)

    def _best_range(self, x: Tensor, largest: float) -> float:
        """Return the activation that the largest code should stand for; ``largest`` is the largest in ``x``."""
        if not self._cuts_inputs or largest <= 0:
            return largest
        return float(least_error_range(x.contiguous().numpy().reshape(-1), largest, self._input_top))

    def quantize(self, x: Tensor, values: np.ndarray | None = None) -> tuple[np.ndarray, Tensor, float]:
        """Turn activations (float32) of one sign into input codes; ``values`` are the same as an array.

        Returns
        -------
        codes : uint8 array
        seen : float32 Tensor
            What the codes stand for, in the shape of ``x``.
        lsb : float
            Activation of one code.
        """
        lsb = self.input_lsb
        ordered = x.is_contiguous()
        if values is None or not ordered:
            values = (x if ordered else x.contiguous()).numpy()
        codes, stand_for = np.empty(values.shape, np.uint8), np.empty(values.shape, np.float32)
        quantize(
            values.reshape(-1),
            1.0 / lsb,
            float(self._input_top),
            lsb,
            codes.reshape(-1),
            stand_for.reshape(-1),
        )
        seen = torch.from_numpy(stand_for)
        if not ordered:
            # Convolutions compute in another order where the memory has one.
            seen = torch.empty_like(x).copy_(seen)
        return codes, seen, lsb

    def __call__(self, x: Tensor, block: int = 0, patches: Patches | None = None) -> tuple[Tensor, Tensor]:
        """Multiply activations by the crossbar.

        Activations of both signs take two passes, one for each sign, because rows are driven with one polarity.

        Parameters
        ----------
        x : float32 Tensor [vectors, inputs], or [batch, channels, ...] of a convolution
            Of all groups of the block, one after the other.
        block : int
            Which block of the layer (`LayerMap.blocks`).
        patches : Patches, optional
            How a convolution cuts its input into vectors. Codes are cut, not activations: each of these is in several
            vectors, but converted once.

        Returns
        -------
        y : Tensor [vectors, outputs]
        seen : Tensor
            The activations as the converters saw them, in the shape of ``x``.

        Raises
        ------
        TwinbarError
            If an activation is not finite.
        """
        self.products += 1
        if not x.shape[0]:
            part = self.map.blocks[block].outputs
            return torch.zeros(0, part.stop - part.start), x
        source = self.session.products
        made = None if source is None else source.take(self.map.name, x)
        if made is not None:
            return made
        if self.chain is not None and not self.chain.leads(self):
            made = self.chain.made(self, x)
            if made is not None:
                return made
        driven = x if patches is None else patches.covered(x)
        vectors = x.shape[0] if patches is None else x.shape[0] * math.prod(patches.places(x.shape[2:]))
        values = driven.numpy()
        least, most = _extremes(values)
        if not (math.isfinite(least) and math.isfinite(most)):
            raise TwinbarError(
                f"layer {self.map.name} was given activations that are not finite; lower the learning rate"
            )
        if self.calibrating:
            self._calibrate(x, driven, max(most, -least), least < 0, block, patches)
        elif self.training and self._tracking:
            self._track_inputs(driven, max(most, -least), vectors)
        self.overdriven = max(self.overdriven, most / self.range.input_max, -least / self.range.input_max)
        if self.chain is not None and self.chain.leads(self):
            made = self.chain.run(x, wanted=self.wanted or self.training)
            if made is not None:
                return made
        part = self.map.blocks[block].outputs
        macs = vectors * (part.stop - part.start) * self.map.inputs
        y, seen = self._one_sign(x, block, patches, macs, values if driven is x else None)
        if least < 0:
            negative_y, negative_seen = self._one_sign(-x, block, patches)
            y, seen = y - negative_y, seen - negative_seen
        if source is not None:
            source.keep(MadeProduct(self.map.name, x, y, seen))
        return y, seen

    def _calibrate(
        self, x: Tensor, driven: Tensor, largest: float, signed: bool, block: int, patches: Patches | None
    ) -> None:
        """Fit the ranges to an input and its largest current, from the widest range down.

        ``driven`` is what of the input reaches rows, ``largest`` the largest magnitude in it. A layer that is used
        several times while it is calibrated gets a range for all of its inputs.
        """
        held = (self.range.input_max, self.range.full_scale) if self._seen else (0.0, 0.0)
        self.range.input_max = max(self._best_range(driven, largest), 1e-6, held[0])
        self.range.full_scale = self._widest
        for _ in range(CALIBRATION_ROUNDS):
            with self.session.calibrating():
                outcomes = [
                    self._multiply(self.quantize(part)[0], block, patches) for part in ([x, -x] if signed else [x])
                ]
            extremes = [max(abs(result.highest), abs(result.lowest)) for result in outcomes if result.conversions]
            if extremes:
                self.range.full_scale = max((max(extremes) + 1) / self._codes_per_grid * self._margin, 1.0)
        self.range.full_scale = max(self.range.full_scale, held[1])
        self._seen = True
        if largest > 0:
            # Zeros alone, such as the first state of a recurrent layer, say nothing of what will come.
            self.calibrated = True
            self.provisional = self._calibrates_provisionally

    def _one_sign(
        self, x: Tensor, block: int, patches: Patches | None, macs: int = 0, values: np.ndarray | None = None
    ) -> tuple[Tensor, Tensor]:
        codes, seen, lsb = self.quantize(x, values)
        # Before the range follows this product.
        unit = self.sum_unit(lsb)
        result = self._multiply(codes, block, patches, macs)
        self.note(result, result.codes.shape[2])
        return self._outputs(result.codes, block, unit), seen

    def _multiply(self, codes: np.ndarray, block: int, patches: Patches | None, macs: int = 0) -> MultiplyResult:
        vectors = codes if patches is None else patches.of(torch.from_numpy(codes))
        return self.session.multiply_layer(
            self.map.blocks[block].tiles, vectors, self.range.full_scale, layer=self.map.name, macs=macs
        )

    def take_clipped(self) -> float:
        """Return the part of the training's conversions that saturated since this was last asked."""
        share = self.clipped / max(self.conversions, 1)
        self.clipped = self.conversions = 0
        return share

    def state_dict(self) -> dict[str, Any]:
        """Return what training changes."""
        chained = self.chain is not None and self.chain.leads(self)
        return {
            **({"chain": self.chain.state_dict()} if chained and self.chain is not None else {}),
            "full_scale": self.range.full_scale,
            "input_max": self.range.input_max,
            "clipped": self.clipped,
            "conversions": self.conversions,
            "calibrated": self.calibrated,
            "provisional": self.provisional,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` gave."""
        self.range.full_scale = state["full_scale"]
        self.range.input_max = state["input_max"]
        self.clipped = state["clipped"]
        self.conversions = state["conversions"]
        self.calibrated = state.get("calibrated", True)
        self.provisional = state.get("provisional", False)
        if self.chain is not None and "chain" in state:
            self.chain.load_state_dict(state["chain"])


def _extremes(values: np.ndarray) -> tuple[float, float]:
    """Return the least and the largest of some activations, NaN where one is; 0 where there are none."""
    if not values.size:
        return 0.0, 0.0
    if values.size <= FEW_VALUES and values.flags.c_contiguous:
        return extremes(values.reshape(-1))
    return float(np.minimum.reduce(values, axis=None)), float(np.maximum.reduce(values, axis=None))
