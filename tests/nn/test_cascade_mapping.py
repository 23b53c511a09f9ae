"""Layers whose row tiles form cascades: the row tiles of a column are neighbours, the first member lowest."""

import numpy as np
import pytest
import torch
from crossbar_choices import crossbar_of
from torch import nn

from twinbar.emulator.contract.input_groups import NO_GROUP, InputGroups
from twinbar.emulator.sections.array_section import ArrayConfig
from twinbar.host.nn.mapping import LayerShape, map_layers, mapped_columns, tile_names
from twinbar.host.nn.put_on_crossbar import put_on_crossbar
from twinbar.hw.errors import ConfigError

ARRAY = ArrayConfig(rows=5, columns=6, cascade=True, shared_inputs=True)


def test_the_row_tiles_of_a_column_are_neighbours() -> None:
    # 12 inputs on 3 row tiles, 8 outputs on 3 column tiles; then a layer of a single row tile.
    large, small = map_layers([LayerShape("large", 8, 12), LayerShape("small", 4, 5)], ARRAY, "contiguous")
    tiles = large.blocks[0].tiles
    assert tiles.cascade
    assert tiles.numbers.tolist() == [[0, 3, 6], [1, 4, 7], [2, 5, 8]]
    assert not small.blocks[0].tiles.cascade
    assert small.blocks[0].tiles.numbers.tolist() == [[9, 10]]
    # Output 7 is the second pair of the last column tile, input 11 the second row of the last row tile.
    address = int(large.output_address[7] + large.input_address[11])
    assert divmod(address, ARRAY.cells) == (8, 1 * ARRAY.columns + 2 * 1)
    assert mapped_columns([large, small]).tolist() == [6, 6, 6, 6, 6, 6, 4, 4, 4, 6, 2]
    names = tile_names([large, small])
    assert [names[0], names[1], names[3], names[10]] == ["large r0 c0", "large r1 c0", "large r0 c1", "small r0 c1"]


def test_the_column_tiles_of_a_row_share_their_inputs() -> None:
    large, small, single = map_layers(
        [LayerShape("large", 8, 12), LayerShape("small", 4, 5), LayerShape("single", 2, 12)], ARRAY, "contiguous"
    )
    blocks = [layer.blocks[0].tiles for layer in (large, small, single)]
    groups = InputGroups(14, blocks)
    assert groups.of_tile.tolist() == [1, 2, 3, 1, 2, 3, 1, 2, 3, 4, 4, NO_GROUP, NO_GROUP, NO_GROUP]
    found = [groups.of(block) for block in blocks]
    assert [None if one is None else one.tolist() for one in found] == [[1, 2, 3], [4], None]
    # Nothing is shared by part of a group: words would go to the others, too.
    assert groups.of(blocks[0].columns()[0]) is None


def test_a_cascade_longer_than_a_controller_is_refused() -> None:
    map_layers([LayerShape("fits", 3, 5 * 255)], ARRAY, "interleaved")
    with pytest.raises(ConfigError, match="layer long has 256 row tiles of 5 rows, and a cascade has 255 at most"):
        map_layers([LayerShape("long", 3, 5 * 256)], ARRAY, "interleaved")


@pytest.mark.usefixtures("compiled_kernels")
def test_sums_that_could_saturate_a_lane_are_refused_before_an_engine_is_made() -> None:
    choices = {"rows": 8, "columns": 8, "adc_bits": 8, "inputs": "planes", "input_bits": 3, "cascade": True}
    module = nn.Linear(24, 3)
    # A pair reaches 128 x 7 = 896; two row tiles of it fit 12 bits, three do not.
    with pytest.raises(ConfigError, match=r"sums of layer .* can reach 2688, 3 row tiles of 896 each; .* 12 bits"):
        put_on_crossbar(module, crossbar_of("taox-hfox", outputs_per_beat=3, **choices), lambda kind, activity: None)
    config = crossbar_of("taox-hfox", outputs_per_beat=2, **choices)
    network = put_on_crossbar(module, config, lambda kind, activity: None)
    with network.forward_pass():
        assert network.module(torch.zeros(2, 24)).shape == (2, 3)
    assert np.shape(network.maps[0].blocks[0].tiles.numbers) == (3, 1)
