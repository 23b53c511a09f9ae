"""What does not fit together is one sentence before anything is written, and the trial itself changes nothing."""

import warnings
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset, SubsetRandomSampler, TensorDataset

import twinbar as tb
from twinbar.host.data.examples import as_examples
from twinbar.host.experiment.objective import objective_of
from twinbar.host.experiment.task import Task
from twinbar.host.experiment.trial import try_out

X = torch.rand(24, 6, generator=torch.Generator().manual_seed(0))
Y = torch.arange(24) % 3
PAIR = (X, Y)


def network(outputs: int = 3) -> nn.Module:
    return nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, outputs))


class Failing(Dataset[Any]):
    def __init__(self, last: int) -> None:
        self.last = last

    def __len__(self) -> int:
        return 24

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        if index > self.last:
            raise OSError("the disk is gone")
        return X[index], int(Y[index])


class Pair(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(6, 3)

    def forward(self, x: Tensor) -> tuple[Tensor, int]:
        return self.inner(x), 1


def failing() -> nn.Module:
    raise OSError("no weights here")


CASES: dict[str, tuple[dict[str, Any], str]] = {
    "width": (
        {"train_data": (X[:, :5], Y)},
        "the network cannot take the training inputs, float32 [16, 5] (RuntimeErr",
    ),
    "test width": (
        {"test_data": (X[:, :5], Y)},
        "the network cannot take the test inputs, float32 [1, 5] (RuntimeError",
    ),
    "bytes": ({"train_data": (X.to(torch.uint8), Y)}, "the network cannot take the training inputs, uint8 [16, 6]"),
    "not finite": (
        {"train_data": (X / (X > 0.01), Y)},
        "the training inputs hold values that are not finite, first in",
    ),
    "class": ({"train_data": (X, Y + 1)}, "targets, int64 [16] (IndexError: Target 3 is out of bounds.)"),
    "test class": ({"test_data": (X, Y + 1)}, "a target is class 3; with 3 outputs, classes are 0 to 2"),
    "real class": ({"train_data": (X, Y.float())}, "outputs, float32 [16, 3], and targets, float32 [16] (RuntimeError"),
    "text": (
        {"train_data": (X, np.array(["a"] * 24))},
        "the training targets are an array of <U1; it must hold numbers",
    ),
    "number": ({"train_data": (X, 3)}, "the training targets are a single number; their first dimension must count"),
    "dict": ({"train_data": {"x": X, "y": Y}}, "the training data are dict; give a pair of arrays"),
    "first example": (
        {"train_data": Failing(-1)},
        "the training data cannot give the examples 0 (OSError: the disk is g",
    ),
    "late example": (
        {"test_data": Failing(0)},
        "the test data cannot give the examples 0, 1 (OSError: the disk is gone)",
    ),
    "empty sampler": (
        {"train_data": DataLoader(TensorDataset(X, Y), 8, sampler=SubsetRandomSampler([]))},
        "the sampler of the training loader chooses no example",
    ),
    "one-shot sampler": (
        {"train_data": DataLoader(TensorDataset(X, Y), 8, sampler=iter(range(24)))},  # type: ignore[arg-type]
        "the sampler of the training loader chooses no example; it must choose some each time",
    ),
    "dropped": (
        {"test_data": DataLoader(TensorDataset(X, Y), 64, drop_last=True)},
        "the sampler of the test loader chooses no example",
    ),
    "loss arguments": ({"loss": lambda: 0}, "the loss cannot be computed from outputs, float32 [16, 3], and targets"),
    "loss number": (
        {"loss": lambda outputs, targets: 3.0},
        "the loss returns float; it must return a tensor of one value",
    ),
    "loss vector": (
        {"loss": nn.CrossEntropyLoss(reduction="none")},
        "the loss returns float32 [16]; it must return one",
    ),
    "loss detached": (
        {"loss": lambda o, t: F.cross_entropy(o.detach(), t)},
        "the loss has no gradient; compute it from",
    ),
    "loss nan": ({"loss": lambda o, t: F.cross_entropy(o, t) / 0 * 0}, "the loss of the first batch is nan; look for"),
    "broadcast": (
        {"model": lambda: network(1), "train_data": (X, X[:, 0]), "loss": "mse"},
        "outputs, float32 [16, 1], and targets, float32 [16], have different shapes",
    ),
    "metric raises": ({"metric": lambda o, t: 1 / 0}, "cannot be computed (ZeroDivisionError: division by zero)"),
    "metric nothing": ({"metric": lambda o, t: None}, "returns NoneType; it must return one number"),
    "metric vector": ({"metric": lambda o, t: o}, "returns float32 [24, 3]; it must return one number"),
    "accuracy of one output": (
        {"model": lambda: network(1), "train_data": (X, X[:, :1]), "loss": "bce", "metric": "accuracy"},
        "an accuracy needs outputs [examples, classes] and the number of a class as target, but outputs are float",
    ),
    "frozen": ({"model": network().requires_grad_(False)}, "every parameter of the network is frozen"),
    "tuple": (
        {"model": Pair, "loss": lambda o, t: F.cross_entropy(o[0], t)},
        "the network returns tuple in an evaluation",
    ),
    "factory": (
        {"model": failing},
        "the model's factory failed; it must be a function without arguments that makes a t",
    ),
    "class of a module": (
        {"model": nn.Linear},
        "(TypeError: Linear.__init__() missing 2 required positional arguments",
    ),
    "converted": ({"model": tb.convert(nn.Linear(6, 3))}, "the module is converted already"),
    "meta": ({"model": nn.Linear(6, 3, device="meta")}, "the weights of linear are on the device meta"),
    "callback": (
        {"callbacks": [object()]},
        "the callback object has no method that a run calls; there are on_start, on_i",
    ),
    "callback class": ({"callbacks": [Failing]}, "the callback Failing is a class; give an object of it: Failing()"),
    "callbacks": ({"callbacks": 7}, "callbacks is int; it must be a list of objects"),
    "config": ({"config": 7}, "config is int; it must be a file, nested values such as"),
    "config key": ({"config": {"arry": {}}}, "there is no configuration section arry; did you mean array?"),
    "settings": ({"settings": ["array.rows"]}, "settings is list; it must be like {'array.adc_bits': 10}"),
    "settings key": ({"settings": {3: 4}}, "settings has the key 3; keys are texts like"),
    "out": ({"out": ""}, "out is ''; it must name a folder"),
    "out number": ({"out": 3}, "out is int; it must name a folder"),
    "out zero": ({"out": "a\0b"}, "it must name a folder"),
    "resume": ({"out": None, "resume": 3}, "resume is int; it must name a folder"),
}


@pytest.mark.parametrize("case", CASES)
def test_what_does_not_fit_is_one_sentence_and_leaves_nothing(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    changes, sentence = CASES[case]
    given = {"model": network, "train_data": PAIR, "test_data": PAIR, "out": "run"} | changes
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        with pytest.raises(tb.ConfigError) as caught:
            tb.train(**given, epochs=1, batch_size=16, progress=False)
    assert sentence in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_the_users_own_error_is_the_cause() -> None:
    with pytest.raises(tb.ConfigError) as caught:
        as_examples(Failing(-1), "training")
    assert isinstance(caught.value.__cause__, OSError)


def test_a_trial_changes_nothing() -> None:
    module = network()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    task = Task(network, as_examples(PAIR, "training"), as_examples(PAIR, "test"))
    try_out(module, task, torch.arange(16), nullcontext)
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert all(parameter.grad is None for parameter in module.parameters())
    assert module.training


def test_accuracy_counts_targets_not_examples() -> None:
    """Outputs of three examples at two places each; of the six targets one is ignored and three are told."""
    told = torch.tensor([[0, 1], [2, 0], [1, 1]])
    outputs = F.one_hot(told, 3).permute(0, 2, 1).float()
    objective = objective_of()
    assert objective.figure(outputs, torch.tensor([[0, 1], [2, 1], [2, -100]])) == 3 / 5
    # A probability of each class is as good a target as its number.
    assert objective.figure(outputs[:, :, 0], torch.tensor([[0.6, 0.4, 0], [0.5, 0.3, 0.2], [0.1, 0.9, 0]])) == 2 / 3


def test_examples_that_a_sampler_leaves_out_are_not_tested() -> None:
    loader = DataLoader(TensorDataset(X, Y), batch_size=4, sampler=SubsetRandomSampler([9, 2, 20, 5, 7]))
    batches = as_examples(loader, "test").batches(3, None)
    assert [batch.tolist() for batch in batches] == [[2, 5, 7], [9, 20]]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_arrays_come_in_the_precision_of_the_network(dtype: torch.dtype, tmp_path: Path) -> None:
    pair = (X.double().numpy()[::-1], Y.numpy().astype(np.int32)[::-1])
    small = {"array.rows": 16, "array.columns": 16}
    model = network().to(dtype)
    run = tb.train(
        model,
        pair,
        PAIR,
        epochs=np.int64(1),
        lr=np.float32(0.5),
        config={"array": {"adc_bits": 6}},
        settings=small,
        out=tmp_path / "run",
        progress=False,
    )
    assert run.report["config"]["array"]["adc_bits"] == 6
    assert run.report["config"]["training"]["lr"] == 0.5


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"seeds": []}, "seeds is []; name one or more, each of them once"),
        ({"seeds": [1, 1]}, "seeds is [1, 1]; name one or more, each of them once"),
        ({"seeds": 3}, "seeds is 3; it must be a list of whole numbers, such as range(3)"),
        ({"policy": "siamese"}, "a comparison has several: give policies=[...] instead of policy"),
        ({"seed": 4}, "a comparison has several: give seeds=[...] instead of seed"),
        ({"policies": []}, "policies is empty"),
    ],
)
def test_a_comparison_of_nothing_is_refused(changes: dict[str, Any], sentence: str, tmp_path: Path) -> None:
    with pytest.raises(tb.ConfigError) as caught:
        tb.compare(network, PAIR, PAIR, out=tmp_path / "all", progress=False, **changes)
    assert sentence in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_comparison_takes_numbers_of_numpy_and_one_name(tmp_path: Path) -> None:
    runs = tb.compare(
        network, PAIR, PAIR, policies="float", seeds=np.arange(2), epochs=1, out=tmp_path / "all", progress=False
    )
    assert set(runs) == {("float", 0), ("float", 1)}
