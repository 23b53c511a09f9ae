"""What a program did, summed over its tiles, and what each vector spares; all numbers by hand."""

import numpy as np
import pytest

from twinbar.emulator.contract.bulk_operations import TileBlock
from twinbar.emulator.engines.bulk.cell_writes import Totals
from twinbar.emulator.engines.bulk.program_activity import program_activity
from twinbar.emulator.engines.bulk.spared_beats import spared_beats
from twinbar.emulator.engines.bulk.stream import ProgramCourse
from twinbar.hw.actions import ACTIONS, Action
from twinbar.hw.timing import PHASES, Phase


def _two_tiles() -> tuple[ProgramCourse, Totals]:
    phases = np.zeros((2, len(PHASES)), np.int64)
    phases[:, Phase.CONVERT], phases[:, Phase.RESPOND] = [5, 9], [3, 1]
    actions = np.zeros((2, len(ACTIONS)), np.int64)
    actions[:, Action.PULSE_SET] = [2, 3]
    actions[:, Action.COMMAND_BEAT], actions[:, Action.SHARED_BEAT] = [4, 1], [1, 2]
    heat = np.array([[1, 2, 3, 4], [10, 20, 30, 40]], np.int64)
    return ProgramCourse(20, np.array([2, 4], np.int64), 0), Totals(phases, actions, heat)


# The second count is beyond what the kernel sums.
@pytest.mark.parametrize("pulses", [2, 1 << 62])
def test_a_program_is_the_sum_of_its_tiles(pulses: int) -> None:
    course, totals = _two_tiles()
    totals.actions[0, Action.PULSE_SET] = pulses
    found = program_activity(course, totals)
    expected = np.zeros(len(ACTIONS), np.int64)
    expected[Action.PULSE_SET], expected[Action.COMMAND_BEAT], expected[Action.SHARED_BEAT] = pulses + 3, 5, 3
    # At most as many stops of the clock as commands end an idle stretch, and as responses end a stall.
    expected[Action.CLOCK_GATE] = (5 + 2) + (3 + 1)
    assert found.actions.tolist() == expected.tolist()
    assert found.cell_energy.tolist() == [11, 22, 33, 44]
    # 8 and 10 of 20 cycles at work, 2 and 4 stalled: 10 and 6 idle.
    expected = np.zeros(len(PHASES), np.int64)
    expected[Phase.CONVERT], expected[Phase.RESPOND], expected[Phase.STALL], expected[Phase.IDLE] = 14, 4, 6, 16
    assert found.phases.tolist() == expected.tolist()
    assert (found.cycles, found.link_cycles) == (10, 10)


def _changes(
    block: TileBlock, lanes: int, *, shared: bool, takes_part: list[list[int]] | None = None
) -> list[dict[Action, int]]:
    """Return what is changed by one vector, or by those of which ``takes_part`` says which row tiles multiply them."""
    parts = np.array([[1], [1]] if takes_part is None else takes_part, np.bool_)
    found = spared_beats(block, np.array([3, 1]), parts, np.array([4, 7]), lanes, shared=shared)
    return [{Action(n): int(tile[n]) for n in np.flatnonzero(tile)} for tile in found]


def _block(*, by_column: bool) -> TileBlock:
    """Return two row tiles and two column tiles behind five others."""
    return TileBlock(5, np.arange(16).reshape(2, 8), np.full(2, 8), np.array([4, 7]), 16, by_column)


def test_a_cascade_with_shared_inputs_and_packed_outputs_spares_beats() -> None:
    # Columns are numbered one after the other. Four outputs take two beats of three, seven take three. The second row
    # tile hands its sums over and is told to multiply by the first one's beat; the second column shares 3 and 1 words.
    assert _changes(_block(by_column=True), 3, shared=True) == [
        {Action.RESPONSE_BEAT: -2, Action.PACKED_OUTPUT: 2},
        {Action.COMMAND_BEAT: -1, Action.SHARED_BEAT: 1, Action.RESPONSE_BEAT: -4, Action.PARTIAL_SUM: 4},
        {Action.COMMAND_BEAT: -3, Action.SHARED_BEAT: 3, Action.RESPONSE_BEAT: -4, Action.PACKED_OUTPUT: 4},
        {Action.COMMAND_BEAT: -2, Action.SHARED_BEAT: 2, Action.RESPONSE_BEAT: -7, Action.PARTIAL_SUM: 7},
    ]


def test_without_a_cascade_every_tile_packs_its_outputs() -> None:
    # Two a beat; numbered row by row.
    first, second = ({Action.RESPONSE_BEAT: -kept, Action.PACKED_OUTPUT: kept} for kept in (2, 3))
    assert _changes(_block(by_column=False), 2, shared=False) == [first, second, first, second]
    assert _changes(_block(by_column=False), 1, shared=False) == [{}, {}, {}, {}]


def test_the_first_row_tile_with_inputs_answers() -> None:
    # Of four vectors, one has inputs of both row tiles, one of the first, one of the second, and one none.
    found = _changes(_block(by_column=True), 3, shared=False, takes_part=[[1, 1, 0, 0], [1, 0, 1, 0]])
    assert found == [
        {Action.RESPONSE_BEAT: -4, Action.PACKED_OUTPUT: 4},
        {
            Action.COMMAND_BEAT: -1,
            Action.SHARED_BEAT: 1,
            Action.RESPONSE_BEAT: -4 - 2,
            Action.PARTIAL_SUM: 4,
            Action.PACKED_OUTPUT: 2,
        },
        {Action.RESPONSE_BEAT: -8, Action.PACKED_OUTPUT: 8},
        {
            Action.COMMAND_BEAT: -1,
            Action.SHARED_BEAT: 1,
            Action.RESPONSE_BEAT: -7 - 4,
            Action.PARTIAL_SUM: 7,
            Action.PACKED_OUTPUT: 4,
        },
    ]
