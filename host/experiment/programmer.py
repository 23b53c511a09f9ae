"""Brings the cells of a network to what an update policy asks for, and learns from what they answer."""

from dataclasses import dataclass

import numpy as np

from twinbar.emulator.contract.bulk_operations import WriteResult
from twinbar.host.nn.convert import CrossbarNetwork
from twinbar.host.update.kernels import record_responses
from twinbar.host.update.policy import UpdatePolicy

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
    """

    weight_updates: int
    result: WriteResult


def program(network: CrossbarNetwork, policy: UpdatePolicy, progress: float) -> Programmed:
    """Let the policy decide for every layer, write all layers as one program, and note the responses.

    Parameters
    ----------
    network : CrossbarNetwork
    policy : UpdatePolicy
    progress : float
        Part of the training that has passed, 0 to 1.
    """
    decisions = [policy.decide(layer.matrix, layer.matmul.cells, progress) for layer in network.layers]
    addresses = np.concatenate([decision.addresses for decision in decisions])
    levels = np.concatenate([decision.levels for decision in decisions])
    result, order = network.session.write_cells(addresses, levels)
    codes = np.empty_like(result.codes)
    ok = np.empty_like(result.ok)
    codes[order] = result.codes
    ok[order] = result.ok
    table = network.session.engine.config.levels
    start = 0
    for layer, decision in zip(network.layers, decisions, strict=True):
        part = slice(start, start + len(decision.origins))
        start = part.stop
        cells = layer.matmul.cells
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
    return Programmed(sum(decision.weight_updates for decision in decisions), result)
