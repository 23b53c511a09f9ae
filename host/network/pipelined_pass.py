"""The forward pass of a batch whose images go through the layers side by side.

The images of a batch are divided into parts, each of which runs through the network a product behind the part before
it. The products that are due at the same time are of different layers, whose tiles work side by side in one program.
The numbers of every part are those that it would have alone: noise is drawn by tile, and the parts reach each tile in
their order.

The twin's gradients are those of the whole batch: once all products are made, the network runs a second time, on all
images, and takes the results that are there instead of multiplying.
"""

import threading
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from twinbar.emulator.contract.bulk_operations import LayerProduct, MultiplyResult
from twinbar.host.accounted_engine import AccountedEngine
from twinbar.host.nn.crossbar_network import CrossbarNetwork
from twinbar.host.nn.made_products import MadeProduct
from twinbar.hw.errors import TwinbarError


def part_sizes(images: int, parts: int, ratio: float) -> list[int]:
    """Divide a batch: every part gets one image, and of the others ``ratio`` times as many as the next part.

    Parameters
    ----------
    images : int
    parts : int
        If there are fewer images, each is a part.
    ratio : float
        1 or more.

    Returns
    -------
    list of int
        They sum up to ``images``. What rounding down leaves goes to the parts that have lost most by it.
    """
    parts = min(parts, images)
    weights = [ratio**-place for place in range(parts)]
    total = sum(weights)
    shares = [1 + (images - parts) * weight / total for weight in weights]
    sizes = [int(share) for share in shares]
    by_loss = sorted(range(parts), key=lambda place: sizes[place] - shares[place])
    for place in by_loss[: images - sum(sizes)]:
        sizes[place] += 1
    return sizes


def pipelined(network: CrossbarNetwork, x: Tensor, parts: int, ratio: float = 1.0) -> Tensor:
    """Run a network on a batch, its layers side by side.

    Parameters
    ----------
    network : CrossbarNetwork
        In a forward pass (`CrossbarNetwork.forward_pass`).
    x : Tensor [batch, ...]
    parts, ratio
        How the batch is divided (`part_sizes`).

    Returns
    -------
    Tensor [batch, ...]

    Raises
    ------
    TwinbarError
        If images of a batch depend on each other, or on random numbers, or if the module keeps something of every
        batch in its buffers (running means), in which the parts would be counted too.
    """
    session = network.session
    buffers = {name: buffer.clone() for name, buffer in network.module.named_buffers()}
    sizes = part_sizes(len(x), parts, ratio)
    runs = [_PartRun(network.module, part, session) for part in torch.split(x, sizes)]
    try:
        _run_side_by_side(runs, session)
        changed = [
            name
            for name, buffer in network.module.named_buffers()
            if name not in buffers or not torch.equal(buffer, buffers[name])
        ]
        session.products = _WholeBatch([run.made for run in runs])
        y = network.module(x)
        if changed:
            raise TwinbarError(
                f"the buffer {changed[0]} changes with every batch (such as the running means of batch normalization), "
                "and would change with every part of one, too; train with training.pipeline = 1"
            )
        return y
    finally:
        session.products = None
        for run in runs:
            run.cancel()


def _run_side_by_side(runs: Sequence["_PartRun"], session: AccountedEngine) -> None:
    """Run all parts, each a product behind the one before it."""
    waiting, ahead = list(runs), list[_PartRun]()
    while waiting or ahead:
        asked = [run.asked for run in ahead if run.asked is not None]
        for run, result in zip(ahead, session.multiply_layers(asked), strict=True):
            run.advance(result)
        if waiting:
            ahead.append(waiting.pop(0))
            ahead[-1].advance(None)
        ahead = [run for run in ahead if run.asked is not None]


class _Cancelled(BaseException):
    """Ends the thread of a part whose batch is given up."""


class _PartRun:
    """A part of a batch on its way through the network.

    It has a thread of its own, only so that it can wait in the middle of the module's forward pass: one thread runs at
    a time, the one that made it or this one.

    Attributes
    ----------
    asked : LayerProduct or None
        What it waits for; None if it has not begun or has ended.
    made : list of MadeProduct
        Products that were made for it, in their order.
    """

    def __init__(self, module: nn.Module, x: Tensor, session: AccountedEngine) -> None:
        self.asked: LayerProduct | None = None
        self.made: list[MadeProduct] = []
        self._module, self._x, self._session = module, x, session
        self._answer: MultiplyResult | None = None
        self._error: BaseException | None = None
        self._cancelled = False
        self._go, self._back = threading.Semaphore(0), threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, daemon=True)

    def advance(self, answer: MultiplyResult | None) -> None:
        """Let it run on to its next product, or to its end; raises what it raised."""
        self.asked, self._answer = None, answer
        self._session.products = self
        try:
            if self._thread.ident is None:
                self._thread.start()
            else:
                self._go.release()
            self._back.acquire()
        finally:
            self._session.products = None
        if self._error is not None:
            raise self._error

    def cancel(self) -> None:
        """End it, if it has begun and waits."""
        if self.asked is None:
            return
        self._cancelled = True
        self._go.release()
        self._thread.join()

    def _run(self) -> None:
        try:
            with torch.no_grad():
                self._module(self._x)
        except BaseException as error:
            if not self._cancelled:
                self._error = error
        self.asked = None
        self._back.release()

    # --- in its thread ----------------------------------------------------------------------------------------------

    def take(self, layer: str, x: Tensor) -> tuple[Tensor, Tensor] | None:
        """Return nothing: every product of a part has still to be made."""
        return None

    def keep(self, made: MadeProduct) -> None:
        """Keep a product for the pass of the whole batch."""
        self.made.append(made)

    def multiply(self, product: LayerProduct) -> MultiplyResult:
        """Wait for the program in which a product is made."""
        self.asked = product
        self._back.release()
        self._go.acquire()
        if self._cancelled:
            raise _Cancelled
        assert self._answer is not None
        return self._answer


class _WholeBatch:
    """The products of all parts, for a pass of the whole batch.

    Parameters
    ----------
    made : sequence of list of MadeProduct
        Of each part.
    """

    def __init__(self, made: Sequence[list[MadeProduct]]) -> None:
        self._made = made
        self._next = 0

    def take(self, layer: str, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return what the parts' products have given, in the order in which the layers multiply.

        Raises
        ------
        TwinbarError
            If they were not products with these activations.
        """
        number = self._next
        self._next += 1
        own = [part[number] for part in self._made if number < len(part)]
        same = len(own) == len(self._made) and {one.layer for one in own} == {layer}
        if not (same and torch.equal(torch.cat([one.x for one in own]), x)):
            raise TwinbarError(
                f"layer {layer} is given other activations by a whole batch than by its parts: images depend on each "
                "other (batch normalization) or on random numbers (dropout), or the batch is not the first dimension; "
                "train with training.pipeline = 1"
            )
        return torch.cat([one.y for one in own]), torch.cat([one.seen for one in own])

    def keep(self, made: MadeProduct) -> None:
        """Forget a product: none is made in this pass."""

    def multiply(self, product: LayerProduct) -> MultiplyResult:
        """Refuse to multiply: all products are made."""
        raise AssertionError("a pass of the whole batch multiplies by nothing")
