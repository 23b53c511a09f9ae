"""Response beats as bits: what follows from the commands is left out, and what is usual is short.

The payload of a frame is a stream of bits, lowest bit of a byte first; fewer than eight bits at its end are padding. A
record is one of

====== ====================================================================================================
short  0, tile, result
medium 1 0, tile, status, code, SET pulses, RESET pulses
full   1 1, the 80 bits of the beat
====== ====================================================================================================

A *short* record stands for a beat with status OK whose faults and mode equal those of the beat before it (of the
session; at its start: no fault, mode SAFE). The result of a multiplication is its sum; that of a cell is its code,
which polarity it was pulsed with (0 SET, 1 RESET), and the number of those pulses: a cell pulsed with both, or a count
that does not fit, takes a *medium* record. Opcode and echo follow from the command. Everything else is sent *full*.
Widths are those of `Widths`.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from twinbar.hw.errors import LinkError
from twinbar.hw.protocol.commands import CELL_RESULT, COMMANDS, PRODUCT_RESULT
from twinbar.hw.protocol.layouts import CODE_BITS, PULSE_BITS, RESPONSE
from twinbar.hw.protocol.packing import RESPONSE_BYTES
from twinbar.hw.protocol.vocabulary import Status

from .expectation import ECHO_START, STATUS_START, TEMPLATE_MASK, VALUE_START, Expectation, is_odd
from .widths import Widths

STATUS_BITS: Final = RESPONSE["status"].bits
CONTEXT_START: Final = RESPONSE["faults"].offset
CONTEXT_BITS: Final = RESPONSE["mode"].end - CONTEXT_START
"""Faults and mode."""
SETS_START: Final = ECHO_START + CELL_RESULT["sets"].offset
RESETS_START: Final = ECHO_START + CELL_RESULT["resets"].offset
FULL_BITS: Final = 8 * RESPONSE_BYTES
LONGEST_BITS: Final = 2 + FULL_BITS

CELL_OPCODES: Final = tuple(opcode for opcode, spec in COMMANDS.items() if spec.response is CELL_RESULT)
PRODUCT_OPCODES: Final = tuple(opcode for opcode, spec in COMMANDS.items() if spec.response is PRODUCT_RESULT)
_SHORT, _FULL = 0, 3
"""Kinds of records, as their lowest bits say it; 1 is a medium one, and 2 a short one as well."""
_WINDOW_BITS = 57
_CELL_NUMBERS = frozenset(opcode.value for opcode in CELL_OPCODES)
_PRODUCT_NUMBERS = frozenset(opcode.value for opcode in PRODUCT_OPCODES)


class ResponseEncoder:
    """Packs response beats, as the gateware does.

    Parameters
    ----------
    widths : Widths
    """

    def __init__(self, widths: Widths) -> None:
        self._widths = widths
        self._context = 0

    def encode(self, beat: int) -> tuple[int, int]:
        """Return the record of a beat, and how many bits it has."""
        widths = self._widths
        opcode, tile, status = (RESPONSE[name].of(beat) for name in ("opcode", "tile", "status"))
        context = beat >> CONTEXT_START & (1 << CONTEXT_BITS) - 1
        same, self._context = context == self._context, context
        if same and opcode in _PRODUCT_NUMBERS and status == Status.OK.value:
            result = beat >> VALUE_START & (1 << widths.result_bits) - 1
            return tile << 1 | result << 1 + widths.tile_bits, widths.short_bits
        body = RESPONSE["body"].of(beat)
        # As it lies in the beat: a code below 0 has its highest bit set.
        code = CELL_RESULT["code"].of(body) & CELL_RESULT["code"].mask
        if not same or opcode not in _CELL_NUMBERS or code >> widths.adc_bits:
            return 3 | beat << 2, LONGEST_BITS
        sets, resets = CELL_RESULT["sets"].of(body), CELL_RESULT["resets"].of(body)
        one_polarity = not (sets and resets) and not (sets | resets) >> widths.count_bits
        if status == Status.OK.value and one_polarity:
            result = code | bool(resets) << widths.adc_bits | (sets | resets) << widths.adc_bits + 1
            return tile << 1 | result << 1 + widths.tile_bits, widths.short_bits
        pulses = sets | resets << PULSE_BITS
        rest = status | code << STATUS_BITS | pulses << STATUS_BITS + widths.adc_bits
        return 1 | tile << 2 | rest << 2 + widths.tile_bits, medium_bits(widths)


def medium_bits(widths: Widths) -> int:
    """Return the bits of a medium record."""
    return 2 + widths.tile_bits + STATUS_BITS + widths.adc_bits + 2 * PULSE_BITS


class ResponseDecoder:
    """Rebuilds response beats, from their records and from the commands.

    Parameters
    ----------
    widths : Widths
    expectation : Expectation
        To which every command is added before its response can come.
    """

    def __init__(self, widths: Widths, expectation: Expectation) -> None:
        self._widths = widths
        self._expectation = expectation
        self._context = 0

    def decode(self, payload: bytes) -> npt.NDArray[np.uint8]:
        """Return the beats of a frame, uint8 [n, RESPONSE_BYTES].

        Raises
        ------
        LinkError
            If they do not answer what was asked.
        """
        widths = self._widths
        start, kind = self._records(payload)
        if not len(start):
            return np.zeros((0, RESPONSE_BYTES), np.uint8)
        windows = _windows(payload)
        short, full = kind == _SHORT, np.flatnonzero(kind == _FULL)
        record = _bits(windows, start + np.where(short, 1, 2), _WINDOW_BITS)
        tile = record & (1 << widths.tile_bits) - 1
        rest = record >> widths.tile_bits
        beat = _bits(windows, start[full] + 2, 32) | _bits(windows, start[full] + 34, 32) << 32
        tile[full] = RESPONSE["tile"].of(beat)

        template = np.empty(len(start), np.int64)
        odd = full[is_odd(beat)]
        begin = 0
        for place, last in zip(odd.tolist(), beat[is_odd(beat)].tolist(), strict=True):
            template[begin:place] = self._expectation.take(tile[begin:place])
            self._expectation.take_odd(last & (1 << 64) - 1)
            template[place] = last & TEMPLATE_MASK
            begin = place + 1
        template[begin:] = self._expectation.take(tile[begin:])
        wrong = np.flatnonzero(template[full] != beat & TEMPLATE_MASK)
        if len(wrong):
            place = full[wrong[0]]
            raise LinkError(f"tile {tile[place]} answers what it was not asked (record {place}); connect again")

        product = np.isin(RESPONSE["opcode"].of(template), list(_PRODUCT_NUMBERS))
        value = np.where(short, np.where(product, self._sum(rest), self._one_polarity(rest)), self._medium(rest))
        low = template | self._contexts(full, beat, len(start)) << CONTEXT_START | value << VALUE_START
        low |= np.where(short, 0, rest & (1 << STATUS_BITS) - 1) << STATUS_START
        low[full] = beat
        high = value >> 64 - VALUE_START
        high[full] = _bits(windows, start[full] + 66, 16)
        beats = np.empty((len(start), RESPONSE_BYTES), np.uint8)
        beats[:, :8] = low.astype("<i8").view(np.uint8).reshape(-1, 8)
        beats[:, 8:] = high.astype("<u2").view(np.uint8).reshape(-1, 2)
        return beats

    def _records(self, payload: bytes) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Find where records start, and of which kind they are."""
        sizes = (self._widths.short_bits, medium_bits(self._widths), self._widths.short_bits, LONGEST_BITS)
        kinds, starts = [], []
        position, end = 0, 8 * len(payload)
        # Two bits say what a record is, and with it where the next one starts.
        bits = int.from_bytes(payload, "little")
        while end - position >= 8:
            kind = bits & 3
            starts.append(position)
            kinds.append(kind)
            position += sizes[kind]
            bits >>= sizes[kind]
        if position > end:
            raise LinkError("a frame of the board ends within a response; rebuild the board")
        found = np.array(kinds, np.int64)
        return np.array(starts, np.int64), np.where(found & 1, found, _SHORT)

    def _sum(self, rest: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        bits = self._widths.result_bits
        result = rest & (1 << bits) - 1
        return result - (result >> bits - 1 << bits)

    def _one_polarity(self, rest: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        widths = self._widths
        code, count = rest & (1 << widths.adc_bits) - 1, rest >> widths.adc_bits + 1 & (1 << widths.count_bits) - 1
        return code | count << CODE_BITS + (rest >> widths.adc_bits & 1) * PULSE_BITS

    def _medium(self, rest: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        code = rest >> STATUS_BITS & (1 << self._widths.adc_bits) - 1
        pulses = rest >> STATUS_BITS + self._widths.adc_bits & (1 << 2 * PULSE_BITS) - 1
        return code | pulses << CODE_BITS

    def _contexts(self, full: npt.NDArray[np.int64], beat: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.int64]:
        """Return faults and mode of each record: those of the last full one."""
        said = np.append(self._context, beat >> CONTEXT_START & (1 << CONTEXT_BITS) - 1)
        self._context = int(said[-1])
        return said[np.searchsorted(full, np.arange(count), side="right")]


def _windows(payload: bytes) -> npt.NDArray[np.int64]:
    """Return the 64 bits that start at each byte; zeros stand behind the end."""
    data = np.frombuffer(payload + bytes(16), np.uint8)
    return np.lib.stride_tricks.sliding_window_view(data, 8).copy().view("<i8")[:, 0]


def _bits(windows: npt.NDArray[np.int64], start: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.int64]:
    """Return up to 57 bits from each of these bits on."""
    return windows[start >> 3] >> (start & 7) & (1 << count) - 1
