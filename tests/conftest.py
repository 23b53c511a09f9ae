"""Which tests run, on how many threads, and the small crossbars that several areas share."""

import functools
import gc
import os
import shutil
import sys
from collections.abc import Callable, Generator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from twinbar.emulator.contract.bulk_operations import Engine
    from twinbar.emulator.crossbar.configuration import CrossbarConfig

# Two threads can be asked for on any machine, so that results can be compared between one thread and two. It is read
# when Numba is imported, and so is set before any test module is.
os.environ.setdefault("NUMBA_NUM_THREADS", "2")
# Netlists are compiled for a few thousand cycles each. What the flags of the product make of them is tested by the
# trainings that are stored, which run in processes without these.
os.environ.setdefault("CXXFLAGS", "-O1")
if "PYTEST_XDIST_WORKER" in os.environ:
    # Workers share the cores; threads of their own would only be in each other's way.
    os.environ["OMP_NUM_THREADS"] = "1"
    os.environ["MKL_NUM_THREADS"] = "1"

# Test modules import a million objects that live as long as the process, and Amaranth makes as many again of a netlist.
# At Python's own threshold, 700, looking through them took two fifths of the time of tests that elaborate netlists. The
# command sets it too, where it runs in this process; it counts before that as well, and while tests are collected.
gc.set_threshold(100_000)

# A busy machine is no fault of what is tested.
settings.register_profile("untimed", settings.default, deadline=None)
settings.load_profile("untimed")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="run the tests that take minutes too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    reasons = {
        "slow": None if config.getoption("--slow") else "takes long; run it with --slow",
        "ziglang": None if find_spec("ziglang") else "needs ziglang (413 MB); install the extra rtl",
        "hwcomponents": None
        if find_spec("hwcomponents")
        else "needs hwcomponents, and so Python 3.12; install the extra components",
        "ci": None if config.getoption("--slow") or _in_ci() else "takes a minute; run it with --slow, or set CI=true",
        "mnist": None if os.environ.get("TWINBAR_DATA") else "needs the MNIST files; set TWINBAR_DATA to their folder",
        "ngspice": None if shutil.which("ngspice") else "needs ngspice (apt-get install ngspice)",
        "gpu": None if any(item.get_closest_marker("gpu") for item in items) and _has_gpu() else "needs a CUDA device",
        "board": None if os.environ.get("TWINBAR_PORT") else "needs an FPGA board; set TWINBAR_PORT to its serial port",
    }
    if any(item.get_closest_marker("compiler") for item in items):
        reasons["compiler"] = _missing_compiler()
    if "PYTEST_XDIST_WORKER" in os.environ:
        items[:] = _in_two_halves(items)
    for item in items:
        for marker, reason in reasons.items():
            if reason is not None and item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))


def _in_two_halves(items: list[pytest.Item]) -> list[pytest.Item]:
    """Return the tests in the order for two workers, each of which is first given one half of them.

    What takes longest comes first in either half, so that neither worker is left alone with it at the end. Tests of one
    folder share netlists: they stay in one half, since a worker would wait while the other one compiles what it needs.
    """
    long: dict[Path, list[pytest.Item]] = {}
    short = []
    for item in items:
        if any(item.get_closest_marker(name) for name in ("compiler", "ci")):
            long.setdefault(item.path.parent, []).append(item)
        else:
            short.append(item)
    halves: tuple[list[pytest.Item], list[pytest.Item]] = ([], [])
    for group in sorted(long.values(), key=len, reverse=True):
        min(halves, key=len).extend(group)
    middle = (len(items) + 1) // 2 - len(halves[0])
    return [*halves[0], *short[:middle], *halves[1], *short[middle:]]


NOT_IN_CI = ("slow", "mnist", "gpu", "board", "ziglang", "hwcomponents")
"""What continuous integration may leave out; it has every tool, and a test that it skips for another reason fails."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and _in_ci() and not any(item.get_closest_marker(name) for name in NOT_IN_CI):
        reason = report.longrepr[-1] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"continuous integration must run this test, and it was skipped: {reason}"
    return report


def _missing_compiler() -> str | None:
    """Say what a netlist cannot be compiled for; None where it can."""
    from twinbar.emulator.engines.rtl.compiler import find_compiler
    from twinbar.emulator.engines.rtl.yosys import include_folder
    from twinbar.hw.errors import ToolMissingError

    try:
        find_compiler()
        include_folder()
    except ToolMissingError as missing:
        return str(missing)
    return None


def _in_ci() -> bool:
    return os.environ.get("CI", "").lower() in ("true", "1")


def _has_gpu() -> bool:
    try:
        import torch
    except ImportError:
        return False
    return torch.cuda.is_available()


@pytest.fixture(scope="session", autouse=True)
def _silent_compilation() -> None:
    """Keep the notice of compilation out of what tests look at; what this process compiles depends on their order."""
    from twinbar.emulator.kernels.kernel_notice import NOTICE

    NOTICE.silent = True


@pytest.fixture(scope="session", autouse=True)
def _one_thread_per_worker() -> None:
    """Let a worker of pytest-xdist compute on one thread; what no test has imported is left alone."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        for module in ("numba", "torch"):
            if module in sys.modules:
                sys.modules[module].set_num_threads(1)


