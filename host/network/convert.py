"""`twinbar.convert`: put your own module on a crossbar."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from torch import nn

from twinbar.emulator.devices.preset import Preset
from twinbar.emulator.ledger.energy_table import EnergyTable, load_energy_table
from twinbar.host.experiment.config import ExperimentConfig
from twinbar.host.experiment.resolved_crossbar import build_crossbar, build_policy
from twinbar.host.experiment.sections import FROM_PYTHON
from twinbar.host.network.conversion import Conversion
from twinbar.host.network.network import Network, build
from twinbar.host.network.wrapped import refuse_wrapped
from twinbar.host.twin.twin_policy_check import check_policy
from twinbar.host.update.policy import UpdatePolicy
from twinbar.hw.errors import ConfigError


def convert(
    module: nn.Module,
    device: str | Preset | None = None,
    levels: int | None = None,
    policy: str | type[UpdatePolicy[Any]] | UpdatePolicy[Any] | None = None,
    *,
    exclude: str | Sequence[str] = (),
    config: str | Path | ExperimentConfig | None = None,
    energy_table: str | EnergyTable | None = None,
    seed: int | None = None,
    engine: str | None = None,
) -> Network:
    """Put the weights of a module on a memristor crossbar, with a float twin that is trained.

    Parameters
    ----------
    module : nn.Module
        Any module; it is left as it is. Linear layers, convolutions (transposed and grouped ones too), attention and
        recurrent layers multiply on the crossbar; everything else stays digital and is listed by `Network.summary`.
    device : str or Preset, optional
        Preset of the cells: a name, a file, ``package.module:NAME`` or an object.
    levels : int, optional
        Levels per cell.
    policy : str, type or object, optional
        Decides which cells are written after a step.
    exclude : str or sequence of str
        Names of parts that stay digital, with all that is in them; ``*`` stands for any text.
    config : str, Path or ExperimentConfig, optional
        A configuration as ``twinbar train`` takes it, for all other choices; the other arguments win over it.
    energy_table : str or EnergyTable, optional
    seed : int, optional
        Of the cells and their noise.
    engine : str, optional
        "fast", "events", "rtl" or "pysim"; all give the same.

    Raises
    ------
    ConfigError
        One sentence: what cannot be converted, or which choice cannot be used.
    """
    refuse_wrapped(module)
    base = ExperimentConfig.of(config)
    # What is learnt is the business of the user's loop.
    changes: dict[str, Any] = {
        "model.kind": f"{FROM_PYTHON}:{type(module).__name__}",
        "data.name": f"{FROM_PYTHON}:own_data",
    }
    if device is not None:
        changes["device.preset"] = device.name if isinstance(device, Preset) else device
    if levels is not None:
        changes["device.levels"] = levels
    if seed is not None:
        changes["engine.seed"] = seed
    if engine is not None:
        changes["engine.name"] = engine
    if energy_table is not None:
        changes["engine.energy_table"] = energy_table.name if isinstance(energy_table, EnergyTable) else energy_table
    if isinstance(policy, str):
        changes["policy.name"] = policy
    base = base.merge(changes)
    kind, settings = _policy_of(base, policy)
    called = base.policy.name if isinstance(policy, str | None) else kind.__name__
    check_policy(base.twin, called, kind(settings), base.device)
    if not kind.on_crossbar:
        raise ConfigError(
            f"the policy {base.policy.name} trains in software alone, without a crossbar; train the module itself"
        )
    if base.engine.name == "board":
        raise ConfigError("a module cannot be converted to a board; use twinbar train --engine board, or engine='fast'")
    crossbar = build_crossbar(base, preset=device if isinstance(device, Preset) else None, targets=kind.targets)
    table = energy_table if isinstance(energy_table, EnergyTable) else load_energy_table(base.engine.energy_table)
    return build(module, Conversion(base, crossbar, kind, settings, table, _names(exclude)))


def _names(exclude: Any) -> tuple[str, ...]:
    names = (exclude,) if isinstance(exclude, str) else tuple(exclude) if isinstance(exclude, Iterable) else (None,)
    if not all(isinstance(name, str) for name in names):
        raise ConfigError(f"exclude is {exclude!r}; it must be the name of a part, or a list of names")
    return names


def _policy_of(
    config: ExperimentConfig, policy: str | type[UpdatePolicy[Any]] | UpdatePolicy[Any] | None
) -> tuple[type[UpdatePolicy[Any]], Any]:
    """Return the class of a policy, and its settings."""
    if isinstance(policy, UpdatePolicy):
        return type(policy), policy.settings
    if isinstance(policy, type) and issubclass(policy, UpdatePolicy):
        return policy, policy.settings_model()
    if policy is not None and not isinstance(policy, str):
        raise ConfigError(f"policy is {policy!r}; it must be a name, or an UpdatePolicy")
    made = build_policy(config)
    return type(made), made.settings
