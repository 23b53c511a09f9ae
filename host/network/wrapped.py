"""Modules that cannot be put on a crossbar as they are wrapped."""

from torch import nn
from torch.jit import ScriptModule
from torch.nn.parallel import DataParallel, DistributedDataParallel

from twinbar.host.network.network import Network
from twinbar.hw.errors import ConfigError


def refuse_wrapped(module: nn.Module) -> None:
    """Refuse a module that is converted already, or lies within a wrapper that cells cannot follow.

    Raises
    ------
    ConfigError
        One sentence that names the part.
    """
    if not isinstance(module, nn.Module):
        raise ConfigError(f"{type(module).__name__} is not a torch.nn.Module; pass the network to convert")
    for name, part in module.named_modules():
        path = f"the part {name}" if name else "the module"
        if isinstance(part, Network):
            raise ConfigError(f"{path} is converted already")
        if isinstance(part, DataParallel | DistributedDataParallel):
            raise ConfigError(
                f"{path} is a {type(part).__name__}, which makes replicas, each of which would own other cells; "
                "convert the module in it, and train it in one process"
            )
        if isinstance(part, ScriptModule):
            raise ConfigError(f"{path} is scripted, with its weights compiled in; convert it before torch.jit.script")
        if "_orig_mod" in part._modules:
            raise ConfigError(f"{path} is compiled, with its weights compiled in; convert it without torch.compile")
