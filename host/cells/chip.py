"""A chip of cells on this computer: an emulated crossbar behind an engine's controller."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from twinbar.emulator.contract import beats
from twinbar.emulator.crossbar.cell_state import conductances_s
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.crossbar.ticks import MOST_TICKS
from twinbar.emulator.engines.controllers import controller_maker
from twinbar.host.cells.verbs import Cells
from twinbar.hw.errors import ConfigError

if TYPE_CHECKING:
    from twinbar.hw.gateware.controller_config import ControllerConfig


class Chip(Cells):
    """A chip of cells, emulated by an engine; the verbs are those of `Cells`.

    Parameters
    ----------
    device : str, optional
        Name or file of the cells' preset.
    rows, columns : int, optional
        Cells of a tile.
    levels : int, optional
        Levels per cell, from Gmin to Gmax (evenly spaced unless ``settings`` have ``device.level_spacing``).
    tiles : int
    engine : {"fast", "events", "rtl", "pysim"}
        All give the same results; `rtl` and `pysim` run the netlist.
    seed : int
        Of the cells and the noise.
    energy_table : str
        Name or file of the prices in `cost`.
    settings : mapping, optional
        Any keys of the configuration, such as ``{"array.adc_bits": 10}``; they win. What is left out everywhere is as
        in `twinbar train`.
    armed : bool
        Whether the chip starts calibrated and armed for writing; a board never does.

    Attributes
    ----------
    emulated : Controller
        The engine's controller, which has the state of the cells.

    Raises
    ------
    ConfigError
        If there is no such chip.
    ToolMissingError
        If the engine needs a compiler that this machine lacks.
    """

    def __init__(
        self,
        device: str | None = None,
        rows: int | None = None,
        columns: int | None = None,
        *,
        levels: int | None = None,
        tiles: int = 1,
        engine: str = "fast",
        seed: int = 0,
        energy_table: str = "macro-65nm",
        settings: Mapping[str, Any] | None = None,
        armed: bool = True,
    ) -> None:
        from twinbar.host.experiment.config import ExperimentConfig
        from twinbar.host.experiment.resolved_crossbar import build_crossbar

        named = {"device.preset": device, "device.levels": levels, "array.rows": rows, "array.columns": columns}
        changes = {key: value for key, value in named.items() if value is not None}
        changes |= {"engine.seed": seed, **(settings or {})}
        config = build_crossbar(ExperimentConfig().merge(changes))
        self._start(config, config.array.controller(tiles), engine, energy_table, armed)

    @classmethod
    def of(
        cls,
        config: CrossbarConfig,
        controller: "ControllerConfig | None" = None,
        *,
        engine: str = "fast",
        energy_table: str = "macro-65nm",
        armed: bool = True,
    ) -> Self:
        """Make a chip from a resolved configuration, behind a controller of its geometry (one tile by default).

        Parameters
        ----------
        config : CrossbarConfig
        controller : ControllerConfig, optional
        engine, energy_table, armed
            As of the class.

        Raises
        ------
        ToolMissingError
            If the engine needs a compiler that this machine lacks.
        """
        chip = cls.__new__(cls)
        chip._start(config, controller or config.array.controller(1), engine, energy_table, armed)
        return chip

    def _start(
        self, config: CrossbarConfig, controller: "ControllerConfig", engine: str, energy_table: str, armed: bool
    ) -> None:
        self.emulated = controller_maker(engine)(config, controller)
        super().__init__(self.emulated, config, config.clock_hz, energy_table)
        self._waited_s, self._tick = 0.0, 0
        self.configure()
        if armed:
            self._run.run(beats.arm(self.tiles), "initialization")
            self.calibrate()

    def wait(self, seconds: float) -> None:
        """Let time pass in which nothing is done: cells relax and drift, and what reads have done to them shows.

        Cells age by this and by the time for which the chip has worked (`cost`), in steps of ``array.tick_s``.

        Parameters
        ----------
        seconds : float

        Raises
        ------
        ConfigError
            If it is negative or no number, or cells would be older than their clocks can say.
        """
        if not isinstance(seconds, (int, float, np.number)) or not (math.isfinite(seconds) and seconds >= 0):
            raise ConfigError(f"seconds is {seconds!r}; it must be a number that is not negative")
        tick_s = self._need_config("time").array.tick_s
        waited_s = self._waited_s + float(seconds)
        ticks = (self.cost["seconds"]["total"] + waited_s) // tick_s
        if ticks >= MOST_TICKS:
            raise ConfigError(
                f"seconds is {seconds:g}; cells age for less than {MOST_TICKS * tick_s:.4g} s where array.tick_s is "
                f"{tick_s:g}; wait for less, or set a longer tick"
            )
        tick = int(ticks)
        self.emulated.set_tick(tick)
        self._waited_s, self._tick = waited_s, tick

    def conductance(self) -> npt.NDArray[np.float64]:
        """Return the true state of the cells: siemens that a noiseless read would see, [tiles, rows, columns]."""
        config = self._need_config("siemens")
        return conductances_s(config, self.emulated.controller, self.emulated.cells(), self._tick)

    def pulse_counts(self) -> npt.NDArray[np.uint32]:
        """Return the pulses that each cell has had, [tiles, rows, columns]."""
        return self.emulated.cells()["pulses"].reshape(self.tiles, self.rows, self.columns)
