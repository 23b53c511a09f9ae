"""Cascades, shared inputs and packed outputs on `events`, `fast` and the netlist: cycles by hand, from the contract.

Of `events_bench.TIMING` a product takes SELECT 2, SETTLE_MULTIPLY 5 and CONVERT 3 cycles, and one to decide. A beat
that is accepted in cycle 0 is popped in cycle 2 and runs from 3 on, so that with one input step the first group is
converted from 10 to 12, decided in 13, and handed over from 14 on. What the arbiter takes in cycle x reaches the
consumer in x + 2.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

import pytest
from events_bench import Pair, assert_same, command, crossbar, program, set_up, write_register

from twinbar.emulator.contract.program import Pin, PinPulse, ProgramResult
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.engines.program.fast_controller import FastController
from twinbar.hw.actions import Action
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.protocol.packing import unpack, unpack_products
from twinbar.hw.protocol.vocabulary import Mode, Opcode, Status
from twinbar.hw.timing import PHASES

TILES = 3
PLANES = (0b00_01_01_01, 0b01_00_01_00, 0b01_01_00_01)
"""Inputs of the tiles: all in the lower bit plane."""


class Trio(Pair):
    """The same controller on the compiled engine, too."""

    def __init__(self, config: CrossbarConfig, controller: ControllerConfig) -> None:
        super().__init__(config, controller)
        self.fast = FastController(config, controller)

    def run(self, beats: Sequence[int], **world: Any) -> ProgramResult:
        """Run a program on all three, and compare everything but the energy of single commands; gives the result."""
        result = super().run(beats, **world)
        assert_same(replace(self.fast.run(program(beats, **world)), command_energy=None), result)
        return result


@cache
def _pair(channels: int, lanes: int, response_depth: int = 4) -> Pair:
    config, controller = crossbar(
        tiles=TILES, columns=8, adc_channels=channels, preset="ideal", adc_noise_codes=0.0, variation=False
    )
    options = {"cascade": True, "shared_inputs": True, "outputs_per_beat": lanes, "response_depth": response_depth}
    pair = Trio(config, replace(controller, **options))
    pair.run([beat for tile in range(TILES) for beat in set_up(tile, mode=None)])
    return pair


def _ready(channels: int = 1, lanes: int = 1, response_depth: int = 4, inputs: Sequence[int] = PLANES) -> Pair:
    """Return a pair that is armed, with inputs; tile 2 was the last that the arbiter served."""
    pair = _pair(channels, lanes, response_depth)
    beats = []
    for tile in range(TILES):
        beats += [command(opcode, tile) for opcode in (Opcode.CLEAR, Opcode.DISARM)]
        beats += [
            write_register(name, value, tile) for name, value in {"RANGE_MULTIPLY": 40000, "INPUT_GROUP": 0}.items()
        ]
        beats.append(command(Opcode.LOAD, tile, bits=inputs[tile], clear=1))
        # Offsets below zero, all different, so that no sum is 0.
        beats += [_offset(tile, column, -1 - 8 * tile - column) for column in range(8)]
    pair.run(beats)
    for tile in range(TILES):
        pair.run([command(Opcode.ARM, tile, mode=Mode.READ)])
    return pair


def _offset(tile: int, column: int, offset: int) -> int:
    return command(Opcode.WRITE_REGISTER, tile, address=0x800 + column, value=offset & 0x1FFFF)


def _multiply(outputs: int, members: int = TILES, tile: int = 0, **more: int) -> int:
    return command(Opcode.MULTIPLY, tile, outputs=outputs, members=members, skip=1, **more)


class Beat(NamedTuple):
    """A response: when it is taken, of which tile, with which status, and the column of a product."""

    cycle: int
    tile: int
    status: Status
    column: int


def _beats(result: ProgramResult) -> list[Beat]:
    header = unpack(result.responses)
    columns, _ = unpack_products(result.responses, 1)
    rows = zip(result.response_cycles, header["tile"], header["status"], columns, strict=True)
    return [Beat(int(cycle), int(tile), Status(int(status)), int(column)) for cycle, tile, status, column in rows]


def _spent(result: ProgramResult, tile: int) -> dict[str, int]:
    return {PHASES[phase]: int(count) for phase, count in enumerate(result.phases[tile]) if count}


def _count(result: ProgramResult, action: Action) -> list[int]:
    return [int(count) for count in result.actions[:, action]]


def _sums(pair: Pair, result: ProgramResult) -> list[int]:
    """Return the sums of a command's lanes, in the order of the outputs."""
    _, sums = unpack_products(result.responses, pair.events.controller.outputs_per_beat)
    return [int(value) for value in sums.reshape(-1)]


