"""How well a network does on examples that it was not trained on."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from twinbar.host.data.examples import Examples
from twinbar.host.experiment.objective import Objective
from twinbar.host.nn.crossbar_network import CrossbarNetwork

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
            outputs, targets = _outputs(module, examples, nullcontext)
            twin_outputs = outputs
        else:
            with network.session.account_to(lambda kind, activity: None):
                outputs, targets = _outputs(module, examples, network.forward_pass)
            with network.twin():
                twin_outputs, _ = _outputs(module, examples, nullcontext)
        figures = [objective.figure(given, targets) for given in (outputs, twin_outputs)]
    module.train()
    agreement = None
    if objective.classifies:
        agreement = int((outputs.argmax(dim=1) == twin_outputs.argmax(dim=1)).sum()) / max(len(targets), 1)
    return Evaluation(figures[0], figures[1], agreement)


def _outputs(
    module: nn.Module, examples: Examples, forward_pass: Callable[[], AbstractContextManager[None]]
) -> tuple[Any, Any]:
    """Return the outputs and targets of all examples."""
    outputs, targets = [], []
    for indices in examples.batches(BATCH, None):
        x, target = examples.batch(indices)
        with forward_pass():
            outputs.append(module(x))
        targets.append(target)
    return torch.cat(outputs), torch.cat(targets)
