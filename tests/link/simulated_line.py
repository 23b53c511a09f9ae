"""A line to a board model in simulated time: baud rate, latency of a USB adapter, and faults."""

from collections import deque
from collections.abc import Callable

import numpy as np

from twinbar.hw.link.board_model import BoardModel

STEP_S = 5e-5
Fault = Callable[[bytes], list[bytes]]
"""Gives the frames that arrive for a frame that is sent, delimiters included."""


class Faults:
    """Damages frames at random.

    Parameters
    ----------
    seed : int
    flip, drop, duplicate, reorder, cut, noise : float
        Probability per frame.
    """

    def __init__(
        self,
        seed: int,
        flip: float = 0.0,
        drop: float = 0.0,
        duplicate: float = 0.0,
        reorder: float = 0.0,
        cut: float = 0.0,
        noise: float = 0.0,
    ) -> None:
        self.rng = np.random.default_rng(seed)
        self.rates = {
            "flip": flip,
            "drop": drop,
            "duplicate": duplicate,
            "reorder": reorder,
            "cut": cut,
            "noise": noise,
        }
        self.frames = self.faults = 0
        self._held: bytes | None = None

    def __call__(self, frame: bytes) -> list[bytes]:
        self.frames += 1
        happens = {name for name, rate in self.rates.items() if self.rng.random() < rate}
        self.faults += bool(happens)
        if "flip" in happens:
            damaged = bytearray(frame)
            for place in self.rng.integers(8 * len(frame), size=int(self.rng.integers(1, 4))):
                damaged[place >> 3] ^= 1 << (place & 7)
            frame = bytes(damaged)
        if "cut" in happens:
            frame = frame[: int(self.rng.integers(len(frame)))]
        if "noise" in happens:
            frame = self.rng.integers(256, size=int(self.rng.integers(1, 20)), dtype=np.uint8).tobytes() + frame
        arriving = [] if "drop" in happens else [frame] * (2 if "duplicate" in happens else 1)
        if self._held is not None:
            arriving, self._held = [*arriving, self._held], None
        elif "reorder" in happens and arriving:
            self._held = arriving.pop()
        return arriving


class _Direction:
    def __init__(self, fault: Fault | None) -> None:
        self.fault = fault
        self._unended = b""
        self.bytes = 0

    def pass_on(self, data: bytes) -> bytes:
        self.bytes += len(data)
        if self.fault is None:
            return data
        *ended, self._unended = (self._unended + data).split(b"\0")
        return b"".join(arriving for frame in ended for arriving in self.fault(frame + b"\0"))


class SimulatedLine:
    """A line to a board model; time passes only while the host reads.

    Parameters
    ----------
    board : BoardModel
    baud : float
    latency_s : float
        Each way; bytes from the board come in batches, one per latency, as from a USB adapter.
    to_board, to_host : callable, optional
        Faults.
    """

    name = "a simulated line"

    def __init__(
        self,
        board: BoardModel,
        baud: float = 3e6,
        latency_s: float = 1e-3,
        to_board: Fault | None = None,
        to_host: Fault | None = None,
    ) -> None:
        self.board = board
        self.baud = baud
        self.latency_s = latency_s
        self.to_board, self.to_host = _Direction(to_board), _Direction(to_host)
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
