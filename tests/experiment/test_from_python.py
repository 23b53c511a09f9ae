"""Trainings from Python and from the shell, with the user's own networks, data and objectives."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import (
    DataLoader,
    Dataset,
    IterableDataset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
)

import twinbar as tb

SMALL = {"array.rows": 16, "array.columns": 16}
OPTIONS = [part for key, value in SMALL.items() for part in ("--set", f"{key}={value}")]


@pytest.fixture
def without_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw no pages where a test does not look at them: they take most of the time of these small runs."""
    monkeypatch.setattr("twinbar.host.experiment.from_python.build_report", lambda path: None)


def network() -> nn.Module:
    """A network with everything that draws random numbers or keeps a running mean."""
    return nn.Sequential(nn.Linear(6, 12), nn.BatchNorm1d(12), nn.ReLU(), nn.Dropout(0.2), nn.Linear(12, 2))


def regression() -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(96, 6, generator=generator)
    y = x @ torch.randn(6, 2, generator=generator)
    return (x[:64], y[:64]), (x[64:], y[64:])


def classes() -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    (x, y), (xt, yt) = regression()
    return (x, (y[:, 0] > 0).long()), (xt, (yt[:, 0] > 0).long())


def timeless(report: dict[str, Any]) -> dict[str, Any]:
    """A report without what depends on the machine."""
    return {
        key: [timeless(item) for item in value]
        if key == "epochs" and isinstance(value, list)
        else timeless(value)
        if isinstance(value, dict)
        else value
        for key, value in report.items()
        if key not in ("host_seconds", "environment")
    }


def test_a_regression_is_judged_by_its_loss(tmp_path: Path) -> None:
    train, test = regression()
    run = tb.train(
        network, train, test, loss="mse", epochs=2, batch_size=16, settings=SMALL, out=tmp_path / "run", progress=False
    )
    report = run.report
    assert report["metric"] == "mse"
    last = report["epochs"][-1]
    assert "test_accuracy" not in last
    assert last["agreement"] is None
    assert last["test_metric"] > 0
    assert [row["test_metric"] for row in run.metrics] == [epoch["test_metric"] for epoch in report["epochs"]]
    assert (tmp_path / "run" / "index.html").is_file()
    assert "<svg" in run.plot("loss").svg


@pytest.mark.usefixtures("without_pages")
def test_frozen_layers_are_left_alone_and_count_in_no_share(tmp_path: Path) -> None:
    def half_frozen() -> nn.Module:
        module = nn.Sequential(nn.Linear(6, 12), nn.ReLU(), nn.Linear(12, 2))
        module[0].requires_grad_(False)
        return module

    run = tb.train(
        half_frozen,
        *classes(),
        policy="closed-loop",
        epochs=2,
        batch_size=16,
        settings=SMALL | {"device.preset": "ideal"},
        out=tmp_path / "run",
        progress=False,
    )
    totals = run.report["totals"]
    # 24 of 96 weights are trained, in two epochs of four steps, and each of their cells is written in each step.
    assert totals["steps"] == 8
    assert totals["untrained_weight_steps"] == 8 * 72
    assert totals["cell_writes"] == 8 * 48
    assert totals["write_elimination"] == 0
    assert totals["update_elimination"] == 1 - totals["weight_updates"] / (8 * 24)
    assert totals["twin"]["bits_per_weight_and_step"]["weight"] == 64
    assert [epoch["untrained_weight_steps"] for epoch in run.report["epochs"]] == [4 * 72, 4 * 72]


@pytest.mark.usefixtures("without_pages")
def test_weights_that_are_not_finite_end_a_run_whose_loss_is(tmp_path: Path) -> None:
    class NoGradient(torch.autograd.Function):
        @staticmethod
        def forward(context: Any, x: Tensor) -> Tensor:
            return x.clone()

        @staticmethod
        def backward(context: Any, gradient: Tensor) -> Tensor:
            return gradient * float("nan")

    with pytest.raises(tb.TwinbarError, match="the weights of layer linear are not finite after step 1"):
        tb.train(
            lambda: nn.Linear(6, 2, bias=False),
            *classes(),
            loss=lambda outputs, targets: F.cross_entropy(NoGradient.apply(outputs), targets),
            settings=SMALL,
            out=tmp_path / "run",
            progress=False,
        )


