"""What both versions of Tiki-Taka share: a fast array A that takes gradients, and the array C of the weights.

T. Gokmen, W. Haensch, Algorithm for training neural networks on resistive device arrays, Front. Neurosci. 14, 103
(2020). The gradient goes to A; one input of A after the other is read, and what is read moves C. A is zero where its
cells stand at their symmetry point, at which a SET and a RESET pulse are of one size: cells are brought there by
alternating pulses, and their partners, which are never pulsed in training, are programmed to the same conductance (zero
shift).

On this controller cells are pulsed one by one: the coincidences of stochastic pulse trains on rows and columns, which
update a whole array at once, are no command of it. The number of pulses of a cell is therefore drawn by stochastic
rounding, with the same mean; an update takes as many commands as cells are pulsed, and energy and time are accounted
so. Inputs of A are read by a product with one row driven, as published.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar

import numpy as np
from pydantic import Field

from twinbar.emulator.crossbar.levels import Targets
from twinbar.host.update.believing_policy import BelievingPolicy, BlindSettings
from twinbar.host.update.blind_pulses import MINUS, PLUS, BlindLayer, nearest
from twinbar.host.update.decision import Decision, PulseTrains
from twinbar.host.update.pair_writes import write_pairs
from twinbar.host.update.random_numbers import stochastic

if TYPE_CHECKING:
    from twinbar.host.update.cell_access import CellAccess, LayerUpdate
    from twinbar.host.update.programmed import ProgrammedLayer

_OTHER_DRAWS: Final = "C"


class TwoArraysSettings(BlindSettings):
    """Settings of both versions."""

    fast_rate: float = Field(
        default=1.0, gt=0, le=1e6, description="factor by which updates of A are larger than those asked of the weights"
    )
    transfer_every: int = Field(
        default=1, ge=1, le=1_000_000, description="decisions from one transfer from A to C to the next"
    )
    transfer_inputs: int = Field(
        default=8, ge=1, le=100_000, description="inputs of a layer that are read in a transfer, in turn"
    )
    transfer_rate: float = Field(
        default=1.0, gt=0, le=1e6, description="change of C for what is read from A, both in levels"
    )
    scale_transfer: bool = Field(
        default=True,
        description="whether the transfer rate falls with the learning rate; else what noise has left in A goes on "
        "being added to C when the gradient has become small",
    )
    zero_shift_pulses: int = Field(
        default=50,
        ge=0,
        le=100_000,
        description="pulses of each polarity, in turn, that bring a cell of A to its symmetry point at the beginning",
    )


Settings = TypeVar("Settings", bound=TwoArraysSettings)


class TwoArrays(BelievingPolicy[Settings]):
    """Update A by the gradient, and C by what is read from A."""

    targets: ClassVar[Targets] = Targets(levels=256, tolerance=0.5)
    auxiliary_arrays: ClassVar[int] = 1

    def prepare(self, layers: "Sequence[ProgrammedLayer]") -> None:
        """Begin with the first input of each layer (see `UpdatePolicy.prepare`)."""
        super().prepare(layers)
        self._next = {cells.map.name: 0 for cells in layers}
        self._first_rates = {cells.map.name: 0.0 for cells in layers}
        # What is believed of A only keeps cells from being pulsed beyond their range.
        self.fast = {name: np.zeros_like(blind.held) for name, blind in self.layers.items()}

    def initialize(self, layers: "Sequence[LayerUpdate]", access: "CellAccess") -> None:
        """Program C to the weights, and A to zero (see `UpdatePolicy.initialize`)."""
        super().initialize(layers, access)
        decisions = {}
        for layer in layers:
            (cells,) = layer.auxiliary
            level = np.full(cells.plus.shape, round(self.pulse.symmetry * (cells.levels - 1)))
            decisions[cells.map.name] = write_pairs(cells, level, level, np.ones(level.shape, np.bool_))
        access.write(decisions)
        trains = {}
        for layer in layers:
            (cells,) = layer.auxiliary
            addresses = (cells.map.output_address[:, None] + cells.map.input_address[None, :]).ravel()
            both = np.array([1, -1] * self.settings.zero_shift_pulses, np.int64)
            trains[cells.map.name] = PulseTrains(np.tile(addresses, len(both)), np.repeat(both, len(addresses)), 0)
        if self.settings.zero_shift_pulses:
            access.pulse(trains, self.pulse.ramps)
        read = access.read(list(trains))
        decisions = {}
        for layer in layers:
            (cells,) = layer.auxiliary
            found = np.clip(nearest(read[cells.map.name][PLUS]), 0, cells.levels - 1).astype(np.int64)
            # The partner is written to what was read; G+ is left alone, and so is written by no command.
            cells.plus[:] = found
            both_cells = write_pairs(cells, found, found, np.ones(found.shape, np.bool_))
            partner = both_cells.origins % 2 == MINUS
            decisions[cells.map.name] = Decision(
                both_cells.addresses[partner], both_cells.levels[partner], both_cells.origins[partner], 0
            )
            self.fast[layer.name][PLUS] = self.fast[layer.name][MINUS] = found
        access.write(decisions)

    def pulse_cells(self, layers: "Sequence[LayerUpdate]", access: "CellAccess", progress: float) -> None:
        """Pulse A, read some of its inputs, and pulse C (see `BelievingPolicy.pulse_cells`)."""
        trains = {}
        for layer in layers:
            (cells,) = layer.auxiliary
            trains[cells.map.name] = self._update_fast(layer, cells)
        self.give(access, trains)
        if self.decisions % self.settings.transfer_every == 0:
            self.give(access, {layer.name: self._transfer(layer, access) for layer in layers})

    def _update_fast(self, layer: "LayerUpdate", cells: "ProgrammedLayer") -> PulseTrains:
        """Return the pulses of A for the change that is asked of the weights."""
        fast = BlindLayer(cells, self.pulse, "fixed", self.fast[layer.name])
        drawn = self.draw(layer.name, layer.weights.shape)
        wanted = self.wanted(layer) * np.float32(self.settings.fast_rate)
        return fast.move(wanted, lambda pulses: stochastic(pulses, drawn))[0]

    def _transfer(self, layer: "LayerUpdate", access: "CellAccess") -> PulseTrains:
        """Read the inputs whose turn it is from A, and return the pulses of C."""
        blind = self.layers[layer.name]
        inputs = blind.cells.map.inputs
        count = min(self.settings.transfer_inputs, inputs)
        chosen = (self._next[layer.name] + np.arange(count)) % inputs
        self._next[layer.name] = int(chosen[-1] + 1) % inputs
        read = access.read_inputs(layer.auxiliary[0].map.name, chosen).T
        rate = np.float32(self.settings.transfer_rate * self._part_of_first_rate(layer))
        # Of the array that was read last, and of the weights, levels are of one size.
        levels = np.zeros(layer.weights.shape, np.float32)
        levels[:, chosen] = self.transferred(layer.name, chosen, read * rate)
        drawn = self.draw(layer.name + _OTHER_DRAWS, read.shape)
        rounded = np.zeros(layer.weights.shape, np.float32)
        rounded[:, chosen] = drawn
        return blind.move(levels, lambda pulses: self.pulses_of(pulses, rounded))[0]

    def _part_of_first_rate(self, layer: "LayerUpdate") -> float:
        """Return the learning rate as a part of the one at the first transfer; 1 where it does not matter."""
        if not self.settings.scale_transfer:
            return 1.0
        first = self._first_rates[layer.name] = self._first_rates[layer.name] or layer.rate
        return layer.rate / first if first else 1.0

    @abstractmethod
    def transferred(self, name: str, inputs: np.ndarray, levels: np.ndarray) -> np.ndarray:
        """Return the change of C, in levels, for what was read of some inputs (float32 [outputs, n])."""

    @abstractmethod
    def pulses_of(self, pulses: np.ndarray, drawn: np.ndarray) -> np.ndarray:
        """Round numbers of pulses of C, with numbers that were drawn for them."""

    def state_dict(self) -> dict[str, Any]:
        """Return what is believed of both arrays, and whose turn it is."""
        fast = {name: held.copy() for name, held in self.fast.items()}
        return {**super().state_dict(), "fast": fast, "next": dict(self._next), "first_rates": dict(self._first_rates)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        super().load_state_dict(state)
        for name, held in self.fast.items():
            held[:] = state["fast"][name]
        self._next = {name: int(place) for name, place in state["next"].items()}
        self._first_rates = {name: float(rate) for name, rate in state["first_rates"].items()}
