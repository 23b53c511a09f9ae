"""Reset closes gates, opens the selector, disarms and empties queues in one cycle; registers keep their values."""

from collections.abc import Callable
from functools import cache

import pytest
from array_model import Array
from controller_bench import Bench, Trace, command, read_register, set_up

from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.protocol import registers
from twinbar.hw.protocol.layouts import WIDTH_BITS
from twinbar.hw.protocol.packing import triple
from twinbar.hw.protocol.vocabulary import Mode, Opcode, Record, Selection, Status
from twinbar.hw.timing import Phase

CONFIG = ControllerConfig(rows=6, columns=8, command_depth=4, response_depth=4, safe_codes=(7, 21, 300))
PULSE = command(Opcode.PULSE, row=1, column=1, record=Record.RESET, count=2)
READ = command(Opcode.READ, row=1, column=1)
RESET = {"codes": (64, 2, 5), "width": 9, "compliance": 77}
SET_UP = [
    *set_up(CONFIG, levels=[(3, 17), (30, 40)], records={Record.RESET: RESET}, WATCHDOG=5000, RANGE_READ=0x123),
    command(Opcode.WRITE_REGISTER, address=registers.OFFSET_BASE + 1, value=4),
    command(Opcode.WRITE_REGISTER, address=registers.TRIM_BASE, value=99),
]
WORK = [PULSE, READ, READ, PULSE, READ, READ, READ, PULSE, READ, READ]
"""More commands and answers than the queues hold."""
SETTINGS = {
    registers.BY_NAME["SELECT"].address: 2,
    registers.BY_NAME["SETTLE_DRIVE"].address: 4,
    registers.BY_NAME["WATCHDOG"].address: 5000,
    registers.BY_NAME["RANGE_READ"].address: 0x123,
    registers.BY_NAME["RESET_CODES"].address: triple(64, 2, 5),
    registers.BY_NAME["RESET_WIDTH"].address: 9 | 77 << WIDTH_BITS,
    registers.LEVEL_BASE + 1: 30 | 40 << 16,
    registers.TRIM_BASE: 99,
    registers.OFFSET_BASE + 1: 4,
}
"""What must be read after a reset, by address."""
QUIET = 40
"""Cycles without a command after the reset."""


@cache
def undisturbed() -> Trace:
    """What happens without a reset; every answer is taken at once."""
    return Bench(CONFIG, [cells()]).run([*SET_UP, *WORK])


def cells() -> Array:
    return Array(config=CONFIG, g={(1, 1): 33}, offset={1: 4})


def reset_at(when: int, after: list[int], ready: Callable[[int], bool] = lambda cycle: True) -> tuple[Trace, Array]:
    """Reset in a cycle of the work, and go on with other commands after some quiet."""
    array, whole = cells(), [*SET_UP, *WORK]
    before = sum(cycle < when for cycle in undisturbed().accepted)
    trace = Bench(CONFIG, [array]).run(
        [*whole[:before], *after],
        arrive=lambda beat, cycle: beat < before or cycle > when + QUIET,
        ready=ready,
        reset=lambda cycle: cycle == when,
        responses=sum(response.cycle <= when for response in undisturbed().responses) + len(after),
    )
    return trace, array


def cycle_of(phase: Phase, which: int = 0) -> int:
    """Find a cycle of the work in which the tile is in a phase for the second cycle, or the only one."""
    phases = [tile for (tile,) in undisturbed().phases]
    first = phases.index(Phase.SELECT)
    starts = [at for at in range(first, len(phases)) if phases[at] == phase != phases[at - 1]]
    return starts[which] + (phases[starts[which] + 1] == phase)


