"""Queues, dispatch, arbiter and halts on the netlist, cycle by cycle, counted by hand from ``docs/controller.md``."""

from controller_bench import Bench, Trace, command

from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.protocol.vocabulary import Opcode, Status
from twinbar.hw.timing import Phase

ONE = ControllerConfig(rows=6, columns=8, command_depth=2, response_depth=2)
TWO = ControllerConfig(tiles=2, rows=6, columns=8, command_depth=2, response_depth=2)
LEVEL = command(Opcode.WRITE_REGISTER, address=0x100, value=9 << 16)
"""Takes 2 cycles of decide, and one of respond."""


def course(trace: Trace, tile: int = 0) -> list[tuple[Phase, int, int]]:
    """Return the phases of a tile but idle ones, with the first and last cycle of each."""
    found, first = [], 0
    for phase, length in trace.runs(tile):
        if phase is not Phase.IDLE:
            found.append((phase, first, first + length - 1))
        first += length
    return found


def test_two_tiles_that_answer_at_once_take_turns() -> None:
    beats = [command(Opcode.WAIT, tile, cycles=cycles) for tile, cycles in ((0, 5), (1, 4), (0, 1), (1, 1))]
    trace = Bench(TWO).run(beats)
    # A beat is accepted per cycle, and popped 2 cycles later; its command runs from the next one on.
    assert trace.accepted == [0, 1, 2, 3]
    # Both offer in cycle 9. Tile 0 comes first after reset, and tile 1 waits a cycle; each goes on without a pause,
    # and as each is served in turn, neither waits again.
    assert course(trace, 0) == [
        (Phase.DECIDE, 3, 3),
        (Phase.SETTLE, 4, 8),
        (Phase.RESPOND, 9, 9),
        (Phase.DECIDE, 10, 10),
        (Phase.SETTLE, 11, 11),
        (Phase.RESPOND, 12, 12),
    ]
    assert course(trace, 1) == [
        (Phase.DECIDE, 4, 4),
        (Phase.SETTLE, 5, 8),
        (Phase.STALL, 9, 9),
        (Phase.RESPOND, 10, 10),
        (Phase.DECIDE, 11, 11),
        (Phase.SETTLE, 12, 12),
        (Phase.RESPOND, 13, 13),
    ]
    assert [(answer.tile, answer.cycle) for answer in trace.responses] == [(0, 11), (1, 12), (0, 14), (1, 15)]


def test_a_tile_stalls_behind_a_full_response_queue() -> None:
    trace = Bench(ONE).run([LEVEL] * 4, ready=lambda cycle: cycle >= 40)
    # Two beats wait; the first is popped in 2, so that the third is accepted in 3, and the last one when the second is
    # popped (in 5, the cycle of the first response) in 6.
    assert trace.accepted == [0, 1, 3, 6]
    # The third finds both places of the response queue taken, from 11 until one is taken in 40: 30 cycles.
    assert course(trace) == [
        (Phase.DECIDE, 3, 4),
        (Phase.RESPOND, 5, 5),
        (Phase.DECIDE, 6, 7),
        (Phase.RESPOND, 8, 8),
        (Phase.DECIDE, 9, 10),
        (Phase.STALL, 11, 40),
        (Phase.RESPOND, 41, 41),
        (Phase.DECIDE, 42, 43),
        (Phase.RESPOND, 44, 44),
    ]
    assert [answer.cycle for answer in trace.responses] == [40, 41, 43, 46]


def test_a_halt_ends_a_wait_in_its_cycle() -> None:
    trace = Bench(ONE).run(
        [command(Opcode.WAIT, cycles=30), command(Opcode.ABORT), LEVEL],
        arrive=lambda beat, cycle: cycle >= 10 * beat,
    )
    # ABORT acts when it is presented, in 10: the command responds from 11 on. Its own beat is visible in 12.
    assert course(trace) == [
        (Phase.DECIDE, 3, 3),
        (Phase.SETTLE, 4, 10),
        (Phase.RESPOND, 11, 11),
        (Phase.DECIDE, 13, 13),
        (Phase.RESPOND, 14, 14),
        (Phase.DECIDE, 23, 24),
        (Phase.RESPOND, 25, 25),
    ]
    assert [answer.status for answer in trace.responses] == [Status.ABORTED, Status.OK, Status.OK]
    assert [answer.cycle for answer in trace.responses] == [13, 16, 27]
