"""The trace of a run, while it is being written."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from twinbar.emulator.crossbar.cell_energy import CellEnergy
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.host.trace.recorder import Recorded
from twinbar.host.trace.rows import rows_of
from twinbar.host.trace.store import cut_back, write_part


class Trace:
    """A trace that is being written, part by part (a `Sink`).

    Parameters
    ----------
    folder : Path
        ``commands.parquet`` of a run folder.
    crossbar : CrossbarConfig
    config : str
        Resolved configuration of the run, TOML.
    """

    def __init__(self, folder: Path, crossbar: CrossbarConfig, config: str) -> None:
        self.parts = 0
        self.is_open = False
        self._folder = folder
        self._crossbar = crossbar
        self._config = config
        self._state: dict[str, np.ndarray] = {}
        self._tables: list[pa.Table] = []

    def cut_back(self, parts: int) -> None:
        """Go on behind the parts that a checkpoint vouches for; later ones are removed."""
        cut_back(self._folder, parts)
        self.parts = parts

    def begin(self, state: dict[str, Any]) -> None:
        """Begin a part; ``state`` is the engine's state now, with its `MAPPED_COLUMNS`."""
        self._state = {name: np.asarray(value) for name, value in state.items()}
        self._tables = []
        self.is_open = True

    def add(self, recorded: Recorded) -> None:
        """Add a program to the part that is open."""
        units = self._crossbar.cell_energy_unit_j
        joules = recorded.heat @ np.array([units[kind] for kind in CellEnergy])
        tiles, levels = len(recorded.result.phases), self._levels(recorded.before)
        number = len(self._tables)
        by_table = bool(self._crossbar.array.pulse_entries)
        program, result = recorded.program, recorded.result
        self._tables.append(rows_of(number, recorded.tick, program, result, tiles, levels, joules, by_table=by_table))

    def end(self) -> None:
        """Write the part that is open, completely or not at all."""
        if self.is_open:
            write_part(self._folder, self.parts, self._config, self._state, self._tables)
            self.parts += 1
            self.is_open = False

    def _levels(self, g: np.ndarray) -> np.ndarray:
        """Return the level nearest to each conductance (int64 [tiles, rows, columns])."""
        array, levels = self._crossbar.array, self._crossbar.levels
        low, high = self._crossbar.cells.window
        numbers = np.arange(len(levels))
        level = np.interp((g - low) / (high - low) * numbers[-1], levels.positions, numbers)
        return np.rint(level).astype(np.int64).reshape(-1, array.rows, array.columns)
