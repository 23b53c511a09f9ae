"""Network, data and objective tried together before a run costs anything."""

import math
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor, nn

from twinbar.host.data.examples import Examples, TensorExamples
from twinbar.host.experiment.evaluate import BATCH, all_outputs
from twinbar.host.experiment.objective import Objective, shown
from twinbar.host.experiment.task import Task
from twinbar.host.users_code import users_code
from twinbar.hw.errors import ConfigError


def try_out(module: nn.Module, task: Task, first: Tensor, twin: Callable[[], AbstractContextManager[Any]]) -> None:
    """Compute the loss of a batch and the figure of test examples on the float twin.

    Neither weights and running means nor cells, converters and accounts change.

    Parameters
    ----------
    module : nn.Module
    task : Task
    first : Tensor
        Numbers of the examples of the first batch.
    twin : callable
        Returns a context in which the module runs on its float twin.

    Raises
    ------
    ConfigError
        One sentence on what does not fit: the network takes no such inputs, the loss is no mean that could be
        differentiated, or the figure cannot be computed from the outputs.
    """
    kept = {name: buffer.clone() for name, buffer in module.named_buffers()}
    try:
        with twin():
            _try_loss(module, task, first)
            module.eval()
            with torch.no_grad():
                _try_figure(module, task.objective, task.test, "test")
                if task.validation is not None:
                    _try_figure(module, task.objective, task.validation, "validation")
    finally:
        module.train()
        with torch.no_grad():
            for name, buffer in module.named_buffers():
                if name in kept:
                    buffer.copy_(kept[name])


def _try_loss(module: nn.Module, task: Task, first: Tensor) -> None:
    x, targets = task.train.batch(first)
    module.train()
    with users_code(f"the network cannot take the training inputs, {shown(x)}"):
        outputs = module(x)
    what = f"the loss cannot be computed from outputs, {shown(outputs)}, and targets, {shown(targets)}"
    with users_code(what), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        loss = task.objective.loss(outputs, targets)
    if any("target size" in str(warning.message) and "broadcasting" in str(warning.message) for warning in caught):
        raise ConfigError(
            f"outputs, {shown(outputs)}, and targets, {shown(targets)}, have different shapes, so that the loss would "
            "compare each output with several targets; give the targets the shape of the outputs"
        )
    if not isinstance(loss, Tensor):
        raise ConfigError(f"the loss returns {type(loss).__name__}; it must return a tensor of one value, their mean")
    if loss.numel() != 1:
        raise ConfigError(f"the loss returns {shown(loss)}; it must return one value, the mean of the batch")
    if not loss.requires_grad:
        frozen = not any(parameter.requires_grad for parameter in module.parameters())
        raise ConfigError(
            "every parameter of the network is frozen (requires_grad is False), so that nothing can be learnt"
            if frozen
            else "the loss has no gradient; compute it from the outputs by functions of PyTorch, without detach()"
        )
    if not math.isfinite(float(loss.detach())):
        raise ConfigError(
            f"the loss of the first batch is {float(loss.detach())}; look for values that are not finite in the "
            "targets, or for a division by zero in network or loss"
        )


def _try_figure(module: nn.Module, objective: Objective, examples: Examples, part: str) -> None:
    # A metric of the user's may need every class, so that it is tried on all examples.
    few = None if objective.metric is not None else examples.batches(BATCH, None)[0][:2]
    batches = examples.batches(BATCH, None) if few is None else [few]
    with users_code(f"the network cannot take the {part} inputs, {shown(examples.batch(batches[0][:1])[0])}"):
        outputs, targets = all_outputs(module, examples, batches)
    if few is not None and isinstance(examples, TensorExamples):  # every target is at hand
        outputs, targets = outputs[:1].expand(len(examples), *outputs.shape[1:]), examples.targets
    objective.figure(outputs, targets)
