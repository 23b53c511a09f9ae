"""The board's side of the link in Python: the reference of its gateware, and the link of a virtual board."""

from collections import deque
from typing import Protocol

from twinbar.hw.gateware.controller_config import ControllerConfig

from . import check_word
from .command_codec import CommandUnpacker
from .crc import CRC_BYTES
from .frames import LONGEST_FRAME, MOST_TO_HOST, SEQUENCE, WINDOW, BoardFrame, Deframer, FrameFlag, FrameKind, HostFrame
from .front_end_number import DIRECT
from .hello import Hello
from .link_config import LinkConfig
from .responses import LONGEST_BITS, ResponseEncoder

LAST_START = MOST_TO_HOST - 1 - -(-LONGEST_BITS // 8)
"""Most whole bytes of payload behind which another record may start: the longest has room, wherever it starts."""


class SteppedController(Protocol):
    """A controller behind the link, beat by beat and in steps of time."""

    def reset(self) -> None:
        """Disarm, and forget all commands."""

    def accept(self, beat: int) -> bool:
        """Take a command beat, if there is room."""

    def step(self, now: float) -> list[int]:
        """Return the response beats since the last call."""

    @property
    def busy(self) -> bool:
        """Whether a command has not been carried out and answered yet."""


class BoardModel:
    """The board's side of the link, from the bytes on the line to the beats of a controller.

    Time is an argument: the model waits for nothing.

    Parameters
    ----------
    config : ControllerConfig
    link : LinkConfig
    controller : SteppedController
    front_end : int
        What the board says of its front end (`twinbar.hw.link.front_end_number`).
    """

    def __init__(
        self, config: ControllerConfig, link: LinkConfig, controller: SteppedController, front_end: int = DIRECT
    ) -> None:
        self._hello = Hello.of(config, link, front_end)
        self._link = link
        self._controller = controller
        self._deframer = Deframer()
        self._session: int | None = None
        self._outgoing = bytearray()
        self._start()

    def _start(self) -> None:
        widths = self._hello.widths
        self._decoder = CommandUnpacker(widths)
        self._encoder = ResponseEncoder(widths)
        self._stored = bytearray()
        self._released = 0
        self._beats: deque[int] = deque()
        self._responses: deque[int] = deque()
        self._awaited = 0
        self._commanded = self._pushed = self._missed = self._urgent = False
        self._told = (0, 0, False)
        self._bits, self._length = 0, 0
        self._check = 0
        self._kept: deque[bytes] = deque()
        self._first_kept = 0
        self._sent = 0
        self._since: float | None = None

    # --- from the host ------------------------------------------------------------------------------------------

    def receive(self, data: bytes) -> None:
        """Take bytes from the line."""
        damaged = self._deframer.damaged
        for contents in self._deframer.feed(data):
            frame = HostFrame.unpack(contents)
            if frame is not None:
                self._take(frame)
        if self._deframer.damaged > damaged:
            self._miss()

    def _take(self, frame: HostFrame) -> None:
        if frame.kind is FrameKind.HELLO:
            # A HELLO of this session behind its first command is a late copy.
            if frame.session != self._session or not self._commanded:
                self._open(frame.session)
            return
        if frame.session != self._session:
            return
        if (acknowledged := (frame.ack - self._first_kept) % SEQUENCE) <= len(self._kept):
            self._forget(acknowledged)
        if frame.kind is FrameKind.DATA:
            self._store(frame)
        if frame.resend:
            self._sent = 0
            self._urgent |= not self._kept

    def _open(self, session: int) -> None:
        self._start()
        self._controller.reset()
        self._session = session
        # What was under way is cut; the delimiter keeps it apart from what follows.
        self._outgoing = bytearray(1)
        self._keep(FrameKind.HELLO, self._hello.pack())

    def _forget(self, count: int) -> None:
        for _ in range(count):
            self._kept.popleft()
        self._first_kept = (self._first_kept + count) % SEQUENCE
        self._sent = max(0, self._sent - count)

    def _store(self, frame: HostFrame) -> None:
        ahead = (frame.seq - self._awaited) % SEQUENCE
        if ahead == 0 and len(self._stored) + len(frame.payload) + CRC_BYTES < self._link.receive_bytes:
            self._stored += frame.payload
            self._awaited = (self._awaited + 1) % SEQUENCE
            self._commanded = True
            self._pushed = frame.push
            self._missed = False
        elif ahead < SEQUENCE // 2:
            self._miss()
        else:
            # The host has missed the acknowledgement.
            self._told = (-1, -1, False)

    def _miss(self) -> None:
        """Ask once for the frame that is awaited."""
        self._urgent |= self._session is not None and not self._missed
        self._missed = True

    # --- at work ------------------------------------------------------------------------------------------------

    def advance(self, now: float) -> None:
        """Let commands and responses move; ``now`` in seconds."""
        if self._session is None:
            return
        self._execute()
        self._responses += self._controller.step(now)
        self._pack()
        news = self._has_news
        if not (self._length or news):
            self._since = None
        elif self._since is None:
            self._since = now
        idle = self._sent == len(self._kept)
        waited = self._since is not None and idle and now - self._since >= self._link.linger / self._link.clock_hz
        done = self._at_rest and self._pushed and (self._length or news)
        if (self._urgent or waited or done) and self._has_room:
            self._close()

    def _execute(self) -> None:
        while self._stored or self._beats:
            if not self._beats:
                # A few bytes at a time, so that those behind stay in the buffer while a beat waits.
                part = bytes(self._stored[:8])
                del self._stored[:8]
                self._released += len(part)
                self._beats += self._decoder.feed(part)
            elif self._controller.accept(self._beats[0]):
                self._beats.popleft()
            else:
                return

    def _pack(self) -> None:
        while self._responses:
            if self._length >> 3 > LAST_START:
                if not self._has_room:
                    return
                self._close()
            if not self._has_room:
                return
            beat = self._responses.popleft()
            record, bits = self._encoder.encode(beat)
            self._check = check_word.after(self._check, beat)
            self._bits |= record << self._length
            self._length += bits

    @property
    def _has_room(self) -> bool:
        """Whether another frame of any length can be kept."""
        used = sum(map(len, self._kept))
        return len(self._kept) < WINDOW and used + LONGEST_FRAME < self._link.transmit_bytes

    @property
    def _news(self) -> tuple[int, int, bool]:
        return self._awaited, self._released // (self._link.receive_bytes // 256) % 256, self._at_rest

    @property
    def _has_news(self) -> bool:
        """Whether the host would learn something from an empty frame; that work has begun is none."""
        awaited, released, rest = self._news
        return (awaited, released) != self._told[:2] or rest > self._told[2]

    @property
    def _at_rest(self) -> bool:
        return not (self._stored or self._beats or self._responses or self._controller.busy)

    def _close(self) -> None:
        payload = self._bits.to_bytes(-(-self._length // 8), "little")
        self._bits, self._length = 0, 0
        self._keep(FrameKind.DATA, payload)
        self._urgent = False
        self._since = None

    def _keep(self, kind: FrameKind, payload: bytes) -> None:
        seq = (self._first_kept + len(self._kept)) % SEQUENCE
        awaited, released, rest = self._told = self._news
        flags = (
            rest << FrameFlag.REST | self._missed << FrameFlag.RESEND | self._decoder.malformed << FrameFlag.MALFORMED
        )
        assert self._session is not None
        frame = BoardFrame(kind, self._session, seq, awaited, released, flags, self._check, payload)
        self._kept.append(frame.pack())

    # --- to the host --------------------------------------------------------------------------------------------

    def send(self, most: int) -> bytes:
        """Return the next bytes for the line, at most so many."""
        while len(self._outgoing) < most and self._sent < len(self._kept):
            self._outgoing += self._kept[self._sent]
            self._sent += 1
        data = bytes(self._outgoing[:most])
        del self._outgoing[:most]
        return data
