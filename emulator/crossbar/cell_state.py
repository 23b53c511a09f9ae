"""The cells behind a controller's pins: made for that controller, saved and restored."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from twinbar.emulator.crossbar.array import ArrayState, make_state, refresh
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.hw.errors import ConfigError
from twinbar.hw.gateware.controller_config import ControllerConfig

CELL_ARRAYS: Final = ("g", "pulses", "last_tick", "fault", "conversions")
"""What programs change of an `ArrayState` for good; its other arrays follow from these."""
STRESS_ARRAYS: Final = ("stress", "row_stress")
"""What else they change where reads disturb cells."""
_SHARED: Final = ("rows", "columns", "adc_channels", "adc_bits", "input_bits")
"""Parameters that a crossbar and its controller have in common."""


def make_cells(
    config: CrossbarConfig,
    controller: ControllerConfig,
    mapped_columns: np.ndarray | None = None,
    faults: np.ndarray | None = None,
) -> ArrayState:
    """Form the cells of a crossbar behind all tiles of a controller.

    Parameters
    ----------
    config : CrossbarConfig
    controller : ControllerConfig
    mapped_columns : int64 [tiles], optional
        Columns of each tile whose cells a multiplication heats; all by default.
    faults : uint8 [tiles, cells], optional
        The cells' faults; drawn from the preset by default.

    Raises
    ------
    ConfigError
        If the crossbar and the controller have different geometries, or the fault map does not fit.
    """
    for name in _SHARED:
        crossbar, gateware = getattr(config.array, name), getattr(controller, name)
        if crossbar != gateware:
            raise ConfigError(f"the crossbar has {name} = {crossbar} and its controller {gateware}; make them equal")
    return make_state(config, controller.tiles, controller.adc_channels, mapped_columns, faults)


def save_cells(state: ArrayState) -> dict[str, np.ndarray]:
    """Return copies of `CELL_ARRAYS`, and where reads disturb cells of `STRESS_ARRAYS`, by name."""
    return {name: getattr(state, name).copy() for name in _changed(state)}


def restore_cells(state: ArrayState, saved: Mapping[str, np.ndarray]) -> None:
    """Take over what `save_cells` gave."""
    for name in _changed(state):
        getattr(state, name)[:] = saved[name]
    refresh(state)


def _changed(state: ArrayState) -> tuple[str, ...]:
    return CELL_ARRAYS + STRESS_ARRAYS if state.stress.size else CELL_ARRAYS


def conductances_s(
    config: CrossbarConfig, controller: ControllerConfig, cells: Mapping[str, np.ndarray], tick: int = 0
) -> np.ndarray:
    """Return what a noiseless read would see, in siemens (float64 [tiles, rows, columns]).

    Parameters
    ----------
    config : CrossbarConfig
    controller : ControllerConfig
    cells : mapping
        `CELL_ARRAYS` by name, at least.
    tick : int
        To which cells have aged.
    """
    state = make_state(config, controller.tiles, controller.adc_channels)
    state.shape[0].tick = tick
    restore_cells(state, cells)
    siemens = state.grid * (config.cells.g_max_s / (1 << config.array.grid_bits))
    return siemens.reshape(controller.tiles, controller.rows, controller.columns)
