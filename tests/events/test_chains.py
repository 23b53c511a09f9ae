"""Activations and transfers on `events`, `fast` and the netlist: codes and cycles by hand, from the contract.

Of `events_bench.TIMING` a product takes SELECT 2, SETTLE_MULTIPLY 5 and CONVERT 3 cycles, and one to decide. A beat
that is accepted in cycle 0 is popped in cycle 2 and runs from 3 on, so that with one input step the first output is
converted from 10 to 12, decided in 13, and handed over in 14, and the second one, of the same channel, in 19. A
transfer of n words takes 6 + n cycles. What the arbiter takes in cycle x reaches the consumer in x + 2.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from events_bench import TIMING, Trio, command, crossbar, write_register

from twinbar.emulator.contract.program import ProgramResult
from twinbar.emulator.crossbar.configuration import range_code
from twinbar.emulator.devices.layout import FAULT_STUCK_HIGH
from twinbar.hw.actions import Action
from twinbar.hw.protocol.packing import unpack, unpack_products
from twinbar.hw.protocol.vocabulary import Mode, Opcode, Status
from twinbar.hw.timing import PHASES

TILES, SIZE = 3, 8
ANSWERED, BOTH, KEPT = 0, 1, 2
"""Where sums go."""


@cache
def _trio(lanes: int) -> Trio:
    config, controller = crossbar(
        tiles=TILES,
        rows=SIZE,
        columns=SIZE,
        input_bits=8,
        preset="ideal",
        adc_noise_codes=0.0,
        variation=False,
        levels=4,
    )
    # Of tile 0 one row conducts; tile 1 is a diagonal, so that each input shows in an output of its own.
    faults = np.zeros((TILES, SIZE, SIZE), np.uint8)
    faults[0, 0], faults[1] = FAULT_STUCK_HIGH, FAULT_STUCK_HIGH * np.eye(SIZE, dtype=np.uint8)
    options = {"shared_inputs": True, "chain": True, "outputs_per_beat": lanes}
    trio = Trio(config, replace(controller, **options), faults=faults.reshape(TILES, -1))
    beats = []
    for tile in range(TILES):
        # Records are all 0, which lies within their windows.
        beats += [write_register(name, value, tile) for name, value in {**TIMING, "INPUT_GROUP": tile}.items()]
        # Two cells of the greatest conductance, 2**10, are the full scale.
        beats.append(write_register("RANGE_MULTIPLY", range_code(2048), tile))
    assert not unpack(trio.run(beats).responses)["status"].any()
    return trio


def _ready(lanes: int = 1) -> Trio:
    trio = _trio(lanes)
    for tile in range(TILES):
        beats = [command(Opcode.CLEAR, tile), write_register("ACTIVATION", 0, tile)]
        beats += [*_load(tile, [0] * SIZE), command(Opcode.ARM, tile, mode=Mode.READ)]
        trio.run(beats)
    return trio


def _activation(sums: int, *, relu: int = 0, shift: int = 0, zero: int = 0, tile: int = 0) -> int:
    return write_register("ACTIVATION", sums | relu << 2 | shift << 3 | zero << 8, tile)


def _scale(column: int, bias: int, scale: int, tile: int = 0) -> int:
    value = bias & 0x3FFFF | (scale & 0x3FFF) << 18
    return command(Opcode.WRITE_REGISTER, tile, address=0x300 + column, value=value)


def _load(tile: int, codes: Sequence[int]) -> list[int]:
    words = [sum(code << 8 * place for place, code in enumerate(codes[first : first + 4])) for first in (0, 4)]
    return [command(Opcode.LOAD, tile, word=word, bits=bits, clear=word == 0) for word, bits in enumerate(words)]


def _multiply(tile: int, outputs: int, column: int = 0) -> int:
    return command(Opcode.MULTIPLY, tile, outputs=outputs, column=column, skip=1)


def _transfer(tile: int, group: int, words: int, first: int = 0, word: int = 0, clear: int = 1) -> int:
    return command(Opcode.TRANSFER, tile, group=group, words=words, first=first, word=word, clear=clear)


def _sums(trio: Trio, beats: Sequence[int], tile: int) -> list[int]:
    """Return the sums that a tile answers."""
    result = trio.run(beats)
    header = unpack(result.responses)
    mine = (header["tile"] == tile) & (header["opcode"] == Opcode.MULTIPLY.value)
    assert not header["status"].any()
    return [int(each) for each in unpack_products(result.responses[mine], 1)[1].reshape(-1)]


def _answers(result: ProgramResult) -> list[tuple[int, int, Status]]:
    header = unpack(result.responses)
    rows = zip(header["opcode"].tolist(), header["tile"].tolist(), header["status"].tolist(), strict=True)
    return [(opcode, tile, Status(status)) for opcode, tile, status in rows]


def _spent(result: ProgramResult, tile: int) -> dict[str, int]:
    return {PHASES[phase]: int(count) for phase, count in enumerate(result.phases[tile]) if count}


# --- digital functions ------------------------------------------------------------------------------------------------
ENTRIES = ((100, 3), (-100, 3), (-200, 3), (131071, 8191), (-131072, -8192), (8, 1), (7, 1), (-9, 1))
"""Bias and scale. The products are 300, -300, -600, 1073602561, 1073741824, 8, 7 and -9; halves are rounded up."""
WORKED = (
    # (300 + 8) >> 4 = 19, (-300 + 8) >> 4 = -19, (-600 + 8) >> 4 = -37, ..., 16 >> 4 = 1, 15 >> 4 = 0, -1 >> 4 = -1
    ({"shift": 4, "zero": 20}, [39, 1, 0, 255, 255, 21, 20, 19]),
    ({"shift": 4, "zero": 20, "relu": 1}, [39, 20, 20, 255, 255, 21, 20, 20]),
    ({"shift": 4, "relu": 1}, [19, 0, 0, 255, 255, 1, 0, 0]),
    ({"shift": 0}, [255, 0, 0, 255, 255, 8, 7, 0]),
    # (1073602561 + 2**30) >> 31 = 0, (1073741824 + 2**30) >> 31 = 1
    ({"shift": 31}, [0, 0, 0, 0, 1, 0, 0, 0]),
    ({"shift": 30, "zero": 255}, [255, 255, 255, 255, 255, 255, 255, 255]),
)


@pytest.mark.parametrize(("settings", "codes"), WORKED)
def test_sums_become_the_codes_that_were_worked_by_hand(settings: dict[str, int], codes: list[int]) -> None:
    trio = _ready()
    # Without an input step all sums are 0: what is left is the bias.
    made = [*(_scale(column, *entry) for column, entry in enumerate(ENTRIES)), _activation(BOTH, **settings)]
    chained = _sums(trio, [*made, _multiply(0, SIZE), _transfer(0, 1, 2), _multiply(1, SIZE)], 1)
    assert chained == _sums(trio, [*_load(1, codes), _multiply(1, SIZE)], 1)
    assert len(set(chained)) > 1 or len(set(codes)) == 1


def test_the_sum_of_the_product_counts() -> None:
    trio = _ready()
    inputs = [*_load(0, [3, 0, 7, 1, 0, 2, 9, 4])]
    sums = _sums(trio, [*inputs, _multiply(0, SIZE)], 0)
    assert sums[0] > 20
    made = [*(_scale(column, 5 - column, 2) for column in range(SIZE)), _activation(KEPT, shift=3)]
    codes = [((total + 5 - column) * 2 + 4) >> 3 for column, total in enumerate(sums)]
    assert all(0 < code < 256 for code in codes)
    chained = _sums(trio, [*made, _multiply(0, SIZE), _transfer(0, 1, 2), _multiply(1, SIZE)], 1)
    assert chained == _sums(trio, [*_load(1, codes), _multiply(1, SIZE)], 1)


def test_words_go_where_the_transfer_says_and_columns_have_their_own_scale() -> None:
    trio = _ready()
    made = [*(_scale(column, 10 * column, 1) for column in range(SIZE)), _activation(BOTH)]
    # Outputs 2 to 7: codes 20 to 70, the last word half full. Its second word goes to rows 0 to 3.
    beats = [
        *made,
        *_load(1, range(1, 9)),
        _multiply(0, 6, 2),
        _transfer(0, 1, 1, first=1, clear=0),
        _multiply(1, SIZE),
    ]
    expected = _sums(trio, [*_load(1, [60, 70, 0, 0, 5, 6, 7, 8]), _multiply(1, SIZE)], 1)
    assert _sums(trio, beats, 1) == expected
    expected = _sums(trio, [*_load(1, [0, 0, 0, 0, 20, 30, 40, 50]), _multiply(1, SIZE)], 1)
    assert _sums(trio, [*_load(1, range(1, 9)), _transfer(0, 1, 1, word=1), _multiply(1, SIZE)], 1) == expected


# --- cycles -----------------------------------------------------------------------------------------------------------
def test_a_layer_follows_the_other_as_soon_as_its_inputs_are_there() -> None:
    trio = _ready()
    trio.run([*_load(0, [1] * SIZE), _scale(0, 1, 0), _scale(1, 1, 0), _activation(BOTH), *_load(1, [1] + [0] * 7)])
    trio.run([_scale(0, 0, 0), _scale(1, 1, 1)])
    result = trio.run([_multiply(0, 2), _transfer(0, 1, 1), _multiply(1, 1)])
    # The transfer is popped in 19, selects from 20 to 26, and there the next product is popped; of it, the first code
    # is 0 and the second above it, so that it takes the planes that have a one.
    assert result.response_cycles.tolist()[:2] == [16, 21]
    steps = int(result.actions[1, Action.INPUT_STEP])
    assert steps >= 1
    # A step takes 2 + 5 + 3 + 1 cycles; the last is answered in the next one.
    assert result.response_cycles.tolist()[2] == 26 + steps * 11 + 1 + 2
    assert _spent(result, 0)["select"] == 2 + 7
    assert _spent(result, 1)["select"] == 7 + 2 * steps
    assert result.actions[:, Action.REQUANTIZE].tolist() == [2, 0, 0]
    assert result.actions[:, Action.TRANSFERRED_WORD].tolist() == [1, 1, 0]
    assert result.actions[:, Action.COMMAND_BEAT].tolist() == [2, 1, 0]
    assert result.actions[:, Action.SHARED_BEAT].tolist() == [0, 1, 0]


def test_sums_that_are_only_kept_are_answered_once() -> None:
    trio = _ready()
    result = trio.run([_activation(KEPT), _multiply(0, 5)])
    # The register is written in 3 and 4, and answered in 5; without an input step, sums go from 6 to 10.
    assert result.response_cycles.tolist() == [7, 12]
    column, sums = unpack_products(result.responses, 1)
    assert (column[1], sums[1, 0]) == (4, 0)
    assert result.actions[0, Action.PACKED_OUTPUT] == 4
    assert result.actions[0, Action.REQUANTIZE] == 5
    assert result.actions[0, Action.RESPONSE_BEAT] == 2


@pytest.mark.parametrize("lanes", [2, 3])
def test_packed_sums_are_kept_as_they_go_to_their_lanes(lanes: int) -> None:
    trio = _ready(lanes)
    made = [*(_scale(column, column + 1, 1) for column in range(SIZE)), _activation(BOTH)]
    result = trio.run([*made, _multiply(0, 5)])
    assert result.actions[0, Action.REQUANTIZE] == 5
    assert result.actions[0, Action.PACKED_OUTPUT] == 5 - -(-5 // lanes)
    beats = [_transfer(0, 1, 2), _multiply(1, SIZE)]
    chained = trio.run(beats).responses
    np.testing.assert_array_equal(
        chained, trio.run([*_load(1, [1, 2, 3, 4, 5, 0, 0, 0]), _multiply(1, SIZE)]).responses
    )


def test_transfers_go_one_after_the_other_in_the_order_of_their_beats() -> None:
    trio = _ready()
    trio.run([beat for tile in (0, 2) for beat in (_activation(KEPT, tile=tile), _multiply(tile, SIZE))])
    result = trio.run([_transfer(0, 1, 2), _transfer(2, 1, 1, word=1, clear=0), command(Opcode.WAIT, 2, cycles=1)])
    # The first is popped in 2, and runs from 3 to 10; the second from 11 to 17, and behind it the WAIT: decide 18,
    # settle 19, respond 20.
    assert result.response_cycles.tolist() == [22]
    assert [_spent(result, tile)["select"] for tile in range(TILES)] == [8, 15, 7]
    # Tile 2 has taken its beat from its queue in 10: it was idle from 0 to 10, and is again in 21 and 22.
    assert _spent(result, 2)["idle"] == 11 + 2


def test_a_tile_can_send_to_itself() -> None:
    trio = _ready()
    made = [_scale(column, 3 * column, 1, tile=1) for column in range(SIZE)]
    beats = [*made, _activation(KEPT, tile=1), _multiply(1, SIZE), _transfer(1, 1, 2), _activation(ANSWERED, tile=1)]
    codes = [3 * column for column in range(SIZE)]
    result = trio.run([*beats, _multiply(1, SIZE)])
    assert result.actions[1, Action.TRANSFERRED_WORD] == 2
    sums = _sums(trio, [*_load(1, codes), _multiply(1, SIZE)], 1)
    assert unpack_products(result.responses[-SIZE:], 1)[1].reshape(-1).tolist() == sums


# --- what is not complete ---------------------------------------------------------------------------------------------
PRODUCT, MOVED = Opcode.MULTIPLY.value, Opcode.TRANSFER.value


def test_what_was_cut_off_is_not_sent_and_what_was_not_sent_is_not_multiplied() -> None:
    trio = _ready()
    assert trio.run([_activation(BOTH), _multiply(0, 4)]).actions[0, Action.REQUANTIZE] == 4
    beats = [*_load(0, [1] * SIZE), _multiply(0, 4), _transfer(0, 1, 1), _multiply(1, 1), command(Opcode.ABORT, 0)]
    # The product is converting its second output: the first is kept, and was complete before.
    result = trio.run(beats, arrivals=[0, 0, 0, 0, 0, 18])
    assert _answers(result) == [
        (PRODUCT, 0, Status.OK),
        (PRODUCT, 0, Status.ABORTED),
        # Behind tile 0, tile 1 goes first.
        (MOVED, 1, Status.ABORTED),
        (MOVED, 0, Status.INCOMPLETE),
        (PRODUCT, 1, Status.INCOMPLETE),
        (Opcode.ABORT.value, 0, Status.OK),
    ]
    # A word does not complete the row registers, a new vector does.
    word = command(Opcode.LOAD, 1, word=1, bits=1)
    assert _answers(trio.run([word, _multiply(1, 1)])) == [(PRODUCT, 1, Status.INCOMPLETE)]
    assert _answers(trio.run([*_load(1, [1] * SIZE), _multiply(1, 1)])) == [(PRODUCT, 1, Status.OK)]


def test_a_product_that_was_cut_off_leaves_the_words_that_it_did_not_fill() -> None:
    trio = _ready()
    made = [*(_scale(column, 10 + column, 1) for column in range(SIZE)), _activation(BOTH)]
    trio.run([*made, _multiply(0, SIZE), *(_scale(column, 50 + column, 1) for column in range(SIZE))])
    # Cut off in its fifth conversion, or sixth: four codes are kept, or one more, and word 1 is not full.
    for cut, answered in ((33, 4), (38, 5)):
        beats = [*_load(0, [1] * SIZE), _multiply(0, SIZE), command(Opcode.ABORT, 0)]
        result = trio.run(beats, arrivals=[0, 0, 0, cut])
        assert (len(result.responses), result.actions[0, Action.REQUANTIZE]) == (answered + 2, answered)
        # Without an input step, four outputs take the place of word 0 alone.
        short = [*_load(0, [0] * SIZE), _multiply(0, 4), _transfer(0, 1, 2), _multiply(1, SIZE)]
        expected = [*_load(1, [50, 51, 52, 53, 14, 15, 16, 17]), _multiply(1, SIZE)]
        assert _sums(trio, short, 1) == _sums(trio, expected, 1)


def test_a_refused_product_leaves_nothing_to_be_sent() -> None:
    trio = _ready()
    trio.run([_activation(KEPT), _multiply(0, 4)])
    beats = [_multiply(0, 9), _transfer(0, 1, 1), _transfer(0, 1, 1, clear=0), _multiply(1, 1)]
    assert _answers(trio.run(beats)) == [
        (PRODUCT, 0, Status.BAD_ADDRESS),
        (MOVED, 1, Status.ABORTED),
        (MOVED, 0, Status.INCOMPLETE),
        (MOVED, 1, Status.ABORTED),
        (MOVED, 0, Status.INCOMPLETE),
        (PRODUCT, 1, Status.INCOMPLETE),
    ]
    # A part of the vector does not mend it, a transfer that clears does.
    beats = [_multiply(0, 4), _transfer(0, 1, 1, clear=0), _multiply(1, 1), _transfer(0, 1, 1), _multiply(1, 1)]
    answers = _answers(trio.run(beats))
    assert [status for opcode, tile, status in answers if tile == 1] == [Status.INCOMPLETE, Status.OK]


def test_a_product_whose_sums_are_not_kept_leaves_those_of_another_one() -> None:
    trio = _ready()
    beats = [_activation(KEPT), _multiply(0, 4), _activation(ANSWERED), _multiply(0, 1), _transfer(0, 1, 1)]
    answers = _answers(trio.run(beats))
    assert MOVED not in [opcode for opcode, _, _ in answers]


def test_a_transfer_that_began_is_completed_whatever_halts() -> None:
    trio = _ready()
    made = [*(_scale(column, 9, 1) for column in range(SIZE)), _activation(KEPT), _multiply(0, SIZE)]
    trio.run(made)
    # It runs from 3 to 10.
    trio.run([_transfer(0, 1, 2), command(Opcode.SAFE)], arrivals=[0, 5])
    trio.run([command(Opcode.ARM, 1, mode=Mode.READ)])
    sums = _sums(trio, [_multiply(1, SIZE)], 1)
    assert sums == _sums(trio, [*_load(1, [9] * SIZE), _multiply(1, SIZE)], 1)


def test_a_group_without_a_tile_is_told_by_tile_0() -> None:
    trio = _ready()
    assert _answers(trio.run([_transfer(0, 9, 1), _transfer(7, 1, 1)])) == [(MOVED, 0, Status.BAD_TILE)] * 2
    assert _answers(trio.run([_multiply(1, 1)])) == [(PRODUCT, 1, Status.OK)]