@pytest.fixture
def quick_traces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compile what draws waveforms without optimization: in half a minute, not a whole one, for few cycles."""
    from twinbar.emulator.engines.rtl import netlist_library

    cached_library, traced = netlist_library.cached_library, netlist_library.TRACE_FLAGS

    def cached(content: list[str], write: Callable[[Path], str], flags: Any = netlist_library.FLAGS) -> Path:
        with monkeypatch.context() as patch:
            if flags is traced:
                patch.setenv("CXXFLAGS", "-O0")
            return cached_library(content, write, flags)

    monkeypatch.setattr(netlist_library, "cached_library", cached)


@pytest.fixture(scope="session")
def compiled_kernels(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Share out the compilation of the kernels among workers, which would else all wait for all of it.

    It takes most of the time of a first run: one worker compiles the kernels for sums in float32 while another one
    compiles those in float64, and each then loads what the other has compiled. Without workers, kernels are compiled
    where a test needs them.
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if not worker:
        return
    from filelock import FileLock

    from twinbar.emulator.warm_up import NARROW, WIDE, compile_bulk

    sizes = [NARROW, WIDE]
    turn = int(worker.removeprefix("gw")) % len(sizes)
    for size in sizes[turn:] + sizes[:turn]:
        with FileLock(tmp_path_factory.getbasetemp().parent / f"kernels-{size.rows}.lock"):
            compile_bulk(size)


@pytest.fixture(scope="session")
def make_crossbar(compiled_kernels: None) -> "Callable[..., CrossbarConfig]":
    """Build the configuration of a small crossbar: ``make_crossbar(preset, **choices)``.

    Choices are those of `crossbar_of`.
    """
    from crossbar_choices import crossbar_of

    def make(preset: str = "taox-hfox", **choices: Any) -> "CrossbarConfig":
        return crossbar_of(preset, **{"rows": 8, "columns": 8, "levels": 8} | choices)

    return make


class Trained(NamedTuple):
    """A finished training run."""

    report: dict[str, Any]
    folder: Path
    messages: list[str]


QUICK: dict[str, Any] = {
    "data.limit": 600,
    "model.hidden": (32,),
    "array.rows": 32,
    "array.columns": 32,
    "training.epochs": 3,
    "training.batch_size": 20,
    "engine.threads": 1,
}
"""A run on `digits` that takes half a second once the kernels are compiled."""


@pytest.fixture(scope="session")
def train_run(compiled_kernels: None, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Trained]:
    """Train with `QUICK` and some changes by dotted key; the same changes are trained once per session."""
    from twinbar.host.experiment.config import ExperimentConfig
    from twinbar.host.experiment.progress_display import SilentProgress
    from twinbar.host.experiment.run_folder import RunFolder
    from twinbar.host.experiment.train import train

    @functools.cache
    def run(changes: tuple[tuple[str, Any], ...]) -> Trained:
        config = ExperimentConfig().merge(QUICK | dict(changes))
        progress = SilentProgress()
        with RunFolder.create(tmp_path_factory.mktemp("runs") / "run", config) as folder:
            report = train(config, folder, progress, resume=False)
        return Trained(report, folder.path, progress.messages)

    return lambda changes=None: run(tuple(sorted((changes or {}).items())))


class Steps(NamedTuple):
    """What training left, and what it said."""

    engine: "Engine"
    ledger: dict[str, Any]
    losses: list[float]


@pytest.fixture(scope="session")
def train_steps(compiled_kernels: None) -> Callable[[dict[str, Any]], Steps]:
    """Train for an epoch, with some changes by dotted key, without a run folder."""
    from twinbar.host.experiment.config import ExperimentConfig
    from twinbar.host.experiment.progress_display import SilentProgress
    from twinbar.host.experiment.task import prepare_data
    from twinbar.host.experiment.trainer import Trainer

    def run(changes: dict[str, Any]) -> Steps:
        config = ExperimentConfig().merge(changes)
        trainer = Trainer(config, prepare_data(config), SilentProgress())
        trainer.initialize()
        losses = [trainer.train_step([batch])["loss"] for batch in trainer.batches(1)]
        assert trainer.network is not None
        assert trainer.account is not None
        return Steps(trainer.network.session.engine, trainer.account.ledger.state_dict(), losses)

    return run


class Outcome(NamedTuple):
    """How a command line ended."""

    status: int
    out: str
    err: str


@pytest.fixture
def twinbar(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Run the command line in this process: ``twinbar("train", "--help")``."""
    from twinbar.host.cli import main

    monkeypatch.delenv("TWINBAR_DEBUG", raising=False)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str) -> Outcome:
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        code = caught.value.code
        return Outcome(code if isinstance(code, int) else 0 if code is None else 1, *capsys.readouterr())

    return run
