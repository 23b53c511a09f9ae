"""A chip of cells on this computer: an emulated crossbar behind an engine's controller."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from twinbar.emulator.contract import beats
from twinbar.emulator.crossbar.cell_state import conductances_s
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.engines.controllers import controller_maker
from twinbar.host.cells.verbs import Cells

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
        Levels per cell, evenly spaced from Gmin to Gmax.
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
        self.configure()
        if armed:
            self._run.run(beats.arm(self.tiles), "initialization")
            self.calibrate()

    def conductance(self) -> npt.NDArray[np.float64]:
        """Return the true state of the cells: siemens that a noiseless read would see, [tiles, rows, columns]."""
        return conductances_s(self._need_config("siemens"), self.emulated.controller, self.emulated.cells())

    def pulse_counts(self) -> npt.NDArray[np.uint32]:
        """Return the pulses that each cell has had, [tiles, rows, columns]."""
        return self.emulated.cells()["pulses"].reshape(self.tiles, self.rows, self.columns)
