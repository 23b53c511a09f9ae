"""The array behind a virtual board: that of a configuration, in the geometry of the board."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.host.board.board_crossbar import settling_times, use_of
from twinbar.host.experiment.config import ExperimentConfig
from twinbar.hw.gateware.board_core import CoreConfig

DEFAULT_DEVICE: Final = "milo-hfo2"
"""Cells whose pulses of 1 us the clock of every board makes."""
_OF_THE_BOARD: Final = ("rows", "columns", "adc_channels", "adc_bits", "input_bits", "command_depth")


def array_of(core: CoreConfig, file: Path | None, changes: Mapping[str, Any]) -> CrossbarConfig:
    """Resolve an array to integers, as `twinbar train` does.

    Parameters
    ----------
    core : CoreConfig
        Its geometry and its clock win over those of the file.
    file : Path, optional
        A configuration file. Without one, the cells are those of `DEFAULT_DEVICE`, and parts have the time to settle.
    changes : mapping
        Values by dotted key, which win over the file.

    Raises
    ------
    ConfigError
        If there is no such array.
    """
    from twinbar.host.experiment.resolved_crossbar import build_crossbar

    if file is None:
        shape, parts = core.controller, core.parts
        settling = {} if parts is None else settling_times(parts, shape.columns, shape.adc_channels)
        config = ExperimentConfig().merge({"device.preset": DEFAULT_DEVICE, **settling})
    else:
        config = ExperimentConfig.from_toml(file)
    fixed: dict[str, Any] = {f"array.{name}": getattr(core.controller, name) for name in _OF_THE_BOARD}
    fixed["timing.clock_hz"] = float(core.link.clock_hz)
    if core.parts is None:
        return build_crossbar(config.merge({**changes, **fixed}))
    # With the parts, codes are volts of their drives and ranges those of their amplifiers, where these are known.
    return build_crossbar(config.merge({**changes, **fixed, **use_of(core.parts)}), parts=core.parts)
