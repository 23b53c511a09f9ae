"""Brings the cells of a network to what an update policy asks for, and learns from what they answer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from torch.optim import Optimizer

from twinbar.emulator.contract.bulk_operations import WriteResult
from twinbar.host.network.cell_programs import CellPrograms
from twinbar.host.network.layer_cost import LayerWrites
from twinbar.host.nn.crossbar_network import CrossbarNetwork
from twinbar.host.nn.mapped_layer import MappedLayer
from twinbar.host.update.cell_access import LayerUpdate
from twinbar.host.update.policy import UpdatePolicy


@dataclass(frozen=True)
class Programmed:
    """What one write list did.

    Parameters
    ----------
    weight_updates : int
        Weights whose level changed, or of which a cell was pulsed.
    result : WriteResult
        Of closed-loop writes, in the order of the tiles' lists.
    layers : dict of str to LayerWrites
        What was done in each layer.
    listed : mapping of str to int32 [n]
        Cells of each layer that the policy asked to be written (`Decision.origins`).
    """

    weight_updates: int
    result: WriteResult
    layers: dict[str, LayerWrites]
    listed: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def counts(self) -> tuple[int, int, int]:
        """Pulse trains given without reading, cells written, and those of them that failed in all attempts."""
        done = self.layers.values()
        return (
            sum(one.pulse_trains for one in done),
            sum(one.cell_writes for one in done),
            sum(one.failed_writes for one in done),
        )


def program(
    network: CrossbarNetwork,
    policy: UpdatePolicy[Any],
    progress: float,
    layers: Sequence[MappedLayer] | None = None,
    rates: Mapping[str, float] | None = None,
) -> Programmed:
    """Let the policy update the cells of all layers, as one program where it writes them together.

    Parameters
    ----------
    network : CrossbarNetwork
    policy : UpdatePolicy
    progress : float
        Part of the training that has passed, 0 to 1.
    layers : sequence of MappedLayer, optional
        Those of the network that are decided for; all of them by default.
    rates : mapping of str to float, optional
        Learning rate of the step, by layer.
    """
    rates = {} if rates is None else rates
    return _run(
        network,
        network.layers if layers is None else layers,
        lambda parts, access: policy.carry_out(parts, access, progress),
        rates,
        initial=False,
    )


def initialize(
    network: CrossbarNetwork, policy: UpdatePolicy[Any], layers: Sequence[MappedLayer] | None = None
) -> Programmed:
    """Program all cells of layers, whatever they hold (parameters as of `program`)."""
    return _run(network, network.layers if layers is None else layers, policy.initialize, {}, initial=True)


def learning_rates(optimizer: Optimizer, layers: Sequence[MappedLayer]) -> dict[str, float]:
    """Return the learning rate of each layer that an optimizer steps."""
    rates = {id(weight): float(group["lr"]) for group in optimizer.param_groups for weight in group["params"]}
    return {layer.name: rates[id(layer.weight)] for layer in layers if id(layer.weight) in rates}


def _run(
    network: CrossbarNetwork,
    layers: Sequence[MappedLayer],
    update: Callable[[list[LayerUpdate], CellPrograms], None],
    rates: Mapping[str, float],
    *,
    initial: bool,
) -> Programmed:
    parts = [
        LayerUpdate(
            layer.matrix,
            layer.cells,
            [array.cells for array in layer.auxiliary],
            layer.matmul.take_factors(),
            rates.get(layer.name, 0.0),
        )
        for layer in layers
    ]
    access = CellPrograms(network.session, layers, initial=initial)
    try:
        update(parts, access)
    finally:
        for layer, part in zip(layers, parts, strict=True):
            layer.keep(part.weights)
    updates = sum(done.weight_updates for done in access.done.values())
    return Programmed(updates, access.result, access.done, access.listed)
