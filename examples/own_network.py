"""Train a network of your own in situ: convert its layers, keep your own loop, and read what it cost."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from twinbar.host.data import load_dataset
from twinbar.host.experiment.config import ExperimentConfig
from twinbar.host.experiment.resolved_crossbar import build_crossbar
from twinbar.host.experiment.run_parts import build_ledger, images_tensor
from twinbar.host.network.programmer import program
from twinbar.host.nn.crossbar_network import CrossbarNetwork
from twinbar.host.nn.put_on_crossbar import put_on_crossbar
from twinbar.host.update.policies.closed_loop import ClosedLoop
from twinbar.host.update.policies.siamese import Siamese, SiameseSettings


class Classifier(nn.Module):
    """Any module with Linear or Conv2d layers will do; everything between them stays digital."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.Linear(64, 96)
        self.output = nn.Linear(96, 10)

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits of images [batch, 1, 8, 8]."""
        return self.output(torch.relu(self.hidden(images.flatten(1))))


def train_in_situ(
    module: nn.Module, images: Tensor, labels: Tensor, epochs: int = 10
) -> tuple[CrossbarNetwork, dict[str, Any]]:
    """Train a module on a crossbar; gives the converted network and what its training cost."""
    config = ExperimentConfig().merge({"device.preset": "taox-hfox", "device.levels": 16})
    crossbar = build_crossbar(config)
    network = put_on_crossbar(module, crossbar, account=lambda kind, activity: ledger.add(kind, activity))
    ledger = build_ledger(config, crossbar, network.session.engine.tiles)
    policy = Siamese(SiameseSettings(threshold=1.0, threshold_end=0.5, compensation="residual", twin_bound=1.5))
    optimizer = torch.optim.SGD(network.module.parameters(), lr=0.05, momentum=0.9)

    program(network, ClosedLoop(), 0.0)  # the first programming of all cells
    network.module.train()
    with network.calibrating(), torch.no_grad():  # the ranges of the converters
        network.module(images[:256])
    start = ledger.snapshot()

    for epoch in range(epochs):
        for batch in torch.randperm(len(images)).split(32):
            optimizer.zero_grad()
            F.cross_entropy(network.module(images[batch]), labels[batch]).backward()
            optimizer.step()
            program(network, policy, epoch / epochs)  # only cells whose level must change are written
    return network, ledger.summary(since=start)


def main() -> float:
    """Train on the digits, print accuracy and cost, and give the accuracy of the crossbar on the test images."""
    data = load_dataset("digits")
    torch.manual_seed(0)
    network, cost = train_in_situ(Classifier(), images_tensor(data.train_images), torch.as_tensor(data.train_labels))
    network.module.eval()
    with torch.no_grad():
        classes = network.module(images_tensor(data.test_images)).argmax(1)
    accuracy = float((classes == torch.as_tensor(data.test_labels)).float().mean())
    print(f"accuracy {accuracy:.1%}; {cost['cell_writes']:,} cell writes, {sum(cost['pulses'].values()):,} pulses")
    print(f"writing {cost['energy_j']['write']:.2e} J of {cost['energy_j']['total']:.2e} J")
    return accuracy


if __name__ == "__main__":
    main()
