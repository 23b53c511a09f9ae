"""The optimizers whose steps a network follows."""

import weakref
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.optim import Optimizer

from twinbar.host.nn.mapped_layer import MappedLayer
from twinbar.hw.errors import ConfigError

AfterStep = Callable[[Optimizer, Sequence[MappedLayer], int | None], None]


class Attachments:
    """Optimizers that are attached, each once.

    Attributes
    ----------
    stepped : bool
        Whether any step was followed.
    """

    def __init__(self) -> None:
        self._handles: weakref.WeakKeyDictionary[Optimizer, Any] = weakref.WeakKeyDictionary()
        self.stepped = False

    @property
    def follows_steps(self) -> bool:
        """Whether steps are followed by writing: an optimizer is attached, or a step was followed by hand."""
        return self.stepped or len(self._handles) > 0

    def add(
        self, optimizer: Optimizer, layers: Sequence[MappedLayer], steps: int | None, after_step: AfterStep
    ) -> None:
        """Follow an optimizer; one that is followed already only gets another number of steps.

        Raises
        ------
        ConfigError
            If it evaluates the loss several times per step, offers no hook, or steps no layer.
        """
        if isinstance(optimizer, torch.optim.LBFGS):
            raise ConfigError(
                "LBFGS evaluates the loss several times per step, which the crossbar would have to be written for; use "
                "another optimizer, such as SGD or Adam"
            )
        if not hasattr(optimizer, "register_step_post_hook"):
            raise ConfigError(
                f"{type(optimizer).__name__} has no register_step_post_hook; call net.step() after each of its steps"
            )
        stepped = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
        if not any(id(layer.weight) in stepped for layer in layers):
            raise ConfigError(
                "the optimizer has no weight of this network; make it from net.parameters(), after tb.convert"
            )

        def follow(stepping: Optimizer, args: Any, kwargs: Any) -> None:
            if _skipped(stepping):
                return
            # Groups may be added to an optimizer later.
            own = {id(parameter) for group in stepping.param_groups for parameter in group["params"]}
            after_step(stepping, [layer for layer in layers if id(layer.weight) in own], steps)

        if optimizer in self._handles:
            self._handles[optimizer].remove()
        self._handles[optimizer] = optimizer.register_step_post_hook(follow)


def _skipped(optimizer: Optimizer) -> bool:
    """Whether a fused optimizer has skipped its step, because GradScaler found gradients that are not finite."""
    found_inf = getattr(optimizer, "found_inf", None)
    return found_inf is not None and bool(found_inf)
