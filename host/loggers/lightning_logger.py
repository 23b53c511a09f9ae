"""The cost of a converted network in the logs of a Lightning trainer."""

from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final

from twinbar.host.loggers.scalars import scalars
from twinbar.host.network.network import Network
from twinbar.hw.errors import ConfigError, ToolMissingError

LOGGED: Final = (
    "weight_updates",
    "updates_per_weight",
    "update_elimination",
    "cell_writes",
    "pulses/set",
    "pulses/reset",
    "verify_reads",
    "failed_writes",
    "energy_j/write",
    "energy_j/total",
    "energy_j/total_with_host",
    "seconds/write",
    "seconds/total",
)
"""Of the keys of `twinbar.Network.cost`, those that are logged by default."""


def lightning_logger(names: Sequence[str] = LOGGED, prefix: str = "crossbar/") -> Any:
    """Return a callback for Lightning that logs, after each training epoch, what the crossbar has cost so far.

    Parameters
    ----------
    names : sequence of str
        Keys of `twinbar.Network.cost`, those of tables with a slash: ``energy_j/write``.
    prefix : str
        Goes before each name in the log.

    Raises
    ------
    ToolMissingError
        If Lightning is not installed.
    ConfigError
        When training begins: if the module holds no converted network, or there is no such figure.
    """
    library = next((name for name in ("lightning.pytorch", "pytorch_lightning") if _is_there(name)), None)
    if library is None:
        raise ToolMissingError("Lightning is not installed; install it with: pip install lightning")
    base: Any = import_module(library).Callback

    class CrossbarCost(base):
        """Logs figures of the converted network of a module."""

        def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
            figures = scalars(network_of(pl_module).cost)
            missing = [name for name in names if name not in figures]
            if missing:
                raise ConfigError(f"the network has no figure {missing[0]!r}; there are {', '.join(figures)}")
            pl_module.log_dict({f"{prefix}{name}": figures[name] for name in names})

    return CrossbarCost()


def network_of(module: Any) -> Network:
    """Return the converted network that a module is or holds.

    Raises
    ------
    ConfigError
        If it holds none, or several.
    """
    found = [part for part in module.modules() if isinstance(part, Network)]
    if len(found) != 1:
        raise ConfigError(
            f"{type(module).__name__} holds {len(found) or 'no'} networks that twinbar.convert has made; it must hold "
            "one"
        )
    return found[0]


def _is_there(name: str) -> bool:
    return find_spec(name.partition(".")[0]) is not None
