"""Which update policies a twin of few bits can serve."""

import math
from typing import Any

from twinbar.emulator.sections.device_section import DeviceConfig
from twinbar.host.twin.twin_section import TwinConfig
from twinbar.host.update.policy import UpdatePolicy
from twinbar.hw.errors import ConfigError


def check_policy(config: TwinConfig, name: str, policy: UpdatePolicy[Any], device: DeviceConfig) -> None:
    """Refuse a policy, or levels, that need more of the twin than is stored.

    Parameters
    ----------
    config : TwinConfig
    name : str
        Of the policy.
    policy : UpdatePolicy
    device : DeviceConfig

    Raises
    ------
    ConfigError
        If there is no crossbar, levels are not evenly spaced, the policy needs the float weight, or the residual does
        not span its hysteresis.
    """
    if config.kind == "float32":
        return
    if not policy.on_crossbar:
        raise ConfigError(
            f"twin.kind is residual, but the policy {name} has no crossbar whose levels residuals could refer to; use "
            "another policy, or twin.kind float32"
        )
    if device.level_spacing != "uniform":
        raise ConfigError(
            "twin.kind is residual, whose steps are parts of an even level spacing, and device.level_spacing is not "
            "uniform; leave it out, or use twin.kind float32"
        )
    distance = policy.twin_distance
    if distance is None:
        raise ConfigError(
            f"twin.kind is residual, but the policy {name} needs the float weight: it does not say how far the twin "
            "may be from what the cells hold (twin_distance); use twin.kind float32"
        )
    if distance > config.range_levels - config.step_levels:
        far = "any distance" if math.isinf(distance) else f"{distance:g} levels"
        raise ConfigError(
            f"twin.range_levels is {config.range_levels}, but policy {name} lets the twin be {far} away from "
            "what the cells hold (policy.threshold, policy.threshold_end, policy.twin_bound); give a wider "
            "range of the residual, or smaller ones of the policy"
        )
