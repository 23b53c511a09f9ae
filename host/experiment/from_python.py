"""`twinbar.train` and `twinbar.compare`: the trainings of the commands, with your own objects."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from torch import nn

from twinbar.host.data.examples import as_examples
from twinbar.host.experiment.callbacks import check_callbacks
from twinbar.host.experiment.config import CompareConfig, ExperimentConfig
from twinbar.host.experiment.finished_run import FinishedRun
from twinbar.host.experiment.objective import Objective, objective_of
from twinbar.host.experiment.policy_comparison import compare as compare_policies
from twinbar.host.experiment.python_arguments import continued_with, folder_of, names_of, progress_if, taken_up
from twinbar.host.experiment.run_folder import RunFolder, default_run_folder
from twinbar.host.experiment.sections import FROM_PYTHON
from twinbar.host.experiment.task import Task, build_task, make_module
from twinbar.host.experiment.train import train as train_experiment
from twinbar.host.experiment.write_comparison import compare_writes
from twinbar.host.report.page import build_report
from twinbar.hw.errors import ConfigError
from twinbar.hw.registry import file_name, resolve

_KEYS: Final = {
    "device": "device.preset",
    "levels": "device.levels",
    "policy": "policy.name",
    "epochs": "training.epochs",
    "batch_size": "training.batch_size",
    "lr": "training.lr",
    "momentum": "training.momentum",
    "optimizer": "training.optimizer",
    "schedule": "training.schedule",
    "accumulate": "training.accumulate",
    "engine": "engine.name",
    "energy_table": "engine.energy_table",
    "seed": "engine.seed",
    "threads": "engine.threads",
}
"""Keywords, and the keys of the configuration that they set."""


def train(
    model: nn.Module | Callable[[], nn.Module] | str = "mlp",
    train_data: Any = None,
    test_data: Any = None,
    validation_data: Any = None,
    *,
    loss: str | Callable[[Any, Any], Any] = "cross-entropy",
    metric: str | Callable[[Any, Any], Any] | None = None,
    config: str | Path | Mapping[str, Any] | ExperimentConfig | None = None,
    settings: Mapping[str, Any] | None = None,
    exclude: str | Sequence[str] = (),
    callbacks: Iterable[object] = (),
    out: str | Path | None = None,
    resume: str | Path | None = None,
    progress: bool = True,
    **choices: Any,
) -> FinishedRun:
    """Train a network in situ, as ``twinbar train`` does, and write its run folder and page.

    Parameters
    ----------
    model : nn.Module, callable or str
        A module, a factory of one (called with PyTorch's random numbers seeded), or a name that ``--model`` takes.
    train_data, test_data, validation_data
        Each a torch ``Dataset``, a ``DataLoader`` or a pair of arrays (inputs, targets); instead of the first, a name
        that ``--data`` takes, and then no others. By default the digits.
    loss : str or callable
        A function of outputs and targets that returns their mean loss, or a name: "cross-entropy", "mse", "l1",
        "huber", "bce".
    metric : str or callable, optional
        A function of outputs and targets that judges the test set; by default the accuracy where classes are told apart
        by their cross entropy, else the loss.
    config : str, Path, mapping or ExperimentConfig, optional
        A configuration file, its nested values, or an object; everything else that is given wins over it.
    settings : mapping, optional
        Values by dotted key, such as ``{"array.adc_bits": 10}``.
    exclude : str or sequence of str
        Names of parts that stay digital (see `twinbar.convert`).
    callbacks : iterable of objects
        See `twinbar.host.experiment.callbacks`.
    out : str or Path, optional
        Folder of the run, new or empty; by default one under ``runs/``.
    resume : str or Path, optional
        Folder of a run to go on with, instead; model and data must be those it was started with.
    progress : bool
        Whether progress is shown.
    **choices
        ``device``, ``levels``, ``policy``, ``epochs``, ``batch_size``, ``lr``, ``momentum``, ``optimizer``,
        ``schedule``, ``accumulate``, ``engine``, ``energy_table``, ``seed``, ``threads``.

    Raises
    ------
    ConfigError
        One sentence on what cannot be used.
    KeyboardInterrupt
        If it was interrupted; its folder can be resumed.
    """
    changes = _changes(model, train_data, loss, metric, choices, settings, exclude)
    objective = objective_of(loss, metric)
    followers = check_callbacks(callbacks)
    if resume is not None:
        if out is not None:
            raise ConfigError("out starts a run and resume takes one up; give one of them")
        folder = RunFolder.open(folder_of(resume, "resume"), ExperimentConfig, changes)
    else:
        chosen = ExperimentConfig.of(config).merge(changes).with_absolute_paths()
        folder = RunFolder.create(folder_of(out, "out") if out is not None else default_run_folder(chosen), chosen)
    shown = progress_if(progress)
    with folder:
        task = _task(folder.config, model, train_data, test_data, validation_data, objective)
        try:
            with continued_with(f"resume={str(folder.path)!r} instead of out"):
                train_experiment(folder.config, folder, shown, folder.resumed, task, followers)
        finally:
            shown.close()
        build_report(folder.path)
    return FinishedRun(folder.path)


def compare(
    model: nn.Module | Callable[[], nn.Module] | str = "mlp",
    train_data: Any = None,
    test_data: Any = None,
    validation_data: Any = None,
    *,
    policies: str | Sequence[str] = ("closed-loop", "siamese"),
    writes: str | Sequence[str] = (),
    seeds: Iterable[int] = (0,),
    loss: str | Callable[[Any, Any], Any] = "cross-entropy",
    metric: str | Callable[[Any, Any], Any] | None = None,
    config: str | Path | Mapping[str, Any] | ExperimentConfig | None = None,
    settings: Mapping[str, Any] | None = None,
    exclude: str | Sequence[str] = (),
    out: str | Path | None = None,
    progress: bool = True,
    **choices: Any,
) -> dict[tuple[str, int], FinishedRun]:
    """Train with several update policies, and seeds, on the same task, as ``twinbar compare`` does.

    Parameters
    ----------
    policies : str or sequence of str
    writes : str or sequence of str
        Write algorithms that are compared with one policy instead (``siamese`` unless ``policies`` names another), by
        names such as ``"strong+first+compare"``.
    seeds : iterable of int
        One or more, each of them once. With several, each has a folder ``seed-<n>`` in the folder of the comparison.
    model, train_data, test_data, validation_data, loss, metric, config, settings, exclude, out, progress, **choices
        As of `train`. A comparison that was interrupted is taken up where its folder is given again.

    Returns
    -------
    dict
        The runs by policy, or by write algorithm, and seed.

    Raises
    ------
    ConfigError, KeyboardInterrupt
        As `train`.
    """
    for name, several in (("policy", "policies"), ("seed", "seeds")):
        if choices.get(name) is not None:
            raise ConfigError(f"a comparison has several: give {several}=[...] instead of {name}")
    numbers = _seeds(seeds)
    compared: dict[str, Any] = {"policies": names_of(policies), "writes": names_of(writes)}
    changes = _changes(model, train_data, loss, metric, choices, settings, exclude) | compared
    objective = objective_of(loss, metric)
    base = CompareConfig.of(config).merge(changes).with_absolute_paths()
    top = folder_of(out, "out") if out is not None else default_run_folder(base)
    runs = {}
    shown = progress_if(progress)
    for seed in numbers:
        path = top if len(numbers) == 1 else top / f"seed-{seed}"
        chosen = base.merge({"engine.seed": seed})
        with taken_up(path, CompareConfig, chosen) as folder:
            first = chosen.for_policy(chosen.policies[0])
            task = _task(first, model, train_data, test_data, validation_data, objective)
            try:
                with continued_with(f"out={str(top)!r}"):
                    if chosen.writes:
                        compare_writes(chosen, folder, shown, task)
                    else:
                        compare_policies(chosen, chosen.policies, folder, shown, task)
            finally:
                shown.close()
            build_report(path)
        runs.update({(name, seed): FinishedRun(path / file_name(name)) for name in chosen.writes or chosen.policies})
    return runs


def _changes(
    model: Any,
    train_data: Any,
    loss: Any,
    metric: Any,
    choices: Mapping[str, Any],
    settings: Mapping[str, Any] | None,
    exclude: str | Sequence[str],
) -> dict[str, Any]:
    unknown = sorted(choices.keys() - _KEYS.keys())
    if unknown:
        raise ConfigError(
            f"there is no choice {unknown[0]!r}; there are {', '.join(_KEYS)}, and settings={{'section.key': value}}"
        )
    changes = {_KEYS[name]: _plain(value) for name, value in choices.items() if value is not None}
    if model != "mlp" or not isinstance(model, str):
        changes["model.kind"] = _reference(model, "network")
    if train_data is not None:
        changes["data.name"] = _reference(train_data, "data")
    changes["training.loss"] = _reference(loss, "loss")
    if metric is not None:
        changes["training.metric"] = _reference(metric, "metric")
    if exclude:
        changes["model.exclude"] = (exclude,) if isinstance(exclude, str) else tuple(exclude)
    if settings is not None and not isinstance(settings, Mapping):
        raise ConfigError(f"settings is {type(settings).__name__}; it must be like {{'array.adc_bits': 10}}")
    for key, value in (settings or {}).items():
        if not isinstance(key, str):
            raise ConfigError(f"settings has the key {key!r}; keys are texts like 'array.adc_bits'")
        changes[key] = _plain(value)
    return changes


def _plain(value: Any) -> Any:
    """Return a number or array of NumPy as Python's own."""
    return value.tolist() if isinstance(value, np.generic | np.ndarray) else value


def _seeds(seeds: Any) -> list[int]:
    if isinstance(seeds, str) or not isinstance(seeds, Iterable):
        raise ConfigError(f"seeds is {seeds!r}; it must be a list of whole numbers, such as range(3)")
    numbers = [_plain(seed) for seed in seeds]
    if not numbers or len(set(numbers)) < len(numbers):
        raise ConfigError(f"seeds is {numbers}; name one or more, each of them once")
    return numbers


def _reference(thing: Any, what: str) -> str:
    """Name an object: as ``package.module:Name`` where every program can import it, else as one of this program."""
    if isinstance(thing, str):
        return thing
    if isinstance(thing, list | tuple):
        return f"{FROM_PYTHON}:arrays"
    name, module = getattr(thing, "__qualname__", None), getattr(thing, "__module__", None)
    if not isinstance(name, str):  # an instance
        return f"{FROM_PYTHON}:{type(thing).__name__}"
    if "<" in name:  # a lambda, or a function within another one
        plain = name.rpartition(".")[2]
        return f"{FROM_PYTHON}:{plain if plain.isidentifier() else what}"
    return f"{FROM_PYTHON if module == '__main__' else module}:{name}"


def _task(
    config: ExperimentConfig, model: Any, train_data: Any, test_data: Any, validation_data: Any, objective: Objective
) -> Task:
    if train_data is None or isinstance(train_data, str):
        if test_data is not None or validation_data is not None:
            raise ConfigError("test data are given, but no training data; give both, or the name of a data set")
        if isinstance(model, str):
            return build_task(config)
        known = build_task(config.merge({"model.kind": "mlp"}))
        make = partial(make_module, model, config.engine.seed)
        return Task(make, known.train, known.test, known.validation, objective, known.classes)
    if test_data is None:
        raise ConfigError("there are no test data; give them beside the training data")
    if isinstance(model, str) and ":" not in model:
        raise ConfigError(f"the network {model} is for sets of images; give a module, or a function that makes one")
    given = resolve(model, "model") if isinstance(model, str) else model
    make = partial(make_module, given, config.engine.seed)
    validation = None if validation_data is None else as_examples(validation_data, "validation")
    return Task(make, as_examples(train_data, "training"), as_examples(test_data, "test"), validation, objective)
