"""A compiled controller with its array: streams of beats in and out, cycle by cycle."""

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from twinbar.emulator.activity import CellEnergy
from twinbar.emulator.rtl.beats import Words, command_field
from twinbar.emulator.rtl.errors import NetlistError
from twinbar.emulator.rtl.physics_abi import Physics
from twinbar.hw.actions import ACTIONS, Action
from twinbar.hw.protocol.commands import CONTROLLER_OPCODES
from twinbar.hw.protocol.responses import PAYLOAD_BITS
from twinbar.hw.timing import PHASES

QUIET_CYCLES = 24
"""Cycles without work after which a program has ended: a beat crosses all queues in fewer."""

_OUTCOMES = {
    1: "it did not end within {patience} cycles; {received} responses were taken",
    2: "it gave more than {capacity} responses",
    3: "the write gate was open with the read path connected",
    4: "the drive or the selector changed while the write gate was open",
    5: "a conversion began without the read path",
    6: "the write gate opened while no cell was selected",
}


class _Program(ctypes.Structure):
    _fields_ = [
        ("commands", ctypes.c_void_p),
        ("commands_count", ctypes.c_int64),
        ("responses", ctypes.c_void_p),
        ("responses_capacity", ctypes.c_int64),
        ("response_cycles", ctypes.c_void_p),
        ("offered", ctypes.c_void_p),
        ("offered_period", ctypes.c_int64),
        ("taken", ctypes.c_void_p),
        ("taken_period", ctypes.c_int64),
        ("injections", ctypes.c_void_p),
        ("injections_count", ctypes.c_int64),
        ("patience", ctypes.c_int64),
        ("quiet", ctypes.c_int64),
        ("sample_and_hold", ctypes.c_int64),
        *((name, ctypes.c_void_p) for name in ("phases", "actions", "energy", "extremes", "driven")),
        *((name, ctypes.c_int64) for name in ("sent", "received", "cycles")),
    ]


@dataclass(frozen=True)
class Injection:
    """A change of an asynchronous input at a cycle of a program.

    Parameters
    ----------
    cycle : int
    value : bool
    tile : int, optional
        Tile whose compliance input changes; none is the controller's stop input.
    """

    cycle: int
    value: bool
    tile: int | None = None


@dataclass(frozen=True)
class Outcome:
    """What a program did.

    Parameters
    ----------
    responses : uint64 [n]
    response_cycles : int64 [n]
        Cycle of the program in which each response was taken.
    cycles : int
        Cycles until the controller was at rest, those in which the harness waited for that included.
    phases : int64 [tiles, len(PHASES)]
        Cycles by phase, from the netlist's phase outputs.
    actions : int64 [tiles, len(ACTIONS)]
        From the netlist's counters; command beats are those that were handed to the tile.
    energy : int64 [tiles, len(CellEnergy)]
        From the cycles for which the pins drove the array.
    extremes : int64 [tiles, 3]
        Least and largest code of forward conversions, and how many were clipped.
    """

    responses: Words
    response_cycles: npt.NDArray[np.int64]
    cycles: int
    phases: npt.NDArray[np.int64]
    actions: npt.NDArray[np.int64]
    energy: npt.NDArray[np.int64]
    extremes: npt.NDArray[np.int64]


