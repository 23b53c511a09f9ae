"""Examples that a network learns from, whatever holds them: arrays, or a data set or loader of PyTorch."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, default_collate

from twinbar.hw.errors import ConfigError


class Examples(Protocol):
    """Inputs and their targets, by number."""

    def __len__(self) -> int:
        """Count the examples."""

    def batch(self, indices: Sequence[int] | Tensor) -> tuple[Any, Any]:
        """Return the inputs and the targets of some examples."""

    def batches(self, size: int, seed: int | None) -> list[Tensor]:
        """Return the numbers of the examples of each batch of an epoch.

        Parameters
        ----------
        size : int
            Examples per batch.
        seed : int or None
            Decides their order; None: in their own order.
        """


class TensorExamples:
    """Examples in memory.

    Parameters
    ----------
    inputs : Tensor [examples, ...]
    targets : Tensor [examples, ...]

    Raises
    ------
    ConfigError
        If there are none, or not as many targets as inputs.
    """

    def __init__(self, inputs: Tensor, targets: Tensor) -> None:
        if len(inputs) != len(targets):
            raise ConfigError(f"there are {len(inputs)} inputs, but {len(targets)} targets; one each is needed")
        if not len(inputs):
            raise ConfigError("the data hold no example; at least one is needed")
        self.inputs = inputs
        self.targets = targets

    def __len__(self) -> int:
        return len(self.inputs)

    def batch(self, indices: Sequence[int] | Tensor) -> tuple[Tensor, Tensor]:
        """Return some examples (see `Examples`)."""
        return self.inputs[indices], self.targets[indices]

    def batches(self, size: int, seed: int | None) -> list[Tensor]:
        """Return the batches of an epoch (see `Examples`)."""
        return list(_order(len(self), seed).split(size))


class DatasetExamples:
    """Examples of a map-style data set, fetched when they are needed.

    Parameters
    ----------
    dataset : torch.utils.data.Dataset
        Each item is a pair of input and target.
    collate : callable
        Makes a batch of a list of items.
    sampled : callable, optional
        Returns the batches of an epoch, where a loader chooses them.

    Raises
    ------
    ConfigError
        If it has no length, no example, or its items are no pairs.
    """

    def __init__(
        self,
        dataset: "Dataset[Any]",
        collate: Callable[[list[Any]], Any] = default_collate,
        sampled: Callable[[], list[list[int]]] | None = None,
    ) -> None:
        if isinstance(dataset, IterableDataset) or not hasattr(dataset, "__len__"):
            raise ConfigError(
                f"{type(dataset).__name__} can only be read from beginning to end, so that a run that was killed could "
                "not go on; give a data set with __len__ and __getitem__"
            )
        self._dataset = dataset
        self._collate = collate
        self._sampled = sampled
        if not len(self):
            raise ConfigError("the data hold no example; at least one is needed")
        self.batch([0])

    def __len__(self) -> int:
        return len(self._dataset)

    def batch(self, indices: Sequence[int] | Tensor) -> tuple[Any, Any]:
        """Return some examples (see `Examples`)."""
        found = self._collate([self._dataset[int(index)] for index in indices])
        if not isinstance(found, list | tuple) or len(found) != 2:
            raise ConfigError(
                f"an example of {type(self._dataset).__name__} is no pair of input and target; let it return two values"
            )
        return found[0], found[1]

    def batches(self, size: int, seed: int | None) -> list[Tensor]:
        """Return the batches of an epoch (see `Examples`); a loader's own sampler decides, seeded."""
        if self._sampled is None or seed is None:
            return list(_order(len(self), seed).split(size))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return [torch.as_tensor(indices) for indices in self._sampled()]


def as_examples(data: Any, what: str) -> Examples:
    """Return the examples in whatever holds them.

    Parameters
    ----------
    data : Examples, DataLoader, Dataset, or a pair of arrays or tensors (inputs, targets)
    what : str
        Which data these are, for messages.

    Raises
    ------
    ConfigError
        If they cannot be used.
    """
    if isinstance(data, TensorExamples | DatasetExamples):
        return data
    if isinstance(data, DataLoader):
        if data.batch_sampler is None:
            raise ConfigError(f"the {what} loader has no batches (batch_size=None); give it a batch_size")
        sampler = data.batch_sampler
        return DatasetExamples(data.dataset, data.collate_fn or default_collate, lambda: [list(one) for one in sampler])
    if isinstance(data, list | tuple) and len(data) == 2:
        inputs, targets = (_tensor(part, what) for part in data)
        return TensorExamples(inputs, targets)
    if (hasattr(data, "__getitem__") and hasattr(data, "__len__")) or isinstance(data, Dataset):
        return DatasetExamples(data)
    raise ConfigError(
        f"the {what} data are {type(data).__name__}; give a pair of arrays (inputs, targets), a Dataset or a DataLoader"
    )


def _tensor(values: Any, what: str) -> Tensor:
    try:
        tensor = values if torch.is_tensor(values) else torch.as_tensor(np.asarray(values))
    except (TypeError, ValueError) as error:
        raise ConfigError(f"the {what} data are no arrays of numbers: {error}") from None
    return tensor.to(torch.float32) if tensor.dtype == torch.float64 else tensor


def _order(count: int, seed: int | None) -> Tensor:
    if seed is None:
        return torch.arange(count)
    return torch.randperm(count, generator=torch.Generator().manual_seed(seed))