def _sums_of_single_tiles(pair: Pair, outputs: int) -> list[int]:
    """Return the sum over the tiles of what each of them gives alone."""
    found = [_sums(pair, pair.run([_multiply(outputs, members=0, tile=tile)]))[:outputs] for tile in range(TILES)]
    assert all(any(sums) for sums in found)
    return [sum(column) for column in zip(*found, strict=True)]


# --- products ---------------------------------------------------------------------------------------------------------
def test_partial_sums_flow_down_one_tile_a_cycle() -> None:
    pair = _ready()
    expected = _sums_of_single_tiles(pair, 2)
    result = pair.run([_multiply(2)])
    # Tile 2 hands over in 14 and (convert 15 to 17, decide 18) in 19. Tile 1 waits in 14, hands over in 15 and in 20;
    # tile 0 waits in 14 and 15, and responds in 16 and 21.
    assert _beats(result) == [Beat(18, 0, Status.OK, 0), Beat(23, 0, Status.OK, 1)]
    assert _sums(pair, result) == expected
    assert result.cycles == 24
    product = {"select": 2, "settle": 5, "convert": 6, "decide": 2, "respond": 2}
    assert _spent(result, 0) == {"idle": 5, "stall": 2, **product}
    assert _spent(result, 1) == {"idle": 6, "stall": 1, **product}
    assert _spent(result, 2) == {"idle": 7, **product}
    assert _count(result, Action.COMMAND_BEAT) == [1, 0, 0]
    assert _count(result, Action.SHARED_BEAT) == [0, 1, 1]
    assert _count(result, Action.PARTIAL_SUM) == [0, 2, 2]
    assert _count(result, Action.RESPONSE_BEAT) == [2, 0, 0]


def test_a_cascade_of_two_leaves_the_third_tile_alone() -> None:
    pair = _ready()
    result = pair.run([_multiply(1, members=2, tile=1)])
    # Tile 2 hands over in 14, tile 1 responds in 15.
    assert _beats(result) == [Beat(17, 1, Status.OK, 0)]
    assert _count(result, Action.COMMAND_BEAT) == [0, 1, 0]
    assert _count(result, Action.SHARED_BEAT) == [0, 0, 1]
    assert _spent(result, 0) == {"idle": 18}


def test_a_member_without_an_input_step_waits_for_the_one_above() -> None:
    pair = _ready(inputs=(PLANES[0], 0, PLANES[2]))
    result = pair.run([_multiply(2)])
    assert [beat.cycle for beat in _beats(result)] == [18, 23]
    # From 3 to 14 and from 16 to 19.
    assert _spent(result, 1) == {"idle": 6, "stall": 16, "respond": 2}


def test_members_without_an_input_step_hand_over_an_output_in_every_cycle() -> None:
    pair = _ready(inputs=(0, 0, 0))
    result = pair.run([_multiply(3)])
    # Tile 2 from 3 to 5, tile 1 from 4 to 6, tile 0 from 5 to 7.
    assert [beat.cycle for beat in _beats(result)] == [7, 8, 9]
    assert [_spent(result, tile).get("stall", 0) for tile in range(TILES)] == [2, 1, 0]
    assert _sums(pair, result) == [0, 0, 0]


