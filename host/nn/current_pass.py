"""What the layers of a network must know of the forward pass that is going on."""

import sys
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Final, Protocol

from torch import Tensor, nn

_CALL: Final = nn.Module._call_impl.__code__
"""Runs the forward pass of every module."""
_NOTHING: Final = nullcontext()


class Readiness(Protocol):
    """Sees to it that layers can be multiplied by: a `twinbar.host.network.readiness.NetworkReadiness`."""

    def run(self) -> AbstractContextManager[None]:
        """Open a run of the network, or of a part of it."""

    def bring_up(self, x: Tensor) -> None:
        """See to it, once in a run, that the cells hold the weights, before they are multiplied by activations."""


@dataclass
class Pass:
    """The forward pass of a network; one object is shared by all of its layers.

    Parameters
    ----------
    depth : int
        Forward passes of the network that have begun and not ended (a network may call itself).
    on_twin : bool
        Weights are multiplied by in software.
    parts : frozenset of int
        Identities of the modules in the network.
    readiness : Readiness or None
        None where the cells are programmed, and the converters calibrated, by hand.
    """

    depth: int = 0
    on_twin: bool = False
    parts: frozenset[int] = frozenset()
    readiness: Readiness | None = None

    def is_going_on(self) -> bool:
        """Whether the network computes now: called as a whole, or one of its modules by itself."""
        if self.depth:
            return True
        frame = sys._getframe(1)
        while frame is not None:
            if frame.f_code is _CALL and id(frame.f_locals["self"]) in self.parts:
                return True
            frame = frame.f_back  # type: ignore[assignment]
        return False

    def run(self) -> AbstractContextManager[None]:
        """Surround products, which may be made outside of a forward pass: by a method of the module, or one part."""
        return _NOTHING if self.readiness is None else self.readiness.run()

    def bring_up(self, x: Tensor) -> None:
        """See to it that the cells hold the weights, before they are multiplied by activations."""
        if self.readiness is not None:
            self.readiness.bring_up(x)