@pytest.mark.usefixtures("without_pages")
def test_numbers_of_numpy_are_numbers(tmp_path: Path) -> None:
    run = tb.train(
        network,
        *classes(),
        levels=np.int64(8),
        lr=np.float32(0.25),
        epochs=np.int32(1),
        settings=SMALL | {"device.variation": np.bool_(False)},
        out=tmp_path / "run",
        progress=False,
    )
    config = run.report["config"]
    assert (config["device"]["levels"], config["training"]["lr"], config["device"]["variation"]) == (8, 0.25, False)


@pytest.mark.usefixtures("without_pages")
def test_the_metric_is_the_users(tmp_path: Path) -> None:
    train, test = classes()

    def seven(outputs: Tensor, targets: Tensor) -> float:
        assert outputs.shape == (32, 2)
        assert targets.shape == (32,)
        return 7.0

    run = tb.train(network(), train, test, metric=seven, epochs=1, settings=SMALL, out=tmp_path / "run", progress=False)
    assert run.report["metric"] == "seven"
    assert run.report["epochs"][0]["test_metric"] == run.report["epochs"][0]["twin_test_metric"] == 7.0


@pytest.mark.usefixtures("without_pages")
def test_a_loss_of_ones_own_moves_the_twin_as_its_gradient_says(tmp_path: Path) -> None:
    """One step of plain gradient descent on a loss whose gradient is known: the mean of the outputs."""
    model = nn.Linear(3, 1, bias=False)
    x = torch.ones(8, 3)
    seen: list[Tensor] = []

    class Look:
        def on_step(self, run: Any, row: dict[str, Any]) -> None:
            seen.append(run.module.weight.detach().clone())

    tb.train(
        model,
        (x, torch.zeros(8, 1)),
        (x, torch.zeros(8, 1)),
        loss=lambda outputs, targets: outputs.mean(),
        epochs=1,
        batch_size=8,
        lr=0.25,
        momentum=0.0,
        schedule="constant",
        settings={**SMALL, "device.preset": "ideal", "policy.twin_bound": 100.0},
        callbacks=[Look()],
        out=tmp_path / "run",
        progress=False,
    )
    # d mean(outputs) / d weight is the mean input as the converters saw it, which is 1.
    assert torch.allclose(seen[0], model.weight.detach() - 0.25, atol=1e-6)


class Squares(Dataset[Any]):
    """A map-style data set that makes its examples when they are asked for."""

    def __len__(self) -> int:
        return 48

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return torch.full((6,), index / 48), int(index >= 24)


@pytest.mark.usefixtures("without_pages")
def test_data_are_whatever_pytorch_has(tmp_path: Path) -> None:
    (x, y), test = classes()
    same = {
        "tensors": (x, y),
        "arrays": (x.numpy().astype(np.float64), y.numpy()),
        "dataset": TensorDataset(x, y),
    }
    weights = []
    for name, data in same.items():
        run = tb.train(
            network, data, test, epochs=1, batch_size=16, settings=SMALL, out=tmp_path / name, progress=False
        )
        weights.append(timeless(run.report)["epochs"])
    assert weights[0] == weights[1] == weights[2]
    own = tb.train(network, Squares(), Squares(), epochs=1, settings=SMALL, out=tmp_path / "own", progress=False)
    assert own.report["epochs"][0]["steps"] == 1


