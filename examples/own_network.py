"""Train a network of your own in situ: three lines in an ordinary PyTorch loop, and what it cost."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import twinbar as tb
from twinbar.host.data import load_dataset


class Classifier(nn.Module):
    """Any module will do; what multiplies by no weight matrix stays digital."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2))
        self.body = nn.Conv2d(8, 8, 3, padding=1)
        self.head = nn.Linear(128, 10)

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits of images [batch, 1, 8, 8]."""
        x = self.stem(images)
        x = torch.relu(x + self.body(x))
        return self.head(x.flatten(1))


def train(model: nn.Module, images: Tensor, labels: Tensor, epochs: int = 5) -> tb.Network:
    """Train a module on a crossbar, and return the converted network."""
    steps = epochs * len(torch.arange(len(images)).split(32))

    net = tb.convert(model, device="taox-hfox", levels=16, policy="siamese")
    optimizer = net.attach(torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9), steps=steps)

    for _ in range(epochs):
        for batch in torch.randperm(len(images)).split(32):
            optimizer.zero_grad()
            F.cross_entropy(net(images[batch]), labels[batch]).backward()
            optimizer.step()  # the cells that must change are written after it

    return net


def main() -> float:
    """Train on the digits, print accuracy and cost, and return the accuracy of the crossbar on the test images."""
    data = load_dataset("digits")
    images, labels = torch.as_tensor(data.train_images) / 255, torch.as_tensor(data.train_labels)
    torch.manual_seed(0)
    net = train(Classifier(), images.unsqueeze(1), labels)
    net.eval()
    with torch.no_grad():
        classes = net(torch.as_tensor(data.test_images).unsqueeze(1) / 255).argmax(1)
    accuracy = float((classes == torch.as_tensor(data.test_labels)).float().mean())
    print(net.summary())
    cost = net.cost
    print(f"accuracy {accuracy:.1%}; {cost['cell_writes']:,} cell writes, {sum(cost['pulses'].values()):,} pulses")
    print(f"writing {cost['energy_j']['write']:.2e} J of {cost['energy_j']['total']:.2e} J")
    return accuracy


if __name__ == "__main__":
    main()