def test_a_link_holds_two_sums_while_the_consumer_waits() -> None:
    pair = _ready(inputs=(0, 0, 0), response_depth=2)
    result = pair.run([_multiply(6)], ready=[False] * 50 + [True] * 50)
    # Tile 0 responds in 5 and 6, then the queue is full: until one is taken in 50, so that there is room in 51, and in
    # 52. In 53 it is full again; the beats of 51 and 52 are taken in 53 and 54, and tile 0 goes on in 54 and 55.
    assert [beat.cycle for beat in _beats(result)] == [50, 51, 53, 54, 56, 57]
    assert _spent(result, 0) == {"idle": 5, "stall": 2 + 44 + 1, "respond": 6}
    # Tile 1 hands over from 4 to 7: two lie in the link, until one is taken in 51. It goes on in 52 and 53.
    assert _spent(result, 1) == {"idle": 3 + 4, "stall": 1 + 44, "respond": 6}
    # Tile 2 from 3 to 8: the last of them lie in the link above tile 1.
    assert _spent(result, 2) == {"idle": 3 + 49, "respond": 6}


def test_packed_outputs_of_one_tile() -> None:
    pair = _ready(channels=2, lanes=2)
    result = pair.run([_multiply(3, members=1)])
    # Output 0 goes to its lane in 14, the beat is handed over in 15; convert 16 to 18, decide 19; output 2 is the last.
    assert _beats(result) == [Beat(17, 0, Status.OK, 0), Beat(22, 0, Status.OK, 2)]
    assert _count(result, Action.PACKED_OUTPUT) == [1, 0, 0]
    assert _count(result, Action.RESPONSE_BEAT) == [2, 0, 0]
    assert _spent(result, 0)["respond"] == 3
    assert _sums(pair, result)[3] == 0


def test_a_beat_of_three_lanes_spans_three_groups() -> None:
    pair = _ready(lanes=3)
    result = pair.run([_multiply(4, members=0)])
    # To the lanes in 14 and 19 (convert 15 to 17, decide 18), the beat in 24; the last output in 29.
    assert _beats(result) == [Beat(26, 0, Status.OK, 0), Beat(31, 0, Status.OK, 3)]
    assert _count(result, Action.PACKED_OUTPUT) == [2, 0, 0]


def test_the_first_member_packs() -> None:
    pair = _ready(channels=2, lanes=2)
    expected = _sums_of_single_tiles(pair, 3)
    result = pair.run([_multiply(3)])
    # Tile 2 hands over in 14, 15 and 20, tile 1 in 15, 16 and 21. Tile 0 fills a lane in 16 and responds in 17 and 22.
    assert _beats(result) == [Beat(19, 0, Status.OK, 0), Beat(24, 0, Status.OK, 2)]
    assert _sums(pair, result) == [*expected, 0]
    assert _count(result, Action.PACKED_OUTPUT) == [1, 0, 0]
    assert _count(result, Action.PARTIAL_SUM) == [0, 3, 3]
    assert _count(result, Action.RESPONSE_BEAT) == [2, 0, 0]


def test_sums_saturate_at_a_lane() -> None:
    config, controller = crossbar(tiles=2, columns=4, preset="ideal", adc_noise_codes=0.0, adc_bits=10, input_bits=3)
    pair = Pair(config, replace(controller, cascade=True, outputs_per_beat=3))
    offsets = {0: (-1024, 1023, -200), 1: (-1024, 1023, -200)}
    for tile in range(2):
        pair.run([*set_up(tile), command(Opcode.LOAD, tile, bits=0x7777, clear=1)])
        pair.run([_offset(tile, column, value) for column, value in enumerate(offsets[tile])])
    # Over 3 planes, at least 7 * 1024; at most 7 * (codes - 1023), far below -2048; about 7 * 200, twice.
    single = _sums(pair, pair.run([_multiply(3, members=0)]))
    assert single[:2] == [2047, -2048]
    assert 1400 <= single[2] < 2047
    assert _sums(pair, pair.run([_multiply(3, members=2)])) == [2047, -2048, 2047]


