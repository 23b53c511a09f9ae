"""What a network sees to before it is multiplied by: cells that hold the weights, and converters with ranges."""

import math
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Optimizer

from twinbar.emulator.crossbar.ticks import tick_of
from twinbar.host.experiment.watch import programming_warning
from twinbar.host.network.attachment import Attachments
from twinbar.host.network.books import Books
from twinbar.host.network.programmer import Programmed, initialize, learning_rates, program
from twinbar.host.nn.crossbar_network import CrossbarNetwork
from twinbar.host.nn.mapped_layer import MappedLayer
from twinbar.host.twin.twin import Twin
from twinbar.host.update.policy import UpdatePolicy
from twinbar.hw.errors import ConfigError, TwinbarError

OVERDRIVEN: Final = 4.0
"""Input ranges that an activation may reach: ranges follow a training, and single outliers are no reason to warn."""


class NetworkReadiness:
    """Programs the cells of a network and calibrates its converters, as soon as either is needed.

    Parameters
    ----------
    crossbar : CrossbarNetwork
    books : Books
    attachments : Attachments
    twin : Twin
    policy : UpdatePolicy
    warn : callable
        Takes what a user should know.

    Attributes
    ----------
    steps : int
        Optimizer steps that were made.
    programmed : bool
        Whether the cells were ever programmed.
    stale : set of str
        Layers whose cells may hold something else than is known of them, so that all of them are written again.
    """

    def __init__(
        self,
        crossbar: CrossbarNetwork,
        books: Books,
        attachments: Attachments,
        twin: Twin,
        policy: UpdatePolicy[Any],
        warn: Callable[[str], None],
    ) -> None:
        self._crossbar = crossbar
        self._books = books
        self._attachments = attachments
        self._twin = twin
        self._policy = policy
        self._warn = warn
        self.steps = 0
        self.programmed = False
        self.stale: set[str] = set()
        self._demanded = False
        self._overdriven: set[str] = set()
        self._restored: dict[str, int] = {}
        self._versions: dict[str, int] = {}
        self._running = False
        self._is_up = False

    # --- a run ------------------------------------------------------------------------------------------------------

    @contextmanager
    def run(self, inputs: Iterable[Tensor] = ()) -> Iterator[None]:
        """Open a run of the network, or of a part of it: layers without ranges get them for all that they see in it.

        Parameters
        ----------
        inputs : iterable of Tensor
            What the network is called with.

        Raises
        ------
        TwinbarError
            If nothing is programmed yet, and a batch is not finite.
        """
        if self._running:
            yield
            return
        if self._demanded or not self.programmed:
            for x in inputs:
                # Masks of attention are finite but for minus infinity.
                values = x.detach()
                check_finite(values.masked_fill(values == -math.inf, 0.0) if x.is_floating_point() else values)
        training = self._crossbar.module.training
        uncalibrated = [layer for layer in self._crossbar.layers if not layer.matmul.is_calibrated(training)]
        self._running, self._is_up = True, False
        try:
            with self._crossbar.calibrating(uncalibrated, provisional=not training):
                yield
            self._warn_of_cut_activations()
        finally:
            self._running = False

    # Nothing that is computed to write cells belongs to the graph of the pass: checkpointing counts what it saves.
    @torch.no_grad()
    def bring_up(self, x: Tensor) -> None:
        """See to it, once in a run, that the cells hold the weights.

        Parameters
        ----------
        x : Tensor
            The first activations that are multiplied by.

        Raises
        ------
        TwinbarError
            If they are not finite, and nothing is programmed yet; or the network is one of several replicas.
        """
        if self._is_up:
            return
        refuse_replicas()
        if self._crossbar.module.training:
            engine = self._crossbar.session.engine
            engine.set_tick(tick_of(engine.config.array, self.steps, self._books.busy_s))
        if self._demanded or not self.programmed:
            check_finite(x)
            self._program_all()
        elif self.stale:
            self._rewrite([layer for layer in self._crossbar.layers if layer.name in self.stale])
        elif self._moved():
            self._warn_of_moved_weights()
        self._is_up = True

    # --- writing ----------------------------------------------------------------------------------------------------

    @contextmanager
    def programming(self) -> Iterator[None]:
        """Let the first product meanwhile be preceded by writing all cells, whatever they hold."""
        self._demanded = True
        try:
            yield
        finally:
            self._demanded = False

    def _program_all(self) -> None:
        """Write all cells, whatever they hold, and account it as initialization."""
        for layer in self._crossbar.layers:
            _widen(layer)
        with self._books.initializing():
            if not self.programmed:
                self._books.enter("write", self._crossbar.session.engine.calibration)
            written = self._initialize(self._crossbar.layers)
        self._twin.settle(self._crossbar.layers)
        self.note_versions(self._crossbar.layers)
        self._books.note_initialization(written)
        self.programmed = True
        self.stale.clear()
        self._warn_of_silent_layers()
        sentence = programming_warning(written)
        if sentence is not None:
            self._warn(sentence)

    def _warn_of_silent_layers(self) -> None:
        silent = [
            layer.name
            for layer in self._crossbar.layers
            if not (layer.cells.plus.any() or layer.cells.minus.any()) and bool(layer.weight.detach().any())
        ]
        if silent:
            self._warn(
                f"all weights of {', '.join(silent)} are nearer to zero than to the first level; more levels, or a "
                "smaller policy.weight_range, would help"
            )

    def _warn_of_cut_activations(self) -> None:
        for layer in self._crossbar.layers:
            if layer.matmul.overdriven > OVERDRIVEN and layer.name not in self._overdriven:
                self._overdriven.add(layer.name)
                self._warn(
                    f"activations of layer {layer.name} are up to {layer.matmul.overdriven:.3g} times its input range, "
                    "and are cut off at its end; net.prepare(batch) with such inputs gives the layer a range for them"
                )

    def write(self, progress: float, layers: Sequence[MappedLayer], optimizer: Optimizer | None) -> Programmed:
        """Write what the policy decides. Where this is interrupted, all cells of the layers will be written again."""
        rates = {} if optimizer is None else learning_rates(optimizer, layers)
        return self._written(layers, lambda: program(self._crossbar, self._policy, progress, layers, rates))

    def _initialize(self, layers: Sequence[MappedLayer]) -> Programmed:
        return self._written(layers, lambda: initialize(self._crossbar, self._policy, layers))

    def _written(self, layers: Sequence[MappedLayer], write: Callable[[], Programmed]) -> Programmed:
        self._restored.clear()
        try:
            written = write()
        except BaseException:
            self.stale.update(layer.name for layer in layers)
            raise
        self.note_versions(layers)
        return written

    def _rewrite(self, layers: Sequence[MappedLayer]) -> None:
        for layer in layers:
            _widen(layer)
        with self._books.initializing():
            self._initialize(layers)
        self._twin.settle(layers)
        self.note_versions(layers)
        self.stale.difference_update(layer.name for layer in layers)

    def note_restored(self) -> None:
        """Note that the cells are those of the weights, which were loaded together with them."""
        self.note_versions(self._crossbar.layers)
        self._restored = {layer.name: _fingerprint(layer) for layer in self._crossbar.layers}

    def note_loaded(self, layer: MappedLayer) -> None:
        """Note that weights were loaded into a layer. If they are other ones, no range of the network fits them."""
        if self._restored.get(layer.name) == _fingerprint(layer):
            # A part that has two names is loaded under both, maybe after the cells were.
            self.note_versions([layer])
            return
        self.stale.add(layer.name)
        for other in self._crossbar.layers:
            other.matmul.calibrated = False

    # --- weights that moved -----------------------------------------------------------------------------------------

    def note_versions(self, layers: Iterable[MappedLayer]) -> None:
        """Note that the cells of layers are those of their weights now, as far as the policy wants."""
        self._versions.update({layer.name: layer.weight._version for layer in layers})

    def _moved(self) -> bool:
        return any(layer.weight._version != self._versions.get(layer.name) for layer in self._crossbar.layers)

    def _warn_of_moved_weights(self) -> None:
        if not self._attachments.follows_steps:
            self._warn(
                "the weights have moved, but the cells hold those of the beginning: attach the optimizer with "
                "net.attach(optimizer), or call net.step() after each of its steps"
            )
        elif not self._crossbar.module.training:
            self._warn(
                "weights were changed after the last step, and the cells hold the ones before; call net.prepare(batch) "
                "to write them"
            )


