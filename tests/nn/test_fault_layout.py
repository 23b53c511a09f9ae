"""Weights laid around faulty cells: inputs on the rows where their weights lose least."""

from itertools import permutations

import numpy as np
import pytest

from twinbar.emulator.devices.layout import FAULT_NON_RESPONDING, FAULT_STUCK_HIGH, FAULT_STUCK_LOW
from twinbar.emulator.sections.array_section import ArrayConfig
from twinbar.host.nn.fault_layout import CellLevels, around_faults
from twinbar.host.nn.mapping import LayerMap, map_layers, with_copies

FIXED = CellLevels(top=15, formed=4)


def level_of(fault: int, wanted: float) -> float:
    """The nearest level to a wanted one that a cell can have."""
    stuck = {FAULT_STUCK_LOW: 0.0, FAULT_STUCK_HIGH: FIXED.top, FAULT_NON_RESPONDING: FIXED.formed}
    return stuck.get(fault, min(max(wanted, 0.0), FIXED.top))


def lost(place: LayerMap, faults: np.ndarray, levels: np.ndarray) -> float:
    """Sum of squares of what the best levels of each pair leave of a weight, cell by cell."""
    flat, total = faults.ravel(), 0.0
    for copy in place.copies:
        for (output, i), wanted in np.ndenumerate(levels):
            address = place.output_address[output] + place.input_address[i] + copy * faults.shape[1]
            plus, minus = flat[address], flat[address + 1]
            errors = []
            for free in np.arange(0, FIXED.top + 1):  # whatever one of the cells has, the other one does its best
                a = level_of(plus, free)
                errors.append(abs(a - level_of(minus, a - wanted) - wanted))
            total += min(errors) ** 2
    return total


def layer(inputs: int, outputs: int, array: ArrayConfig, copies: int = 1) -> LayerMap:
    return with_copies(map_layers([("only", outputs, inputs)], array, "interleaved"), [copies])[0]


def test_a_negative_weight_takes_the_cell_that_is_stuck_low() -> None:
    array = ArrayConfig(rows=2, columns=2)
    faults = np.array([[FAULT_STUCK_LOW, 0, 0, 0]], np.uint8)  # G+ of row 0
    levels = np.array([[7.0, -3.0]])
    found = around_faults(layer(2, 1, array), faults, levels, FIXED, array)
    assert found.input_address.tolist() == [2, 0]  # rows 1 and 0
    assert found.blocks[0].tiles.row_input.tolist() == [[1, 0]]
    assert lost(found, faults, levels) == 0


def test_rows_that_no_input_needs_are_spare_ones() -> None:
    array = ArrayConfig(rows=4, columns=2)
    faults = np.zeros((1, 8), np.uint8)
    faults[0, :4] = FAULT_STUCK_HIGH, FAULT_STUCK_HIGH, FAULT_STUCK_HIGH, FAULT_STUCK_HIGH  # rows 0 and 1 hold nothing
    found = around_faults(layer(2, 1, array), faults, np.array([[5.0, -5.0]]), FIXED, array)
    assert sorted(found.input_address // array.columns) == [2, 3]
    assert found.blocks[0].tiles.used_rows.tolist() == [4]


def test_without_faults_everything_stays() -> None:
    array = ArrayConfig(rows=4, columns=4)
    before = layer(6, 3, ArrayConfig(rows=4, columns=4))
    found = around_faults(before, np.zeros((4, 16), np.uint8), np.ones((3, 6)), FIXED, array)
    assert sorted(found.input_address) != []
    assert lost(found, np.zeros((4, 16), np.uint8), np.ones((3, 6))) == 0


@pytest.mark.parametrize("copies", [1, 2])
@pytest.mark.parametrize("seed", range(4))
def test_no_other_order_loses_less(seed: int, copies: int) -> None:
    rng = np.random.default_rng(seed)
    array = ArrayConfig(rows=3, columns=4)
    place = layer(5, 3, array, copies)  # two row tiles with a spare row, two column tiles
    faults = rng.choice(4, p=[0.6, 0.15, 0.15, 0.1], size=(4 * copies, 12)).astype(np.uint8)
    levels = rng.integers(-15, 16, (3, 5)).astype(float)
    found = around_faults(place, faults, levels, FIXED, array)
    best = np.inf
    tiles = place.blocks[0].tiles.numbers[:, 0]
    rows = [tile * array.cells + row * array.columns for tile in tiles for row in range(array.rows)]
    for order in permutations(rows, 5):
        address = np.array(order)
        moved = LayerMap(place.name, place.blocks, address, place.output_address, place.placement, place.copies)
        best = min(best, lost(moved, faults, levels))
    assert lost(found, faults, levels) == pytest.approx(best)
    assert len(set(found.input_address)) == 5