# --- counters ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("action", [Action.COMMAND_BEAT, Action.SHARED_BEAT, Action.PARTIAL_SUM, Action.PACKED_OUTPUT])
def test_a_counter_that_is_read_holds_everything_up_to_the_read(action: Action) -> None:
    pair = _ready(channels=2, lanes=2, inputs=(0, 0, 0))
    reads = [command(Opcode.READ_REGISTER, tile, address=0x90 + action) for tile in range(TILES)]

    def values(result: ProgramResult) -> list[int]:
        answers = [bytes(beat) for beat in result.responses if beat[0] & 31 == Opcode.READ_REGISTER.value]
        order = sorted((int.from_bytes(beat, "little") >> 5 & 255, beat) for beat in answers)
        return [int.from_bytes(beat, "little") >> 44 for _, beat in order]

    before = values(pair.run(reads))
    # Without an input step, sums are handed over in every cycle up to the last, in which the read is popped.
    after = values(pair.run([_multiply(8), _multiply(5), *reads]))
    # Reads are commands, too: one of each tile lies between the first and the second.
    expected = {
        Action.COMMAND_BEAT: [3, 1, 1],
        Action.SHARED_BEAT: [0, 2, 2],
        Action.PARTIAL_SUM: [0, 13, 13],
        Action.PACKED_OUTPUT: [4 + 2, 0, 0],
    }
    assert [new - old for new, old in zip(after, before, strict=True)] == expected[action]


# --- starts and refusals ----------------------------------------------------------------------------------------------
def test_a_cascade_starts_when_its_last_member_is_free() -> None:
    pair = _ready(inputs=(0, 0, 0))
    result = pair.run([command(Opcode.WAIT, 1, cycles=20), _multiply(1)])
    # WAIT: popped in 2, decide 3, settle 4 to 23, respond 24, in which the cascade starts: 25, 26, 27.
    assert [(beat.cycle, beat.tile) for beat in _beats(result)] == [(26, 1), (29, 0)]
    assert _spent(result, 0) == {"idle": 25 + 2, "stall": 2, "respond": 1}
    assert _spent(result, 2) == {"idle": 25 + 4, "respond": 1}


def test_a_halt_in_the_cycle_of_the_start_refuses_the_cascade() -> None:
    pair = _ready(inputs=(0, 0, 0))
    beats = [command(Opcode.WAIT, 1, cycles=20), _multiply(1), command(Opcode.ABORT, 2)]
    result = pair.run(beats, arrivals=[0, 1, 24])
    # In 25 it starts, and tile 2 has an ABORT behind it: decide 26, respond from 27 on, first after tile 1. The ABORT
    # is popped in 27 and answers from 29 on, behind tile 1.
    assert _beats(result)[1:] == [
        Beat(29, 2, Status.ABORTED, 0),
        Beat(30, 0, Status.ABORTED, 0),
        Beat(31, 1, Status.ABORTED, 0),
        Beat(32, 2, Status.OK, 0),
    ]


def test_if_one_refuses_all_refuse() -> None:
    pair = _ready()
    pair.run([command(Opcode.DISARM, 1)])
    found = {beat.tile: beat.status for beat in _beats(pair.run([_multiply(1)]))}
    assert found == {0: Status.ABORTED, 1: Status.DISARMED, 2: Status.ABORTED}
    found = {beat.tile: beat.status for beat in _beats(pair.run([_multiply(9)]))}
    assert found == {0: Status.BAD_ADDRESS, 1: Status.DISARMED, 2: Status.BAD_ADDRESS}
    assert [beat.status for beat in _beats(pair.run([_multiply(1, members=2, tile=1)]))].count(Status.OK) == 0


@pytest.mark.parametrize(("tile", "members"), [(0, 4), (2, 2), (1, 255), (255, 2), (3, 1)])
def test_members_that_do_not_exist_are_refused_by_tile_0(tile: int, members: int) -> None:
    result = _ready().run([_multiply(1, members=members, tile=tile)])
    assert [(beat.tile, beat.status) for beat in _beats(result)] == [(0, Status.BAD_TILE)]
    assert _count(result, Action.COMMAND_BEAT) == [1, 0, 0]
    assert _count(result, Action.SHARED_BEAT) == [0, 0, 0]


