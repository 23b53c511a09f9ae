"""From a configuration to its crossbar, for runs and for all that has cells without a network: no torch is imported."""

from typing import Any, Final

from twinbar.boards.wiring import find_wiring
from twinbar.emulator.crossbar.chip_array import with_chip_durations
from twinbar.emulator.crossbar.configuration import CrossbarConfig, build_config
from twinbar.emulator.crossbar.levels import Targets
from twinbar.emulator.devices.preset import Preset, load_preset
from twinbar.host.experiment.config import ExperimentConfig
from twinbar.host.update.known_policies import POLICIES
from twinbar.host.update.policy import UpdatePolicy
from twinbar.hw.errors import ConfigError
from twinbar.hw.parts.assembly import SerialParts

DIRECT: Final = "direct"
EMULATED: Final = "emulated"
"""Front ends that no wiring describes."""


def build_crossbar(
    config: ExperimentConfig,
    *,
    preset: Preset | None = None,
    targets: Targets | None = None,
    parts: SerialParts | None = None,
) -> CrossbarConfig:
    """Resolve the crossbar and its controller to integers.

    Parameters
    ----------
    config : ExperimentConfig
    preset : Preset, optional
        The cells, where they are other than those that ``device.preset`` names.
    targets : Targets, optional
        Targets of the writes, where they are other than those of the policy that ``policy.name`` names.
    parts : SerialParts, optional
        Serial parts of every tile's front end, where they are other than those that ``array.front_end`` names.

    Raises
    ------
    ConfigError
        If there is no such crossbar; the sentence names the key.
    """
    crossbar = build_config(
        load_preset(config.device.preset) if preset is None else preset,
        config.device,
        config.array,
        config.timing,
        config.write,
        seed=config.engine.seed,
        targets=POLICIES.load(config.policy.name).targets if targets is None else targets,
        parts=build_parts(config) if parts is None else parts,
    )
    return with_chip_durations(crossbar) if config.array.front_end == EMULATED else crossbar


def build_parts(config: ExperimentConfig) -> SerialParts | None:
    """Return the serial parts of every tile's front end; None if it has none.

    Raises
    ------
    ConfigError
        If there is no such wiring, or it has no serial parts.
    """
    name = config.array.front_end
    if name in (DIRECT, EMULATED):
        return None
    parts = find_wiring(name).serial_parts(config.timing.clock_hz)
    if parts is None:
        raise ConfigError(
            f"array.front_end is {name!r}, a wiring of the controller's own pins; give 'direct', 'emulated', or "
            "one with serial parts"
        )
    return parts


def build_policy(config: ExperimentConfig) -> UpdatePolicy[Any]:
    """Make the update policy.

    Raises
    ------
    ConfigError
        If it cannot be imported.
    """
    return config.make_policy()
