"""The engine `board` over the compiled gateware of the link: what it does equals the engine `fast`, on a bad line."""

from typing import Any

import numpy as np
import pytest
from compiled_link import CompiledLine
from simulated_line import faults

from twinbar.emulator.contract.bulk_operations import TileBlock, WriteList
from twinbar.emulator.engines.bulk.engine import FastEngine
from twinbar.emulator.engines.controller_engine import ControllerEngine
from twinbar.emulator.engines.program.fast_controller import FastController
from twinbar.host.board.board_controller import BoardController
from twinbar.host.board.software_board import BeatRunner
from twinbar.host.transport.link import Link
from twinbar.hw.actions import Action
from twinbar.hw.link.link_config import LinkConfig
from twinbar.hw.timing import Phase

pytestmark = pytest.mark.compiler

LINK = LinkConfig(clock_hz=100_000_000, baud=2_000_000)
WORK = [phase for phase in Phase if phase not in (Phase.IDLE, Phase.STALL)]


class Behind(BeatRunner):
    """A controller of the engine `fast`, as the compiled link drives it."""

    has_room = True

    def take(self, beat: int) -> None:
        assert self.accept(beat)


def test_operations_over_the_gateware_are_those_of_the_fast_engine(make_crossbar: Any) -> None:
    config = make_crossbar(levels=5, adc_offset_codes=2.0)
    parameters = config.array.controller(2)
    behind = FastController(config, parameters)
    damage = faults(1, flip=0.05, drop=0.05), faults(2, flip=0.05, duplicate=0.05)
    line = CompiledLine(parameters, LINK, Behind(behind, 1 << 16), *damage)  # type: ignore[arg-type]
    mapped = np.array([8, 6])
    link = Link(line)

    def make(*arguments: Any, **options: Any) -> BoardController:
        return BoardController(*arguments, link=link, check=True, **options)

    fast, board = FastEngine(config, 2, mapped), ControllerEngine(config, 2, mapped, make=make)
    rng = np.random.default_rng(0)
    block = TileBlock(0, np.arange(8)[None], np.array([8]), np.array([8, 6]), 8)
    for _ in range(4):
        cells = rng.integers(0, 64, 30).astype(np.int32)
        todo = WriteList(np.array([0, 17, 30]), cells, rng.integers(0, 5, 30).astype(np.uint8))
        expected, found = fast.write(todo), board.write(todo)
        assert found.codes.tolist() == expected.codes.tolist()
        assert found.sets.tolist() == expected.sets.tolist()
        inputs = rng.integers(0, 16, (20, 8)).astype(np.uint8)
        products = fast.multiply(block, inputs, 5000.0), board.multiply(block, inputs, 5000.0)
        assert products[1].codes.tolist() == products[0].codes.tolist()
        for mine, theirs in ((found, expected), products[::-1]):
            assert mine.activity.phases[WORK].tolist() == theirs.activity.phases[WORK].tolist()
            # A clock is gated while a tile waits.
            actions = [np.delete(one.activity.actions, Action.CLOCK_GATE) for one in (mine, theirs)]
            assert actions[0].tolist() == actions[1].tolist()
            assert mine.activity.cell_energy.tolist() == theirs.activity.cell_energy.tolist()
    assert behind.cells()["g"].tolist() == fast.state_dict()["g"].tolist()
    assert sum(way.damaged for way in damage) > 3
    assert link.statistics.resent > 0
