"""The twin's memory: what is stored of the weights and of the optimizer's state, and what a step reads and writes.

What is read and written, in the words of the memory:

* the optimizer reads and writes each weight and each of its states once a step; the policy decides in the same pass;
* each backward pass through a layer reads its weights, where the gradient of the inputs is asked for, and adds to the
  gradient of the weights: the first one writes it, others read and write it, and the step reads it;
* the host's table of the levels that the cells hold is read where a policy decides by them, and written where a level
  changes, with the failures in a row of both cells; so is the table of read-back codes where there is one.

Parameters that lie on no crossbar are float32, with state and gradient, whatever the twin is.
"""

import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Final

import numpy as np
import torch
from torch import Tensor
from torch.optim import Optimizer

from twinbar.host.nn.mapped_layer import MappedLayer
from twinbar.host.twin.level_changes import note_levels, note_listed_levels
from twinbar.host.twin.memory_words import in_words, words_of, words_touched
from twinbar.host.twin.twin_section import TwinConfig
from twinbar.host.twin.twin_traffic import NAMES, TwinTraffic, add_bits
from twinbar.host.update.policy import UpdatePolicy

FLOAT_BITS: Final = 32
FAILURE_BITS: Final = 4
"""Failures in a row of the two cells of a weight, 0 to 3 each."""
_NO_CELLS: Final = np.zeros(0, np.int32)


