"""Keeps a virtual board going, and carries bytes between it and its port."""

import time
from dataclasses import dataclass
from typing import Final

from twinbar.emulator.virtual.compiled_board import CompiledBoard
from twinbar.host.transport.endpoint import Endpoint

_SLICE_S: Final = 1e-3
"""Of the board's time, between two looks at the port."""
_REST_LINGERS: Final = 4
"""Silence after which the board has nothing more to say, in the times that its link lingers."""
_LONGEST_WAIT_S: Final = 0.1
_BITS_PER_BYTE: Final = 10
_MOST_WAITING: Final = 1 << 16
"""Bytes before the board's line above which no more are taken from a client."""
_MOST_UNSENT: Final = 1 << 16


@dataclass
class BoardActivity:
    """What a virtual board has done.

    Parameters
    ----------
    clock_hz : int
    cycles : int
        Since power-up.
    busy_cycles, busy_s : int, float
        Cycles in which bytes or commands were under way, and the seconds that they took here.
    bytes_in, bytes_out : int
        On the line.
    """

    clock_hz: int
    cycles: int = 0
    busy_cycles: int = 0
    busy_s: float = 0.0
    bytes_in: int = 0
    bytes_out: int = 0

    @property
    def real_time_factor(self) -> float | None:
        """Seconds of the board for each second here, while there was something to do; None before."""
        return self.busy_cycles / self.clock_hz / self.busy_s if self.busy_s else None


class Server:
    """A virtual board behind a port.

    While there is something to do, the board runs as fast as it can; the time of the board may be ahead of that here,
    or behind it. At rest it goes with the clock on the wall, and costs next to nothing.

    Parameters
    ----------
    board : CompiledBoard
    endpoint : Endpoint
    """

    def __init__(self, board: CompiledBoard, endpoint: Endpoint) -> None:
        self.board, self.endpoint = board, endpoint
        self.account = BoardActivity(board.core.link.clock_hz)
        self._unsent = b""
        self._per_byte = _BITS_PER_BYTE * board.core.link.divisor
        self._carried = 0
        """Cycle in which the line has carried all bytes that the board was sent."""
        self._slice = max(round(_SLICE_S * board.core.link.clock_hz), 1)
        self._rest = _REST_LINGERS * board.core.link.linger
        self._looked = time.monotonic()

    def step(self) -> None:
        """Carry what has come, and let the board go on for a moment."""
        # What the line has not carried yet stays with the sender, so that no flood fills the memory.
        waiting = max(0, self._carried - self.board.cycle) // self._per_byte
        data = self.endpoint.receive() if waiting < _MOST_WAITING else b""
        if data:
            self._carried = max(self._carried, self.board.cycle) + len(data) * self._per_byte
            self.board.send(data)
            self.account.bytes_in += len(data)
        if self._unsent:
            self._unsent = self._unsent[self.endpoint.send(self._unsent) :]
        if len(self._unsent) > _MOST_UNSENT:
            # Nobody takes them: the board's time stands still, so that none is lost.
            self.endpoint.wait(_SLICE_S)
            time.sleep(_SLICE_S)
        elif data or self.board.quiet_cycles < self._rest:
            self._work()
        else:
            self._idle()
        sent = self.board.receive()
        self.account.bytes_out += len(sent)
        self.account.cycles = self.board.cycle
        self._unsent += sent

    def _work(self) -> None:
        before, cycle = time.perf_counter(), self.board.cycle
        self.board.run(self._slice)
        if self.board.active_cycle > cycle:
            self.account.busy_cycles += self.board.active_cycle - cycle
            self.account.busy_s += time.perf_counter() - before
        self._looked = time.monotonic()

    def _idle(self) -> None:
        if not self._unsent:
            self.endpoint.wait(_LONGEST_WAIT_S)
        now = time.monotonic()
        self.board.run(max(round((now - self._looked) * self.account.clock_hz), 1))
        self._looked = now
