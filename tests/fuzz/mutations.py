"""Damages files as disks, editors and strangers do: deterministic, by a seed."""

import random
import re
from collections.abc import Callable
from typing import Final

_NUMBERS: Final = [b"0", b"-1", b"1e300", b"-1e-300", b"nan", b"inf", b"9" * 40, b"1" * 5000, b"4294967296", b"0x7f"]
_SCRAPS: Final = [
    b"",
    b"\x00",
    b"\xff\xfe",
    b"[" * 3000,
    b"{" * 3000,
    b"]",
    b'"',
    b"\n",
    b"\r",
    b";",
    b",,,,",
    b"null",
    b"true",
    b'{"a": []}',
    b"\xb5A",
    b"../../etc/passwd",
]
_NUMBER = re.compile(rb"[0-9]+(?:\.[0-9]+)?")


def mutated(content: bytes, seed: int) -> bytes:
    """Return a file with one to four damages."""
    chance = random.Random(seed)
    for _ in range(chance.choice([1, 1, 1, 2, 4])):
        content = chance.choice(_DAMAGES)(content, chance)
    return content


def _cut(content: bytes, chance: random.Random) -> bytes:
    return content[: chance.randrange(len(content) + 1)]


def _flip(content: bytes, chance: random.Random) -> bytes:
    damaged = bytearray(content)
    for _ in range(min(len(damaged), chance.choice([1, 1, 3, 20]))):
        damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
    return bytes(damaged)


def _insert(content: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(content) + 1)
    return content[:place] + chance.choice(_SCRAPS) + content[place:]


def _remove(content: bytes, chance: random.Random) -> bytes:
    first, last = sorted(chance.randrange(len(content) + 1) for _ in range(2))
    return content[:first] + content[last:]


def _repeat(content: bytes, chance: random.Random) -> bytes:
    first, last = sorted(chance.randrange(len(content) + 1) for _ in range(2))
    return content[:last] + content[first:last] + content[last:]


def _number(content: bytes, chance: random.Random) -> bytes:
    found = list(_NUMBER.finditer(content))
    if not found:
        return _insert(content, chance)
    at = chance.choice(found)
    return content[: at.start()] + chance.choice(_NUMBERS) + content[at.end() :]


def _line(content: bytes, chance: random.Random) -> bytes:
    lines = content.split(b"\n")
    one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    if chance.random() < 0.5:
        del lines[chance.randrange(len(lines))]
    return b"\n".join(lines)


_DAMAGES: Final[list[Callable[[bytes, random.Random], bytes]]] = [
    _cut,
    _flip,
    _insert,
    _remove,
    _repeat,
    _number,
    _number,
    _line,
]