# --- halts ------------------------------------------------------------------------------------------------------------
OK, ABORTED, FAULTED = Status.OK, Status.ABORTED, Status.FAULTED


def _halted(when: int, tile: int, pair: Pair | None = None, outputs: int = 2, members: int = TILES) -> ProgramResult:
    """Run a product, and an ABORT that is presented in a cycle."""
    pair = pair or _ready()
    return pair.run([_multiply(outputs, members=members), command(Opcode.ABORT, tile)], arrivals=[0, when])


def test_a_halt_in_a_conversion_ends_the_cascade_from_neighbour_to_neighbour() -> None:
    # Tile 1 in 11, its neighbours in 12; the arbiter takes tile 1, 2 and 0. The ABORT is popped in 13, answered in 15.
    assert _beats(_halted(11, 1)) == [
        *(Beat(14, 1, ABORTED, 0), Beat(15, 2, ABORTED, 0), Beat(16, 0, ABORTED, 0)),
        Beat(17, 1, OK, 0),
    ]
    # Tile 0 in 11, tile 1 in 12, tile 2 in 13.
    assert _beats(_halted(11, 0)) == [
        *(Beat(14, 0, ABORTED, 0), Beat(15, 1, ABORTED, 0), Beat(16, 2, ABORTED, 0)),
        Beat(17, 0, OK, 0),
    ]


def test_a_halt_while_a_member_waits_for_a_sum() -> None:
    # In 14 tile 2 hands over, tiles 1 and 0 wait. Tile 1 answers in 15; in 15 tile 2 converts its second output, and
    # tile 0 has no sum to take: both answer from 16 on.
    result = _halted(14, 1)
    assert _beats(result) == [
        *(Beat(17, 1, ABORTED, 0), Beat(18, 2, ABORTED, 1), Beat(19, 0, ABORTED, 0)),
        Beat(20, 1, OK, 0),
    ]
    assert _count(result, Action.PARTIAL_SUM) == [0, 0, 1]


def test_a_halt_in_the_cycle_of_a_handover() -> None:
    pair = _ready()
    result = _halted(15, 1, pair)
    # Tile 1 hands over in 15, and tile 0 responds with it in 16, in which it is halted. Then answer, in turn behind
    # tile 0: tile 1 (from 16 on), tile 2 and tile 0 (from 17 on); the ABORT is popped in 17.
    assert _beats(result) == [
        Beat(18, 0, OK, 0),
        *(Beat(19, 1, ABORTED, 1), Beat(20, 2, ABORTED, 1), Beat(21, 0, ABORTED, 1)),
        Beat(22, 1, OK, 0),
    ]
    assert _count(result, Action.PARTIAL_SUM) == [0, 1, 1]


def test_nothing_of_a_cascade_that_was_cut_off_is_left_in_the_next() -> None:
    pair = _ready()
    expected = _sums_of_single_tiles(pair, 2)
    for tile in range(TILES):
        for when in range(10, 24):
            _halted(when, tile, pair)
            assert _sums(pair, pair.run([_multiply(2)])) == expected, (tile, when)


def test_a_halt_of_a_member_that_is_done_leaves_the_others_alone() -> None:
    # Tile 2 has handed over its last output in 19.
    assert _beats(_halted(20, 2))[0] == Beat(18, 0, OK, 0)
    assert [beat.status for beat in _beats(_halted(20, 2))] == [OK, OK, OK]
    # In the cycle itself the halt only keeps it from the next command.
    assert [beat.status for beat in _beats(_halted(19, 2))] == [OK, OK, OK]