@pytest.mark.usefixtures("without_pages")
def test_the_sampler_of_a_loader_decides(tmp_path: Path) -> None:
    seen: list[int] = []

    class Noting(Squares):
        def __getitem__(self, index: int) -> tuple[Tensor, int]:
            seen.append(index)
            return super().__getitem__(index)

    sampler = WeightedRandomSampler([1.0] * 4 + [0.0] * 44, num_samples=20)
    loader = DataLoader(Noting(), batch_size=8, sampler=sampler, drop_last=True)
    run = tb.train(network, loader, Squares(), epochs=2, settings=SMALL, out=tmp_path / "run", progress=False)
    # 20 samples in batches of 8, the rest dropped.
    assert [epoch["steps"] for epoch in run.report["epochs"]] == [2, 2]
    drawn = seen[-32:]
    assert set(drawn) <= {0, 1, 2, 3}
    assert drawn[:16] != drawn[16:]


def test_the_ranges_are_calibrated_on_examples_that_the_sampler_chooses(tmp_path: Path) -> None:
    seen: list[list[int]] = []

    class Noting(Squares):
        def __getitem__(self, index: int) -> tuple[Tensor, int]:
            seen[-1].append(index)
            return super().__getitem__(index)

    class Watch:
        def on_start(self, run: Any) -> None:
            seen.append([])

        def on_initialized(self, run: Any, figures: dict[str, Any]) -> None:
            seen.append([])

    seen.append([])
    loader = DataLoader(Noting(), batch_size=2, sampler=SubsetRandomSampler([40, 7, 30, 12]))
    tb.train(
        network,
        loader,
        Squares(),
        epochs=1,
        settings=SMALL,
        out=tmp_path / "run",
        progress=False,
        callbacks=[Watch()],
    )
    assert seen[1] == [7, 12, 30, 40]


class Stopped(Exception):
    """Stands for a kill between two checkpoints."""


@pytest.mark.usefixtures("without_pages")
@pytest.mark.parametrize("data", ["tensors", "loader"])
def test_a_run_that_was_killed_ends_as_one_left_alone(data: str, tmp_path: Path) -> None:
    (x, y), test = classes()

    def examples() -> Any:
        return (x, y) if data == "tensors" else DataLoader(TensorDataset(x, y), batch_size=8, shuffle=True)

    class Kill:
        def on_step(self, run: Any, row: dict[str, Any]) -> None:
            if run.step == 11:
                raise Stopped

    def options(name: str) -> dict[str, Any]:
        return {"epochs": 3, "batch_size": 8, "settings": SMALL, "out": tmp_path / name, "progress": False}

    whole = tb.train(network, examples(), test, **options("whole"))
    torch.manual_seed(99)
    with pytest.raises(Stopped):
        tb.train(network, examples(), test, callbacks=[Kill()], **options("killed"))
    torch.rand(5)
    again = options("killed") | {"resume": tmp_path / "killed"}
    del again["out"]
    resumed = tb.train(network, examples(), test, **again)
    assert timeless(whole.report) == timeless(resumed.report)
    assert (tmp_path / "whole" / "steps.csv").read_text() == (tmp_path / "killed" / "steps.csv").read_text()


@pytest.mark.usefixtures("without_pages")
def test_the_users_module_and_random_numbers_are_left_alone(tmp_path: Path) -> None:
    model = network()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    train, test = classes()
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    tb.train(model, train, test, policy="float", epochs=1, out=tmp_path / "float", progress=False)
    tb.train(model, train, test, epochs=1, settings=SMALL, out=tmp_path / "siamese", progress=False)
    assert torch.equal(torch.rand(4), expected)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.usefixtures("without_pages")
def test_names_train_as_the_command_does(tmp_path: Path) -> None:
    run = tb.train(
        "mlp", "digits", epochs=1, settings={"data.limit": 64, **SMALL}, out=tmp_path / "python", progress=False
    )
    command = [sys.executable, "-m", "twinbar", "train", "--epochs", "1", "--limit", "64", "--out", "shell"]
    subprocess.run([*command, *OPTIONS], cwd=tmp_path, check=True, capture_output=True)
    shell = json.loads((tmp_path / "shell" / "report.json").read_text())
    assert timeless(run.report) == timeless(shell)


