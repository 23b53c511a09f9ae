"""What the layers of a network must know of the forward pass that is going on."""

from dataclasses import dataclass


@dataclass
class Pass:
    """The forward pass of a network; one object is shared by all of its layers.

    Parameters
    ----------
    depth : int
        Forward passes of the network that have begun and not ended (a network may call itself).
    on_twin : bool
        Weights are multiplied by in software.
    """

    depth: int = 0
    on_twin: bool = False