@pytest.mark.parametrize(
    ("pin", "statuses", "cycles"),
    [
        # Tile 2 in 11, tile 1 in 12, tile 0 in 13.
        (PinPulse(Pin.FAULT, 9, 9, 2), {2: FAULTED, 1: ABORTED, 0: ABORTED}, {2: 14, 1: 15, 0: 16}),
        # All in 11.
        (PinPulse(Pin.STOP, 9, 9), {0: FAULTED, 1: FAULTED, 2: FAULTED}, {0: 14, 1: 15, 2: 16}),
    ],
)
def test_a_fault_is_that_of_its_tile(pin: PinPulse, statuses: dict[int, Status], cycles: dict[int, int]) -> None:
    found = _beats(_ready().run([_multiply(2)], pins=(pin,)))
    assert {beat.tile: beat.status for beat in found} == statuses
    assert {beat.tile: beat.cycle for beat in found} == cycles


def test_safe_halts_all_members_at_once() -> None:
    result = _ready().run([_multiply(2), command(Opcode.SAFE)], arrivals=[0, 11])
    assert _beats(result)[:3] == [Beat(14, 0, ABORTED, 0), Beat(15, 1, ABORTED, 0), Beat(16, 2, ABORTED, 0)]


def test_a_halt_drops_an_incomplete_beat() -> None:
    pair = _ready(channels=2, lanes=2)
    # In 14 output 0 goes to its lane, and is dropped.
    result = _halted(14, 0, pair, outputs=3, members=0)
    assert _beats(result)[0] == Beat(17, 0, ABORTED, 0)
    assert _count(result, Action.PACKED_OUTPUT) == [1, 0, 0]
    assert _sums(pair, result)[:2] == [0, 0]


def test_a_halt_leaves_a_complete_beat() -> None:
    pair = _ready(channels=2, lanes=2)
    for when in (15, 17):  # while it is handed over, and while the second group is converted
        result = _halted(when, 0, pair, outputs=3, members=0)
        assert _beats(result)[0] == Beat(17, 0, OK, 0)
        assert _beats(result)[1] == Beat(18 if when == 15 else 20, 0, ABORTED, 2)
        assert _sums(pair, result)[2:4] == [0, 0]


def test_a_halt_in_a_conversion_drops_what_lies_in_the_lanes() -> None:
    # Output 0 has gone to its lane in 14, output 1 is converted from 15 to 17.
    assert _beats(_halted(16, 0, _ready(lanes=3), outputs=4, members=0))[0] == Beat(19, 0, ABORTED, 0)
    # In the second beat: its first output has gone to its lane in 29, the second is converted from 30 on.
    found = _beats(_halted(31, 0, _ready(lanes=3), outputs=6, members=0))
    assert found[:2] == [Beat(26, 0, OK, 0), Beat(34, 0, ABORTED, 3)]


def test_a_complete_beat_that_waits_is_handed_over_before_the_answer() -> None:
    pair = _ready(inputs=(0, 0, 0), response_depth=2)
    beats = [_multiply(6), command(Opcode.ABORT, 0)]
    result = pair.run(beats, arrivals=[0, 20], ready=[False] * 50 + [True] * 50)
    # Output 2 has been offered since 7. Tile 1 is halted in 21, when it waits with output 4; tile 2 has finished in 8.
    # There is room in 51 and 52: for tile 1, because tile 0 was served last, then for output 2 and, in 54, the answer.
    assert _beats(result)[:5] == [
        *(Beat(50, 0, OK, 0), Beat(51, 0, OK, 1), Beat(53, 1, ABORTED, 4), Beat(54, 0, OK, 2), Beat(56, 0, ABORTED, 3)),
    ]


# --- shared inputs ----------------------------------------------------------------------------------------------------
def _groups(pair: Pair, *groups: int) -> None:
    beats: list[int] = []
    for tile, group in enumerate(groups):
        beats += [command(Opcode.DISARM, tile), write_register("INPUT_GROUP", group, tile)]
        beats.append(command(Opcode.ARM, tile, mode=Mode.READ))
    pair.run(beats)


