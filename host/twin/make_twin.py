"""From a configuration to the twin of a network."""

from typing import Any

from twinbar.host.experiment.config import ExperimentConfig
from twinbar.host.nn.crossbar_network import CrossbarNetwork
from twinbar.host.twin.residual_twin import ResidualTwin
from twinbar.host.twin.twin import Twin
from twinbar.host.update.policy import UpdatePolicy


def make_twin(config: ExperimentConfig, network: CrossbarNetwork, policy: UpdatePolicy[Any]) -> Twin:
    """Make the twin that ``[twin]`` describes; the cells of the network need not be programmed yet.

    Raises
    ------
    ConfigError
        If it cannot hold the weights of a layer.
    """
    adc_bits = config.array.adc_bits
    if config.twin.kind == "residual":
        return ResidualTwin(config.twin, network.layers, policy, adc_bits, config.engine.seed)
    return Twin(config.twin, network.layers, policy, adc_bits)