@pytest.mark.parametrize(
    ("phase", "which"),
    [
        (Phase.SELECT, 0),
        (Phase.SETTLE, 0),
        (Phase.PULSE, 0),
        (Phase.PULSE, 2),
        (Phase.RECOVER, 0),
        (Phase.CONVERT, 0),
        (Phase.DECIDE, 0),
        (Phase.RESPOND, 1),
    ],
)
def test_everything_ends_in_the_cycle_after(phase: Phase, which: int) -> None:
    when = cycle_of(phase, which)
    trace, _ = reset_at(when, [read_register("IDENTITY")])
    assert trace.phases[when] == [phase]
    assert trace.pins[when][0].record != Record.SAFE.value
    assert trace.gates[when] == [phase is Phase.PULSE]
    for cycle in range(when + 1, when + QUIET):
        (pins,) = trace.pins[cycle]
        assert (pins.write_gate, pins.read_enable, pins.convert, pins.row_load) == (0, 0, 0, 0)
        assert pins.selection == Selection.NONE.value
        assert (pins.record, pins.codes, pins.compliance_code) == (Record.SAFE.value, CONFIG.safe_codes, 0)
        assert trace.phases[cycle] == [Phase.IDLE]
        assert not trace.busy[cycle]
    # The commands that waited are gone, with the answers that did; the next one is answered for the first time.
    behind = [response for response in trace.responses if response.cycle > when]
    assert [(response.opcode, response.value) for response in behind] == [
        (Opcode.READ_REGISTER.value, registers.IDENTITY)
    ]


def test_a_pulse_is_cut_short_and_the_cell_keeps_what_it_got() -> None:
    when = cycle_of(Phase.PULSE)
    _, array = reset_at(when, [read_register("IDENTITY")])
    assert [(pulse.record, pulse.width) for pulse in array.pulses] == [(Record.RESET, 2)]


def test_answers_that_nobody_took_are_gone() -> None:
    """The queue of answers is full, the tile waits with another one, and commands wait behind it."""
    work = [READ] * (CONFIG.response_depth + 3)
    taken = undisturbed().responses[len(SET_UP) - 1].cycle
    when = taken + 300
    trace = Bench(CONFIG, [cells()]).run(
        [*SET_UP, *work, read_register("IDENTITY")],
        arrive=lambda beat, cycle: beat < len(SET_UP) + len(work) or cycle > when + QUIET,
        ready=lambda cycle: not taken < cycle <= when,
        reset=lambda cycle: cycle == when,
        responses=len(SET_UP) + 1,
    )
    assert trace.phases[when] == [Phase.STALL]
    assert len(trace.accepted) == len(SET_UP) + len(work) + 1
    assert trace.accepted[-2] < when
    assert not any(trace.busy[when + 1 : when + QUIET])
    assert [response.opcode for response in trace.responses if response.cycle > when] == [Opcode.READ_REGISTER.value]


def test_registers_and_tables_keep_their_values_and_the_tile_is_disarmed() -> None:
    when = cycle_of(Phase.PULSE)
    after = [*map(read_register, SETTINGS), PULSE, READ, command(Opcode.ARM, mode=Mode.WRITE), READ, PULSE]
    trace, array = reset_at(when, after)
    answers = trace.responses[-len(after) :]
    read, (pulse, refused, armed, again, worked) = answers[: len(SETTINGS)], answers[len(SETTINGS) :]
    assert dict(zip(SETTINGS, (response.value for response in read), strict=True)) == SETTINGS
    assert {response.mode for response in read} == {Mode.SAFE}
    assert (pulse.status, refused.status, armed.status) == (Status.DISARMED, Status.DISARMED, Status.OK)
    assert (again.status, worked.status) == (Status.OK, Status.OK)
    assert [pulse.width for pulse in array.pulses] == [2, 9, 9]


def test_a_latched_fault_is_cleared() -> None:
    when = len(undisturbed().phases) + 100
    trace = Bench(CONFIG, [cells()]).run(
        [*SET_UP, READ, READ],
        arrive=lambda beat, cycle: beat <= len(SET_UP) or cycle > when + 10,
        stop=lambda cycle: cycle == undisturbed().accepted[len(SET_UP)] + 5,
        reset=lambda cycle: cycle == when,
    )
    before, after = trace.responses[-2:]
    assert before.faults == {"stop"}
    assert (after.faults, after.status) == (set(), Status.DISARMED)
