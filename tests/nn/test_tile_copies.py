"""Layers that are there several times: every write goes to all copies, and a batch is shared out among them."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from twinbar.emulator.contract.activity import Activity
from twinbar.emulator.contract.bulk_operations import LayerProduct, MultiplyResult, WriteResult
from twinbar.emulator.sections.array_section import ArrayConfig
from twinbar.host.network.pipelined_pass import pipelined
from twinbar.host.nn.crossbar_network import CrossbarNetwork
from twinbar.host.nn.mapping import (
    LayerShape,
    map_layers,
    mapped_cells,
    mapped_columns,
    tile_count,
    tile_names,
    with_copies,
)
from twinbar.host.nn.tile_copies import TileCopies, joined_products, joined_writes
from twinbar.hw.errors import ConfigError

BuildNetwork = Callable[..., CrossbarNetwork]
ARRAY = ArrayConfig(rows=16, columns=16)
SHAPES = [LayerShape("a", 5, 9), LayerShape("b", 8, 40), LayerShape("c", 3, 8)]
"""One tile, three tiles and one tile."""


def test_copies_lie_behind_all_layers() -> None:
    maps = with_copies(map_layers(SHAPES, ARRAY, "interleaved"), [3, 2])
    assert [layer.copies for layer in maps] == [(0, 5, 6), (0, 6), (0,)]
    assert tile_count(maps) == 10
    assert [block.first_tile for layer in maps for block in layer.placed] == [0, 5, 6, 1, 7, 4]
    assert mapped_columns(maps).tolist() == [10, 16, 16, 16, 6, 10, 10, 16, 16, 16]
    cells = mapped_cells(maps, ARRAY)
    for copy, first in ((5, 0), (6, 0), (7, 1), (8, 2), (9, 3)):
        assert (cells[copy] == cells[first]).all()
    assert tile_names(maps)[5:8] == ["a copy 2 r0 c0", "a copy 3 r0 c0", "b copy 2 r0 c0"]


def test_more_numbers_than_layers_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"array.copies has 4 numbers, but the network has 3 layers"):
        with_copies(map_layers(SHAPES, ARRAY, "interleaved"), [1, 1, 1, 2])


def test_cells_and_vectors_of_copies() -> None:
    maps = with_copies(map_layers(SHAPES, ARRAY, "interleaved"), [3, 2])
    copies = TileCopies(maps, ARRAY.cells)
    # A cell of a (tile 0), one of c (tile 4), and one of b (tile 2).
    every, owner = copies.of_cells(np.array([7, 4 * 256 + 1, 2 * 256 + 3]))
    assert every.tolist()[:3] == [7, 1025, 515]
    found = sorted(zip(every.tolist()[3:], owner.tolist()[3:], strict=True))
    assert found == [(5 * 256 + 7, 0), (6 * 256 + 7, 0), (8 * 256 + 3, 2)]
    block = maps[0].blocks[0].tiles
    parts = copies.shared_out(LayerProduct(block, np.arange(63).reshape(7, 9), 5.0, 189))
    assert [part.block.first_tile for part in parts] == [0, 5, 6]
    assert [part.inputs[:, 0].tolist() for part in parts] == [[0, 27, 54], [9, 36], [18, 45]]
    assert sum(part.macs for part in parts) == 189
    assert len(copies.shared_out(LayerProduct(block, np.zeros((2, 9)), 5.0))) == 2


def test_results_of_copies_are_joined() -> None:
    # Three vectors on two copies, the first of which made no conversion: its extremes, 0, are none.
    parts = [
        MultiplyResult(np.array([[[[0], [0]]]]), 0, 0, 0, 0, Activity()),
        MultiplyResult(np.array([[[[7]]]]), 5, 9, 2, 4, Activity()),
    ]
    joined = joined_products(parts)
    assert joined.codes.ravel().tolist() == [0, 7, 0]
    assert (joined.lowest, joined.highest, joined.clipped, joined.conversions) == (5, 9, 2, 4)
    both = joined_products([MultiplyResult(np.array([[[[1]]]]), 6, 8, 1, 4, Activity()), parts[1]])
    assert (both.lowest, both.highest, both.clipped, both.conversions) == (5, 9, 3, 8)


def test_a_cell_has_failed_if_a_copy_has() -> None:
    # Two cells, the first with two copies (positions 2 and 3); responses come in another order.
    order, owner = np.array([3, 0, 2, 1]), np.array([0, 1, 0, 0])
    result = WriteResult(
        np.array([13, 10, 12, 11], np.int32),
        np.array([4, 1, 3, 2], np.uint16),
        np.zeros(4, np.uint16),
        np.array([False, True, False, True]),
        Activity(),
    )
    joined = joined_writes(result, order, owner, 2)
    assert joined.ok.tolist() == [False, True]
    assert joined.codes.tolist() == [12, 11]
    assert joined.sets.tolist() == [8, 2]


def test_copies_give_the_sums_of_one_layer(on_crossbar: BuildNetwork) -> None:
    torch.manual_seed(5)
    module = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(48, 4))
    x = torch.rand(6, 1, 6, 6, generator=torch.Generator().manual_seed(1))
    one, several = (on_crossbar(module, x, options={"copies": copies}) for copies in ((), (4, 2)))
    for network in (one, several):
        network.module.eval()
    engine = several.session.engine
    assert engine.tiles == one.session.engine.tiles + 3 + 3
    before = engine.state_dict()["conversions"].sum(axis=1)
    with torch.no_grad(), several.forward_pass():
        expected, got, side_by_side = one.module(x), several.module(x), pipelined(several, x, 3)
    # Ideal cells do as they are told, so that copies are equal and draw no noise.
    assert torch.equal(got, expected)
    assert torch.equal(side_by_side, expected)
    made = engine.state_dict()["conversions"].sum(axis=1) - before
    assert (made > 0).all()
    # 6 images x 16 places x 3 channels, twice, on one tile and its three copies.
    assert made[[0, 4, 5, 6]].tolist() == [144, 144, 144, 144]


def test_copies_of_shared_tiles_are_refused(on_crossbar: BuildNetwork) -> None:
    with pytest.raises(ConfigError, match=r"array.copies needs layers that have tiles of their own"):
        on_crossbar(nn.Linear(4, 4), torch.rand(2, 4), options={"copies": (2,), "sharing": True})
