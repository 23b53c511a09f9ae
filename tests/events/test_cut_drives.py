"""A halt that ends the settling of the drive: the next pulse settles it anew. Cycles by hand, from the contract.

Of `events_bench.TIMING` a pulse takes SELECT 2, SETTLE_DRIVE 4, its width of 5 and RECOVER 2 cycles. A beat that is
accepted in cycle 0 is popped in cycle 2 and runs from 3 on: it selects in 3 and 4, the drive settles from 5 to 8, the
gate is open from 9 to 13, the cell recovers in 14 and 15, and 16 responds. What is handed over in cycle x reaches the
consumer in x + 2.
"""

import pytest
from events_bench import Trio, command, crossbar, set_up

from twinbar.emulator.contract.program import ProgramResult
from twinbar.hw.actions import Action
from twinbar.hw.protocol.packing import unpack, unpack_results
from twinbar.hw.protocol.vocabulary import Mode, Opcode, Record, Status
from twinbar.hw.timing import PHASES

LATER = 40
"""Cycle in which the second command is accepted, long after everything has come to rest."""
PULSE = command(Opcode.PULSE, row=1, column=2, record=Record.SET, count=1)
DRIVE = command(Opcode.DRIVE, row=1, column=2, record=Record.SET)
ABORT = command(Opcode.ABORT)
SAFE = command(Opcode.SAFE)


@pytest.fixture(scope="module")
def armed() -> Trio:
    trio = Trio(*crossbar())
    assert not unpack(trio.run(set_up(step=(100, 0, 0))).responses)["status"].any()
    return trio


@pytest.fixture
def trio(armed: Trio) -> Trio:
    """An armed tile that drives no record."""
    armed.run([command(Opcode.DISARM), command(Opcode.ARM, mode=Mode.WRITE)])
    return armed


def _spent(result: ProgramResult) -> dict[str, int]:
    spent = {PHASES[phase]: int(count) for phase, count in enumerate(result.phases[0]) if count}
    return {name: spent.get(name, 0) for name in ("select", "settle", "pulse", "recover")}


def _statuses(result: ProgramResult) -> list[Status]:
    return [Status(status) for status in unpack(result.responses)["status"].tolist()]


@pytest.mark.parametrize("cut", [5, 6, 7, 8])
def test_a_pulse_after_a_cut_drive_settles_it_anew(trio: Trio, cut: int) -> None:
    result = trio.run([PULSE, ABORT, PULSE], arrivals=[0, cut, LATER])
    assert _statuses(result) == [Status.ABORTED, Status.OK, Status.OK]
    # The drive settled in cycles 5 to `cut`, and for all of its 4 cycles once more.
    assert _spent(result) == {"select": 4, "settle": cut - 4 + 4, "pulse": 5, "recover": 2}
    assert result.actions[0, Action.DRIVE_UPDATE] == 2
    assert result.response_cycles[2] == LATER + 16 + 2
    # It has settled now: the next one opens the gate behind its selection.
    result = trio.run([PULSE])
    assert _spent(result) == {"select": 2, "settle": 0, "pulse": 5, "recover": 2}
    assert result.response_cycles[0] == 12 + 2


@pytest.mark.parametrize("cut", [9, 13, 14, 15])
def test_a_halt_behind_the_settling_leaves_it_settled(trio: Trio, cut: int) -> None:
    result = trio.run([PULSE, ABORT, PULSE], arrivals=[0, cut, LATER])
    given = min(cut, 13) - 9 + 1
    assert _spent(result) == {"select": 4, "settle": 4, "pulse": given + 5, "recover": max(cut - 13, 0) + 2}
    assert result.actions[0, Action.DRIVE_UPDATE] == 1
    assert result.response_cycles[2] == LATER + 12 + 2


@pytest.mark.parametrize("cut", [3, 4])
def test_a_halt_before_the_settling_has_moved_nothing(trio: Trio, cut: int) -> None:
    trio.run([PULSE])
    result = trio.run([PULSE, ABORT, PULSE], arrivals=[0, cut, LATER])
    assert _spent(result) == {"select": cut - 2 + 2, "settle": 0, "pulse": 5, "recover": 2}


def test_a_drive_command_settles_a_cut_drive(trio: Trio) -> None:
    result = trio.run([DRIVE, ABORT, DRIVE, DRIVE], arrivals=[0, 6, LATER, 2 * LATER])
    assert _spent(result) == {"select": 6, "settle": 2 + 4, "pulse": 0, "recover": 0}
    # The second waits for the drive, the third finds it settled.
    assert result.response_cycles.tolist()[2:] == [LATER + 9 + 2, 2 * LATER + 5 + 2]


def test_a_cut_between_pulses_begins_the_ramp_anew(trio: Trio) -> None:
    # The second pulse of the ramp has other codes: its drive settles from 16 to 19. Cut there, and pulsed again.
    twice = command(Opcode.PULSE, row=1, column=2, record=Record.SET, count=2)
    result = trio.run([twice, ABORT, PULSE, PULSE], arrivals=[0, 17, LATER, 2 * LATER])
    assert _spent(result) == {"select": 6, "settle": 4 + 2 + 4, "pulse": 15, "recover": 6}
    assert unpack_results(Opcode.PULSE, result.responses[:1])["sets"].tolist() == [1]
    assert result.actions[0, Action.DRIVE_UPDATE] == 3


def test_a_disarmed_drive_needs_an_update_anyway(trio: Trio) -> None:
    arm = command(Opcode.ARM, mode=Mode.WRITE)
    result = trio.run([PULSE, SAFE, arm, PULSE], arrivals=[0, 6, 10, 2 * LATER])
    assert _spent(result) == {"select": 4, "settle": 2 + 4, "pulse": 5, "recover": 2}
