"""The `rtl` engine: the controller's own netlist, compiled, with the array behind its pins."""

from pathlib import Path
from typing import Any, Final, Self

import numpy as np

from twinbar.emulator.contract.program import Program, ProgramResult
from twinbar.emulator.crossbar.array import take_tick
from twinbar.emulator.crossbar.cell_state import make_cells, restore_cells, save_cells
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.engines.rtl.netlist_library import compiled
from twinbar.emulator.engines.rtl.simulation import Simulation
from twinbar.emulator.engines.rtl.waves import write_save_files
from twinbar.emulator.pins.array_abi import arrays_of, record_of
from twinbar.hw.errors import ConfigError
from twinbar.hw.gateware.controller_config import ControllerConfig

COMPOSE_FROM: Final = 2
"""Tiles from which one tile's netlist is compiled and instantiated, instead of a flat controller."""


class RtlController:
    """A controller simulated by its own netlist (`twinbar.emulator.contract.program.ProgramController`).

    Parameters
    ----------
    config : CrossbarConfig
    controller : ControllerConfig
    mapped_columns : int64 [tiles], optional
        Columns of each tile whose cells a multiplication heats; all by default.
    faults : uint8 [tiles, cells], optional
        Faults of the cells (``FAULT_*``), for instance measured ones; drawn from the preset otherwise.
    composed : bool, optional
        Compile one tile and instantiate it; by default from `COMPOSE_FROM` tiles on.
    every_cycle : bool
        Evaluate every cycle, instead of skipping those in which nothing but timers moves
        (`twinbar.emulator.engines.rtl.timers`). The results are the same.
    wave : path, optional
        VCD file of every signal in every cycle of all programs. Beside it there are save files that show the signals in
        groups, for GTKWave (``.gtkw``) and Surfer (``.sucl``). All are complete after `close`.

    Raises
    ------
    ConfigError
        If the crossbar and the controller do not fit each other, the fault map does not, or the waveform cannot be
        written.
    ToolMissingError
        If there is no C++ compiler, or no Yosys.
    """

    def __init__(
        self,
        config: CrossbarConfig,
        controller: ControllerConfig,
        *,
        mapped_columns: np.ndarray | None = None,
        faults: np.ndarray | None = None,
        composed: bool | None = None,
        every_cycle: bool = False,
        wave: str | Path | None = None,
    ) -> None:
        self.config = config
        self.controller = controller
        self.every_cycle = every_cycle
        tiles = controller.tiles
        self._composed = tiles >= COMPOSE_FROM and not controller.routes if composed is None else composed
        self._state = make_cells(config, controller, mapped_columns, faults)
        self._record = record_of(self._state)
        self._arrays = arrays_of(self._state, self._record, sample_and_hold=config.array.sample_and_hold)
        self._traced: Simulation | None = None
        self._wave = None if wave is None else Path(wave)
        if self._wave is None:
            self._simulation = self._simulate(traced=False)
        else:
            self._simulation = self._make_traced()
            self._simulation.begin_wave(self._wave, config.clock_hz)

    def _make_traced(self) -> Simulation:
        if self._traced is None:
            self._traced = self._simulate(traced=True)
        return self._traced

    def _simulate(self, *, traced: bool) -> Simulation:
        library = compiled(self.controller, self.config.parts, composed=self._composed, traced=traced)
        return Simulation(library, self._arrays, self.controller, self.config.parts)

    def run(self, program: Program, wave: str | Path | None = None) -> ProgramResult:
        """Run a program to its end.

        Parameters
        ----------
        program : Program
        wave : path, optional
            Waveform of this program alone, as the constructor's is of all.

        Raises
        ------
        ConfigError
            If the file cannot be written.
        NetlistError
            If the pins did what would harm an array, or broke a limit of a part.
        """
        if wave is None:
            return self._simulation.run(program, skips=not self.every_cycle)
        if self._wave is not None:
            raise ConfigError(f"the waveform {self._wave} is being written; close the controller before another one")
        path, traced = Path(wave), self._make_traced()
        traced.load(self._simulation)
        traced.begin_wave(path, self.config.clock_hz)
        try:
            result = traced.run(program, skips=False)
        finally:
            traced.end_wave(path)
        self._simulation.load(traced)
        write_save_files(path, self.controller.tiles)
        return result

    def close(self) -> None:
        """Finish the waveform files, if there are any."""
        if self._wave is not None:
            self._simulation.end_wave(self._wave)
            write_save_files(self._wave, self.controller.tiles)
            self._wave = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def set_tick(self, tick: int) -> None:
        """Set the tick, between programs: cells age by training steps, not by cycles."""
        take_tick(self._state, tick)

    def cells(self) -> dict[str, np.ndarray]:
        """Return the state of the array, as `twinbar.emulator.contract.program.ProgramController` says.

        In addition ``driven`` is what the write drives hold: record and codes of the three lines, int64 [tiles, 4].
        """
        return save_cells(self._state) | {"driven": self._simulation.driven()}

    def load_cells(self, state: dict[str, Any]) -> None:
        """Restore the array from what `cells` gave; what the drives hold is the netlist's, which commands change."""
        restore_cells(self._state, state)
