"""A line to a board model in simulated time: baud rate, latency of a USB adapter, and faults."""

from collections import deque
from typing import Protocol

import numpy as np

from twinbar.host.transport.faulty_line import FaultRates, FrameFaults
from twinbar.hw.link.board_model import BoardModel

STEP_S = 5e-5


class Damage(Protocol):
    """What happens to the bytes of one direction."""

    def pass_on(self, data: bytes) -> bytes:
        """Take bytes as they were sent; give those that arrive."""


def faults(seed: int, **rates: float) -> FrameFaults:
    """Damage frames at random (rates as in `FaultRates`)."""
    return FrameFaults(FaultRates(**rates), np.random.default_rng(seed))


class Direction:
    """Counts the bytes of one direction, and damages them."""

    def __init__(self, damage: Damage | None) -> None:
        self.damage = damage
        self.bytes = 0

    def pass_on(self, data: bytes) -> bytes:
        self.bytes += len(data)
        return data if self.damage is None else self.damage.pass_on(data)


class SimulatedLine:
    """A line to a board model; time passes only while the host reads.

    Parameters
    ----------
    board : BoardModel
    baud : float
    latency_s : float
        Each way; bytes from the board come in batches, one per latency, as from a USB adapter.
    to_board, to_host : Damage, optional
    """

    name = "a simulated line"

    def __init__(
        self,
        board: BoardModel,
        baud: float = 3e6,
        latency_s: float = 1e-3,
        to_board: Damage | None = None,
        to_host: Damage | None = None,
    ) -> None:
        self.board = board
        self.baud = baud
        self.latency_s = latency_s
        self.to_board, self.to_host = Direction(to_board), Direction(to_host)
        self.now = 0.0
        self._outgoing: deque[tuple[float, bytes]] = deque()
        self._on_wire = bytearray()
        self._incoming = bytearray()
        self._batch: deque[tuple[float, bytes]] = deque()
        self._debt = [0.0, 0.0]

    def clock(self) -> float:
        return self.now

    def close(self) -> None:
        pass

    def write(self, data: bytes) -> None:
        self._outgoing.append((self.now + self.latency_s, data))

    def read(self, timeout_s: float) -> bytes:
        end = self.now + timeout_s
        while not self._incoming and self.now < end:
            self._step()
        data = bytes(self._incoming)
        self._incoming.clear()
        return data

    def _step(self) -> None:
        self.now += STEP_S
        while self._outgoing and self._outgoing[0][0] <= self.now:
            self._on_wire += self._outgoing.popleft()[1]
        self._debt = [min(1.0, debt % 1.0) + STEP_S * self.baud / 10 for debt in self._debt]
        data = bytes(self._on_wire[: int(self._debt[0])])
        del self._on_wire[: len(data)]
        self.board.receive(self.to_board.pass_on(data))
        self.board.advance(self.now)
        data = self.to_host.pass_on(self.board.send(int(self._debt[1])))
        if data:
            # The adapter hands over once per latency.
            tick = (self.now // self.latency_s + 1) * self.latency_s if self.latency_s else self.now
            self._batch.append((tick, data))
        while self._batch and self._batch[0][0] <= self.now:
            self._incoming += self._batch.popleft()[1]
