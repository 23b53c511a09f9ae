"""The host's side of the link: programs of command beats in, their response beats out, whatever the line does."""

import contextlib
import random
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType

import numpy as np
import numpy.typing as npt

from twinbar.hw.errors import LinkError, SilentBoardError
from twinbar.hw.link import check_word, command_codec
from twinbar.hw.link.expectation import Expectation
from twinbar.hw.link.frames import (
    LONGEST_FRAME,
    SEQUENCE,
    WINDOW,
    BoardFrame,
    Deframer,
    FrameFlag,
    FrameKind,
    HostFrame,
)
from twinbar.hw.link.hello import Hello
from twinbar.hw.link.responses import ResponseDecoder
from twinbar.hw.protocol.packing import RESPONSE_BYTES

from .line import Line
from .outbox import Outbox
from .sign_of_life import SignOfLife
from .waking_clock import WakingClock

_POLL_S = 0.05
"""Silence after which the host asks; longer than the latency of any USB adapter."""
_PATIENCE_S = 2.0
"""Silence after which the host gives up, if it has asked often enough meanwhile."""
_ALIVE_S = 0.5
"""Longest time without a frame of the host while a program runs: the board takes each one for a sign of life."""
_LEAST_REQUESTS = 3
"""Requests that must have gone unanswered, each for `_POLL_S`, before the host gives up."""
LONGEST_WORK_S = 120.0
"""Default bound for a single operation: a pulse of the greatest width lasts 22 s at 12 MHz."""
_ATTEMPTS = 8
"""Sessions that are asked for, at least."""
_BUSY_S = 3.0
"""For so long a board is asked, at least: the computer of a virtual one may be busy."""
_PIECE = 4096
"""Beats that are packed at a time."""


@dataclass
class LinkStatistics:
    """What a link did since it was made.

    Parameters
    ----------
    bytes_sent, bytes_received : int
        On the line, framing and repetitions included.
    frames_sent, frames_received : int
        Intact ones; repetitions included.
    resent : int
        Frames of commands that were sent again.
    damaged : int
        Frames from the board that were not intact.
    requests : int
        Times that the board was asked to send again.
    """

    bytes_sent: int = 0
    bytes_received: int = 0
    frames_sent: int = 0
    frames_received: int = 0
    resent: int = 0
    damaged: int = 0
    requests: int = 0


