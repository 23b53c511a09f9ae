"""A network of 10^8 cells: programmed, calibrated and evaluated, with the memory that it takes beside its weights.

Two layers of 5,120 x 5,120 weights with a pair of cells each, on tiles of 128 x 128.
"""

import argparse
import os
import resource
import time

# As `twinbar` sets it where it is imported first: threads of one pool do not spin while those of another work.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import torch
from torch import nn

import twinbar as tb


def resident_bytes() -> int:
    """Return the memory that the process holds now (Linux)."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def peak_bytes() -> int:
    """Return the most memory that it has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def converted(width: int, device: str, levels: int) -> nn.Module:
    """Build and convert the network."""
    model = nn.Sequential(nn.Linear(width, width, bias=False), nn.ReLU(), nn.Linear(width, width, bias=False))
    return tb.convert(model, device=device, levels=levels)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--width", type=int, default=5120, help="inputs and outputs of a layer [default: 5120]")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--device", default="taox-hfox")
    parser.add_argument("--levels", type=int, default=16)
    arguments = parser.parse_args()
    torch.manual_seed(0)
    # Kernels are loaded, and compiled where they have to be, by a network of two tiles.
    with torch.no_grad():
        converted(64, arguments.device, arguments.levels).eval()(torch.rand(1, 64))
    before = resident_bytes()
    began = time.perf_counter()
    net = converted(arguments.width, arguments.device, arguments.levels).eval()
    x = torch.rand(arguments.batch, arguments.width)
    with torch.no_grad():
        net(x)
    programmed = time.perf_counter() - began
    cells = 2 * sum(layer.weight.numel() for layer in net.modules() if isinstance(layer, nn.Linear))
    held, peak = resident_bytes() - before, peak_bytes() - before
    twin = 2 * arguments.width**2 * 4
    print(f"{cells:,} cells programmed, calibrated and evaluated for the first time in {programmed:.0f} s")
    shares = f"{held / 2**30:.2f} GiB, at most {peak / 2**30:.2f} GiB"
    print(f"memory: {shares}; the twin's weights are {twin / 2**30:.2f} GiB of it")
    print(f"without them {(held - twin) / cells:.1f} bytes per cell, at most {(peak - twin) / cells:.1f}")
    began = time.perf_counter()
    with torch.no_grad():
        net(x)
    print(f"evaluated again, batch {arguments.batch}: {time.perf_counter() - began:.1f} s")


if __name__ == "__main__":
    main()
