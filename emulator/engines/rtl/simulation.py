"""A compiled netlist with the array behind its pins: programs in, results out."""

import ctypes
import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from twinbar.emulator.contract.program import SYNCHRONIZER_CYCLES, Pin, Program, ProgramResult
from twinbar.emulator.crossbar.cell_energy import CellEnergy
from twinbar.emulator.engines.rtl.netlist_errors import BuildError, NetlistError
from twinbar.emulator.engines.rtl.netlist_library import other_storage
from twinbar.emulator.pins import part_tables
from twinbar.emulator.pins.array_abi import Arrays
from twinbar.emulator.pins.complaints import read_complaint
from twinbar.emulator.pins.tile_outcome import TileOutcome
from twinbar.hw.actions import ACTIONS, Action, response_beats
from twinbar.hw.errors import ConfigError
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.parts.assembly import SerialParts
from twinbar.hw.protocol.packing import RESPONSE_BYTES
from twinbar.hw.protocol.registers import COUNTER_BITS
from twinbar.hw.timing import PHASES, Phase

EVALUATIONS = 1_000_000
"""Evaluated cycles between two looks at the keyboard."""


class _Program(ctypes.Structure):
    _fields_ = [
        ("commands", ctypes.c_void_p),
        ("arrivals", ctypes.c_void_p),
        ("beats", ctypes.c_int64),
        ("ready_runs", ctypes.c_void_p),
        ("runs", ctypes.c_int64),
        ("pin_changes", ctypes.c_void_p),
        ("changes", ctypes.c_int64),
        ("pins_rest", ctypes.c_int64),
        *((name, ctypes.c_void_p) for name in ("accepted", "phases", "actions", "energy", "extremes")),
        ("skips", ctypes.c_int64),
        ("cycles", ctypes.c_int64),
        ("responses", ctypes.c_int64),
    ]