class Simulation:
    """One controller, from power-on.

    Parameters
    ----------
    library : Path
        From `twinbar.emulator.rtl.build.compiled`.
    physics : Physics
        Arrays and functions of the physics; what they point to must outlive the simulation.
    tiles : int
    sample_and_hold : bool
    """

    def __init__(self, library: Path, physics: Physics, tiles: int, *, sample_and_hold: bool) -> None:
        self._library = ctypes.CDLL(str(library))
        self._library.twinbar_create.restype = ctypes.c_void_p
        self._library.twinbar_destroy.argtypes = [ctypes.c_void_p]
        self._library.twinbar_destroy.restype = None
        self._library.twinbar_run.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
        self._handle: int | None = self._library.twinbar_create()
        self._physics = physics
        self._sample_and_hold = sample_and_hold
        self._counters = np.zeros((tiles, len(ACTIONS)), np.int64)
        self.driven = np.full((tiles, 3), -1, np.int64)
        self.tiles = tiles

    def __del__(self) -> None:
        handle = getattr(self, "_handle", None)
        if handle is not None:
            self._library.twinbar_destroy(handle)
            self._handle = None

    def run(
        self,
        commands: Words,
        capacity: int,
        *,
        patience: int,
        offered: Sequence[int] | npt.ArrayLike = (1,),
        taken: Sequence[int] | npt.ArrayLike = (1,),
        injections: Sequence[Injection] = (),
    ) -> Outcome:
        """Stream commands until the controller is at rest.

        Parameters
        ----------
        commands : uint64 [n]
        capacity : int
            Largest number of responses.
        patience : int
            Cycles after which the program is given up.
        offered, taken : sequence of bool
            Cycles in which a command is offered and a response is taken; repeated. A command that has been offered
            stays until it is taken.
        injections : sequence of Injection
            In the order of their cycles.

        Raises
        ------
        NetlistError
            If the program does not end, or the pins did what would harm an array.
        """
        beats = np.ascontiguousarray(commands, dtype=np.uint64)
        responses = np.zeros(capacity, np.uint64)
        cycles = np.zeros(capacity, np.int64)
        offers, takes = (np.ascontiguousarray(pattern, dtype=np.uint8) for pattern in (offered, taken))
        pins = [(i.cycle, 0 if i.tile is None else 1 + i.tile, int(i.value)) for i in injections]
        changes = np.array(pins, dtype=np.int64).reshape(-1, 3)
        phases = np.zeros((self.tiles, len(PHASES)), np.int64)
        counters = np.zeros((self.tiles, len(ACTIONS)), np.int64)
        energy = np.zeros((self.tiles, len(CellEnergy)), np.int64)
        extremes = np.tile(np.array([1 << 62, -(1 << 62), 0], np.int64), (self.tiles, 1))
        program = _Program(
            commands=beats.ctypes.data,
            commands_count=len(beats),
            responses=responses.ctypes.data,
            responses_capacity=capacity,
            response_cycles=cycles.ctypes.data,
            offered=offers.ctypes.data,
            offered_period=len(offers),
            taken=takes.ctypes.data,
            taken_period=len(takes),
            injections=changes.ctypes.data,
            injections_count=len(changes),
            patience=patience,
            quiet=QUIET_CYCLES,
            sample_and_hold=int(self._sample_and_hold),
            phases=phases.ctypes.data,
            actions=counters.ctypes.data,
            energy=energy.ctypes.data,
            extremes=extremes.ctypes.data,
            driven=self.driven.ctypes.data,
        )
        code = self._library.twinbar_run(self._handle, ctypes.byref(self._physics), ctypes.byref(program))
        if code:
            why = _OUTCOMES[code].format(patience=patience, received=program.received, capacity=capacity)
            raise NetlistError(f"the netlist failed in cycle {program.cycles} of a program: {why}")
        # The netlist's counters wrap.
        actions = (counters - self._counters) % (1 << PAYLOAD_BITS)
        self._counters = counters
        actions[:, Action.COMMAND_BEAT] = _beats_by_tile(beats[: program.sent], self.tiles)
        received: Any = slice(0, program.received)
        return Outcome(responses[received], cycles[received], program.cycles, phases, actions, energy, extremes)


def _beats_by_tile(beats: Words, tiles: int) -> npt.NDArray[np.int64]:
    """Count the commands that tiles carry out (not those that the controller itself answers)."""
    own = np.isin(command_field(beats, "opcode"), [int(opcode) for opcode in CONTROLLER_OPCODES])
    tile = command_field(beats[~own], "tile")
    return np.bincount(tile[tile < tiles], minlength=tiles).astype(np.int64)
