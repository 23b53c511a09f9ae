"""The check word: 16 bits over all response beats of a session, as they left the controller.

Packed responses leave out what follows from the commands. If a controller answered something else, the host would
rebuild beats that never were; the check word, which travels with every frame, shows it. It guards against a
disagreement of the two sides, not against noise: that is the CRC's part.
"""

import numpy as np
import numpy.typing as npt

from twinbar.hw.protocol.packing import RESPONSE_BYTES

BITS = 16
_MASK = (1 << BITS) - 1


def after(word: int, beat: int) -> int:
    """Return the check word after one more beat: turned one place to the right, and the beat's words on top."""
    word = word >> 1 | (word & 1) << BITS - 1
    for place in range(0, 8 * RESPONSE_BYTES, BITS):
        word ^= beat >> place & _MASK
    return word


def folded(beats: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """Return the exclusive or of the five 16-bit words of each response beat (uint8 [n, 10])."""
    return np.bitwise_xor.reduce(np.ascontiguousarray(beats).view("<u2").astype(np.int64), axis=1)


def updated(word: int, beats: npt.NDArray[np.uint8]) -> int:
    """Return the check word after more beats (see `after`)."""
    places = np.arange(len(beats) - 1, -1, -1) % BITS
    terms = _turned(folded(beats), places)
    return int(np.bitwise_xor.reduce(terms, initial=int(_turned(np.array(word), np.array(len(beats) % BITS)))))


def _turned(words: npt.NDArray[np.int64], places: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    twice = words.astype(np.int64) << BITS | words
    return twice >> places & _MASK
