"""Frames: what goes over the line between two delimiters.

::

    host to board   head, seq, ack, payload, CRC
    board to host   head, seq, payload, ack, released, flags, check word (2), CRC

    head            bits 0 to 3 session, 4 to 5 kind, 6 push, 7 resend (6 and 7: of the host only)

``seq`` numbers the frames of kind DATA of the host, and all frames of the board, modulo 256. ``ack`` is the number of
the frame that the sender awaits next: all before it are safe. ``released`` is how far the board has come in the buffer
in which it stores payloads, in 256ths of its size. Frames are sealed with a CRC (`crc`), stuffed (`cobs`) and ended by
a zero.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from . import cobs
from .crc import CRC_BYTES, intact, sealed

SEQUENCE: Final = 256
WINDOW: Final = 64
"""Most frames of one side that are not acknowledged."""
LONGEST_FRAME: Final = cobs.BLOCK + 2
"""On the line, code byte and delimiter included: a single block of `cobs`."""
HOST_HEAD: Final = 3
BOARD_HEAD: Final = 2
BOARD_TAIL: Final = 5
MOST_TO_BOARD: Final = cobs.BLOCK - HOST_HEAD - CRC_BYTES
"""Most bytes of payload, host to board."""
MOST_TO_HOST: Final = cobs.BLOCK - BOARD_HEAD - BOARD_TAIL - CRC_BYTES
"""Most bytes of payload, board to host."""
_MOST_UNENDED = 4096


class FrameKind(IntEnum):
    """What a frame is for."""

    HELLO = 1
    """Starts a session: the board resets itself, and says what it is."""
    DATA = 2
    """Commands, or responses."""
    ACK = 3
    """Carries only what every frame of the host carries; not numbered."""


class FrameFlag(IntEnum):
    """Flags of a board's frame: numbers of their bits."""

    REST = 0
    """Everything received has been carried out and answered."""
    RESEND = 1
    """The frame that is awaited next was missed."""
    MALFORMED = 2
    """The commands were not made by this host's packing; none behind them is carried out."""


@dataclass(frozen=True)
class HostFrame:
    """A frame from the host.

    Parameters
    ----------
    kind : FrameKind
    session : int
        4 bits; new for every HELLO.
    seq, ack : int
    payload : bytes
    push : bool
        Nothing follows at once: the board answers as soon as it is done.
    resend : bool
        The board answers at once, and sends again what is not acknowledged.
    """

    kind: FrameKind
    session: int
    seq: int = 0
    ack: int = 0
    payload: bytes = b""
    push: bool = False
    resend: bool = False

    def pack(self) -> bytes:
        """Return the bytes for the line."""
        head = self.session | self.kind << 4 | self.push << 6 | self.resend << 7
        return on_line(bytes([head, self.seq, self.ack]) + self.payload)

    @classmethod
    def unpack(cls, contents: bytes) -> "HostFrame | None":
        """Read an intact frame without its CRC; None if no host sends it."""
        if len(contents) < HOST_HEAD or contents[0] >> 4 & 3 == 0:
            return None
        head, seq, ack = contents[:HOST_HEAD]
        payload = contents[HOST_HEAD:]
        return cls(FrameKind(head >> 4 & 3), head & 15, seq, ack, payload, bool(head & 0x40), bool(head & 0x80))


@dataclass(frozen=True)
class BoardFrame:
    """A frame from the board.

    Parameters
    ----------
    kind : FrameKind
    session, seq, ack, released : int
    flags : int
        One bit per `FrameFlag`.
    check : int
        See `check_word`.
    payload : bytes
    """

    kind: FrameKind
    session: int
    seq: int
    ack: int
    released: int
    flags: int
    check: int
    payload: bytes = b""

    def pack(self) -> bytes:
        """Return the bytes for the line."""
        tail = bytes([self.ack, self.released, self.flags]) + self.check.to_bytes(2, "little")
        return on_line(bytes([self.session | self.kind << 4, self.seq]) + self.payload + tail)

    @classmethod
    def unpack(cls, contents: bytes) -> "BoardFrame | None":
        """Read an intact frame without its CRC; None if no board sends it."""
        if len(contents) < BOARD_HEAD + BOARD_TAIL or contents[0] >> 4 not in (FrameKind.HELLO, FrameKind.DATA):
            return None
        payload, tail = contents[BOARD_HEAD:-BOARD_TAIL], contents[-BOARD_TAIL:]
        ack, released, flags, *check = tail
        session, kind = contents[0] & 15, FrameKind(contents[0] >> 4)
        return cls(kind, session, contents[1], ack, released, flags, int.from_bytes(check, "little"), payload)

    def has(self, flag: FrameFlag) -> bool:
        """Whether a flag is set."""
        return bool(self.flags >> flag & 1)


def on_line(contents: bytes) -> bytes:
    """Seal and stuff a frame's contents, and end it."""
    return cobs.encode(sealed(contents)) + bytes([cobs.DELIMITER])


class Deframer:
    """Cuts a stream of bytes into frames.

    Attributes
    ----------
    damaged : int
        Frames that were cut or damaged, noise included.
    """

    def __init__(self) -> None:
        self._unended = bytearray()
        self.damaged = 0

    def feed(self, data: bytes) -> list[bytes]:
        """Take the next bytes; give the contents, without CRC, of the frames that they end intact."""
        self._unended += data
        *ended, rest = bytes(self._unended).split(bytes([cobs.DELIMITER]))
        if len(rest) > _MOST_UNENDED:
            # A line that carries no delimiters must not fill the memory.
            self.damaged += 1
            rest = b""
        self._unended = bytearray(rest)
        found = []
        for stuffed in filter(None, ended):
            contents = cobs.decode(stuffed)
            if contents is not None and intact(contents):
                found.append(contents[:-CRC_BYTES])
            else:
                self.damaged += 1
        return found
