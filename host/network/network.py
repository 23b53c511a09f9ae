"""The user's network on a crossbar: what `twinbar.convert` returns."""

import copy
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from numbers import Integral
from pathlib import Path
from typing import Any, Final, Self

from torch import Tensor, nn
from torch.optim import Optimizer

from twinbar.emulator.ledger.ledger import Ledger
from twinbar.host.experiment.python_arguments import folder_of
from twinbar.host.experiment.run_parts import engine_maker
from twinbar.host.experiment.watch import clipping_warning
from twinbar.host.network import network_state, network_summary
from twinbar.host.network.attachment import Attachments
from twinbar.host.network.books import Books
from twinbar.host.network.conversion import Conversion
from twinbar.host.network.eager import eager
from twinbar.host.network.network_report import write_report
from twinbar.host.network.range_calibration import calibrate
from twinbar.host.network.readiness import NetworkReadiness, replica_error
from twinbar.host.nn.crossbar_network import CHECKED_EVERY, CrossbarNetwork, weights_of
from twinbar.host.nn.mapped_layer import MappedLayer
from twinbar.host.nn.put_on_crossbar import put_on_crossbar
from twinbar.host.nn.transforms import refuse_transforms
from twinbar.host.twin.make_twin import make_twin
from twinbar.host.update.policy import UpdatePolicy
from twinbar.hw.errors import ConfigError, TwinbarError
from twinbar.hw.reading import reading

STATE_KEY: Final = "crossbar_state"
"""Key of ``state_dict`` under which cells, counters, ranges and the policy are, beside the parameters of the module."""


