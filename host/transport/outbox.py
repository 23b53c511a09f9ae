"""What the host has to send: cut into frames, kept until the board has them, held back until it has room."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from twinbar.hw.link.crc import CRC_BYTES
from twinbar.hw.link.frames import MOST_TO_BOARD, SEQUENCE, WINDOW
from twinbar.hw.link.hello import Hello


@dataclass(frozen=True)
class Outgoing:
    """A numbered frame.

    Parameters
    ----------
    seq : int
    payload : bytes
    push : bool
        No other follows at once.
    """

    seq: int
    payload: bytes
    push: bool


class Outbox:
    """Frames of commands on their way to the board.

    Parameters
    ----------
    hello : Hello
        Of the board, whose buffer is never overrun.
    """

    def __init__(self, hello: Hello) -> None:
        self._room = 1 << hello.receive_log2
        self._unit = self._room // 256
        self._source: Iterator[bytes] = iter(())
        self._waiting = bytearray()
        self._exhausted = True
        self._unacknowledged: deque[Outgoing] = deque()
        self._next_seq = 0
        self._cursor = 0
        self._rewound = False
        self._stored = 0
        self._released = 0

    def load(self, source: Iterator[bytes]) -> None:
        """Take the next bytes to send, piece by piece as they are needed."""
        self._source, self._exhausted = source, False

    @property
    def empty(self) -> bool:
        """Whether the board has everything."""
        return self._exhausted and not self._waiting and not self._unacknowledged

    @property
    def bytes_under_way(self) -> int:
        """Payload that is sent and not acknowledged."""
        return sum(len(frame.payload) for frame in self._unacknowledged)

    def next_frame(self) -> Outgoing | None:
        """Return the next frame to send; None if there is none, or the board has no room."""
        if self._cursor == len(self._unacknowledged) and not self._cut():
            return None
        self._cursor += 1
        return self._unacknowledged[self._cursor - 1]

    def _cut(self) -> bool:
        while len(self._waiting) <= MOST_TO_BOARD and not self._exhausted:
            piece = next(self._source, None)
            self._exhausted = piece is None
            self._waiting += piece or b""
        payload = bytes(self._waiting[:MOST_TO_BOARD])
        fits = self._stored - self._released + len(payload) + CRC_BYTES < self._room
        if not payload or not fits or len(self._unacknowledged) >= WINDOW:
            return False
        del self._waiting[: len(payload)]
        self._unacknowledged.append(Outgoing(self._next_seq, payload, self._exhausted and not self._waiting))
        self._next_seq = (self._next_seq + 1) % SEQUENCE
        self._stored += len(payload)
        return True

    def acknowledge(self, ack: int, released: int) -> bool:
        """Note what the board has (``ack``, ``released``: see `twinbar.hw.link.frames`); gives whether it has more."""
        count = (ack - (self._next_seq - len(self._unacknowledged))) % SEQUENCE
        news = 0 < count <= len(self._unacknowledged)
        if count <= len(self._unacknowledged):
            for _ in range(count):
                self._unacknowledged.popleft()
            self._cursor = max(0, self._cursor - count)
            self._rewound &= count == 0
        taken = (released - self._released // self._unit) % 256 * self._unit
        self._released += taken
        return news or taken > 0

    def miss(self, ack: int) -> int:
        """Send again from the frame with this number on, which the board has missed.

        A board repeats the complaint until the frame has come; it is heeded once. Returns the frames to send again.
        """
        if not self._unacknowledged or self._unacknowledged[0].seq != ack or self._rewound:
            return 0
        return self.rewind()

    def rewind(self) -> int:
        """Send again everything that is not acknowledged; gives the frames to send again."""
        again, self._cursor, self._rewound = self._cursor, 0, True
        return again
