"""The instruction set of the array's machine: 64-bit registers, worked on 16 bits at a time.

An instruction holds an operation (5 bits) and three fields of 6 bits: destination, ``a`` and ``b``. A jump has its
condition in the destination field and its target in the other two; an immediate number lies in the other two as well.

What an operation takes is fixed, so that the longest way through a program is known when it is written.
"""

from enum import IntEnum
from typing import Final

OPERATION_BITS: Final = 5
FIELD_BITS: Final = 6
INSTRUCTION_BITS: Final = OPERATION_BITS + 3 * FIELD_BITS
REGISTERS: Final = 1 << FIELD_BITS
WORD_BITS: Final = 16
WORDS: Final = 4
"""Words of a register, and of a record in memory."""
REGISTER_BITS: Final = WORD_BITS * WORDS
MASK: Final = (1 << REGISTER_BITS) - 1
IMMEDIATE_BITS: Final = 2 * FIELD_BITS


class Operation(IntEnum):
    """What an instruction does; ``x[i]`` is word ``i`` of a register."""

    JUMP = 0
    """Go to the target if the condition holds."""
    CALL = 1
    RETURN = 2
    SLEEP = 3
    """Go on when there is something to do."""
    IMMEDIATE = 4
    """dst = a number of 12 bits, signed."""
    ADD = 5
    SUBTRACT = 6
    """dst = a - b."""
    AND = 7
    XOR = 8
    MULTIPLY = 9
    """dst = a * b[0]; ``a`` may be negative. dst is neither a nor b, here and below."""
    ACCUMULATE_0 = 10
    """dst += a * b[0]."""
    ACCUMULATE_1 = 11
    """dst += a * b[1] << 16; the flags tell nothing, here and below."""
    ACCUMULATE_2 = 12
    ACCUMULATE_3 = 13
    SHIFT_LOGICAL = 14
    """dst = a >> (the field b) + 1, filled with zeros."""
    SHIFT_SIGNED = 15
    """dst = a >> (the field b) + 1."""
    SHIFT_BY = 16
    """dst = a >> (the low six bits of b[0]) + 1, signed."""
    LOAD = 17
    """dst = the four words of memory from 4 * b[0] on."""
    LOAD_WORD = 18
    """dst = the word of memory at b[0], signed."""
    LOAD_IMAGE = 19
    """dst = the word of the image at b[0]."""
    STORE = 20
    """The four words of memory from 4 * b[0] on = a."""
    STORE_WORD = 21
    """The word of memory at b[0] = a[0]."""
    INPUT = 22
    """dst = input ``a``."""
    OUTPUT = 23
    """Output ``dst`` = a[0]."""


class Condition(IntEnum):
    """What a jump can depend on; `NOT` is added for the contrary."""

    ALWAYS = 0
    ZERO = 1
    """The last result was 0."""
    NEGATIVE = 2
    PULSED = 3
    """A pulse is to be applied."""
    CONNECTED = 4
    """The read path was connected: what all conversions share is to be computed."""
    CONVERTS = 5
    """A conversion is to be made."""
    CELL = 6
    """What is selected: a cell, the reference source, rows, rows by their codes, pairs of columns."""
    REFERENCE = 7
    ROWS = 8
    CODES = 9
    PAIRS = 10
    RESETS = 11
    """The pulse was a RESET."""
    ACTS = 12
    """The pulse's voltage was high enough to move a cell."""
    ACTIVE = 13
    """The selected channel takes part in the conversion."""


NOT: Final = 1 << (FIELD_BITS - 1)


class MachineInput(IntEnum):
    """What the machine can see of its surroundings."""

    TILE = 0
    ROW = 1
    COLUMN = 2
    PULSE_ROW = 3
    PULSE_COLUMN = 4
    PLANE = 5
    RANGE = 6
    TRIM = 7
    """Of the selected channel."""
    WORD = 8
    """32 bits: the selected word of the row registers."""


class MachineOutput(IntEnum):
    """What the machine can set."""

    CHANNEL = 0
    """Selects a channel."""
    CODE = 1
    """Of the selected channel."""
    WORD = 2
    """Selects a word of the row registers."""
    FINISHED = 3
    """One of `Job` is done."""


class Job(IntEnum):
    """Bits of `MachineOutput.FINISHED`."""

    PULSE = 1
    CONNECT = 2
    CONVERT = 4
    FORM = 8


JUMPS: Final = (Operation.JUMP, Operation.CALL, Operation.RETURN)
MULTIPLICATIONS: Final = {
    Operation.MULTIPLY: 0,
    Operation.ACCUMULATE_0: 0,
    Operation.ACCUMULATE_1: 1,
    Operation.ACCUMULATE_2: 2,
    Operation.ACCUMULATE_3: 3,
}
"""Multiplications, and the word of ``b`` by which they multiply."""
SHIFTS: Final = (Operation.SHIFT_LOGICAL, Operation.SHIFT_SIGNED, Operation.SHIFT_BY)
LOADS: Final = (Operation.LOAD, Operation.LOAD_WORD, Operation.LOAD_IMAGE)
STORES: Final = (Operation.STORE, Operation.STORE_WORD)

JUMP_CYCLES: Final = 2


def waits(operation: Operation) -> int:
    """Return the cycles before the first word is read: a factor, an address or a shift is fetched in them."""
    if operation in (Operation.LOAD, Operation.LOAD_WORD):
        return 3
    if operation in (Operation.LOAD_IMAGE, Operation.SHIFT_BY):
        return 2
    return int(operation in MULTIPLICATIONS or operation in STORES)


def words(operation: Operation) -> int:
    """Return the words that an operation reads."""
    if operation in SHIFTS:
        return WORDS + 1
    return WORDS - MULTIPLICATIONS.get(operation, 0)


def cycles(operation: Operation) -> int:
    """Return the cycles that an operation takes."""
    if operation in JUMPS or operation is Operation.SLEEP:
        return JUMP_CYCLES
    return waits(operation) + words(operation) + 1


def encode(operation: Operation, destination: int = 0, a: int = 0, b: int = 0) -> int:
    """Return an instruction's bits."""
    return (
        operation
        | destination << OPERATION_BITS
        | a << OPERATION_BITS + FIELD_BITS
        | b << OPERATION_BITS + 2 * FIELD_BITS
    )


def encode_number(operation: Operation, destination: int, number: int) -> int:
    """Return the bits of an instruction with a target or an immediate number."""
    return encode(operation, destination) | (number & (1 << IMMEDIATE_BITS) - 1) << OPERATION_BITS + FIELD_BITS
