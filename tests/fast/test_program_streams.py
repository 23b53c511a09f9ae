"""Queues, dispatch and the arbiter of the compiled controller, against the netlist."""

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from both_engines import Both, beats, set_up, statuses
from shared_netlists import PAIR

from twinbar.hw.protocol.packing import pack, unpack
from twinbar.hw.protocol.vocabulary import Opcode, Status
from twinbar.hw.timing import Phase

pytestmark = pytest.mark.compiler

CONSUMERS = {
    "always": [True],
    "every fifth": [False, False, True, False, False],
    "in bursts": [True] * 6 + [False] * 40,
}


@pytest.mark.parametrize("ready", CONSUMERS.values(), ids=CONSUMERS.keys())
def test_tiles_share_the_streams(make: Callable[..., Both], ready: list[bool]) -> None:
    both = make(PAIR)
    setups = [set_up(both.config, tile, CONVERT=1 + 2 * tile) for tile in range(2)]
    rng = np.random.default_rng(1)
    # Long runs for one tile block the beats of the other behind them.
    tiles = np.repeat(rng.integers(0, 3, size=12), rng.integers(1, 5, size=12))
    stream = [
        pack([Opcode.READ, Opcode.DISARM, Opcode.CLEAR, Opcode.WRITE][kind], tile)
        for tile, kind in zip(tiles, rng.choice([0, 0, 2, 3], size=len(tiles)), strict=True)
    ]
    result = both.run(beats(*itertools.chain(*zip(*setups, strict=True)), *stream), ready=ready)
    assert {0, 1} == set(unpack(result.responses)["tile"].tolist())
    assert result.phases[:, Phase.STALL].any()


def test_the_arbiter_goes_on_where_it_was(make: Callable[..., Both]) -> None:
    both = make(PAIR)
    # Both tiles answer SAFE in the same cycle.
    order = [unpack(both.run(pack(Opcode.SAFE)).responses)["tile"].tolist() for _ in range(3)]
    both.run(pack(Opcode.CLEAR, 0))
    order.append(unpack(both.run(pack(Opcode.SAFE)).responses)["tile"].tolist())
    assert order == [[0, 1], [0, 1], [0, 1], [1, 0]]


def test_commands_follow_each_other_from_an_empty_queue(make: Callable[..., Both]) -> None:
    both = make()
    stream = beats(*[pack(Opcode.CLEAR), pack(Opcode.LOAD, bits=1)] * 6)
    for gap in range(6):
        result = both.run(stream, arrivals=np.arange(12) * gap)
        assert set(statuses(result)) == {Status.OK}


def test_a_program_of_nothing_takes_no_cycle(make: Callable[..., Both]) -> None:
    result = make().run(np.zeros(0, np.uint64))
    assert result.cycles == 0
    assert len(result.responses) == 0
