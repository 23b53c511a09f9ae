"""How a network was put on its crossbar: the choices from which it, or a copy, is made."""

from dataclasses import dataclass
from typing import Any

from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.ledger.energy_table import EnergyTable
from twinbar.host.experiment.config import ExperimentConfig
from twinbar.host.update.policy import UpdatePolicy


@dataclass(frozen=True)
class Conversion:
    """The choices of a conversion.

    Parameters
    ----------
    config : ExperimentConfig
        Its sections on the device, the array, timing, writing, the policy and the engine.
    crossbar : CrossbarConfig
        The same, resolved.
    policy : type of UpdatePolicy
    settings : PolicySettings
        Of the policy.
    energy_table : EnergyTable
    exclude : tuple of str
    """

    config: ExperimentConfig
    crossbar: CrossbarConfig
    policy: type[UpdatePolicy[Any]]
    settings: Any
    energy_table: EnergyTable
    exclude: tuple[str, ...]

    def make_policy(self) -> UpdatePolicy[Any]:
        """Make the update policy, without what it has learnt."""
        return self.policy(self.settings)
