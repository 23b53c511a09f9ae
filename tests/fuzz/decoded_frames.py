"""Frames of every kind on their way to the host: what it takes them for, and what it answers to a program."""

import random
from collections import Counter
from typing import Any, Final

import numpy as np
from frame_mutations import damaged, other_number

from twinbar.emulator.contract.program import Program
from twinbar.emulator.engines.program.fast_controller import FastController
from twinbar.host.transport.link import Link
from twinbar.hw.errors import LinkError
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.link.board_model import BoardModel
from twinbar.hw.link.frames import BOARD_HEAD, BOARD_TAIL, SEQUENCE, BoardFrame, Deframer, FrameKind
from twinbar.hw.link.link_config import LinkConfig
from twinbar.hw.protocol.packing import pack
from twinbar.hw.protocol.vocabulary import Opcode

CONTROLLER: Final = ControllerConfig(tiles=2, rows=4, columns=4, adc_bits=6, input_bits=2)
LINK: Final = LinkConfig()
LEAST: Final = BOARD_HEAD + BOARD_TAIL
MOST_READS: Final = 2_000
"""Looks at the line in one program: a host that needs more is stuck."""


class AnsweringCells:
    """A controller of which every command is carried out at once; its responses are noted."""

    busy = False

    def __init__(self, crossbar: Any) -> None:
        self.fast = FastController(crossbar, CONTROLLER)
        self.given: list[bytes] = []
        self._due: list[int] = []

    def reset(self) -> None:
        """Disarm."""
        self._due.clear()
        self.fast.reset()

    def accept(self, beat: int) -> bool:
        """Take a command."""
        found = [each.tobytes() for each in self.fast.run(Program(np.array([beat], np.uint64))).responses]
        self.given += found
        self._due += [int.from_bytes(each, "little") for each in found]
        return True

    def step(self, now: float) -> list[int]:
        """Return what is due."""
        due, self._due = self._due, []
        return due


class DisturbedLine:
    """A line on which other frames come among those of the board."""

    name = "a disturbed line"
    baud = 3e6

    def __init__(self, board: BoardModel, frames: "DecodedFrames") -> None:
        self._board, self._frames = board, frames
        self._now = 0.0
        self._deframer = Deframer()
        self.reads = 0
        self.last = BoardFrame(FrameKind.HELLO, 0, 0, 0, 0, 0, 0)
        self.awaited = 0

    def clock(self) -> float:
        return self._now

    def close(self) -> None:
        pass

    def write(self, data: bytes) -> None:
        self._board.receive(data)

    def read(self, timeout_s: float) -> bytes:
        self.reads += 1
        assert self.reads < MOST_READS, "the host waits for ever"
        self._now += min(timeout_s, 2e-3)
        self._board.advance(self._now)
        data = self._board.send(1 << 16)
        self.awaited = (self.last.seq + 1) % SEQUENCE
        for contents in self._deframer.feed(data):
            self.last = BoardFrame.unpack(contents) or self.last
        return self._frames.among(data)


class DecodedFrames:
    """A host that runs programs while frames come that it must not believe, and now and then ones that it must.

    Parameters
    ----------
    seed : int
    crossbar : CrossbarConfig
    """

    def __init__(self, seed: int, crossbar: Any) -> None:
        self.chance = random.Random(seed)
        self.frames: Counter[str] = Counter()
        self.refused = self.programs = 0
        self._per_read = 0
        self._believed = False
        self._cells = AnsweringCells(crossbar)
        self.line = DisturbedLine(BoardModel(CONTROLLER, LINK, self._cells), self)
        self._sample = [BoardFrame(FrameKind.DATA, 0, 1, 0, 0, 0, 0, b"\x11" * 20).pack()]
        self.link = Link(self.line, CONTROLLER.hash, first_session=seed)

    def among(self, data: bytes) -> bytes:
        """Return what arrives: frames before, between and behind those of the board."""
        parts = []
        for frame in data.split(b"\0")[:-1]:
            whole = frame + b"\0"
            if frame:
                self._sample = [*self._sample[-5:], whole]
            parts += [self._unbelievable() for _ in range(self._per_read)] + [whole]
        if self._believed and parts:
            self._believed = False
            parts.insert(0, self._believable())
        return b"".join(parts) if parts else b"".join(self._unbelievable() for _ in range(self._per_read))

    def _unbelievable(self) -> bytes:
        """Draw a frame that the host must not take for the next one of the board."""
        chance, last = self.chance, self.line.last
        kind = chance.choice(["damaged"] * 5 + ["other session", "behind", "kind"])
        if kind == "damaged":
            kind, data = damaged(chance, self._sample, LEAST)
        else:
            session = (last.session + chance.randrange(1, 16)) % 16 if kind == "other session" else last.session
            number = other_number(chance, last.seq, behind=True)
            which = FrameKind.ACK if kind == "kind" else FrameKind.DATA
            payload = chance.randbytes(chance.choice([0, 3, 40]))
            three = (chance.randrange(256), chance.randrange(256), chance.randrange(8))
            data = BoardFrame(which, session, number, *three, chance.getrandbits(16), payload).pack()
        self.frames[kind] += 1
        return data

    def _believable(self) -> bytes:
        """Draw one with the right CRC and session, and a number that may be the next one."""
        chance, last = self.chance, self.line.last
        three = (chance.randrange(256), chance.randrange(256), chance.randrange(8))
        payload = chance.randbytes(chance.choice([0, 1, 9, 60]))
        number = (self.line.awaited + chance.choice([0, 0, 1])) % SEQUENCE
        self.frames["forged"] += 1
        return BoardFrame(FrameKind.DATA, last.session, number, *three, chance.getrandbits(16), payload).pack()

    def run(self, per_read: int, *, believed: bool = False) -> None:
        """Run a program; it gives what the controller answered, or, after a frame that was believed, one sentence."""
        chance = self.chance
        commands = np.concatenate(
            [
                pack(Opcode.READ_REGISTER, chance.randrange(2), address=np.array([1, 4, 5])),
                pack(Opcode.WAIT, 1, cycles=1),
                pack(Opcode.READ, 0, row=np.arange(3), column=chance.randrange(4)),
            ]
        )
        self._cells.given.clear()
        self.line.reads = 0
        self._per_read, self._believed = per_read, believed
        self.programs += 1
        try:
            found = self.link.run(commands)
        except LinkError:
            assert believed, "the host believed a frame that was not for it"
            self.refused += 1
        else:
            assert [beat.tobytes() for beat in found] == self._cells.given
            return
        # A session later everything works.
        self._per_read = 0
        self.line.reads = 0
        self.link.connect()
        self.run(0)