@pytest.mark.usefixtures("without_pages")
def test_policies_and_seeds_are_compared(tmp_path: Path) -> None:
    train, test = classes()
    runs = tb.compare(
        network,
        train,
        test,
        policies=["closed-loop", "siamese"],
        seeds=[0, 5],
        epochs=1,
        settings=SMALL,
        out=tmp_path / "all",
        progress=False,
    )
    assert set(runs) == {(policy, seed) for policy in ("closed-loop", "siamese") for seed in (0, 5)}
    writes = {key: run.report["totals"]["cell_writes"] for key, run in runs.items()}
    assert all(writes["siamese", seed] < writes["closed-loop", seed] for seed in (0, 5))
    assert (tmp_path / "all" / "seed-5" / "compare.json").is_file()


MODULE = """
import torch
from torch import nn

def factory():
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 2))

def data():
    x = torch.rand(40, 6, generator=torch.Generator().manual_seed(0))
    return (x[:32], x[:32, :2]), (x[32:], x[32:, :2])

def nothing():
    return 7

def scaled(outputs, targets):
    return 100 * float((outputs - targets).abs().mean())
"""


@pytest.fixture
def shell(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    (tmp_path / "mine.py").write_text(MODULE)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "twinbar", "train", *arguments, *OPTIONS]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    return run


