"""A board in software: the link's board side as a model, and behind it a controller of the engine `fast`.

It speaks to the byte what a board speaks (`twinbar.hw.link.board_model` is the reference of the gateware), and its
array is the emulator's, but it keeps no time: a command takes none. It serves tests of everything that talks to boards.
"""

from collections import deque

import numpy as np

from twinbar.emulator.contract.program import Program
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.engines.program.fast_controller import FastController
from twinbar.host.board.front_end_name import front_end_of
from twinbar.hw.errors import LinkError
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.link.board_model import BoardModel
from twinbar.hw.link.link_config import LinkConfig

_STEP_S = 5e-4
"""Time that passes from one look of a line at its board to the next."""
_READ_BYTES = 4096


class BeatRunner:
    """A simulated controller, beat by beat (`twinbar.hw.link.board_model.SteppedController`).

    Parameters
    ----------
    controller : FastController
    depth : int
        Beats that are taken at a time.
    """

    def __init__(self, controller: FastController, depth: int = 1024) -> None:
        self._controller = controller
        self._depth = depth
        self._waiting: list[int] = []

    def reset(self) -> None:
        """Disarm, and forget all commands."""
        self._waiting.clear()
        self._controller.reset()

    def accept(self, beat: int) -> bool:
        """Take a command beat, if there is room."""
        if len(self._waiting) >= self._depth:
            return False
        self._waiting.append(beat)
        return True

    def step(self, now: float) -> list[int]:
        """Carry out what has been taken; give the response beats."""
        if not self._waiting:
            return []
        beats, self._waiting = np.array(self._waiting, np.uint64), []
        return [int.from_bytes(beat.tobytes(), "little") for beat in self._controller.run(Program(beats)).responses]

    @property
    def busy(self) -> bool:
        """Whether a command has not been carried out yet."""
        return bool(self._waiting)


class SoftwareBoard:
    """A board in software.

    Parameters
    ----------
    crossbar : CrossbarConfig
        Of the array.
    controller : ControllerConfig
    link : LinkConfig, optional
        By default one whose clock is the crossbar's.

    Attributes
    ----------
    controller : FastController
        What is behind the link.
    """

    def __init__(
        self,
        crossbar: CrossbarConfig,
        controller: ControllerConfig,
        link: LinkConfig | None = None,
    ) -> None:
        self._crossbar = crossbar
        self._config = controller
        self._link = link or LinkConfig(clock_hz=round(crossbar.clock_hz))
        self.power_up()

    def power_up(self) -> None:
        """Take the supply away, and give it back: session, registers, counters and cells are gone."""
        self.controller = FastController(self._crossbar, self._config)
        self._model = BoardModel(self._config, self._link, BeatRunner(self.controller), front_end_of(self._crossbar))

    @property
    def baud(self) -> float:
        """Bits per second that the board was built for."""
        return self._link.clock_hz / self._link.divisor

    def receive(self, data: bytes) -> None:
        """Take bytes from the line."""
        self._model.receive(data)

    def advance(self, now: float) -> bytes:
        """Let the board work; ``now`` in seconds. Gives the bytes that it sends."""
        self._model.advance(now)
        sent = self._model.send(_READ_BYTES)
        while len(sent) % _READ_BYTES == 0 and (more := self._model.send(_READ_BYTES)):
            sent += more
        return sent


class SoftwareLine:
    """A line to a board in this process; time passes only while the host reads.

    Parameters
    ----------
    board : SoftwareBoard
    lost_at : sequence of int
        Numbers of the reads (from 0, over the line's life) in which the port is gone, once each.
    """

    name = "a board in software"

    def __init__(self, board: SoftwareBoard, lost_at: tuple[int, ...] = ()) -> None:
        self._board = board
        self.baud = board.baud
        self._now = 0.0
        self._reads = 0
        self._lost_at = deque(sorted(lost_at))

    def write(self, data: bytes) -> None:
        """Send bytes."""
        self._board.receive(data)

    def read(self, timeout_s: float) -> bytes:
        """Return the bytes that have come (see `Line`)."""
        end = self._now + timeout_s
        if self._lost_at and self._reads >= self._lost_at[0]:
            self._lost_at.popleft()
            raise LinkError(f"{self.name} failed while receiving; is the board still plugged in?")
        self._reads += 1
        while not (data := self._board.advance(self._now)) and self._now < end:
            self._now += _STEP_S
        return data

    def clock(self) -> float:
        """Return the time in seconds."""
        return self._now

    def close(self) -> None:
        """Do nothing: the board stays as it is."""
