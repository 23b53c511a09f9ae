"""What a training makes small, and the figure by which its result is judged."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn import functional as F

from twinbar.host.users_code import users_code
from twinbar.hw.errors import ConfigError
from twinbar.hw.registry import is_reference, resolve

LossFunction = Callable[[Any, Any], Tensor]
"""Takes the outputs of a batch and its targets, and returns their mean loss."""
MetricFunction = Callable[[Any, Any], Any]
"""Takes the outputs of all test examples and their targets, and returns one number."""

ACCURACY: Final = "accuracy"
IGNORED: Final = -100
"""Target that PyTorch's cross entropy leaves out, by default."""
CROSS_ENTROPY: Final = "cross-entropy"
LOSSES: Final[dict[str, LossFunction]] = {
    CROSS_ENTROPY: F.cross_entropy,
    "mse": F.mse_loss,
    "l1": F.l1_loss,
    "huber": F.huber_loss,
    "bce": F.binary_cross_entropy_with_logits,
}
"""Losses that have a name."""


@dataclass(frozen=True)
class Objective:
    """A loss and a figure of merit.

    Parameters
    ----------
    loss : callable
    metric : callable or None
        None: classes are told apart, and the figure is the part of the examples that are told rightly.
    metric_name : str
    """

    loss: LossFunction = F.cross_entropy
    metric: MetricFunction | None = None
    metric_name: str = ACCURACY

    @property
    def classifies(self) -> bool:
        """Whether the figure is an accuracy."""
        return self.metric is None

    def loss_sum(self, outputs: Any, targets: Any, examples: int) -> Tensor:
        """Return the loss of a batch, summed over its examples."""
        if self.loss is F.cross_entropy and outputs.dim() == 2:
            return F.cross_entropy(outputs, targets, reduction="sum")
        return self.loss(outputs, targets) * examples

    def figure(self, outputs: Any, targets: Any) -> float:
        """Return the figure of merit of outputs.

        Raises
        ------
        ConfigError
            If it cannot be computed, or is not a number.
        """
        if self.metric is None:
            return _accuracy(outputs, targets)
        with users_code(f"the metric {self.metric_name} cannot be computed"):
            found = self.metric(outputs, targets)
        try:
            return float(found)
        except (TypeError, ValueError, RuntimeError):
            what = shown(found) if isinstance(found, Tensor) else type(found).__name__
            raise ConfigError(f"the metric {self.metric_name} returns {what}; it must return one number") from None


def shown(values: Any) -> str:
    """Name the type and shape of inputs, outputs or targets, for messages: "float32 [8, 3]"."""
    if isinstance(values, Tensor):
        return f"{str(values.dtype).removeprefix('torch.')} {list(values.shape)}"
    return type(values).__name__


def _accuracy(outputs: Tensor, targets: Tensor) -> float:
    """Return the part of the targets that the largest output names.

    Targets are classes, or a probability of each class; those that PyTorch's cross entropy ignores do not count.
    """
    if outputs.dim() > 1 and targets.is_floating_point() and targets.shape == outputs.shape:
        targets = targets.argmax(dim=1)
    expected = [*outputs.shape[:1], *outputs.shape[2:]]
    if outputs.dim() < 2 or outputs.shape[1] < 2 or list(targets.shape) != expected or targets.is_floating_point():
        raise ConfigError(
            f"an accuracy needs outputs [examples, classes] and the number of a class as target, but outputs are "
            f"{shown(outputs)} and targets {shown(targets)}; choose another metric"
        )
    counted = targets != IGNORED
    wrong = targets[counted & ((targets < 0) | (targets >= outputs.shape[1]))]
    if wrong.numel():
        last = outputs.shape[1] - 1
        raise ConfigError(f"a target is class {int(wrong[0])}; with {last + 1} outputs, classes are 0 to {last}")
    return int((outputs.argmax(dim=1) == targets).sum()) / max(int(counted.sum()), 1)


def objective_of(loss: str | LossFunction = CROSS_ENTROPY, metric: str | MetricFunction | None = None) -> Objective:
    """Return an objective from names, functions or ``package.module:name``.

    Parameters
    ----------
    loss : str or callable
    metric : str or callable, optional
        "accuracy", the name of a loss, or a function; by default the accuracy where classes are told apart by their
        cross entropy, else the loss itself.

    Raises
    ------
    ConfigError
        If there is no such loss or metric.
    """
    function = _function(loss, "loss") if isinstance(loss, str) else loss
    if not callable(function):
        raise ConfigError(f"loss is {loss!r}; it must be a function of outputs and targets, or a name")
    if isinstance(function, torch.nn.CrossEntropyLoss) and _is_plain(function):
        function = F.cross_entropy
    if metric is None:
        if function is F.cross_entropy:
            return Objective(function)
        return Objective(function, _without_gradient(function), _name(loss))
    if metric == ACCURACY:
        return Objective(function)
    judged = _function(metric, "metric") if isinstance(metric, str) else metric
    if not callable(judged):
        raise ConfigError(f"metric is {metric!r}; it must be a function of outputs and targets, or a name")
    return Objective(function, judged, _name(metric))


def _is_plain(loss: torch.nn.CrossEntropyLoss) -> bool:
    return loss.weight is None and loss.reduction == "mean" and loss.label_smoothing == 0 and loss.ignore_index == -100


def _without_gradient(loss: LossFunction) -> MetricFunction:
    def judged(outputs: Any, targets: Any) -> float:
        return float(loss(outputs, targets).detach())

    return judged


def _function(name: str, what: str) -> Any:
    if name in LOSSES:
        return LOSSES[name]
    if is_reference(name):
        return resolve(name, what)
    known = ", ".join(LOSSES if what == "loss" else [ACCURACY, *LOSSES])
    raise ConfigError(f"there is no {what} {name!r}; there are {known}, or give package.module:name")


def _name(function: Any) -> str:
    if isinstance(function, str):
        return function
    return str(getattr(function, "__name__", type(function).__name__))
