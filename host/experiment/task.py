"""What a run learns: a network, its examples, and its objective."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import torch
from torch import nn

from twinbar.host.data import load_dataset
from twinbar.host.data.dataset import Dataset
from twinbar.host.data.examples import Examples, TensorExamples, as_examples
from twinbar.host.experiment import run_parts
from twinbar.host.experiment.config import ExperimentConfig
from twinbar.host.experiment.objective import Objective, objective_of
from twinbar.host.users_code import users_code
from twinbar.hw.errors import ConfigError
from twinbar.hw.registry import is_reference, resolve


@dataclass(frozen=True)
class Task:
    """A network to train, and what it learns.

    Parameters
    ----------
    make_model : callable
        Makes the module, in software.
    train, test : Examples
    validation : Examples, optional
    objective : Objective
    classes : int, optional
        Classes that are told apart, where they are known.
    """

    make_model: Callable[[], nn.Module]
    train: Examples
    test: Examples
    validation: Examples | None = None
    objective: Objective = field(default_factory=Objective)
    classes: int | None = None

    @classmethod
    def of_images(cls, config: ExperimentConfig, data: Dataset) -> "Task":
        """Return the task of learning images with the network that a configuration names."""
        validation = None
        if len(data.validation_images):
            validation = _images(data.validation_images, data.validation_labels)
        make = partial(_model_of, config, data)
        return cls(
            make,
            _images(data.train_images, data.train_labels),
            _images(data.test_images, data.test_labels),
            validation,
            objective_of(config.training.loss, config.training.metric),
            data.classes,
        )

    def in_precision_of(self, module: nn.Module) -> "Task":
        """Return the task with arrays of the floating point that the parameters of a module have."""
        dtype = next((one.dtype for one in module.parameters() if one.is_floating_point()), torch.float32)

        def suited(examples: Examples | None) -> Any:
            return examples.to(dtype) if isinstance(examples, TensorExamples) else examples

        return replace(self, train=suited(self.train), test=suited(self.test), validation=suited(self.validation))


def prepare_data(config: ExperimentConfig) -> Dataset:
    """Load the data set, keep as many training images as asked for, pool them, and hold out the validation images."""
    data = load_dataset(config.data.name).subset(config.data.limit).pooled(config.data.pool)
    return data.validation_split(config.data.validation, config.data.seed)


def build_task(config: ExperimentConfig) -> Task:
    """Return the task that a configuration names.

    Raises
    ------
    ConfigError
        If the data or the network cannot be made.
    """
    if not is_reference(config.data.name):
        return Task.of_images(config, prepare_data(config))
    found: Any = resolve(config.data.name, "data")
    if callable(found):
        with users_code(f"the data's factory {config.data.name} failed; it must be a function without arguments"):
            found = found()
    if not isinstance(found, list | tuple) or len(found) not in (2, 3):
        raise ConfigError(
            f"data.name is {config.data.name}, which gives {type(found).__name__}; it must return (train, test) or "
            "(train, test, validation), each a pair of arrays, a Dataset or a DataLoader"
        )
    if not is_reference(config.model.kind):
        raise ConfigError(
            f"model.kind is {config.model.kind}, a network for images; your own data need your own network: "
            "--model package.module:factory"
        )
    if config.data.limit is not None or config.data.pool != 1 or config.data.validation:
        raise ConfigError(
            "data.limit, data.pool and data.validation are for sets of images; let the data's factory choose them"
        )
    parts = [as_examples(part, what) for part, what in zip(found, ("training", "test", "validation"), strict=False)]
    objective = objective_of(config.training.loss, config.training.metric)
    return Task(partial(_factory_model, config), parts[0], parts[1], parts[2] if len(parts) > 2 else None, objective)


def make_module(model: Any, seed: int) -> nn.Module:
    """Return a copy of a module, or what a factory makes with PyTorch's random numbers seeded.

    Raises
    ------
    ConfigError
        If it is neither.
    """
    if isinstance(model, nn.Module):
        return copy.deepcopy(model)
    if not callable(model):
        raise ConfigError(
            f"the model is {type(model).__name__}; it must be a torch.nn.Module, or a function that makes one"
        )
    failed = "the model's factory failed; it must be a function without arguments that makes a torch.nn.Module"
    with torch.random.fork_rng(devices=[]), users_code(failed):
        torch.manual_seed(seed % (1 << 63))
        made = model()
    if not isinstance(made, nn.Module):
        raise ConfigError(f"the model's factory gives {type(made).__name__}; it must give a torch.nn.Module")
    return made


def _model_of(config: ExperimentConfig, data: Dataset) -> nn.Module:
    if is_reference(config.model.kind):
        return _factory_model(config)
    return run_parts.build_model(config, data)


def _factory_model(config: ExperimentConfig) -> nn.Module:
    return make_module(resolve(config.model.kind, "model"), config.engine.seed)


def _images(images: Any, labels: Any) -> TensorExamples:
    return TensorExamples(run_parts.images_tensor(images), torch.as_tensor(labels))