class Simulation:
    """One controller, from power-up.

    Parameters
    ----------
    library : Path
        From `twinbar.emulator.engines.rtl.netlist_library.compiled`.
    arrays : Arrays
        What it points to must outlive the simulation.
    controller : ControllerConfig
    parts : SerialParts, optional
        Of the front ends; None: they are direct.
    """

    def __init__(
        self, library: Path, arrays: Arrays, controller: ControllerConfig, parts: SerialParts | None = None
    ) -> None:
        self._library = ctypes.CDLL(str(library))
        for name, result, arguments in (
            ("create", ctypes.c_void_p, [ctypes.c_void_p] * 2),
            ("destroy", None, [ctypes.c_void_p]),
            ("start", None, [ctypes.c_void_p] * 2),
            ("go_on", ctypes.c_int, [ctypes.c_void_p] * 2 + [ctypes.c_int64]),
            ("cycle", ctypes.c_int64, [ctypes.c_void_p]),
            ("complaint", ctypes.c_int, [ctypes.c_void_p] * 2),
            ("responses", None, [ctypes.c_void_p] * 3),
            ("save", ctypes.c_int64, [ctypes.c_void_p] * 2),
            ("load", None, [ctypes.c_void_p] * 2),
            ("driven", None, [ctypes.c_void_p] * 2),
            ("layout", ctypes.c_uint64, [ctypes.c_void_p]),
        ):
            function = getattr(self._library, f"twinbar_{name}")
            function.restype, function.argtypes = result, arguments
        self._parts = parts
        self._tables = None if parts is None else part_tables.FrontEndTables(controller, parts)
        tile = None if self._tables is None else ctypes.byref(self._tables.tile)
        self._arrays = arrays
        self._handle: int | None = self._library.twinbar_create(tile, ctypes.byref(arrays))
        if self._handle is None:
            raise other_storage()
        self._tiles = tiles = controller.tiles
        self._counters = np.zeros((tiles, len(ACTIONS)), np.int64)

    def __del__(self) -> None:
        handle = getattr(self, "_handle", None)
        if handle is not None:
            self._library.twinbar_destroy(handle)
            self._handle = None

    def run(self, program: Program, *, skips: bool) -> ProgramResult:
        """Run a program to its end.

        Parameters
        ----------
        program : Program
        skips : bool
            Skip cycles in which nothing but timers moves; the result is the same.

        Raises
        ------
        NetlistError
            If the pins did what would harm an array, or broke a limit of a part.
        """
        tiles = self._tiles
        assert program.arrivals is not None
        accepted = np.zeros(len(program.commands), np.int64)
        phases = np.zeros((tiles, len(PHASES)), np.int64)
        counters = np.zeros((tiles, len(ACTIONS)), np.int64)
        energy = np.zeros((tiles, len(CellEnergy)), np.int64)
        extremes = np.zeros((tiles, 3), np.int64)
        runs, changes = _runs(program.ready), _pin_changes(program)
        record = _Program(
            commands=program.commands.ctypes.data,
            arrivals=program.arrivals.ctypes.data,
            beats=len(program.commands),
            ready_runs=runs.ctypes.data,
            runs=len(runs),
            pin_changes=changes.ctypes.data,
            changes=len(changes),
            pins_rest=max((pulse.last for pulse in program.pins), default=-SYNCHRONIZER_CYCLES - 1)
            + SYNCHRONIZER_CYCLES
            + 1,
            accepted=accepted.ctypes.data,
            phases=phases.ctypes.data,
            actions=counters.ctypes.data,
            energy=energy.ctypes.data,
            extremes=extremes.ctypes.data,
            skips=int(skips),
        )
        self._library.twinbar_start(self._handle, ctypes.byref(record))
        outcome = TileOutcome.UNFINISHED
        while outcome is TileOutcome.UNFINISHED:
            outcome = TileOutcome(self._library.twinbar_go_on(self._handle, ctypes.byref(record), EVALUATIONS))
        if outcome is not TileOutcome.DONE:
            cycle = self._library.twinbar_cycle(self._handle)
            what = self._complaint() if outcome is TileOutcome.PARTS_COMPLAIN else outcome.sentence
            raise NetlistError(f"the netlist failed in cycle {cycle} of a program: {what}")
        responses = np.zeros((record.responses, RESPONSE_BYTES), np.uint8)
        cycles = np.zeros(record.responses, np.int64)
        self._library.twinbar_responses(self._handle, responses.ctypes.data, cycles.ctypes.data)
        return ProgramResult(
            responses,
            cycles,
            accepted,
            int(record.cycles),
            phases,
            self._actions(counters, phases),
            energy,
            extremes,
        )

    def _complaint(self) -> str:
        """Say what was wrong at the pins of the parts."""
        found = part_tables.Complaint()
        self._library.twinbar_complaint(self._handle, ctypes.byref(found))
        complaint = read_complaint(found, self._parts)
        return f"{complaint.where}: {complaint.sentence}"

    def load(self, other: "Simulation") -> None:
        """Take over the state of another simulation of the same controller, between programs."""
        state = np.zeros(other._library.twinbar_save(other._handle, None), np.uint32)
        if other._library.twinbar_layout(other._handle) != self._library.twinbar_layout(self._handle):
            raise BuildError("two builds of the same netlist have different registers; please report this")
        other._library.twinbar_save(other._handle, state.ctypes.data)
        self._library.twinbar_load(self._handle, state.ctypes.data)
        self._counters = other._counters

    def driven(self) -> npt.NDArray[np.int64]:
        """Return what the write drives hold between programs: record and codes of the lines (int64 [tiles, 4])."""
        driven = np.zeros((self._tiles, 4), np.int64)
        self._library.twinbar_driven(self._handle, driven.ctypes.data)
        return driven

    def begin_wave(self, path: Path, clock_hz: float) -> None:
        """Write a waveform from now on; the netlist must have been compiled for it.

        Raises
        ------
        ConfigError
            If the file cannot be written.
        """
        if not self._trace(os.fsencode(path), max(round(0.5e12 / clock_hz), 1)):
            raise ConfigError(
                f"the waveform {path} cannot be written; choose a folder that exists, where you may write"
            )

    def end_wave(self, path: Path) -> None:
        """Finish the waveform.

        Raises
        ------
        ConfigError
            If it could not be written to its end.
        """
        if not self._trace(None, 0):
            raise ConfigError(f"the waveform {path} could not be written to its end; is the disk full?")

    def _trace(self, path: bytes | None, half_period_ps: int) -> int:
        trace = self._library.twinbar_trace
        trace.restype, trace.argtypes = ctypes.c_int, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int64]
        return int(trace(self._handle, path, half_period_ps))

    def _actions(self, counters: npt.NDArray[np.int64], phases: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the actions of a program from the netlist's counters, which run from power-up on, and wrap."""
        actions = (counters - self._counters) % (1 << COUNTER_BITS)
        self._counters = counters
        seen = [Action.ROW_DRIVE, Action.CHANNEL_CYCLE, Action.CHANNEL_WAKE]
        actions[:, seen] = counters[:, seen]
        actions[:, Action.SHIFT_ADD] = actions[:, Action.CONVERT_FORWARD]
        actions[:, Action.RESPONSE_BEAT] = response_beats(phases[:, Phase.RESPOND], actions.T)
        actions[:, [Action.TWIN_ACCESS, Action.TWIN_RANDOM, Action.CLOCK_GATE]] = 0
        return actions


def _runs(ready: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Return the lengths of the runs of a pattern, in turn of true and of false; the first may be empty."""
    if ready.all():
        return np.array([1 << 62])
    ends = np.flatnonzero(np.diff(ready)) + 1
    lengths = np.diff(np.concatenate([[0], ends, [len(ready)]])).tolist()
    if not ready[0]:
        lengths.insert(0, 0)
    return np.array(lengths + [0] * (len(lengths) % 2), np.int64)


def _pin_changes(program: Program) -> npt.NDArray[np.int64]:
    """Return what changes at pins: cycle, pin, tile and value, in the order of the cycles."""
    changes: list[Any] = []
    for pulse in program.pins:
        tile = 0 if pulse.pin is Pin.STOP else pulse.tile
        changes += [(pulse.first, int(pulse.pin), tile, 1), (pulse.last + 1, int(pulse.pin), tile, 0)]
    return np.array(sorted(changes), np.int64).reshape(-1, 4)
