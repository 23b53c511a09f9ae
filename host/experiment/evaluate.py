"""How well a network does on examples that it was not trained on."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from twinbar.host.data.examples import Examples
from twinbar.host.experiment.objective import Objective
from twinbar.host.nn.crossbar_network import CrossbarNetwork
from twinbar.hw.errors import ConfigError

BATCH = 500
"""Examples per forward pass of an evaluation; part of the result, since read noise is drawn in this order."""


@dataclass(frozen=True)
class Evaluation:
    """Figures of merit on the same examples at the same moment.

    Parameters
    ----------
    crossbar : float
        Of the crossbar's forward pass, with all its noise.
    twin : float
        Of the float twin.
    agreement : float or None
        Fraction of the examples to which both give the same class; None where no classes are told apart.
    """

    crossbar: float
    twin: float
    agreement: float | None


def evaluate(
    module: nn.Module, network: CrossbarNetwork | None, examples: Examples, objective: Objective
) -> Evaluation:
    """Evaluate a network on the crossbar and on its twin.

    Parameters
    ----------
    module : nn.Module
    network : CrossbarNetwork or None
        None where there is no crossbar; both figures are the software's then.
    examples : Examples
    objective : Objective

    Notes
    -----
    What an evaluation costs is not part of the training: it is not entered into the ledger.
    """
    module.eval()
    with torch.no_grad():
        if network is None:
            outputs, targets = all_outputs(module, examples)
            twin_outputs = outputs
        else:
            with network.session.account_to(lambda kind, activity: None):
                outputs, targets = all_outputs(module, examples, forward_pass=network.forward_pass)
            with network.twin():
                twin_outputs, _ = all_outputs(module, examples)
        figures = [objective.figure(given, targets) for given in (outputs, twin_outputs)]
    module.train()
    agreement = None
    if objective.classifies:
        same = outputs.argmax(dim=1) == twin_outputs.argmax(dim=1)
        agreement = int(same.sum()) / max(same.numel(), 1)
    return Evaluation(figures[0], figures[1], agreement)


def all_outputs(
    module: nn.Module,
    examples: Examples,
    batches: Sequence[Tensor] | None = None,
    forward_pass: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> tuple[Tensor, Any]:
    """Return the outputs and targets of the examples of some batches; of all examples by default.

    Raises
    ------
    ConfigError
        If the network does not return a tensor.
    """
    outputs, targets = [], []
    for indices in examples.batches(BATCH, None) if batches is None else batches:
        x, target = examples.batch(indices)
        with forward_pass():
            given = module(x)
        if not isinstance(given, Tensor):
            raise ConfigError(f"the network returns {type(given).__name__} in an evaluation; it must return one tensor")
        outputs.append(given)
        targets.append(target)
    return torch.cat(outputs), torch.cat(targets)