def _steps(pair: Pair) -> list[int]:
    """Return the input steps that each tile takes."""
    result = pair.run([_multiply(1, members=0, tile=tile) for tile in range(TILES)])
    return _count(result, Action.INPUT_STEP)


def test_a_shared_input_goes_to_its_group() -> None:
    pair = _ready(inputs=(0, 0, 0))
    _groups(pair, 200, 0, 200)
    result = pair.run([command(Opcode.LOAD, 200, bits=0b11, shared=1)])
    # Accepted in 0, popped in 2, carried out in 3.
    assert result.cycles == 4
    assert [_spent(result, tile).get("select", 0) for tile in range(TILES)] == [1, 0, 1]
    assert _count(result, Action.COMMAND_BEAT) == [1, 0, 0]
    assert _count(result, Action.SHARED_BEAT) == [0, 0, 1]
    assert _steps(pair) == [2, 0, 2]
    # Without the flag it is for tile 1.
    pair.run([command(Opcode.LOAD, 1, bits=0b10)])
    assert _steps(pair) == [2, 1, 2]


def test_a_group_without_a_tile_is_refused_by_tile_0() -> None:
    pair = _ready()
    _groups(pair, 3, 3, 4)
    result = pair.run([command(Opcode.LOAD, 0, shared=1), command(Opcode.LOAD, 3, word=1, shared=1)])
    found = [(beat.tile, beat.status) for beat in _beats(result)]
    assert sorted(found, key=lambda each: (each[0], each[1].value)) == [
        (0, Status.BAD_TILE),
        (0, Status.BAD_ADDRESS),
        (1, Status.BAD_ADDRESS),
    ]
    assert _count(result, Action.COMMAND_BEAT) == [2, 0, 0]
    assert _count(result, Action.SHARED_BEAT) == [0, 1, 0]


def test_a_shared_input_waits_for_all_queues_of_its_group() -> None:
    pair = _ready(inputs=(0, 0, 0))
    depth = pair.events.controller.command_depth
    waits = [command(Opcode.WAIT, 2, cycles=30)] * (depth + 2)
    result = pair.run([*waits, command(Opcode.LOAD, 0, bits=1, shared=1)])
    # The first WAIT is popped in 2: decide 3, settle 4 to 33, respond 34, in which the second is popped. Depth 4: there
    # is room for the fifth in 3 and for the sixth in 35, and for the LOAD 32 cycles later, when the third is popped.
    assert result.accepted.tolist() == [0, 1, 2, 3, 4, 35, 67]


def test_the_group_is_that_of_the_presentation() -> None:
    pair = _ready(inputs=(0, 0, 0))
    _groups(pair, 7, 8, 7)
    depth = pair.events.controller.command_depth
    # The queue of tile 2 is full when the LOAD is presented; while it waits, tile 0 leaves the group, tile 1 joins it.
    waits = [command(Opcode.WAIT, 2, cycles=200)] * (depth + 1)
    moves = [command(Opcode.DISARM, tile) for tile in (0, 1)]
    moves += [command(Opcode.WAIT, tile, cycles=30) for tile in (0, 1)]
    moves += [write_register("INPUT_GROUP", group, tile) for tile, group in ((0, 8), (1, 7))]
    pair.run([*waits, *moves, command(Opcode.LOAD, 7, bits=1, shared=1)])
    pair.run([command(Opcode.ARM, tile, mode=Mode.READ) for tile in (0, 1)])
    assert _steps(pair) == [1, 0, 1]


# --- without the options ----------------------------------------------------------------------------------------------
def test_a_controller_without_an_option_refuses_what_needs_it() -> None:
    config, controller = crossbar(tiles=2)
    pair = Pair(config, controller)
    pair.run([beat for tile in range(2) for beat in set_up(tile)])
    result = pair.run([_multiply(1, members=2), command(Opcode.LOAD, 1, shared=1), _multiply(1, members=1)])
    assert {(beat.tile, beat.status) for beat in _beats(result)} == {
        *((0, Status.BAD_VALUE), (1, Status.BAD_VALUE), (0, Status.OK)),
    }
