"""Activations: sums that become inputs of other tiles, and the transfers that bring them there."""

from typing import Final

import numpy as np

from twinbar.emulator.engines.program.program_housekeeping import CLEAR_WORDS, INDEX_MASK, write_word
from twinbar.emulator.kernels.compiled import inline, kernel
from twinbar.hw.actions import Action
from twinbar.hw.protocol.commands import MOVE
from twinbar.hw.protocol.layouts import WORD_BITS
from twinbar.hw.protocol.registers import ACTIVATION, SCALES
from twinbar.hw.protocol.sizes import SUM_BITS
from twinbar.hw.protocol.vocabulary import Destination
from twinbar.hw.timing import TRANSFER_LATENCY, Phase

ACTIVATION_AT: Final = ACTIVATION.address
SUMS_SHIFT: Final = ACTIVATION["sums"].offset
SUMS_MASK: Final = ACTIVATION["sums"].mask
RELU_SHIFT: Final = ACTIVATION["relu"].offset
PLACES_SHIFT: Final = ACTIVATION["shift"].offset
PLACES_MASK: Final = ACTIVATION["shift"].mask
ZERO_SHIFT: Final = ACTIVATION["zero"].offset
ZERO_MASK: Final = ACTIVATION["zero"].mask
BIAS_SHIFT: Final = SCALES.word["bias"].offset
BIAS_BITS: Final = SCALES.word["bias"].bits
SCALE_SHIFT: Final = SCALES.word["scale"].offset
SCALE_BITS: Final = SCALES.word["scale"].bits
ANSWERED: Final = Destination.ANSWERED.value
KEPT: Final = Destination.KEPT.value
FIRST_SHIFT: Final = MOVE["first"].offset
WORDS_SHIFT: Final = MOVE["words"].offset
WORDS_MASK: Final = MOVE["words"].mask


@inline
def _signed(word, shift, bits):
    """Return a field of a word in two's complement."""
    value = (word >> shift) & ((np.int64(1) << bits) - 1)
    return value - ((value >> (bits - 1)) << bits)


@kernel
def destination_of(row):
    """Return where the sums of the tile's next product go."""
    return (row.registers[ACTIVATION_AT] >> SUMS_SHIFT) & SUMS_MASK


@kernel
def forget_activations(row):
    """Let a product that keeps its sums take the place of the one before."""
    if destination_of(row) != ANSWERED:
        row.complete = 0
        row.activated = 0


@inline
def _code_of(row, chip, total):
    """Return the input code of the next layer that a sum of the present output becomes."""
    settings, entry = row.registers[ACTIVATION_AT], row.scales[row.column]
    top = (np.int64(1) << (SUM_BITS - 1)) - 1
    places = (settings >> PLACES_SHIFT) & PLACES_MASK
    zero = (settings >> ZERO_SHIFT) & ZERO_MASK
    biased = min(max(total, -top - 1), top) + _signed(entry, BIAS_SHIFT, BIAS_BITS)
    product = biased * _signed(entry, SCALE_SHIFT, SCALE_BITS)
    value = (product + ((np.int64(1) << places) >> 1)) >> places
    least = zero if (settings >> RELU_SHIFT) & 1 else np.int64(0)
    return min(max(value + zero, least), (np.int64(1) << chip.input_bits) - 1)


@kernel
def keep_sum(row, chip, total):
    """Make an activation of the present output's sum, which is handed over."""
    bits = chip.field_bits
    per_word = WORD_BITS // bits
    number, place = row.activated // per_word, row.activated % per_word
    if place == 0:
        row.gathered = 0
    row.gathered |= _code_of(row, chip, total) << (place * bits)
    row.activated += 1
    row.complete = np.int64(row.outputs == 1)
    if place == per_word - 1 or row.complete:
        row.activations[number] = row.gathered
    row.actions[Action.REQUANTIZE] += 1


@kernel
def words_of(body):
    """Return the words of a transfer."""
    return (body >> WORDS_SHIFT) & WORDS_MASK


@kernel
def take_words(sender, row, inputs, chip):
    """Write the words of the transfer that a tile has begun into its row registers."""
    body = row.body
    first = (body >> FIRST_SHIFT) & INDEX_MASK
    clears = (body >> CLEAR_WORDS) & 1 != 0
    for number in range(words_of(body)):
        word = (body & INDEX_MASK) + number
        write_word(row, inputs, chip, word, sender.activations[first + number], clears and number == 0)


@kernel
def note_transfer(row, admitted):
    """Note whether the row registers of a tile that takes part in a transfer as a taker lack its words."""
    if not admitted:
        row.unfilled = 1
    elif (row.body >> CLEAR_WORDS) & 1:
        row.unfilled = 0


@kernel
def end_transfer(row, cycle):
    """Account for a transfer that a tile takes part in, if it ends with ``cycle``; gives whether it does."""
    if cycle != row.end:
        return False
    row.phases[Phase.SELECT] += row.end - row.begin + 1
    row.actions[Action.TRANSFERRED_WORD] += row.end - row.begin + 1 - TRANSFER_LATENCY
    return True