class Network(nn.Module):
    """A module whose forward pass runs on a crossbar, and whose parameters are the float twin.

    It is an `nn.Module` with the parameters, buffers and parts of the converted module under their own names; unknown
    attributes are those of the module.

    Parameters
    ----------
    crossbar : CrossbarNetwork
    policy : UpdatePolicy
    books : Books
    conversion : Conversion
        How it was made, from which copies are made.

    Attributes
    ----------
    module : nn.Module
        The converted module.
    policy : UpdatePolicy
    warnings : list of str
        What a user should know before trusting the result.
    """

    def __init__(
        self, crossbar: CrossbarNetwork, policy: UpdatePolicy[Any], books: Books, conversion: Conversion
    ) -> None:
        super().__init__()
        # The parts of the module are parts of the network too, so that their names stay; it is no part itself.
        for shared in ("_parameters", "_buffers", "_modules", "_non_persistent_buffers_set"):
            self.__dict__[shared] = crossbar.module.__dict__[shared]
        self.__dict__["module"] = crossbar.module
        self.crossbar = crossbar
        self.policy = policy
        self.books = books
        self.conversion = conversion
        self.warnings: list[str] = list(conversion.crossbar.warnings)
        policy.attach_to(crossbar.session.engine.config)
        policy.prepare([layer.cells for layer in crossbar.layers])
        self._twin = make_twin(conversion.config, crossbar, policy)
        self._attachments = Attachments()
        self._progress: dict[str, int] = {layer.name: 0 for layer in crossbar.layers}
        self._readiness = crossbar.current.readiness = NetworkReadiness(
            crossbar, books, self._attachments, self._twin, policy, self.warn
        )
        self._loaded: Mapping[str, Any] | None = None
        crossbar.session.engine.set_tick(0)
        self._watch_loading()

    # --- a module ---------------------------------------------------------------------------------------------------

    def __getattr__(self, name: str) -> Any:
        """Return what the module has under names that the network does not know."""
        try:
            return super().__getattr__(name)
        except AttributeError:
            if name == "module" or "module" not in self.__dict__:
                raise
            return getattr(self.__dict__["module"], name)

    @eager
    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Run the module on the crossbar; the first time, program the cells and calibrate the converters.

        Parameters
        ----------
        *args, **kwargs
            As of the module's own ``forward``.

        Raises
        ------
        TwinbarError
            If a weight that lies on the crossbar is read without being multiplied by, or an activation is not finite.
        """
        if self.crossbar.current.on_twin:
            return self.module(*args, **kwargs)
        refuse_transforms("the network")
        with self._readiness.run(_tensors((args, kwargs))), self.crossbar.forward_pass():
            return self.module(*args, **kwargs)

    @property
    def training(self) -> bool:
        """Whether the module is in training mode."""
        module = self.__dict__.get("module")
        return True if module is None else bool(module.training)

    @training.setter
    def training(self, mode: bool) -> None:
        if "module" in self.__dict__:
            self.__dict__["module"].training = mode

    def train(self, mode: bool = True) -> Self:
        """Switch the module between training and evaluation.

        Parameters
        ----------
        mode : bool
            True for training, False for evaluation.
        """
        self.module.train(mode)
        return self

    def apply(self, fn: Callable[[nn.Module], None]) -> Self:
        """Apply a function to the module and all of its parts.

        Parameters
        ----------
        fn : callable
            Takes a module; see `torch.nn.Module.apply`.
        """
        self.module.apply(fn)
        return self

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        self.module._apply(fn, recurse)
        return self

    def _replicate_for_data_parallel(self) -> Self:
        raise replica_error("DataParallel")

    @property
    def _ddp_params_and_buffers_to_ignore(self) -> Any:
        # The first that DistributedDataParallel asks a module for.
        raise replica_error("DistributedDataParallel")

    def __dir__(self) -> list[str]:
        # Whoever goes through the attributes, as completion and torch.jit do, is not DistributedDataParallel.
        return [name for name in super().__dir__() if name != "_ddp_params_and_buffers_to_ignore"]

    def __repr__(self) -> str:
        return network_summary.representation(self.module, self.layers)

    # --- a crossbar -------------------------------------------------------------------------------------------------

    @property
    def programmed(self) -> bool:
        """Whether the cells were ever programmed."""
        return self._readiness.programmed

    @property
    def steps(self) -> int:
        """Optimizer steps that were made."""
        return self._readiness.steps

    @property
    def layers(self) -> list[MappedLayer]:
        """The layers on the crossbar, in the order of the module."""
        return self.crossbar.layers

    @contextmanager
    def twin(self) -> Iterator[nn.Module]:
        """Run the float twin meanwhile, in software."""
        with self.crossbar.twin() as module:
            yield module

    def prepare(self, *args: Any, **kwargs: Any) -> Self:
        """Program all cells and calibrate the converters on a batch; accounted as initialization.

        Its buffers (running means), and the random numbers of PyTorch, are afterwards as before.

        Parameters
        ----------
        *args, **kwargs
            A batch, as of the module's own ``forward``.

        Raises
        ------
        TwinbarError
            If the batch is empty or not finite; nothing is programmed then.
        """
        inputs = list(_tensors((args, kwargs)))
        if not inputs or any(x.numel() == 0 for x in inputs):
            raise TwinbarError("the batch that the network is prepared with is empty; give one with examples")
        products = [layer.matmul for layer in self.layers]
        counted = [(product.clipped, product.conversions) for product in products]
        with self._readiness.programming(), self._readiness.run(inputs), self.books.initializing():
            calibrate(self.crossbar, lambda: self.module(*args, **kwargs))
        # Its conversions are none of the training.
        for product, (clipped, conversions) in zip(products, counted, strict=True):
            product.clipped, product.conversions, product.overdriven = clipped, conversions, 0.0
        return self

    def attach(self, optimizer: Optimizer, steps: int | None = None) -> Optimizer:
        """Write the cells that must change after every step of an optimizer.

        Parameters
        ----------
        optimizer : Optimizer
            Of parameters of this network. Each optimizer decides only for the layers that it steps.
        steps : int, optional
            Optimizer steps of the whole training, over which the schedule of the policy runs; without it, schedules
            stay at their start.

        Returns
        -------
        Optimizer
            The same one.

        Raises
        ------
        ConfigError
            If the optimizer cannot train a crossbar, or steps no layer of it.
        """
        if steps is not None and (not isinstance(steps, Integral) or isinstance(steps, bool) or steps < 1):
            raise ConfigError(
                f"steps is {steps!r}; it must be the number of optimizer steps of the training, at least 1"
            )
        steps = None if steps is None else int(steps)
        self._twin.check_optimizer(optimizer)
        self._attachments.add(optimizer, self.layers, steps, self._after_step)
        return optimizer

    def step(self, steps: int | None = None) -> int:
        """Write the cells that must change, by hand, after an optimizer that is not attached has stepped.

        Parameters
        ----------
        steps : int, optional
            As of `attach`.

        Returns
        -------
        int
            Weights whose level was changed.

        Raises
        ------
        ConfigError
            If the twin is one of few bits, which stores the state of the optimizer too.
        """
        if self.conversion.config.twin.kind != "float32":
            raise ConfigError(
                "net.step() knows no optimizer, whose state a twin of few bits stores too; use net.attach(optimizer), "
                "or twin.kind float32"
            )
        return self._step(self.layers, steps, None)

    def _after_step(self, optimizer: Optimizer, layers: Sequence[MappedLayer], steps: int | None) -> None:
        self._step(layers, steps, optimizer)

    def _step(self, layers: Sequence[MappedLayer], steps: int | None, optimizer: Optimizer | None) -> int:
        due = [layer for layer in layers if layer.weight.requires_grad]
        self.crossbar.check_gradients(due)
        progress = 0.0
        for layer in due:
            if steps is not None:
                progress = min(self._progress[layer.name] / steps, 1.0)
            self._progress[layer.name] += 1
        # The optimizer has made its step, whatever becomes of the writes.
        self._readiness.steps += 1
        if self.steps % CHECKED_EVERY == 1:
            self.crossbar.check_weights(due, self.steps)
        updates = 0
        try:
            if self.programmed and due:
                with self.books.training():
                    written = self._readiness.write(progress, due, optimizer)
                self.books.note_writes(written)
                updates = written.weight_updates
        finally:
            if optimizer is not None:
                # What its cells do not hold yet will be settled when they are programmed.
                held = [layer for layer in due if self.programmed and layer.name not in self._readiness.stale]
                self.books.note_twin(self._twin.store(optimizer, held, step=self.steps, decided=True))
                self._readiness.note_versions(held)
            self.books.note_step(updates, 0 if len(due) == len(self.layers) else self.weights - weights_of(due))
            self._attachments.stepped = True
        return updates

    # --- the account ------------------------------------------------------------------------------------------------

    @property
    def cost(self) -> dict[str, Any]:
        """What training has cost so far: the keys of ``totals`` in report.json.

        ``initialization`` and ``evaluation`` are accounts of their own, and ``layers`` says what each layer had of the
        training.
        """
        return self.books.cost(self.weights)

    @property
    def weights(self) -> int:
        """Weights that lie on the crossbar."""
        return self.crossbar.weights

    def summary(self) -> str:
        """Return a table of the layers on the crossbar, and what stays digital and why."""
        return network_summary.summary(self.conversion, self.crossbar)

    def log(self, *, loss: float | None = None, metric: float | None = None, twin_metric: float | None = None) -> None:
        """Note figures of the present epoch: its loss (the mean of all that are given), its metric (the last one).

        Parameters
        ----------
        loss, metric, twin_metric : float, optional
            The loss and the metric of the network on the crossbar, and the metric of the float twin.
        """
        self.books.log(loss, metric, twin_metric)

    def end_epoch(self) -> dict[str, Any]:
        """End an epoch of the report, and return its entry."""
        self.crossbar.check_weights(self.layers, self.steps)
        clipped = {layer.name: layer.matmul.take_clipped() for layer in self.layers}
        entry = self.books.end_epoch(self.weights, clipped)
        for layer, share in clipped.items():
            sentence = clipping_warning(layer, share, entry["epoch"])
            # Once for each layer, whatever the share is later.
            if sentence is not None and not any(f"of layer {layer} saturated" in said for said in self.warnings):
                self.warn(sentence)
        return entry

    def report(self, folder: str | Path) -> dict[str, Any]:
        """Write the run folder and page that ``twinbar train`` writes.

        Parameters
        ----------
        folder : str or Path
            New or empty.

        Returns
        -------
        dict
            The content of report.json.

        Raises
        ------
        ConfigError
            If the folder holds anything, or cannot be written.
        """
        return write_report(
            self.conversion,
            self.crossbar,
            self.books,
            self.warnings,
            folder_of(folder, "folder"),
            programmed=self.programmed,
        )

    # --- the state --------------------------------------------------------------------------------------------------

    def state_dict(self, *args: Any, destination: Any = None, prefix: str = "", keep_vars: bool = False) -> Any:
        """Return the module's state, and under ``crossbar_state`` the cells, counters, ranges and the policy.

        Parameters
        ----------
        *args, destination, prefix, keep_vars
            As of `torch.nn.Module.state_dict`.
        """
        state = self.module.state_dict(*args, destination=destination, prefix=prefix, keep_vars=keep_vars)
        state[f"{prefix}{STATE_KEY}"] = network_state.pack(self._state())
        return state

    def _load_from_state_dict(
        self, state_dict: Any, prefix: str, local_metadata: Mapping[str, Any], *others: Any
    ) -> None:
        if local_metadata.get("assign_to_params_buffers"):
            raise ConfigError(
                "load_state_dict(assign=True) would take the weights off the crossbar; load without assign"
            )
        saved = state_dict.pop(f"{prefix}{STATE_KEY}", None)
        self._loaded = None if saved is None else network_state.unpack(saved)
        self.module._load_from_state_dict(state_dict, prefix, local_metadata, *others)

    def __deepcopy__(self, memo: dict[int, Any]) -> "Network":
        copied = build(copy.deepcopy(self.module, memo), self.conversion, copied=True)
        copied.restore(self._state())
        memo[id(self)] = copied
        return copied

    def __reduce__(self) -> Any:
        return rebuild, (self.module, self.conversion, network_state.pack(self._state()))

    def _state(self) -> dict[str, Any]:
        return {
            "programmed": self.programmed,
            "steps": self.steps,
            "progress": dict(self._progress),
            "stale": sorted(self._readiness.stale),
            "warnings": list(self.warnings),
            "books": self.books.state_dict(),
            "twin": self._twin.state_dict(),
            "made_with": network_state.made_with(self.conversion),
            **network_state.crossbar_state(self.crossbar, self.policy),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state; the parameters are the module's own affair.

        Parameters
        ----------
        state : mapping
            What `state_dict` has under ``crossbar_state``.

        Raises
        ------
        ConfigError
            If the state is that of another network, crossbar or policy.
        """
        network_state.check(state, self.crossbar, self.policy)
        network_state.check_made_with(state, self.conversion)
        network_state.load_crossbar(state, self.crossbar, self.policy)
        self._twin.load_state_dict(state["twin"])
        self._readiness.programmed = state["programmed"]
        self._readiness.steps = state["steps"]
        self._progress = dict(state["progress"])
        self._readiness.stale.clear()
        self._readiness.stale.update(state["stale"])
        self.warnings[:] = state["warnings"]
        self.books.load_state_dict(state["books"])
        self._readiness.note_restored()

    def _watch_loading(self) -> None:
        """Notice when parameters are loaded into the module, or into a part of it."""
        self._loaded = None
        self.register_load_state_dict_post_hook(_after_loading)
        for part in self.module.modules():
            hooks = part._load_state_dict_post_hooks
            for key in [key for key, hook in hooks.items() if isinstance(hook, _Marker)]:
                del hooks[key]
        for layer in self.layers:
            for owner, _ in layer.owners:
                owner.register_load_state_dict_post_hook(_Marker(self._readiness, layer))

    def warn(self, sentence: str) -> None:
        """Warn, and keep the warning for the report; once is enough.

        Parameters
        ----------
        sentence : str
        """
        if sentence not in self.warnings:
            self.warnings.append(sentence)
            warnings.warn(sentence, UserWarning, stacklevel=4)


