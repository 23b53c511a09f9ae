"""The engine ``pysim``: the controller's netlist in Amaranth's simulator, with the array behind its pins.

It is slow (some thousand cycles per second), needs no compiler, and shows every signal.
"""

import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import numpy as np

from twinbar.emulator.contract.program import SYNCHRONIZER_CYCLES, Pin, Program, ProgramResult
from twinbar.emulator.crossbar.array import take_tick
from twinbar.emulator.crossbar.cell_state import make_cells, restore_cells, save_cells
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.engines.rtl.pysim_bench import PysimBench, give_back, take_bench
from twinbar.emulator.pins.pysim_array import TileArray
from twinbar.emulator.pins.pysim_parts import TileParts
from twinbar.hw.actions import Action, response_beats
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.protocol.commands import CLOSED_LOOP, TO_EVERY_TILE
from twinbar.hw.protocol.layouts import COMMAND
from twinbar.hw.protocol.packing import RESPONSE_BYTES, unpack
from twinbar.hw.protocol.vocabulary import Status
from twinbar.hw.timing import Phase


class PysimController:
    """A controller simulated by its netlist in Amaranth's simulator (a `ProgramController`).

    Parameters
    ----------
    config, controller, mapped_columns, faults
        As in `twinbar.emulator.crossbar.cell_state.make_cells`.
    wave : path, optional
        VCD file of every signal, with a GTKWave save file beside it. Both are complete after `close`.

    Raises
    ------
    ConfigError
        If the crossbar and the controller have different geometries, or the fault map does not fit.
    """

    def __init__(
        self,
        config: CrossbarConfig,
        controller: ControllerConfig,
        *,
        mapped_columns: np.ndarray | None = None,
        faults: np.ndarray | None = None,
        wave: str | Path | None = None,
    ) -> None:
        self.config = config
        self.controller = controller
        self._state = make_cells(config, controller, mapped_columns, faults)
        holds = config.array.sample_and_hold
        self._arrays = [
            TileArray(self._state, tile, controller, sample_and_hold=holds) for tile in range(controller.tiles)
        ]
        parts = config.parts
        if wave is None:
            self._bench = take_bench(controller, parts)
            weakref.finalize(self, give_back, controller, parts, self._bench)
        else:
            self._bench = PysimBench(controller, parts, Path(wave))
        self._parts = [] if parts is None else [TileParts(controller, parts, tile) for tile in range(controller.tiles)]
        self._cycle = 0

    def run(self, program: Program) -> ProgramResult:
        """Run a program to its end."""
        assert program.arrivals is not None
        bench, arrays, tiles = self._bench, self._arrays, self.controller.tiles
        for array in arrays:
            array.start()
        commands, arrivals, ready = program.commands.tolist(), program.arrivals.tolist(), program.ready.tolist()
        stop = _Levels(program, Pin.STOP, 0)
        faults = [_Levels(program, Pin.FAULT, tile) for tile in range(tiles)]
        quiet = max((pulse.last + 1 + SYNCHRONIZER_CYCLES for pulse in program.pins), default=0)
        accepted: list[int] = []
        responses: list[tuple[int, int]] = []
        cycle = 0
        while True:
            position = len(accepted)
            presented = position < len(commands) and arrivals[position] <= cycle
            bench.present(commands[position] if presented else None)
            if position == len(commands) and cycle >= quiet and not bench.busy:
                break
            compliance = []
            for tile, (array, pins) in enumerate(zip(arrays, bench.tiles, strict=True)):
                codes, overs, limited = array.cycle(bench.pins(tile), pins)
                compliance.append(limited)
                for action in bench.optional(tile):
                    array.actions[action] += 1
                if self._parts:
                    self._show_parts(tile, codes)
                else:
                    for channel, code in codes.items():
                        bench.set_code(tile, channel, code)
                    for channel, over in overs.items():
                        bench.set_over(tile, channel, over)
            takes = ready[cycle % len(ready)]
            bench.drive(ready=takes, stop=stop[cycle], faults=[fault[cycle] for fault in faults], compliance=compliance)
            if presented and bench.accepts:
                accepted.append(cycle)
            if takes and (response := bench.response) is not None:
                responses.append((cycle, response))
            bench.step()
            cycle += 1
            self._cycle += 1
        return self._result(program, accepted, responses, cycle)

    def _show_parts(self, tile: int, codes: dict[int, int]) -> None:
        """Let the parts of a tile see the pins of this cycle, and the array's codes that begin in it."""
        bench, parts = self._bench, self._parts[tile]
        if codes:
            parts.show(codes, bench.tiles[tile])
        if bench.pins(tile).write_gate:
            parts.pulse(bench.tiles[tile])
        parts.step(bench, bench.dut.tiles[tile], self._cycle)

    def _result(
        self, program: Program, accepted: list[int], responses: list[tuple[int, int]], cycles: int
    ) -> ProgramResult:
        data = b"".join(bits.to_bytes(RESPONSE_BYTES, "little") for _, bits in responses)
        beats = np.frombuffer(data, np.uint8).reshape(len(responses), RESPONSE_BYTES)
        actions = np.array([array.actions for array in self._arrays])
        respond = np.array([array.phases[Phase.RESPOND] for array in self._arrays])
        actions[:, Action.RESPONSE_BEAT] = response_beats(respond, actions.T)
        tiles = self.controller.tiles
        # Every queue is empty again: what was accepted was popped, SAFE by every tile. With options, it was seen.
        for command in program.commands.tolist() if not self.controller.shares_streams else []:
            tile = COMMAND["tile"].of(command)
            if COMMAND["opcode"].of(command) in [opcode.value for opcode in TO_EVERY_TILE]:
                actions[:, Action.COMMAND_BEAT] += 1
            else:
                actions[tile if tile < tiles else 0, Action.COMMAND_BEAT] += 1
        header = unpack(beats)
        writes = np.isin(header["opcode"], [opcode.value for opcode in CLOSED_LOOP])
        for status, action in ((Status.OK, Action.WRITE_OK), (Status.FAILED, Action.WRITE_FAILED)):
            ended = header["tile"][writes & (header["status"] == status.value)]
            actions[:, action] = np.bincount(ended, minlength=tiles)
        return ProgramResult(
            responses=beats,
            response_cycles=np.array([cycle for cycle, _ in responses], np.int64),
            accepted=np.array(accepted, np.int64),
            cycles=cycles,
            phases=np.array([array.phases for array in self._arrays]),
            actions=actions,
            energy=np.array([array.energy for array in self._arrays]),
            extremes=np.array([array.extremes for array in self._arrays]),
        )

    def set_tick(self, tick: int) -> None:
        """Set the tick, between programs: cells age by training steps, not by cycles."""
        take_tick(self._state, tick)

    def cells(self) -> dict[str, np.ndarray]:
        """Return the state of the array (`twinbar.emulator.contract.program.ProgramController.cells`)."""
        return save_cells(self._state) | {"driven": self._bench.driven()}

    def load_cells(self, state: dict[str, Any]) -> None:
        """Restore what `cells` gave of the array; what the write drives hold is the controller's."""
        restore_cells(self._state, state)

    def close(self) -> None:
        """Finish the waveform files."""
        self._bench.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class _Levels:
    """Level of an asynchronous input by cycle, asked for in ascending order."""

    def __init__(self, program: Program, pin: Pin, tile: int) -> None:
        pulses = [pulse for pulse in program.pins if pulse.pin is pin and (pin is Pin.STOP or pulse.tile == tile)]
        self._spans: Iterator[tuple[int, int]] = iter([(pulse.first, pulse.last) for pulse in pulses])
        self._span = next(self._spans, None)

    def __getitem__(self, cycle: int) -> bool:
        while self._span is not None and self._span[1] < cycle:
            self._span = next(self._spans, None)
        return self._span is not None and self._span[0] <= cycle
