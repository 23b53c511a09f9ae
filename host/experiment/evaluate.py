"""How well a network does on images that it was not trained on."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from twinbar.host.nn.crossbar_network import CrossbarNetwork

BATCH = 500
"""Images per forward pass of an evaluation; part of the result, since read noise is drawn in this order."""


@dataclass(frozen=True)
class Evaluation:
    """Accuracies on the same images at the same moment.

    Parameters
    ----------
    accuracy : float
        Of the crossbar's forward pass, with all its noise.
    twin_accuracy : float
        Of the float twin.
    agreement : float
        Fraction of the images to which both give the same class.
    """

    accuracy: float
    twin_accuracy: float
    agreement: float


def evaluate(module: nn.Module, network: CrossbarNetwork | None, images: Tensor, labels: Tensor) -> Evaluation:
    """Evaluate a network on the crossbar and on its twin.

    Parameters
    ----------
    module : nn.Module
    network : CrossbarNetwork or None
        None where there is no crossbar; both accuracies are the software's then.
    images : float32 [n, 1, height, width]
    labels : int64 [n]

    Notes
    -----
    What an evaluation costs is not part of the training: it is not entered into the ledger.
    """
    module.eval()
    with torch.no_grad():
        if network is None:
            classes = twin_classes = _classes(module, images)
        else:
            with network.session.account_to(lambda kind, activity: None):
                classes = _classes(module, images)
            with network.twin():
                twin_classes = _classes(module, images)
    module.train()
    return Evaluation(
        _fraction(classes == labels), _fraction(twin_classes == labels), _fraction(classes == twin_classes)
    )


def _classes(module: nn.Module, images: Tensor) -> Tensor:
    return torch.cat([module(batch).argmax(dim=1) for batch in images.split(BATCH)])


def _fraction(hits: Tensor) -> float:
    return int(hits.sum()) / max(len(hits), 1)
