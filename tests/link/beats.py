"""Random command and response beats, and a stand-in for the controller that answers as the contract says."""

from collections import deque

import numpy as np

from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.link.widths import Widths
from twinbar.hw.protocol.packing import RESPONSE_BYTES, pack
from twinbar.hw.protocol.vocabulary import Opcode, Status

MNIST = ControllerConfig(tiles=30)
"""The tiles of an MLP 784-256-10."""


def widths_of(config: ControllerConfig, level_bits: int = 4) -> Widths:
    return Widths(config.tiles, config.rows, config.columns, config.adc_bits, config.sum_bits, level_bits)


def sparse_writes(rng: np.random.Generator, writes: int, config: ControllerConfig = MNIST) -> np.ndarray:
    """Writes of random cells to random levels of 16, sorted by tile and cell."""
    cells = config.tiles * config.rows * config.columns
    address = np.sort(rng.choice(cells, min(writes, cells), replace=False))
    tile, cell = np.divmod(address, config.rows * config.columns)
    row, column = np.divmod(cell, config.columns)
    return pack(Opcode.WRITE, tile, row=row, column=column, level=rng.integers(16, size=len(address)))


def product(rng: np.random.Generator, config: ControllerConfig, tile: int) -> np.ndarray:
    """An input vector and a multiplication by all columns of a tile."""
    words = rng.integers(1 << 32, size=config.words, dtype=np.uint64)
    load = pack(Opcode.LOAD, tile, word=np.arange(config.words), clear=np.arange(config.words) == 0, bits=words)
    return np.append(load, pack(Opcode.MULTIPLY, tile, outputs=config.columns & 1023, skip=1))


def any_beats(rng: np.random.Generator, count: int, config: ControllerConfig) -> np.ndarray:
    """A mixture of lists, vectors, settings and beats of random bits."""
    parts: list[np.ndarray] = []
    while sum(map(len, parts)) < count:
        kind = rng.integers(5)
        if kind == 0:
            parts.append(sparse_writes(rng, int(rng.integers(1, 40)), config))
        elif kind == 1:
            parts.append(product(rng, config, int(rng.integers(config.tiles))))
        elif kind == 2:
            size = int(rng.integers(1, 8))
            row, column = rng.integers(config.rows, size=size), rng.integers(config.columns, size=size)
            opcode = rng.choice([Opcode.READ, Opcode.FORM, Opcode.CONVERT])
            parts.append(pack(opcode, rng.integers(config.tiles, size=size), row=row, column=column, level=3))
        elif kind == 3:
            parts.append(pack(Opcode.WRITE_REGISTER, 0, address=rng.integers(4096, size=3), value=7 << 30))
        else:
            parts.append(rng.integers(1 << 64, size=int(rng.integers(1, 4)), dtype=np.uint64))
    return np.concatenate(parts)[:count]


class AnsweringController:
    """Answers beats as the controller would, with random results: in order within a tile, at random between tiles.

    Parameters
    ----------
    config : ControllerConfig
    seed : int
    pace : int
        Responses given per step, at most.
    """

    def __init__(self, config: ControllerConfig, seed: int = 0, pace: int = 1 << 30) -> None:
        self.config = config
        self.rng = np.random.default_rng(seed)
        self.pace = pace
        self.commands: list[int] = []
        self.responses: list[int] = []
        self.resets = 0
        self._waiting: list[deque[int]] = [deque() for _ in range(config.tiles)]
        self.context = 0

    def reset(self) -> None:
        """Forget what waits, as a reset does."""
        self.resets += 1
        self.context = 0
        for queue in self._waiting:
            queue.clear()

    @property
    def busy(self) -> bool:
        return any(self._waiting)

    @property
    def has_room(self) -> bool:
        return all(len(queue) <= 1000 for queue in self._waiting)

    def accept(self, beat: int) -> bool:
        """Take a command beat, if there is room."""
        if self.has_room:
            self.take(beat)
            return True
        return False

    def take(self, beat: int) -> None:
        """Take a command beat."""
        tile = beat >> 5 & 0xFF
        one = [tile if tile < self.config.tiles else 0]
        self.commands.append(beat)
        for tile in range(self.config.tiles) if beat & 31 == Opcode.SAFE.value else one:
            self._waiting[tile] += self.answers(beat, tile)

    def step(self, now: float = 0.0) -> list[int]:
        """Return some of the responses that are due."""
        given: list[int] = []
        while len(given) < self.pace and (ready := [queue for queue in self._waiting if queue]):
            given.append(ready[self.rng.integers(len(ready))].popleft())
        self.responses += given
        return given

    def answers(self, beat: int, tile: int) -> list[int]:
        """Return the responses to a beat, with random results."""
        rng = self.rng
        opcode, body = beat & 31, beat >> 16
        if rng.random() < 0.002:
            self.context = int(rng.integers(1, 4)) << 5 | int(rng.random() < 0.1)
        status = Status.OK.value if rng.random() < 0.99 else int(rng.integers(1, 14))
        context = self.context

        def answer(status: int, echo: int, value: int) -> int:
            return opcode | tile << 5 | status << 13 | context << 17 | echo << 24 | (value & (1 << 36) - 1) << 44

        echo = body & 0xFFFFF
        if opcode == Opcode.LOAD.value:
            return [] if status == 0 else [answer(status, echo, 0)]
        if opcode == Opcode.MULTIPLY.value:
            count = body & 1023 or 1024
            if status:
                count = int(rng.integers(1, count + 1))
            top = 1 << self.config.sum_bits - 1
            answers = []
            for number in range(count):
                column = (echo >> 10) + number & 1023
                last = status if number == count - 1 else 0
                answers.append(answer(last, echo & 1023 | column << 10, int(rng.integers(-top, top))))
            return answers
        if opcode in (Opcode.WRITE.value, Opcode.FORM.value, Opcode.PULSE.value, Opcode.DRIVE.value):
            code = int(rng.integers(1 << self.config.adc_bits))
            sets, resets = (int(min(255, count)) for count in rng.exponential(4, size=2))
            if rng.random() < 0.9:
                sets, resets = (sets, 0) if rng.random() < 0.5 else (0, resets)
            return [answer(status, echo, code | sets << 18 | resets << 26)]
        if opcode in (Opcode.READ.value, Opcode.CONVERT.value, Opcode.CALIBRATE.value):
            bits = self.config.adc_bits
            return [answer(status, echo, int(rng.integers(-(1 << bits), 1 << bits)) & (1 << 18) - 1)]
        return [answer(status, echo, int(rng.integers(1 << 36)))]


def as_beats(responses: list[int]) -> np.ndarray:
    """Response beats as the host gives them."""
    data = b"".join(beat.to_bytes(RESPONSE_BYTES, "little") for beat in responses)
    return np.frombuffer(data, np.uint8).reshape(-1, RESPONSE_BYTES)