class Twin:
    """A twin of float32: weights and states are stored as the optimizer leaves them.

    Parameters
    ----------
    config : TwinConfig
    layers : sequence of MappedLayer
    policy : UpdatePolicy
    adc_bits : int
        Bits of a read-back code.
    """

    word_bits: int = FLOAT_BITS
    kind: ClassVar[str] = "float32"

    def __init__(
        self, config: TwinConfig, layers: Sequence[MappedLayer], policy: UpdatePolicy[Any], adc_bits: int
    ) -> None:
        self._config = config
        self._layers = layers
        self._policy = policy
        self._adc_bits = adc_bits
        self._weights = {layer.name: layer.form.outputs * layer.form.inputs for layer in layers}
        self._block_sizes = {layer.name: _block_sizes(layer) for layer in layers}
        self._mapped = frozenset(id(layer.weight) for layer in layers)
        self._held = {layer.name: (layer.cells.plus.copy(), layer.cells.minus.copy()) for layer in layers}

    def check_optimizer(self, optimizer: Optimizer) -> None:
        """Refuse an optimizer whose state cannot be stored.

        Raises
        ------
        ConfigError
        """

    def settle(self, layers: Iterable[MappedLayer]) -> None:
        """Take over weights and levels of layers that were programmed; this is counted as no step."""
        self._note_levels(layers)

    def _note_levels(self, layers: Iterable[MappedLayer]) -> None:
        for layer in layers:
            plus, minus = self._held[layer.name]
            plus[:], minus[:] = layer.cells.plus, layer.cells.minus

    def store(
        self,
        optimizer: Optimizer,
        layers: Sequence[MappedLayer],
        *,
        step: int,
        decided: bool,
        batches: int = 1,
        listed: Mapping[str, np.ndarray] | None = None,
    ) -> TwinTraffic:
        """Store what a step of an optimizer, and the writes after it, have made of the twin.

        Parameters
        ----------
        optimizer : Optimizer
            Has stepped; its gradients are still there.
        layers : sequence of MappedLayer
            Those that it steps.
        step : int
            Number of the step, which decides the random numbers.
        decided : bool
            Whether the policy has decided after it.
        batches : int
            Batches whose gradients were accumulated, for the parameters on no crossbar.
        listed : mapping of str to int32 [n], optional
            By layer, the cells (`Decision.origins`) whose levels alone can have changed since this was last called; a
            layer that is not named has none. Without it, all levels are compared.

        Returns
        -------
        TwinTraffic
            What was read and written, the backward passes since the last step included.
        """
        found = dict.fromkeys(NAMES, 0)
        # Each access to a weight that lies on the crossbar would else be looked at by its own class.
        with torch.no_grad(), torch._C.DisableTorchFunctionSubclass():
            stepped = {layer.name for layer in layers if layer.weight.grad is not None}
            self._count_digital(found, optimizer, batches)
            for number, layer in enumerate(self._layers):
                self._count_backward(found, layer)
                # Another optimizer may step the other layers.
                if layer.name in stepped:
                    if self._policy.uses_gradient:
                        self._count_gradients(found, layer)
                        self._store_step(found, layer, number, optimizer, step)
                    else:
                        layer.matmul.backward.take_sums()
                    own = None if listed is None else listed.get(layer.name, _NO_CELLS)
                    self._count_decision(found, layer, optimizer, decided, own)
        memory = self._policy.take_traffic()
        add_bits(found, policy_read=memory.read, policy_written=memory.written, random=memory.random)
        return TwinTraffic(**found)

    def state_dict(self) -> dict[str, Any]:
        """Return what the twin remembers beside weights, state of the optimizer and cells; call it between steps."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned; the cells are restored before."""
        self._begin()

    def _begin(self) -> None:
        """Take the cells as they are, and forget backward passes of a step that was not made."""
        for layer in self._layers:
            layer.matmul.backward.forget()
        self._note_levels(self._layers)

    # --- what is read and written -----------------------------------------------------------------------------------

    def _store_step(
        self, found: dict[str, int], layer: MappedLayer, number: int, optimizer: Optimizer, step: int
    ) -> None:
        weights = self._weights[layer.name] * FLOAT_BITS
        found["weight_read"] += weights
        found["weight_written"] += weights
        states = weights * _states_of(layer.weight, optimizer)
        found["state_read"] += states
        found["state_written"] += states

    def _value_bits(self, layer: MappedLayer, values: int) -> int:
        """Bits of the memory that a number of whole weights takes."""
        return values * FLOAT_BITS

    def _reads_levels(self, layer: MappedLayer, optimizer: Optimizer, decided: bool) -> bool:
        """Whether a step reads the levels of all weights of a layer."""
        # Where there are read-back codes, the float weight is compared with these.
        return decided and not (self._policy.writes_all or self._policy.keeps_read_back)

    def _count_backward(self, found: dict[str, int], layer: MappedLayer) -> None:
        for count, size in zip(layer.matmul.backward.take_products(), self._block_sizes[layer.name], strict=True):
            if count:
                found["backward_read"] += count * self._value_bits(layer, size)

    def _count_gradients(self, found: dict[str, int], layer: MappedLayer) -> None:
        added = again = 0
        for count, size in zip(layer.matmul.backward.take_sums(), self._block_sizes[layer.name], strict=True):
            if count:
                added += count * size
                again += (count - 1) * size
        if self._config.stores_gradients:
            read, written = again + self._weights[layer.name], added
        else:
            # The step uses the sum as its last part is computed.
            read = written = again
        found["gradient_read"] += read * FLOAT_BITS
        found["gradient_written"] += written * FLOAT_BITS

    def _count_decision(
        self, found: dict[str, int], layer: MappedLayer, optimizer: Optimizer, decided: bool, listed: np.ndarray | None
    ) -> None:
        cells, weights = layer.cells, self._weights[layer.name]
        noted = self._held[layer.name]
        level_bits = self._level_bits(layer)
        reads_all = self._reads_levels(layer, optimizer, decided)
        if reads_all:
            found["level_read"] += self._whole(weights, level_bits)
        if self._policy.keeps_read_back and decided:
            found["level_read"] += self._whole(2 * weights, self._adc_bits)
        if listed is not None and not len(listed):
            return
        read_back = (cells.plus != noted[0]) | (cells.minus != noted[1]) if self._policy.keeps_read_back else None
        per_word, words = _level_memories(level_bits, self.word_bits)
        touched = np.empty(len(words), np.int64)
        if listed is None:
            note_levels(cells.plus, cells.minus, *noted, per_word, touched)
        else:
            note_listed_levels(np.sort(listed), cells.plus, cells.minus, *noted, per_word, touched)
        if not touched[0]:
            return
        levels, failures = (count * each * self.word_bits for count, each in zip(touched.tolist(), words, strict=True))
        # What replaces a level is next to it.
        found["level_read"] += failures + (0 if reads_all else levels)
        found["level_written"] += failures + levels
        if read_back is not None:
            found["level_written"] += self._touched(np.repeat(read_back, 2), self._adc_bits)

    def _count_digital(self, found: dict[str, int], optimizer: Optimizer, batches: int) -> None:
        numbers = 0
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                if id(parameter) not in self._mapped and parameter.grad is not None:
                    numbers += parameter.numel() * (1 + _states_of(parameter, optimizer) + batches)
        found["digital_read"] += numbers * FLOAT_BITS
        found["digital_written"] += numbers * FLOAT_BITS

    def _level_bits(self, layer: MappedLayer) -> int:
        """Bits of the levels of both cells of a weight."""
        return 2 * (layer.cells.levels - 1).bit_length()

    def _whole(self, values: int, bits: int) -> int:
        return words_of(values, bits, self.word_bits) * self.word_bits

    def _touched(self, marked: np.ndarray, bits: int) -> int:
        return words_touched(marked, bits, self.word_bits) * self.word_bits


def states_like(parameter: Tensor, optimizer: Optimizer) -> Iterable[str]:
    """Iterate over the keys of an optimizer's states that have a number for each of a parameter's."""
    for key, value in optimizer.state.get(parameter, {}).items():
        if torch.is_tensor(value) and value.shape == parameter.shape and value.dim():
            yield key


def _states_of(parameter: Tensor, optimizer: Optimizer) -> int:
    """Count what `states_like` gives."""
    return sum(1 for _ in states_like(parameter, optimizer)) if optimizer.state.get(parameter) else 0


@functools.cache
def _level_memories(level_bits: int, word_bits: int) -> tuple[np.ndarray, list[int]]:
    """Return `in_words` of levels and of failures: values that share a word, and words of such a group."""
    values, words = zip(*(in_words(bits, word_bits) for bits in (level_bits, FAILURE_BITS)), strict=True)
    return np.array(values), list(words)


def _block_sizes(layer: MappedLayer) -> list[int]:
    """Weights of each block of a layer."""
    return [(block.outputs.stop - block.outputs.start) * layer.form.inputs for block in layer.matmul.map.blocks]