class _Marker:
    """Notes that the parameters of a layer were loaded."""

    def __init__(self, readiness: NetworkReadiness | None = None, layer: MappedLayer | None = None) -> None:
        self._readiness = readiness
        self._layer = layer

    def __call__(self, module: nn.Module, incompatible: Any) -> None:
        if self._readiness is not None and self._layer is not None:
            self._readiness.note_loaded(self._layer)

    def __reduce__(self) -> Any:
        # A copy of the module, or of a part of it, has no cells.
        return _Marker, ()


def _after_loading(network: nn.Module, incompatible: Any) -> None:
    assert isinstance(network, Network)
    if network._loaded is not None:
        loaded, network._loaded = network._loaded, None
        with reading("the crossbar state", "what state_dict() of this network returned", "load another one"):
            network.restore(loaded)


def _tensors(value: Any) -> Iterator[Tensor]:
    """Yield the tensors in nested arguments."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _tensors(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _tensors(item)


def build(module: nn.Module, conversion: Conversion, *, copied: bool = False) -> Network:
    """Put a copy of a module, or one that is a copy already, on a crossbar as a conversion says."""
    config, crossbar = conversion.config, conversion.crossbar
    policy = conversion.make_policy()
    books: Books
    network = put_on_crossbar(
        module,
        crossbar,
        lambda kind, activity: books.enter(kind, activity),
        exclude=conversion.exclude,
        copied=copied,
        weight_range=config.policy.weight_range,
        own_spread=True,
        placement=config.array.mapping,
        sharing=config.array.sharing,
        copies=config.array.copies,
        keep_read_back=policy.keeps_read_back,
        keep_factors=policy.needs_factors,
        auxiliary=policy.auxiliary_arrays,
        range_margin=config.array.range_margin,
        range_tracking=config.array.range_tracking,
        input_range=config.array.input_range,
        make_engine=engine_maker(config.engine.name, serial=crossbar.parts is not None),
    )
    tiles = network.session.engine.tiles
    books = Books(
        lambda: Ledger.of_crossbar(conversion.energy_table, crossbar, tiles),
        network,
        config.twin.kind,
    )
    return Network(network, policy, books, conversion)


def rebuild(module: nn.Module, conversion: Conversion, state: Any) -> Network:
    """Rebuild a network that was pickled: put its module on a crossbar, and restore its packed state."""
    network = build(module, conversion, copied=True)
    network.restore(network_state.unpack(state))
    return network
