"""What a training makes small, and the figure by which its result is judged."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn import functional as F

from twinbar.hw.errors import ConfigError
from twinbar.hw.registry import is_reference, resolve

LossFunction = Callable[[Any, Any], Tensor]
"""Takes the outputs of a batch and its targets, and returns their mean loss."""
MetricFunction = Callable[[Any, Any], Any]
"""Takes the outputs of all test examples and their targets, and returns one number."""

ACCURACY: Final = "accuracy"
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
        """Return the figure of merit of outputs."""
        if self.metric is None:
            return int((outputs.argmax(dim=1) == targets).sum()) / max(len(targets), 1)
        return float(self.metric(outputs, targets))


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
