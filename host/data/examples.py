"""Examples that a network learns from, whatever holds them: arrays, or a data set or loader of PyTorch."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, default_collate

from twinbar.host.users_code import users_code
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

    def to(self, dtype: torch.dtype) -> "TensorExamples":
        """Return the examples with floating point of one precision; whole numbers stay as they are."""
        parts = (
            part.to(dtype) if part.is_floating_point() and part.dtype != dtype else part
            for part in (self.inputs, self.targets)
        )
        return TensorExamples(*parts)

    def batch(self, indices: Sequence[int] | Tensor) -> tuple[Tensor, Tensor]:
        """Return some examples (see `Examples`)."""
        if isinstance(indices, Tensor) and indices.dim() == 1 and indices.dtype == torch.int64:
            # As indexing does, which first looks for masks, slices and broadcasts.
            return self.inputs.index_select(0, indices), self.targets.index_select(0, indices)
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
    what : str
        Which data these are, for messages.

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
        what: str = "training",
    ) -> None:
        if isinstance(dataset, IterableDataset) or not hasattr(dataset, "__len__"):
            raise ConfigError(
                f"{type(dataset).__name__} can only be read from beginning to end, so that a run that was killed could "
                "not go on; give a data set with __len__ and __getitem__"
            )
        self._dataset = dataset
        self._collate = collate
        self._sampled = sampled
        self._what = what
        with users_code(f"the {what} data cannot say how many examples they hold"):
            count = len(self)
        if not count:
            raise ConfigError("the data hold no example; at least one is needed")
        self.batch([0])

    def __len__(self) -> int:
        return len(self._dataset)

    def batch(self, indices: Sequence[int] | Tensor) -> tuple[Any, Any]:
        """Return some examples (see `Examples`)."""
        with users_code(f"the {self._what} data cannot give the examples {_listed(indices)}"):
            found = self._collate([self._dataset[int(index)] for index in indices])
        if not isinstance(found, list | tuple) or len(found) != 2:
            raise ConfigError(
                f"an example of {type(self._dataset).__name__} is not a pair of input and target; let it return two "
                "values"
            )
        return found[0], found[1]

    def batches(self, size: int, seed: int | None) -> list[Tensor]:
        """Return the batches of an epoch (see `Examples`); a loader's own sampler decides, seeded.

        Raises
        ------
        ConfigError
            If the sampler chooses no example.
        """
        if self._sampled is None:
            return list(_order(len(self), seed).split(size))
        failed = f"the sampler of the {self._what} loader failed; it must give lists of whole numbers"
        with torch.random.fork_rng(devices=[]), users_code(failed):
            torch.manual_seed(0 if seed is None else seed)
            batches = [torch.as_tensor(indices, dtype=torch.int64) for indices in self._sampled()]
        if not any(map(len, batches)):
            raise ConfigError(
                f"the sampler of the {self._what} loader chooses no example; it must choose some each time it is "
                "iterated (an iterator is used up after one time, and drop_last drops a batch that is not full)"
            )
        # An evaluation has an order and a size of its own; which examples it is about is up to the loader.
        return batches if seed is not None else list(torch.cat(batches).sort().values.split(size))


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
        collate = data.collate_fn or default_collate
        return DatasetExamples(data.dataset, collate, lambda: [list(one) for one in sampler], what)
    if isinstance(data, list | tuple) and len(data) == 2:
        inputs, targets = (
            _tensor(part, f"{what} {name}") for part, name in zip(data, ("inputs", "targets"), strict=True)
        )
        if inputs.is_floating_point() and not bool(torch.isfinite(inputs).all()):
            first = int(
                (~torch.isfinite(inputs.flatten(1) if inputs.dim() > 1 else inputs[:, None]).all(dim=1)).nonzero()[0]
            )
            raise ConfigError(
                f"the {what} inputs hold values that are not finite, first in example {first}; remove or replace them"
            )
        return TensorExamples(inputs, targets)
    is_list = hasattr(data, "__getitem__") and hasattr(data, "__len__") and not isinstance(data, Mapping | str)
    if is_list or isinstance(data, Dataset):
        return DatasetExamples(data, what=what)
    raise ConfigError(
        f"the {what} data are {type(data).__name__}; give a pair of arrays (inputs, targets), a Dataset or a DataLoader"
    )


def _tensor(values: Any, what: str) -> Tensor:
    """Return an array as a tensor; whole numbers are of 64 bits, as PyTorch wants its classes, but bytes stay bytes."""
    if not torch.is_tensor(values):
        try:
            array = np.asarray(values)
        except (TypeError, ValueError) as error:
            raise ConfigError(f"the {what} are not an array of numbers: {error}") from None
        if array.dtype.kind not in "biufc":
            raise ConfigError(f"the {what} are an array of {array.dtype}; it must hold numbers")
        if array.dtype.kind in "iu" and array.dtype != np.uint8:
            array = array.astype(np.int64)
        values = torch.as_tensor(np.ascontiguousarray(array) if array.ndim else array)
    if not values.dim():
        raise ConfigError(f"the {what} are a single number; their first dimension must count the examples")
    return values.to(torch.float32) if values.dtype == torch.float64 else values


def _listed(indices: Sequence[int] | Tensor) -> str:
    numbers = [int(index) for index in indices[:4]]
    return ", ".join(map(str, numbers)) + (" ..." if len(indices) > len(numbers) else "")


def _order(count: int, seed: int | None) -> Tensor:
    if seed is None:
        return torch.arange(count)
    return torch.randperm(count, generator=torch.Generator().manual_seed(seed))
