"""ResNet-18 on a crossbar of 128 x 128 tiles: a training step against PyTorch alone, in one run.

He et al., Deep residual learning for image recognition, CVPR 2016; with the stem that is usual for images of 32 x 32.
"""

import argparse
import os
import time
from collections.abc import Callable

# As `twinbar` sets it where it is imported first: threads of one pool do not spin while those of another work.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import numba
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import twinbar as tb


class ResidualBlock(nn.Module):
    """Two convolutions around a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1 or inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Return the activations of the block."""
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + self.shortcut(x))


def resnet18(classes: int = 10) -> nn.Module:
    """Build the network: 11.2 million weights."""
    layers: list[nn.Module] = [nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
    inputs = 64
    for outputs, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
        layers += [ResidualBlock(inputs, outputs, stride), ResidualBlock(outputs, outputs, 1)]
        inputs = outputs
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, classes))


def seconds(step: Callable[[], None], repeats: int) -> tuple[float, float]:
    """Return the shortest time of a step, and its shortest processor time, after one that warms up."""
    step()
    times = []
    for _ in range(repeats):
        began = time.perf_counter(), time.process_time()
        step()
        times.append((time.perf_counter() - began[0], time.process_time() - began[1]))
    return min(time for time, _ in times), min(time for _, time in times)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, help="of PyTorch and of the kernels [default: one per core]")
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
        numba.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    model = resnet18().train()
    x, y = torch.rand(arguments.batch, 3, 32, 32), torch.randint(0, 10, (arguments.batch,))
    began = time.perf_counter()
    net = tb.convert(model, device="taox-hfox", levels=16)
    print(f"converted in {time.perf_counter() - began:.1f} s: {net.summary().splitlines()[0]}")
    began = time.perf_counter()
    net(x)
    print(f"programmed and calibrated in {time.perf_counter() - began:.1f} s")
    optimizer = net.attach(torch.optim.SGD(net.parameters(), lr=0.01))

    def forward_backward(network: nn.Module) -> Callable[[], None]:
        def step() -> None:
            network.zero_grad()
            F.cross_entropy(network(x), y).backward()

        return step

    alone = seconds(forward_backward(model), arguments.repeats)
    crossbar = seconds(forward_backward(net), arguments.repeats)
    print(f"forward and backward, batch {arguments.batch}:")
    for what, torch_s, crossbar_s in zip(("time", "processor time"), alone, crossbar, strict=True):
        print(f"{what}: PyTorch {torch_s:.3f} s, crossbar {crossbar_s:.3f} s, ratio {crossbar_s / torch_s:.2f}")
    began = time.perf_counter()
    optimizer.step()
    written = net.books.rows[-1]["cell_writes"]
    print(f"optimizer step with its {written:,} writes: {time.perf_counter() - began:.2f} s")


if __name__ == "__main__":
    main()
