"""Closed-loop writes of both cells of chosen pairs."""

from typing import TYPE_CHECKING

import numpy as np

from twinbar.host.update.decision import Decision

if TYPE_CHECKING:
    from twinbar.host.update.programmed import ProgrammedLayer


def write_pairs(cells: "ProgrammedLayer", plus: np.ndarray, minus: np.ndarray, chosen: np.ndarray) -> Decision:
    """List both cells of the chosen pairs, and bring ``cells`` to the levels asked for.

    Parameters
    ----------
    cells : ProgrammedLayer
    plus, minus : int [outputs, inputs]
        Levels of G+ and G-.
    chosen : bool [outputs, inputs]
    """
    before = cells.plus.astype(np.int16) - cells.minus
    j, i = np.nonzero(chosen)
    cells.plus[j, i], cells.minus[j, i] = plus[j, i], minus[j, i]
    address = cells.map.output_address[j] + cells.map.input_address[i]
    weight = 2 * (j * cells.map.inputs + i).astype(np.int32)
    after = cells.plus.astype(np.int16) - cells.minus
    return Decision(
        np.stack([address, address + 1], axis=1).ravel(),
        np.stack([cells.plus[j, i], cells.minus[j, i]], axis=1).ravel(),
        np.stack([weight, weight + 1], axis=1).ravel(),
        int(np.count_nonzero(before != after)),
    )


def one_sided(weights: np.ndarray, cells: "ProgrammedLayer") -> tuple[np.ndarray, np.ndarray]:
    """Return the levels of G+ and G- nearest to weights, one of them 0 (int64 [outputs, inputs])."""
    top = cells.levels - 1
    target = np.floor(weights / np.float32(cells.weight_per_level) + np.float32(0.5)).astype(np.int64)
    return np.clip(target, 0, top), np.clip(-target, 0, top)
