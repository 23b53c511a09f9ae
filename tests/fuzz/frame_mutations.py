"""Frames that must not be executed, or believed: noise, damaged frames, and whole ones that are not for this moment."""

import random
from collections.abc import Callable, Sequence
from typing import Final

from twinbar.hw.link.frames import SEQUENCE, Deframer, on_line

DELIMITER: Final = b"\0"
LONGEST: Final = 300


def noise(chance: random.Random, _: Sequence[bytes]) -> bytes:
    """Random bytes, zeros among them."""
    return chance.randbytes(chance.choice([1, 2, 5, 20, LONGEST]))


def flipped(chance: random.Random, frames: Sequence[bytes]) -> bytes:
    """A frame with a few bits changed."""
    damaged = bytearray(chance.choice(frames))
    for _ in range(chance.choice([1, 1, 2, 3, 8])):
        damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
    return bytes(damaged)


def cut(chance: random.Random, frames: Sequence[bytes]) -> bytes:
    """The beginning of a frame, or its end."""
    frame = chance.choice(frames)
    place = chance.randrange(1, len(frame))
    return frame[:place] if chance.random() < 0.5 else frame[place:]


def inserted(chance: random.Random, frames: Sequence[bytes]) -> bytes:
    """A frame with bytes within it that do not belong there."""
    frame = chance.choice(frames)
    place = chance.randrange(len(frame))
    return frame[:place] + chance.randbytes(chance.choice([1, 2, 9])) + frame[place:]


def removed(chance: random.Random, frames: Sequence[bytes]) -> bytes:
    """A frame with a piece missing."""
    frame = chance.choice(frames)
    first, last = sorted(chance.randrange(len(frame)) for _ in range(2))
    return frame[:first] + frame[last + 1 :]


def spliced(chance: random.Random, frames: Sequence[bytes]) -> bytes:
    """The beginning of a frame and the end of another one."""
    one, other = chance.choice(frames), chance.choice(frames)
    return one[: chance.randrange(len(one))] + other[chance.randrange(len(other)) :]


def overlong(chance: random.Random, frames: Sequence[bytes]) -> bytes:
    """Longer than any frame, without a zero within."""
    return bytes(chance.randrange(1, 256) for _ in range(LONGEST)) + chance.choice(frames)


def sealed_nothing(chance: random.Random, _: Sequence[bytes]) -> bytes:
    """A right CRC over fewer bytes than a frame has."""
    return on_line(chance.randbytes(chance.randrange(3)))


DAMAGES: Final[tuple[Callable[[random.Random, Sequence[bytes]], bytes], ...]] = (
    *(noise, flipped, flipped, cut, inserted, removed, spliced, overlong, sealed_nothing),
)


def damaged(chance: random.Random, frames: Sequence[bytes], least: int) -> tuple[str, bytes]:
    """Return a damaged frame, ended by a zero, with the name of its damage: nothing in it is an intact frame.

    Parameters
    ----------
    chance : random.Random
    frames : sequence of bytes
        What is damaged.
    least : int
        Bytes of an intact frame's contents; shorter ones are nobody's.
    """
    while True:
        damage = chance.choice(DAMAGES)
        data = damage(chance, frames) + DELIMITER
        if not any(len(contents) >= least for contents in Deframer().feed(data)):
            return damage.__name__, data


def other_number(chance: random.Random, number: int, *, behind: bool, least: int = 1) -> int:
    """Return a frame's number that is behind the awaited one, or ahead of it, by so many at least."""
    step = chance.randrange(least, SEQUENCE // 2)
    return (number - step if behind else number + step) % SEQUENCE
