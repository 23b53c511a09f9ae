"""Programs: what every engine runs, and what it answers.

A program is a sequence of command beats with the cycles in which they arrive and in which the consumer of the
responses is ready. For the same program, configuration and state every engine gives the same `ProgramResult` and leaves
the same state, to the last bit. What happens in each cycle is fixed in ``docs/controller.md``, what the array behind
the pins does in ``docs/programs.md``.

Time
----
Cycle 0 is the one in which the first beat is presented; a controller at rest accepts it at once. Beat ``i`` is
presented from cycle ``max(arrivals[i], accepted[i - 1] + 1)`` on, until it is accepted. A program ends with the last
cycle in which the controller was not at rest: a beat is presented or still to arrive, a queue holds a beat, a tile is
not idle, or a pin pulse is not over yet (the two cycles of its synchronizer included). Time stands still between
programs: the watchdog does not count, nothing ages.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.hw.errors import ConfigError
from twinbar.hw.gateware.controller_config import ControllerConfig

SYNCHRONIZER_CYCLES = 2
"""Cycles from an asynchronous pin to where it is seen."""


class Pin(IntEnum):
    """Asynchronous inputs that a program can drive. Compliance is the physics' business."""

    STOP = 0
    """The controller's external stop; ``tile`` does not matter."""
    FAULT = 1
    """The front-end fault of a tile."""


@dataclass(frozen=True)
class PinPulse:
    """An asynchronous input that is high from cycle ``first`` to cycle ``last``, both included.

    Parameters
    ----------
    pin : Pin
    first, last : int
    tile : int
        Tile whose pin it is.
    """

    pin: Pin
    first: int
    last: int
    tile: int = 0


@dataclass(frozen=True)
class Program:
    """Commands, and the world around the controller while it carries them out.

    Parameters
    ----------
    commands : uint64 [n]
        Command beats (`twinbar.hw.protocol.packing.pack`), in the order of the stream.
    arrivals : int64 [n], optional
        Earliest cycle in which each beat is presented, ascending, the first one 0; all 0 if it is not given.
    ready : bool [period]
        Cycles in which a response is taken, repeated: cycle ``c`` is ready if ``ready[c % period]``.
    pins : sequence of PinPulse
        Those of the same pin do not overlap.
    kind : str
        What the host runs it for, such as "write" or "forward": for records of it. No engine looks at it.

    Raises
    ------
    ConfigError
        If lengths differ, arrivals do not ascend from 0, the consumer is never ready, or pin pulses are not in order.
    """

    commands: npt.NDArray[np.uint64]
    arrivals: npt.NDArray[np.int64] | None = None
    ready: npt.NDArray[np.bool_] = field(default_factory=lambda: np.ones(1, np.bool_))
    pins: Sequence[PinPulse] = ()
    kind: str = ""

    def __post_init__(self) -> None:
        arrivals = np.zeros(len(self.commands), np.int64) if self.arrivals is None else self.arrivals
        object.__setattr__(self, "arrivals", np.ascontiguousarray(arrivals, np.int64))
        object.__setattr__(self, "commands", np.ascontiguousarray(self.commands, np.uint64))
        object.__setattr__(self, "ready", np.ascontiguousarray(self.ready, np.bool_))
        if len(arrivals) != len(self.commands):
            raise ConfigError(
                f"a program of {len(self.commands)} beats has {len(arrivals)} arrivals; give one for each"
            )
        if len(arrivals) and (arrivals[0] != 0 or (np.diff(arrivals) < 0).any()):
            raise ConfigError("the arrivals of a program must ascend from 0, where its first beat is presented")
        if not self.ready.any():
            raise ConfigError("the consumer of a program's responses is never ready; let it take one at times")
        last: dict[tuple[Pin, int], int] = {}
        for pulse in self.pins:
            key = (pulse.pin, 0 if pulse.pin is Pin.STOP else pulse.tile)
            if not 0 <= pulse.first <= pulse.last or pulse.first <= last.get(key, -2) + 1:
                raise ConfigError(
                    f"{pulse} is out of order; pulses of a pin ascend, with a low cycle between them, from cycle 0 on"
                )
            last[key] = pulse.last


@dataclass(frozen=True)
class ProgramResult:
    """What a program did.

    Parameters
    ----------
    responses : uint8 [n, RESPONSE_BYTES]
        Response beats in the order in which they were taken, lowest byte first (`twinbar.hw.protocol.packing.unpack`).
    response_cycles : int64 [n]
        Cycle in which each was taken.
    accepted : int64 [commands]
        Cycle in which each command beat was accepted.
    cycles : int
        Cycles of the program, from the first to the last in which the controller was not at rest.
    phases : int64 [tiles, len(PHASES)]
        Cycles of each tile by phase; each row sums to ``cycles``.
    actions : int64 [tiles, len(ACTIONS)]
        ``TWIN_ACCESS`` is 0.
    energy : int64 [tiles, len(CellEnergy)]
        Cell energy in the integers of `twinbar.emulator.contract.activity.CellEnergy`.
    extremes : int64 [tiles, 3]
        Least and largest raw code of forward conversions (0 where there were none), and how many ended on an extreme
        code of the converter.
    command_energy : int64 [commands, len(CellEnergy)], optional
        Cell energy of each command, where the engine tells it; that of a SAFE is what it stopped.
    """

    responses: npt.NDArray[np.uint8]
    response_cycles: npt.NDArray[np.int64]
    accepted: npt.NDArray[np.int64]
    cycles: int
    phases: npt.NDArray[np.int64]
    actions: npt.NDArray[np.int64]
    energy: npt.NDArray[np.int64]
    extremes: npt.NDArray[np.int64]
    command_energy: npt.NDArray[np.int64] | None = None


class ProgramController(Protocol):
    """A simulated controller with its crossbar, whichever engine simulates it.

    Engines are made by ``Engine(config, controller, *, mapped_columns=None, faults=None)``: a `CrossbarConfig`, the
    `ControllerConfig` (which has the tiles), the columns of each tile whose cells a multiplication heats (all, if not
    given), and the cells' faults (drawn from the preset, if not given). They start from power-up: registers at their
    initial values, tables of levels and offsets at 0, disarmed.
    """

    config: CrossbarConfig
    controller: ControllerConfig

    def run(self, program: Program) -> ProgramResult:
        """Run a program to its end."""

    def set_tick(self, tick: int) -> None:
        """Set the tick, between programs: cells age by training steps, not by cycles."""

    def cells(self) -> dict[str, np.ndarray]:
        """Return the state of the array.

        Returns
        -------
        dict
            ``g`` int32 [tiles, cells] (Q24), ``pulses`` uint32 [tiles, cells], ``last_tick`` uint32 [tiles, cells] (no
            columns where nothing ages), ``fault`` uint8 [tiles, cells], ``conversions`` int64 [tiles, channels], and
            ``driven`` int64 [tiles, 4]: the bias record that each write drive holds (`Record`), and the codes of bit
            line, source line and word line. An engine may give ``front_end`` int64 [tiles, n] too: what serial
            parts remember that the cycles of the next program depend on.
        """

    def load_cells(self, state: dict[str, Any]) -> None:
        """Restore what `cells` gave of the array. ``driven`` is the controller's, and stays as it is; so does
        ``front_end`` where it is left out."""
