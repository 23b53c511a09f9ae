"""The learning rate over a training."""

from collections.abc import Callable, Mapping
from typing import Any

from torch.optim import Optimizer


class RateSchedule:
    """Sets the learning rates of an optimizer from the number of the step alone.

    It does what `torch.optim.lr_scheduler.LambdaLR` does, whose checkpoints it reads, without looking after optimizers
    that are stepped in another order: in a training of single images that took as long as a product.

    Parameters
    ----------
    optimizer : Optimizer
        Its rates are those of the beginning.
    factor : callable
        Gives, of the number of steps that were made, the factor of those rates.
    """

    def __init__(self, optimizer: Optimizer, factor: Callable[[int], float]) -> None:
        self._optimizer = optimizer
        self._rates = [group["lr"] for group in optimizer.param_groups]
        self._factor = factor
        self._steps = 0
        self._set()

    def step(self) -> None:
        """Set the rates of the next step: one more was made."""
        self._steps += 1
        self._set()

    def _set(self) -> None:
        factor = self._factor(self._steps)
        for group, rate in zip(self._optimizer.param_groups, self._rates, strict=True):
            group["lr"] = rate * factor

    def state_dict(self) -> dict[str, Any]:
        """Return how far it is, for a checkpoint."""
        return {"last_epoch": self._steps}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` gave; the optimizer's own state has the rates of that step."""
        self._steps = int(state["last_epoch"])
