"""A twin of few bits: of a weight, its distance from the level of the cells; of the optimizer, rounded states."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

import numpy as np
import torch
from torch.optim import Optimizer

from twinbar.host.nn.mapped_layer import MappedLayer
from twinbar.host.twin.optimizer_formats import FORMATS, Format, formats_of
from twinbar.host.twin.rounding_kernels import (
    EXPONENT_BITS,
    RANDOM_BITS,
    settle_residuals,
    store_fixed_point,
    store_floating_point,
    store_residuals,
)
from twinbar.host.twin.twin import Twin, states_like
from twinbar.host.twin.twin_section import TwinConfig
from twinbar.host.twin.twin_traffic import add_bits
from twinbar.host.update.policy import UpdatePolicy
from twinbar.hw.errors import ConfigError

_PURPOSES: Final = {key: n + 1 for n, key in enumerate(dict.fromkeys(key for keys in FORMATS.values() for key in keys))}
"""Each state draws random numbers of its own."""
_ROOM: Final = {"fixed point": 2, "floating point": 8, "positive floating point": 8}
"""Powers of two by which the largest number must fall before a scale is made smaller: all words change then."""


@dataclass
class _State:
    """A state of the optimizer for one layer: its numbers as they are stored, and the exponent of their scale."""

    codes: np.ndarray
    exponent: int | None = None


@dataclass
class _Residuals:
    """What is stored of a layer: levels that residuals refer to, residuals in steps, states by key."""

    levels: np.ndarray
    codes: np.ndarray
    states: dict[str, _State] = field(default_factory=dict)


class ResidualTwin(Twin):
    """A twin whose weights are the level that the cells hold, and a residual of few bits.

    After each step the residual and the states are rounded, by default stochastically; parameters and the optimizer's
    tensors hold what is stored, so that forward pass, backward pass and the next step start from it. The step itself
    and the decision see the weight before it is rounded, as they would in the registers of an update unit.

    Parameters
    ----------
    config, layers, policy, adc_bits
        As of `Twin`.
    seed : int

    Raises
    ------
    ConfigError
        If a layer's weights are of another type than float32 or float64.
    """

    kind: ClassVar[str] = "residual"

    def __init__(
        self, config: TwinConfig, layers: Sequence[MappedLayer], policy: UpdatePolicy[Any], adc_bits: int, seed: int
    ) -> None:
        super().__init__(config, layers, policy, adc_bits)
        for layer in layers:
            _check_type(layer)
        self.word_bits = config.word_bits
        self._seed = seed
        self._top = (1 << (config.bits - 1)) - 1
        self._stored = {
            layer.name: _Residuals(
                np.zeros(layer.cells.plus.shape, np.int16), np.zeros(layer.cells.plus.shape, np.int16)
            )
            for layer in layers
        }

    def check_optimizer(self, optimizer: Optimizer) -> None:
        """Refuse an optimizer whose states have no format (see `optimizer_formats`)."""
        formats_of(optimizer)

    def settle(self, layers: Iterable[MappedLayer]) -> None:
        """Round the weights of layers that were programmed to levels and residuals."""
        layers = list(layers)
        self._note_levels(layers)
        for layer in layers:
            _check_type(layer)
            stored = self._stored[layer.name]
            matrix = layer.matrix
            settle_residuals(
                matrix,
                layer.cells.plus,
                layer.cells.minus,
                stored.levels,
                stored.codes,
                layer.cells.weight_per_level,
                self._config.steps_per_level,
                self._top,
            )
            layer.keep(matrix)

    def state_dict(self) -> dict[str, Any]:
        """Return levels, residuals and states of each layer as they are stored."""
        return {
            name: {
                "levels": stored.levels.copy(),
                "codes": stored.codes.copy(),
                "states": {
                    key: {"codes": state.codes.copy(), "exponent": state.exponent}
                    for key, state in stored.states.items()
                },
            }
            for name, stored in self._stored.items()
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned.

        Raises
        ------
        ConfigError
            If it is that of another network, or of a twin of float32.
        """
        if {name: stored["codes"].shape for name, stored in state.items()} != {
            name: stored.codes.shape for name, stored in self._stored.items()
        }:
            raise ConfigError("the state holds no residuals of these layers; load the state of a twin of the same kind")
        self._begin()
        for name, stored in state.items():
            self._stored[name] = _Residuals(
                stored["levels"].copy(),
                stored["codes"].copy(),
                {key: _State(state["codes"].copy(), state["exponent"]) for key, state in stored["states"].items()},
            )

    # --- a step -----------------------------------------------------------------------------------------------------

    def _store_step(
        self, found: dict[str, int], layer: MappedLayer, number: int, optimizer: Optimizer, step: int
    ) -> None:
        stored, cells = self._stored[layer.name], layer.cells
        matrix = layer.matrix
        moved, changed = (np.empty(matrix.shape, np.bool_) for _ in range(2))
        drawn = store_residuals(
            matrix,
            cells.plus,
            cells.minus,
            stored.levels,
            stored.codes,
            cells.weight_per_level,
            self._config.steps_per_level,
            self._top,
            self._config.rounding == "stochastic",
            self._seed,
            number,
            step,
            moved,
            changed,
        )
        layer.keep(matrix)
        bits = self._config.bits
        if not self._config.skip_unchanged:
            moved[:] = changed[:] = True
        elif _decays(layer, optimizer):
            moved[:] = True
        add_bits(
            found,
            weight_read=self._touched(moved | changed, bits),
            weight_written=self._touched(changed, bits),
            random=RANDOM_BITS * drawn,
        )
        formats = formats_of(optimizer)
        for key in states_like(layer.weight, optimizer):
            if key not in formats:
                raise ConfigError(
                    f"twin.kind is residual, but there is no format of few bits for the state {key} of "
                    f"{type(optimizer).__name__}; use twin.kind float32"
                )
            self._store_state(found, layer, number, optimizer, key, formats[key], step)

    def _store_state(
        self,
        found: dict[str, int],
        layer: MappedLayer,
        number: int,
        optimizer: Optimizer,
        key: str,
        form: Format,
        step: int,
    ) -> None:
        tensor = optimizer.state[layer.weight][key]
        values = tensor.detach().to("cpu", torch.float32).contiguous().view(-1).numpy()
        states = self._stored[layer.name].states
        state = states.setdefault(key, _State(np.zeros(values.shape, np.int32)))
        bits = self._config.momentum_bits
        state.exponent = _exponent(float(np.abs(values).max(initial=0.0)), state.exponent, form)
        changed = np.empty(values.shape, np.bool_)
        common = self._config.rounding == "stochastic", self._seed, number, _PURPOSES[key], step, changed
        if form == "fixed point":
            top = (1 << (bits - 1)) - 1
            drawn = store_fixed_point(values, state.codes, math.ldexp(1.0, state.exponent - bits + 1), top, *common)
        else:
            signed = form == "floating point"
            mantissa_bits = bits - EXPONENT_BITS - signed
            drawn = store_floating_point(values, state.codes, state.exponent, mantissa_bits, signed, *common)
        if values.ctypes.data != tensor.data_ptr():
            tensor.copy_(torch.from_numpy(values).view(tensor.shape))
        if not self._config.skip_unchanged:
            changed[:] = True
        add_bits(
            found,
            state_read=self._whole(len(values), bits),
            state_written=self._touched(changed, bits),
            random=RANDOM_BITS * drawn,
        )

    # --- what is read and written -----------------------------------------------------------------------------------

    def _value_bits(self, layer: MappedLayer, values: int) -> int:
        return self._whole(values, self._config.bits) + self._whole(values, self._level_bits(layer))

    def _reads_levels(self, layer: MappedLayer, optimizer: Optimizer, decided: bool) -> bool:
        # The residual alone says whether a weight is written, unless it is compared with what was read back. Who writes
        # all weights, or decays them, needs their levels too.
        return _decays(layer, optimizer) or (decided and (self._policy.writes_all or self._policy.keeps_read_back))


def _check_type(layer: MappedLayer) -> None:
    """Refuse weights that cannot be what a level and a residual stand for."""
    if layer.weight.dtype not in (torch.float32, torch.float64):
        raise ConfigError(
            f"twin.kind is residual, but layer {layer.name} has weights of {str(layer.weight.dtype)[6:]}; use "
            "float32, or twin.kind float32"
        )


def _exponent(largest: float, before: int | None, form: Format) -> int:
    """Return the exponent of a scale: all numbers of a tensor are below two to the power of it."""
    needed = math.frexp(largest)[1]
    if before is None or needed > before or (largest and needed < before - _ROOM[form]):
        return needed
    return before


def _decays(layer: MappedLayer, optimizer: Optimizer) -> bool:
    """Whether an optimizer makes the weights of a layer smaller, for which it must know them."""
    return any(
        group.get("weight_decay", 0) != 0 and any(parameter is layer.weight for parameter in group["params"])
        for group in optimizer.param_groups
    )
