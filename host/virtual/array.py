"""The array behind a virtual board: that of a configuration, in the geometry of the board."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.host.experiment.config import ExperimentConfig
from twinbar.hw.gateware.core import CoreConfig

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
        A configuration file. Without one, the cells are those of `DEFAULT_DEVICE`.
    changes : mapping
        Values by dotted key, which win over the file.

    Raises
    ------
    ConfigError
        If there is no such array.
    """
    from twinbar.host.experiment.build import build_crossbar

    config = ExperimentConfig.from_toml(file) if file else ExperimentConfig().merge({"device.preset": DEFAULT_DEVICE})
    fixed: dict[str, Any] = {f"array.{name}": getattr(core.controller, name) for name in _OF_THE_BOARD}
    fixed["timing.clock_hz"] = float(core.link.clock_hz)
    if core.parts is not None:
        # Serial parts drive whole rows, and subtract pairs only where there are switches for it.
        fixed["array.inputs"] = "planes"
        if not core.parts.pairs:
            fixed["array.pairs"] = "separate"
    return build_crossbar(config.merge({**changes, **fixed}))