class Link:
    """A session with a board.

    Parameters
    ----------
    line : Line
    expected_hash : int, optional
        Configuration hash that the board must have.
    first_session : int, optional
        4-bit number of the first session; at random if it is not given, so that two hosts in a row differ.
    longest_work_s : float
        How long a board may be at work without giving a response or taking a command.

    Raises
    ------
    LinkError
        If the board does not answer, is another one, or answers wrongly.
    """

    def __init__(
        self,
        line: Line,
        expected_hash: int | None = None,
        first_session: int | None = None,
        longest_work_s: float = LONGEST_WORK_S,
    ) -> None:
        self._line = line
        self._baud = line.baud
        self._clock = WakingClock(line.clock, 2 * _POLL_S)
        self._expected_hash = expected_hash
        self.longest_work_s = longest_work_s
        if first_session is None:
            # A line that plays a session back knows the number of the recorded one.
            first_session = getattr(line, "first_session", None)
        self._session = random.randrange(16) if first_session is None else first_session
        self.statistics = LinkStatistics()
        self._usable = False
        self._writing = threading.Lock()
        self._sign_of_life: SignOfLife | None = None
        self.hello = self.connect()
        """What the board says of itself."""

    def __enter__(self) -> "Link":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def usable(self) -> bool:
        """Whether programs can be run; not once one was broken off, by an error or an interruption, until `connect`."""
        return self._usable

    def close(self) -> None:
        """Close the line."""
        self._usable = False
        if self._sign_of_life is not None:
            self._sign_of_life.end()
            self._sign_of_life = None
        self._line.close()

    # --- signs of life ------------------------------------------------------------------------------------------

    def keep_alive(self, every_s: float) -> None:
        """Say between programs, too, that the host is there, until `close`; see `say_alive`."""
        if self._sign_of_life is None and hasattr(self._line, "write_aside"):
            self._sign_of_life = SignOfLife(self.say_alive, every_s)

    def say_alive(self) -> None:
        """Send a frame that says nothing else; a program that is running sends its own, and without a session none is.

        It may be called from any thread. A port that is gone is left for the next program to find. It is no part of
        the conversation: the board does not answer, and nothing records it.
        """
        if not self._usable or not self._writing.acquire(blocking=False):
            return
        try:
            frame = HostFrame(FrameKind.ACK, self._session, 0, self._awaited).pack()
            # Another thread may close the port meanwhile.
            with contextlib.suppress(LinkError, OSError, TypeError, ValueError):
                self._line.write_aside(frame)  # type: ignore[attr-defined]
        finally:
            self._writing.release()

    @property
    def silent_s(self) -> float:
        """Seconds since the last program, those in which the host was stopped included."""
        return self._line.clock() - self._clock.looked

    # --- session ------------------------------------------------------------------------------------------------

    def connect(self, expected_hash: int | None = None) -> Hello:
        """Start a session: the board disarms and forgets all commands of the session before.

        Parameters
        ----------
        expected_hash : int, optional
            Configuration hash that the board must have from now on.

        Raises
        ------
        LinkError
            If no board answers, or one that does not fit.
        """
        self._usable = False
        self._expected_hash = self._expected_hash if expected_hash is None else expected_hash
        heard = intact = attempts = 0
        began = now = float("nan")
        # The clock is looked at where it always was, because recordings hold every look.
        while attempts < _ATTEMPTS or now - began <= _BUSY_S:
            attempts += 1
            self._session = self._session + 1 & 15
            self._deframer = Deframer()
            # The delimiter ends whatever the board has received so far.
            self._put(b"\0" + HostFrame(FrameKind.HELLO, self._session).pack())
            now = self._line.clock()
            began = now if attempts == 1 else began
            end = now + self._transit_s(2 * LONGEST_FRAME) + 2 * _POLL_S
            while (now := self._line.clock()) < end:
                data = self._get(end - now)
                heard += len(data)
                for contents in self._deframer.feed(data):
                    intact += 1
                    frame = BoardFrame.unpack(contents)
                    if frame and frame.kind is FrameKind.HELLO and frame.session == self._session:
                        return self._opened(Hello.unpack(frame.payload))
        where = f"{self._line.name} at {self._line.baud:.0f} baud"
        if not heard:
            raise SilentBoardError(
                f"no board answers on {where}; check the port, the cable, and that the board is programmed"
            )
        if not intact:
            raise LinkError(f"what comes on {where} is not readable; check that the board was built for this baud rate")
        raise LinkError(f"what comes on {where} is not from a Twinbar board; check the port")

    def _opened(self, hello: Hello) -> Hello:
        if self._expected_hash not in (None, hello.hash):
            raise LinkError(
                f"the board's configuration is {hello.hash:016x}, and {self._expected_hash:016x} is asked for; "
                "program the board with the bitstream of this configuration"
            )
        self.hello = hello
        # A pseudo-terminal or TCP port carries bytes at whatever rate it was opened: the board's is what counts.
        self._baud = hello.baud
        self._outbox = Outbox(hello)
        self._expectation = Expectation(hello.tiles)
        self._decoder = ResponseDecoder(hello.widths, self._expectation)
        self._check = 0
        self._awaited = 1
        self._acknowledged = 0
        self._unacknowledged_bytes = 0
        self._requested = False
        self._usable = True
        return hello

    # --- programs -----------------------------------------------------------------------------------------------

    def run(self, beats: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint8]:
        """Run command beats, and wait until all are carried out.

        Parameters
        ----------
        beats : uint64 [n]
            `twinbar.hw.protocol.packing.pack`; cells in ascending order of tile and row take the fewest bytes.

        Returns
        -------
        uint8 [m, RESPONSE_BYTES]
            Response beats, in the order in which the controller gave them.

        Raises
        ------
        SilentBoardError
            If the board falls silent.
        LinkError
            If it keeps a response back, or answers what it was not asked. In any case the session is over then;
            `connect` starts another one.
        """
        if not self._usable:
            raise LinkError(f"the session on {self._line.name} was broken off; connect again")
        self._usable = False
        self._outbox.load(self._packed(np.ascontiguousarray(beats, np.uint64)))
        self._responses: list[npt.NDArray[np.uint8]] = [np.zeros((0, RESPONSE_BYTES), np.uint8)]
        self._last_heard = self._last_sent = self._last_alive = self._last_progress = self._clock()
        self._unanswered = 0
        self._at_rest = False
        self._send()
        while not self._complete:
            self._receive()
            self._check_progress()
            self._send()
        self._usable = True
        return np.concatenate(self._responses)

    def _check_progress(self) -> None:
        """Refuse to wait for what will not come from a board that still answers."""
        waited = self._clock() - self._last_progress - self._transit_s(self._outbox.bytes_under_way)
        missing = len(self._expectation)
        if self._at_rest and missing and waited > _PATIENCE_S:
            raise LinkError(
                f"the board on {self._line.name} is at rest and keeps back {missing} responses; connect again, and if "
                "it happens again rebuild it with this version"
            )
        if waited > self.longest_work_s:
            raise LinkError(
                f"the board on {self._line.name} has been at work for {waited:.0f} s without a response, with "
                f"{missing} to come; make it safe (twinbar board safe) and check its front end"
            )

    def _packed(self, beats: npt.NDArray[np.uint64]) -> Iterator[bytes]:
        for start in range(0, len(beats), _PIECE):
            piece = beats[start : start + _PIECE]
            self._expectation.add(piece)
            yield command_codec.encode(piece, self.hello.widths)

    @property
    def _complete(self) -> bool:
        if not self._outbox.empty or len(self._expectation):
            return False
        if self._expectation.loads_last:
            if not self._at_rest:
                return False
            self._expectation.settle()
        return True

    def _send(self) -> None:
        batch = []
        while frame := self._outbox.next_frame():
            batch.append(self._frame(FrameKind.DATA, frame.seq, frame.payload, push=frame.push))
        too_much = 2 * self._unacknowledged_bytes > 1 << self.hello.transmit_log2
        if not batch and (too_much or (self._awaited - self._acknowledged) % SEQUENCE > WINDOW // 2):
            batch.append(self._frame(FrameKind.ACK))
        now, transit = self._clock(), self._transit_s(self._outbox.bytes_under_way)
        if not batch and now - max(self._last_heard, self._last_sent) - transit > _POLL_S:
            if self._unanswered >= _LEAST_REQUESTS and now - self._last_heard > _PATIENCE_S + transit:
                raise SilentBoardError(
                    f"the board on {self._line.name} has fallen silent, with {len(self._expectation)} responses to "
                    "come; check it, and connect again"
                )
            self._request(batch)
            self._unanswered += 1
            # Nothing is heard, so the board may have lost all of it without a trace.
            self.statistics.resent += self._outbox.rewind()
        if batch:
            self._last_sent = now
        elif now - self._last_alive > _ALIVE_S:
            # No request, and none is put off by it.
            batch.append(self._frame(FrameKind.ACK))
        if batch:
            self._last_alive = now
            self._put(b"".join(batch))

    def _request(self, batch: list[bytes]) -> None:
        self._requested = True
        self.statistics.requests += 1
        batch.append(self._frame(FrameKind.ACK, resend=True))

    def _frame(
        self, kind: FrameKind, seq: int = 0, payload: bytes = b"", push: bool = False, resend: bool = False
    ) -> bytes:
        self._acknowledged = self._awaited
        self._unacknowledged_bytes = 0
        self.statistics.frames_sent += 1
        return HostFrame(kind, self._session, seq, self._awaited, payload, push, resend).pack()

    def _receive(self) -> None:
        damaged = self._deframer.damaged
        missed = False
        for contents in self._deframer.feed(self._get(_POLL_S)):
            frame = BoardFrame.unpack(contents)
            if frame is None or frame.session != self._session:
                continue
            self._last_heard = self._clock()
            self._unanswered = 0
            self.statistics.frames_received += 1
            ahead = (frame.seq - self._awaited) % SEQUENCE
            if ahead == 0:
                # What was missed before has come.
                missed = False
                self._accept(frame, len(contents))
            else:
                missed |= ahead < SEQUENCE // 2
        found = self._deframer.damaged - damaged
        self.statistics.damaged += found
        if (missed or found) and not self._requested:
            batch: list[bytes] = []
            self._request(batch)
            self._put(b"".join(batch))

    def _accept(self, frame: BoardFrame, size: int) -> None:
        self._awaited = (self._awaited + 1) % SEQUENCE
        self._unacknowledged_bytes += size
        self._requested = False
        if frame.has(FrameFlag.MALFORMED):
            raise LinkError("the board cannot read what it was sent; rebuild it with this version")
        beats = self._decoder.decode(frame.payload) if frame.kind is FrameKind.DATA else np.zeros((0, 10), np.uint8)
        self._check = check_word.updated(self._check, beats)
        if self._check != frame.check:
            raise LinkError("the board's responses do not follow from the commands (check word); connect again")
        self._responses.append(beats)
        if self._outbox.acknowledge(frame.ack, frame.released) or len(beats):
            self._last_progress = self._last_heard
        if frame.has(FrameFlag.RESEND):
            self.statistics.resent += self._outbox.miss(frame.ack)
        self._at_rest = frame.has(FrameFlag.REST) and self._outbox.empty

    # --- bytes --------------------------------------------------------------------------------------------------

    def _put(self, data: bytes) -> None:
        self.statistics.bytes_sent += len(data)
        with self._writing:
            self._line.write(data)

    def _get(self, timeout_s: float) -> bytes:
        data = self._line.read(timeout_s)
        self.statistics.bytes_received += len(data)
        return data

    def _transit_s(self, size: int) -> float:
        return 10 * size / self._baud