def refuse_replicas() -> None:
    """Refuse to run as one of several replicas.

    Raises
    ------
    ConfigError
        Within a forward pass of DistributedDataParallel.
    """
    if getattr(DistributedDataParallel, "_active_ddp_module", None) is not None:
        raise replica_error("DistributedDataParallel")


def replica_error(wrapper: str) -> ConfigError:
    """Say why a network on a crossbar has no replicas."""
    return ConfigError(
        f"{wrapper} makes replicas of a network, each of which would own other cells; train the network on a crossbar "
        "in one process"
    )


def check_finite(x: Tensor) -> None:
    """Refuse a batch that would calibrate the converters wrongly.

    Raises
    ------
    TwinbarError
        If it holds values that are not finite.
    """
    if x.is_floating_point() and not bool(x.isfinite().all()):
        raise TwinbarError(
            "the batch that would calibrate the converters holds values that are not finite; nothing was programmed"
        )


def _widen(layer: MappedLayer) -> None:
    """Let the top level stand for the largest weight: those that were loaded may exceed the one that it stood for."""
    largest = float(layer.weight.detach().abs().max())
    layer.cells.weight_per_level = max(layer.cells.weight_per_level, largest / (layer.cells.levels - 1))


def _fingerprint(layer: MappedLayer) -> int:
    """Return a number that tells other weights apart."""
    return zlib.crc32(layer.weight.detach().cpu().contiguous().view(torch.uint8).numpy().data)
