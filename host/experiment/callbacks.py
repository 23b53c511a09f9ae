"""What follows a training run: hooks that the loop calls, and the state that a callback keeps in the checkpoint.

A callback is any object with some of these methods; each is called with the `Run` first:

``on_start(run)``
    The cells are about to be programmed for the first time. A resumed run skips it.
``on_initialized(run, figures)``
    They were programmed, and the converters calibrated; ``figures`` are those of the ledger.
``on_resume(run)``
    The run goes on from a checkpoint: everything, the callbacks' own state included, is as it was.
``on_array_changed(run)``
    The cells were changed from outside, or had to be written again.
``on_epoch_begin(run, number)``, ``on_step_begin(run)``
    An epoch (or what is left of it), or an optimizer step, begins.
``on_step(run, row)``
    An optimizer step was made. ``row`` is a row of ``steps.csv``, to which callbacks add figures.
``on_evaluation(run, number)``
    The images of an epoch were learnt; the evaluation begins.
``on_epoch_figures(run, entry)``, ``on_epoch(run, entry)``
    ``entry`` is the epoch's entry in the report: callbacks add figures to it, then it is complete.
``on_checkpoint(run)``, ``on_saved(run)``
    A checkpoint is about to be made, or is complete.
``on_finish(run)``
    The last step is made.
``on_report_figures(run, report)``, ``on_end(run, report)``
    ``report`` is the content of ``report.json``: callbacks add figures to it, then it is complete.

A callback that must remember something has ``state_dict()`` and ``load_state_dict(state)`` too, and a ``state_key`` of
its own: the name under which the checkpoint keeps it.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, Protocol

from twinbar.host.experiment.config import ExperimentConfig
from twinbar.host.experiment.epoch import EpochCounts
from twinbar.host.network.programmer import Programmed
from twinbar.host.nn.crossbar_network import CrossbarNetwork
from twinbar.host.update.policy import UpdatePolicy
from twinbar.hw.errors import ConfigError

HOOKS: Final = (
    "on_start",
    "on_initialized",
    "on_resume",
    "on_array_changed",
    "on_epoch_begin",
    "on_step_begin",
    "on_step",
    "on_evaluation",
    "on_epoch_figures",
    "on_epoch",
    "on_checkpoint",
    "on_saved",
    "on_finish",
    "on_report_figures",
    "on_end",
)
"""Names of the methods, in the order in which a run calls them."""


class Run(Protocol):
    """What a callback may look at: a `Trainer`."""

    config: ExperimentConfig
    network: CrossbarNetwork | None
    """None where the network is trained in software alone."""
    policy: UpdatePolicy[Any]
    callbacks: "Callbacks"
    classes: int | None
    """Classes that the network tells apart; None where it does something else, or nobody said."""
    epochs: list[dict[str, Any]]
    """Entries of the epochs that are complete."""
    counts: EpochCounts
    """Of the epoch that is going on."""
    step_images: int
    """Images of the last optimizer step."""
    step: int
    """Optimizer steps that were made."""
    initialization: dict[str, Any] | None
    """Figures of the first programming."""
    first_programming: Programmed | None
    """What it did; None before it, and in a resumed run."""

    @property
    def weights(self) -> int:
        """Weights of the network that lie, or would lie, on a crossbar."""

    @property
    def images(self) -> int:
        """Training images of an epoch."""

    @property
    def images_done(self) -> int:
        """Images of the present epoch that were learnt."""

    def state_dict(self) -> dict[str, Any]:
        """Return everything from which the run goes on to the same result."""


def check_callbacks(callbacks: Any) -> tuple[object, ...]:
    """Return the callbacks that a user gave.

    Raises
    ------
    ConfigError
        If they are no list of objects, or one of them has no hook.
    """
    if isinstance(callbacks, str) or not isinstance(callbacks, Iterable):
        raise ConfigError(f"callbacks is {type(callbacks).__name__}; it must be a list of objects")
    listed = tuple(callbacks)
    for callback in listed:
        name = callback.__name__ if isinstance(callback, type) else type(callback).__name__
        if isinstance(callback, type):
            raise ConfigError(f"the callback {name} is a class; give an object of it: {name}()")
        if not any(callable(getattr(callback, hook, None)) for hook in HOOKS):
            raise ConfigError(f"the callback {name} has no method that a run calls; there are {', '.join(HOOKS)}")
    return listed


class Callbacks:
    """The callbacks of a run, in the order in which they are called.

    Parameters
    ----------
    callbacks : iterable of objects

    Raises
    ------
    ConfigError
        If two of them keep their state under the same key.
    """

    def __init__(self, callbacks: Iterable[Any]) -> None:
        self._callbacks = list(callbacks)
        self._stateful: dict[str, Any] = {}
        self._methods: dict[str, list[Any]] = {}
        for callback in self._callbacks:
            key = getattr(callback, "state_key", None)
            if key is None:
                continue
            if key in self._stateful:
                raise ConfigError(
                    f"two callbacks keep their state under the key {key!r}; give each a state_key of its own"
                )
            self._stateful[key] = callback

    def call(self, hook: str, *arguments: Any) -> None:
        """Call a hook of every callback that has it.

        Parameters
        ----------
        hook : str
            One of `HOOKS`.
        *arguments
            What the hook takes.
        """
        methods = self._methods.get(hook)
        if methods is None:
            found = (getattr(callback, hook, None) for callback in self._callbacks)
            methods = self._methods[hook] = [method for method in found if method is not None]
        for method in methods:
            method(*arguments)

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the callbacks that keep one, by key."""
        return {key: callback.state_dict() for key, callback in self._stateful.items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned; a callback that the checkpoint does not know starts afresh.

        Parameters
        ----------
        state : mapping
        """
        for key, callback in self._stateful.items():
            if key in state:
                callback.load_state_dict(state[key])
