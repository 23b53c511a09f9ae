"""Setting the ranges of converters by a forward pass that leaves no other trace."""

from collections.abc import Callable

import torch

from twinbar.host.nn.crossbar_network import CrossbarNetwork


def calibrate(network: CrossbarNetwork, run: Callable[[], object]) -> None:
    """Set the ranges of all converters by a forward pass.

    Parameters
    ----------
    network : CrossbarNetwork
    run : callable
        Runs the module on a batch. The module's buffers (running means), and the random numbers of PyTorch, are
        afterwards as before.
    """
    buffers = {name: value.clone() for name, value in network.module.named_buffers()}
    try:
        with torch.random.fork_rng(devices=[]), torch.no_grad(), network.calibrating(), network.forward_pass():
            run()
    finally:
        for name, value in network.module.named_buffers():
            if name in buffers:
                value.copy_(buffers[name])
