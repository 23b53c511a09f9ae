"""Consistent Overhead Byte Stuffing: frames without zeros, so that a zero ends a frame and nothing else.

Source: Cheshire and Baker, "Consistent Overhead Byte Stuffing", IEEE/ACM Transactions on Networking 7 (2), 1999.
"""

from typing import Final

DELIMITER: Final = 0
BLOCK: Final = 254
"""Bytes without a zero that one code byte can lead."""


def encode(data: bytes) -> bytes:
    """Replace the zeros of a frame by distances; the delimiter is not added."""
    stuffed = bytearray()
    *parts, last = data.split(b"\0")
    for part in parts:
        # A full block has no zero behind it, so a part that fills one ends with an empty block.
        full = len(part) // BLOCK * BLOCK
        for start in range(0, full, BLOCK):
            stuffed += bytes([BLOCK + 1]) + part[start : start + BLOCK]
        stuffed += bytes([len(part) - full + 1]) + part[full:]
    for start in range(0, max(len(last), 1), BLOCK):
        block = last[start : start + BLOCK]
        stuffed += bytes([len(block) + 1]) + block
    return bytes(stuffed)


def decode(stuffed: bytes) -> bytes | None:
    """Undo `encode`; None if no frame gives these bytes."""
    data = bytearray()
    position = 0
    while position < len(stuffed):
        code = stuffed[position]
        block = stuffed[position + 1 : position + code]
        if code == 0 or len(block) != code - 1 or 0 in block:
            return None
        data += block
        position += code
        if code <= BLOCK and position < len(stuffed):
            data.append(0)
    return bytes(data)