def test_the_shell_takes_modules(shell: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path) -> None:
    done = shell(
        *("--model", "mine:factory", "--data", "mine:data", "--loss", "mse", "--metric", "mine:scaled"),
        *("--epochs", "1", "--out", "run"),
    )
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    assert (report["metric"], report["data"], report["config"]["model"]["kind"]) == (
        "mine:scaled",
        "mine:data",
        "mine:factory",
    )
    assert "Metric" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--model", "mine:missing"), "the model mine:missing cannot be imported"),
        (("--model", "mine:nothing"), "the model's factory gives int; it must give a torch.nn.Module"),
        (("--data", "mine:data"), "model.kind is mlp, a network for images; your own data need your own network"),
        (("--data", "mine:nothing", "--model", "mine:factory"), "which gives int; it must return (train, test)"),
        (("--loss", "msee"), "there is no loss 'msee'; there are cross-entropy, mse, l1, huber, bce"),
        (("--metric", "accurcy"), "there is no metric 'accurcy'"),
        (("--set", "model.exclude=9"), "exclude names '9', which is not a part of the module"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(
    twinbar: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    sentence: str,
) -> None:
    (tmp_path / "mine.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    # As for `python -m`.
    monkeypatch.syspath_prepend(tmp_path)
    done = twinbar("train", *arguments, *OPTIONS, "--out", "run")
    # The next test has a module of this name in another folder.
    sys.modules.pop("mine", None)
    assert done.status == 2
    assert sentence in " ".join(done.err.replace("│", " ").split())
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: tb.train(network, regression()[0]), "there are no test data"),
        (lambda: tb.train(network, None, regression()[1]), "test data are given, but no training data"),
        (lambda: tb.train("lenet", *regression()), "the network lenet is for sets of images"),
        (lambda: tb.train(network, 7, 8), "the training data are int; give a pair of arrays"),
        (lambda: tb.train(network, (torch.rand(3, 6), torch.rand(2)), 8), "there are 3 inputs, but 2 targets"),
        (lambda: tb.train(network, *regression(), epoch=2), "there is no choice 'epoch'"),
        (lambda: tb.train(7, *regression()), "the model is int; it must be a torch.nn.Module"),
        (lambda: tb.train(network, *regression(), loss=7), "loss is 7; it must be a function"),
    ],
)
def test_what_cannot_be_learnt_is_one_sentence(
    call: Callable[[], Any], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(tb.ConfigError, match=sentence.replace("(", r"\(")):
        call()
    assert not list(tmp_path.rglob("config.toml"))


def test_data_without_a_length_are_refused() -> None:
    class Endless(IterableDataset[Any]):
        def __iter__(self) -> Any:
            yield torch.zeros(6), 0

    with pytest.raises(tb.ConfigError, match="can only be read from beginning to end"):
        tb.train(network, Endless(), Endless())


@pytest.mark.usefixtures("without_pages")
def test_cross_entropy_is_the_default_in_all_its_forms(tmp_path: Path) -> None:
    train, test = classes()
    epochs = []
    for number, loss in enumerate(["cross-entropy", F.cross_entropy, nn.CrossEntropyLoss()]):
        run = tb.train(
            network, train, test, loss=loss, epochs=1, settings=SMALL, out=tmp_path / str(number), progress=False
        )
        epochs.append(timeless(run.report)["epochs"])
    assert epochs[0] == epochs[1] == epochs[2]
    assert "test_accuracy" in epochs[0][0]


@pytest.mark.usefixtures("without_pages")
def test_the_page_names_network_and_data_of_ones_own(tmp_path: Path) -> None:
    from twinbar.host.report.schema import parse_report
    from twinbar.host.report.title import task

    train, test = classes()
    run = tb.train(network, train, test, epochs=1, settings=SMALL, out=tmp_path / "run", progress=False)
    assert task(parse_report(run.report)) == "network on arrays"
    net = tb.convert(network(), config=None)
    net(train[0])
    net.end_epoch()
    assert task(parse_report(net.report(tmp_path / "loop"))) == "Sequential on own data"


@pytest.mark.usefixtures("without_pages")
def test_the_configuration_of_a_run_names_the_loss_that_was_used(tmp_path: Path) -> None:
    train, test = regression()
    names = {}
    for key, loss in {"own": lambda outputs, targets: (outputs - targets).abs().mean(), "torch": F.mse_loss}.items():
        run = tb.train(network, train, test, loss=loss, epochs=1, settings=SMALL, out=tmp_path / key, progress=False)
        names[key] = run.report["config"]["training"]["loss"]
    assert names == {"own": "python:loss", "torch": "torch.nn.functional:mse_loss"}


def test_a_comparison_takes_the_configuration_of_a_training(tmp_path: Path) -> None:
    from twinbar.host.experiment.config import ExperimentConfig

    config = ExperimentConfig().merge({**SMALL, "data.limit": 32, "training.epochs": 1, "policy.threshold": 0.75})
    runs = tb.compare(config=config, policies=["siamese"], out=tmp_path / "all", progress=False)
    assert runs["siamese", 0].report["config"]["policy"]["threshold"] == 0.75


def test_an_interrupted_training_says_how_to_continue(tmp_path: Path) -> None:
    class CtrlC:
        def on_step(self, run: Any, row: dict[str, Any]) -> None:
            signal.raise_signal(signal.SIGINT)

    train, test = classes()
    with pytest.raises(KeyboardInterrupt) as interrupted:
        tb.train(
            network, train, test, epochs=2, settings=SMALL, out=tmp_path / "run", progress=False, callbacks=[CtrlC()]
        )
    assert interrupted.value.__notes__ == [f"Continue with resume={str(tmp_path / 'run')!r} instead of out."]
    run = tb.train(network, train, test, resume=tmp_path / "run", progress=False)
    assert len(run.report["epochs"]) == 2


def test_write_algorithms_are_compared_from_python(tmp_path: Path) -> None:
    names = ["preset", "strong+first+compare"]
    settings = {"data.limit": 60, "model.hidden": (8,), "array.rows": 32, "array.columns": 32}
    runs = tb.compare(writes=names, settings=settings, epochs=1, out=tmp_path / "writes", progress=False)
    assert list(runs) == [(name, 0) for name in names]
    actions = {name: runs[name, 0].report["totals"]["actions"] for name in names}
    # An action of an option that the controller is built without is not listed.
    assert "compare" not in actions["preset"]
    assert actions["strong+first+compare"]["compare"] > 0
    assert {run.report["policy"] for run in runs.values()} == {"siamese"}
    compared = json.loads((tmp_path / "writes" / "compare.json").read_text())
    assert list(compared["writes"]) == names
    with pytest.raises(tb.ConfigError, match=r"writes are compared with one policy, and policies is siamese, chi"):
        tb.compare(writes=names, policies=["siamese", "chi"], out=tmp_path / "two", progress=False)
