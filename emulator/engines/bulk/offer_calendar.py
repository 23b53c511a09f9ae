"""Which tile the arbiter serves next: tiles that offer a response now, and a calendar of coming offers.

The calendar spans some hundred cycles; what is offered later is entered when it reaches so far.
"""

from typing import Final

import numpy as np

from twinbar.emulator.kernels.compiled import inline

NEVER: Final = np.int64(1) << np.int64(62)
HORIZON: Final = 1 << 10
"""Cycles that the calendar of coming offers spans."""
ONE: Final = np.uint64(1)
KNOWN: Final = 0
"""Position, in the clock of a schedule, of the first cycle to which the calendar does not reach."""
_ALL: Final = np.uint64(0xFFFFFFFFFFFFFFFF)
_DEBRUIJN: Final = np.uint64(0x03F79D71B4CB0A89)
_LOWEST_BIT: Final = np.zeros(64, np.int64)
for _bit in range(64):
    _LOWEST_BIT[int(_DEBRUIJN) * (1 << _bit) % (1 << 64) >> 58] = _bit


@inline
def ring_of(depth):
    """Return the places of a ring that holds so many beats: a power of two, so that a mask finds them."""
    ring = 1
    while ring < depth:
        ring *= 2
    return ring


@inline
def _lowest(bits):
    """Return the number of the lowest bit that is set (Leiserson, Prokop, Randall, 1998)."""
    return _LOWEST_BIT[np.int64(((bits & (~bits + ONE)) * _DEBRUIJN) >> np.uint64(58))]


@inline
def next_in_turn(offering, last):
    """Return the first tile that offers, in cyclic order after the one served last."""
    word = last >> 6
    later = offering[word] & ((_ALL << np.uint64(last & 63)) << ONE)
    while later == 0:
        word = word + 1 if word + 1 < offering.shape[0] else 0
        later = offering[word]
    return (word << 6) + _lowest(later)


@inline
def note(calendar, tile, cycle, clock):
    """Enter an offer into the calendar, if it reaches so far."""
    if cycle < clock[KNOWN]:
        calendar[cycle & (HORIZON - 1), tile >> 6] |= ONE << np.uint64(tile & 63)


@inline
def extend(calendar, offer, now, clock):
    """Let the calendar reach further, when half of what it spans has passed."""
    known = clock[KNOWN]
    if now >= known - HORIZON // 2:
        clock[KNOWN] = now + HORIZON
        for tile in range(offer.shape[0]):
            if offer[tile] >= known:
                note(calendar, tile, offer[tile], clock)


@inline
def offers(calendar, offering, now):
    """Take the offers of a cycle from the calendar; gives whether any tile offers a response."""
    some = np.uint64(0)
    for word in range(offering.shape[0]):
        offering[word] |= calendar[now & (HORIZON - 1), word]
        calendar[now & (HORIZON - 1), word] = 0
        some |= offering[word]
    return some != 0


@inline
def earliest(offer):
    """Return the cycle of the earliest offer."""
    first = NEVER
    for tile in range(offer.shape[0]):
        first = min(first, offer[tile])
    return first
