"""Brings the cells of a network to what an update policy asks for, and learns from what they answer."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from twinbar.emulator.contract.bulk_operations import WriteResult
from twinbar.host.network.layer_cost import LayerWrites
from twinbar.host.nn.crossbar_network import CrossbarNetwork
from twinbar.host.nn.mapped_layer import MappedLayer
from twinbar.host.update.kernels import record_responses
from twinbar.host.update.policy import Decision, UpdatePolicy

_NO_READ_BACK = np.zeros((0, 0), np.float32)


@dataclass(frozen=True)
class Programmed:
    """What one write list did.

    Parameters
    ----------
    weight_updates : int
        Weights whose level changed.
    result : WriteResult
        In the order of the tiles' lists.
    layers : dict of str to LayerWrites
        What was done in each layer.
    """

    weight_updates: int
    result: WriteResult
    layers: dict[str, LayerWrites]


def program(
    network: CrossbarNetwork,
    policy: UpdatePolicy,
    progress: float,
    layers: Sequence[MappedLayer] | None = None,
    *,
    programmed: bool = False,
) -> Programmed:
    """Let the policy decide for every layer, write all layers as one program, and note the responses.

    Parameters
    ----------
    network : CrossbarNetwork
    policy : UpdatePolicy
    progress : float
        Part of the training that has passed, 0 to 1.
    layers : sequence of MappedLayer, optional
        Those of the network that are decided for; all of them by default.
    programmed : bool
        Whether their cells are at the levels that the layers hold, so that a write may begin with a pulse; else this is
        the first programming, which has an algorithm of its own.
    """
    layers = network.layers if layers is None else layers
    algorithm = network.session.engine.config.pulse_table
    knows = programmed and algorithm is not None and algorithm.knows_moves
    # Policies change the levels of the layers while they decide.
    before = [_levels_of_pairs(layer) for layer in layers] if knows else []
    decisions = [_decide(policy, layer, progress) for layer in layers]
    held = None
    if knows:
        pairs = zip(before, decisions, strict=True)
        held = np.concatenate([levels[decision.origins] for levels, decision in pairs])
    addresses = np.concatenate([decision.addresses for decision in decisions])
    levels = np.concatenate([decision.levels for decision in decisions])
    result, order = network.session.write_cells(addresses, levels, held, initial=not programmed)
    codes = np.empty_like(result.codes)
    ok = np.empty_like(result.ok)
    pulses = np.empty((2, len(order)), np.int64)
    codes[order] = result.codes
    ok[order] = result.ok
    pulses[:, order] = result.sets, result.resets
    table = network.session.engine.config.levels
    start = 0
    done = {}
    for layer, decision in zip(layers, decisions, strict=True):
        part = slice(start, start + len(decision.origins))
        start = part.stop
        cells = layer.cells
        record_responses(
            decision.origins,
            codes[part],
            ok[part],
            float(table.centre[0]),
            table.spacing,
            cells.levels - 1,
            cells.plus,
            cells.minus,
            _NO_READ_BACK if cells.read_plus is None else cells.read_plus,
            _NO_READ_BACK if cells.read_minus is None else cells.read_minus,
            cells.failures,
        )
        done[layer.name] = LayerWrites(
            decision.weight_updates,
            len(decision.origins),
            int(np.count_nonzero(~ok[part])),
            int(pulses[0, part].sum()),
            int(pulses[1, part].sum()),
        )
    return Programmed(sum(decision.weight_updates for decision in decisions), result, done)


def _levels_of_pairs(layer: MappedLayer) -> np.ndarray:
    """Return the levels of a layer's cells by `Decision.origins` (int16)."""
    return np.stack([layer.cells.plus, layer.cells.minus], axis=-1).astype(np.int16).ravel()


def _decide(policy: UpdatePolicy, layer: MappedLayer, progress: float) -> Decision:
    matrix = layer.matrix
    decision = policy.decide(matrix, layer.cells, progress)
    layer.keep(matrix)
    return decision
