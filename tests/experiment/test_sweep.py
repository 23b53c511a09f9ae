"""Sweeps: runs are those of `train`, whoever trains them and is killed; a search depends on its seed alone."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from distributed import LocalCluster

from twinbar.host.experiment import sweep as sweep_module
from twinbar.host.experiment import sweep_workers
from twinbar.host.experiment.config import ExperimentConfig
from twinbar.host.experiment.progress_display import SilentProgress
from twinbar.host.experiment.run_folder import RunFolder
from twinbar.host.experiment.search_space import SearchRange
from twinbar.host.experiment.sweep import run_sweep
from twinbar.host.experiment.sweep_config import SweepConfig
from twinbar.host.experiment.sweep_figures import figures_of
from twinbar.host.experiment.sweep_from_python import sweep
from twinbar.host.experiment.sweep_search import Search
from twinbar.host.experiment.sweep_workers import SweepJob, SweepOutcome
from twinbar.host.experiment.train import train
from twinbar.host.report.page import build_report
from twinbar.hw.errors import ConfigError, TwinbarError

SMALL: dict[str, Any] = {
    "data.limit": 60,
    "data.pool": 2,
    "model.hidden": (6,),
    "training.epochs": 2,
    "training.batch_size": 20,
}
VARY = ("device.levels=4,8", "training.lr=0.05,0.2")


class Pool:
    """Stands for the workers: gives figures by a formula, in the opposite order, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.failing: set[str] = set()

    def train(self, jobs: Sequence[SweepJob]) -> Iterator[tuple[SweepJob, SweepOutcome]]:
        for job in reversed(jobs):
            self.asked.append(job.name)
            config = ExperimentConfig.from_toml_text(job.config, job.name)
            if job.name in self.failing:
                yield job, SweepOutcome(None, "the training diverges")
                continue
            # Best at a rate of 0.3, and the better the more levels.
            error = abs(config.training.lr - 0.3) + 1 / config.device.levels
            figures = {"test_accuracy": 1 - error, "total_energy_j": 1e-6 * config.device.levels}
            yield job, SweepOutcome(figures, None, 0.5)


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> Pool:
    made = Pool()

    @contextmanager
    def workers(*_: object) -> Iterator[Pool]:
        yield made

    monkeypatch.setattr(sweep_module, "workers", workers)
    return made


def run(folder: Path, **changes: Any) -> dict[str, Any]:
    config = SweepConfig().merge(SMALL | changes)
    again = (folder / "config.toml").exists()
    with RunFolder.open(folder, SweepConfig) if again else RunFolder.create(folder, config) as opened:
        return run_sweep(opened.config, opened, SilentProgress())  # type: ignore[arg-type]


def test_a_grid_is_numbered_in_its_order(tmp_path: Path, pool: Pool) -> None:
    result = run(tmp_path, vary=VARY, seeds=2)
    assert [(entry["run"], *entry["settings"].values(), entry["seed"]) for entry in result["runs"]] == [
        (f"{1 + seed + 2 * (second + 2 * first):04d}", levels, lr, seed)
        for first, levels in enumerate((4, 8))
        for second, lr in enumerate((0.05, 0.2))
        for seed in (0, 1)
    ]
    assert (result["planned"], len(result["points"])) == (8, 4)
    best = max(result["points"], key=lambda point: point["figures"]["test_accuracy"]["mean"])
    assert best["settings"] == {"device.levels": 8, "training.lr": 0.2}
    assert best["figures"]["test_accuracy"]["mean"] == pytest.approx(1 - 0.1 - 1 / 8)
    assert json.loads((tmp_path / "sweep.json").read_text())["runs"] == result["runs"]


def test_what_is_finished_is_not_trained_again(tmp_path: Path, pool: Pool) -> None:
    pool.failing = {"0002", "0003"}
    first = run(tmp_path, vary=VARY)
    assert [entry["failed"] for entry in first["runs"]] == [
        None,
        "the training diverges",
        "the training diverges",
        None,
    ]
    assert first["warnings"] == ["0002: the training diverges", "0003: the training diverges"]
    pool.asked.clear()
    pool.failing.clear()
    second = run(tmp_path)
    assert sorted(pool.asked) == ["0002", "0003"]
    assert [entry["failed"] for entry in second["runs"]] == [None] * 4
    assert [entry["figures"] for entry in second["runs"]][::3] == [entry["figures"] for entry in first["runs"]][::3]


@pytest.mark.parametrize("change", [{"seed": 1}, {"settings": {"device.levels": 8}}])
def test_a_result_of_another_run_is_not_taken(tmp_path: Path, pool: Pool, change: dict[str, Any]) -> None:
    first = run(tmp_path, vary=("device.levels=4,16",))
    stored = json.loads((tmp_path / "sweep.json").read_text())
    stored["runs"][0] |= change
    (tmp_path / "sweep.json").write_text(json.dumps(stored))
    pool.asked.clear()
    assert run(tmp_path)["runs"] == first["runs"]
    assert pool.asked == ["0001"]


@pytest.mark.parametrize(("log", "least", "most"), [(True, 3, 7), (False, 0, 1)])
def test_a_search_is_even_in_the_logarithm_where_it_is_asked_to(log: bool, least: int, most: int) -> None:
    search = Search([SearchRange("training.lr", 1e-4, 1.0, log)], ["test_accuracy"], 0)
    # The middle of four decades; the first ten are at random.
    small = [settings["training.lr"] < 1e-2 for _, settings in search.ask(10)]
    assert least <= sum(small) <= most


@pytest.mark.parametrize("goal", ["test_accuracy", "total_energy_j"])
def test_a_search_goes_where_its_goal_is_better(goal: str) -> None:
    search = Search([SearchRange("x", 0.0, 1.0, False)], [goal], 0)
    for _ in range(6):
        asked = search.ask(8)
        for trial, settings in asked:
            search.tell(trial, {goal: {"mean": settings["x"]}})
    mean = sum(settings["x"] for _, settings in asked) / 8
    assert mean > 0.75 if goal == "test_accuracy" else mean < 0.25


def test_a_sweep_of_which_nothing_comes_is_an_error(tmp_path: Path, pool: Pool) -> None:
    pool.failing = {"0001", "0002"}
    with pytest.raises(TwinbarError, match="none of the 2 runs came to an end; the first says: the training diverges"):
        run(tmp_path, vary=("device.levels=4,8",))


def test_a_damaged_result_is_one_sentence(tmp_path: Path, pool: Pool) -> None:
    run(tmp_path, vary=VARY)
    entry = json.loads((tmp_path / "sweep.json").read_text())["runs"][0]
    wrong = ({"figures": "x"}, {"figures": {"test_accuracy": "x"}}, {"host_seconds": "x"}, {"warnings": [3]})
    runs = [json.dumps({"runs": [entry | change]}) for change in wrong]
    for content in ("{", "[]", '{"runs": [{"run": "0001"}]}', *runs):
        (tmp_path / "sweep.json").write_text(content)
        with pytest.raises(ConfigError, match=r"sweep\.json is damaged") as caught:
            run(tmp_path)
        assert "\n" not in str(caught.value)


def test_mistakes_are_found_before_anything_is_trained(tmp_path: Path, pool: Pool) -> None:
    with pytest.raises(ConfigError, match=r"with device\.levels = 1000"):
        run(tmp_path / "grid", vary=("device.levels=4,1000",))
    with pytest.raises(ConfigError, match=r"with device\.levels = 1000"):
        run(tmp_path / "search", vary=("device.levels=4..1000",), trials=3)
    # What only a run would look for.
    for vary, words in (
        (
            ("device.preset=ideal,idael",),
            "with device.preset = idael.*: there is no device preset 'idael'; did you mean",
        ),
        (
            ("device.levels=4,8", "engine.energy_table=macro-65nm,nope"),
            "energy_table = nope.*: there is no energy table",
        ),
        (("device.without=read_noise,relaxation",), "with device.without = .*relaxation.*: device.without names"),
        (("array.adc_noise_codes=0.3,1e6",), "with array.adc_noise_codes = 1000000.0.*: the noise of a single-cell"),
        (("device.fault_map=missing.npz",), "with device.fault_map = .*missing.npz.*: "),
    ):
        with pytest.raises(ConfigError, match=words):
            run(tmp_path / "names", vary=vary)
        with pytest.raises(ConfigError, match=words):
            run(tmp_path / "names", vary=(*vary, "training.lr=0.01..1"), trials=2)
    assert pool.asked == []
    # Nothing is left that would be in the way of the right ones.
    assert list(tmp_path.iterdir()) == []


def test_a_search_finds_what_is_best_and_depends_on_its_seed_alone(tmp_path: Path, pool: Pool) -> None:
    space = ("training.lr=0.001..1 log", "device.levels=4..64")
    result = run(tmp_path / "one", vary=space, trials=40)
    settings = [entry["settings"] for entry in result["runs"]]
    assert all(0.001 <= found["training.lr"] <= 1 and 4 <= found["device.levels"] <= 64 for found in settings)
    assert {type(found["device.levels"]) for found in settings} == {int}
    best = max(entry["figures"]["test_accuracy"] for entry in result["runs"])
    # At random, one in ten such samples of 40 comes as near to the optimum of 1 - 1/64.
    assert best > 0.92
    # Interrupted in its third round, and taken up.
    other = tmp_path / "two"
    kept = pool.train

    def interrupted(jobs: Sequence[SweepJob]) -> Iterator[tuple[SweepJob, SweepOutcome]]:
        for number, found in enumerate(kept(jobs)):
            if jobs[0].name == "0017" and number == 3:
                raise KeyboardInterrupt
            yield found

    pool.train = interrupted  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        run(other, vary=space, trials=40)
    pool.train = kept  # type: ignore[method-assign]
    pool.asked.clear()
    again = run(other)
    assert [entry["settings"] for entry in again["runs"]] == settings
    assert len(pool.asked) == 40 - 16 - 3


def test_settings_that_no_other_beats_are_marked(tmp_path: Path, pool: Pool) -> None:
    run(tmp_path, vary=("device.levels=4,8,16", "training.lr=0.3,0.9"))
    build_report(tmp_path)
    rows = [
        row
        for row in (tmp_path / "sweep.md").read_text().splitlines()
        if row.startswith(("| ●", "|  | 4", "|  | 8", "|  | 16"))
    ]
    # More levels are better and cost more: at the best rate none beats another, at the other one all are beaten.
    assert [("●" in row, "| 0.3 |" in row) for row in rows] == [(True, True)] * 3 + [(False, False)] * 3


def test_a_search_for_what_no_run_has_ends_after_a_round(tmp_path: Path, pool: Pool) -> None:
    goals = ("test_accuracy", "test_metric")
    with pytest.raises(TwinbarError, match=r"^goals holds test_metric, which no run has; they have test_accuracy, tot"):
        run(tmp_path, vary=("training.lr=0.1..1",), trials=20, goals=goals)
    assert len(pool.asked) == 8
    assert len(json.loads((tmp_path / "sweep.json").read_text())["runs"]) == 8


def test_a_search_may_have_two_goals(tmp_path: Path, pool: Pool) -> None:
    goals = ("test_accuracy", "total_energy_j")
    result = run(tmp_path, vary=("device.levels=4..64", "training.lr=0.3,0.9"), trials=32, goals=goals)
    rates = [entry["settings"]["training.lr"] for entry in result["runs"]]
    # It has learnt by then that one of the rates is worse at one goal, and no better at the other.
    assert rates.count(0.3) > 16


def test_the_page_holds_tables_and_plots(tmp_path: Path, pool: Pool) -> None:
    pool.failing = {"0004"}
    run(tmp_path, vary=VARY)
    page = build_report(tmp_path)
    text = page.read_text()
    assert "3 of 4 runs finished, 1 failed" in text
    assert "0004: the training diverges" in text
    rows = [line for line in (tmp_path / "sweep.md").read_text().splitlines() if line.startswith("|")]
    assert [line.count("failed") for line in rows] == [0, 0, 0, 0, 0, 1]
    assert rows[-1].startswith("|  | 8 | 0.2 | 0, 1 failed | – |")
    assert text.count("<svg") == 2
    for name in ("sweep.csv", "sweep.md", "sweep.tex", "plots/pareto.svg", "plots/parallel-coordinates.svg"):
        assert (tmp_path / name).stat().st_size > 100, name


def test_the_page_does_not_state_what_is_varied_as_common(tmp_path: Path, pool: Pool) -> None:
    run(tmp_path, vary=("device.preset=ideal,taox-hfox",))
    facts = build_report(tmp_path).read_text().split("</nav>")[0]
    assert "Policy" in facts
    assert ">Device" not in facts


def test_what_is_varied_is_not_set_as_well(tmp_path: Path, twinbar: Callable[..., Any]) -> None:
    done = twinbar("sweep", "--lr", "0.3", "--vary", "training.lr=0.1,0.2", "--out", str(tmp_path / "sweep"))
    assert (done.status, done.err) == (2, "Error: training.lr is varied and also set to 0.3; do one of them\n")
    assert not (tmp_path / "sweep").exists()


@pytest.mark.parametrize(("failing", "status"), [(set(), 0), ({"0002"}, 1)])
def test_a_run_that_fails_is_a_failure(
    failing: set[str], status: int, tmp_path: Path, pool: Pool, twinbar: Callable[..., Any]
) -> None:
    pool.failing = failing
    common = [part for key, value in SMALL.items() if key != "model.hidden" for part in ("--set", f"{key}={value}")]
    grid = ("--vary", VARY[0], "--scheduler", "tcp://localhost:1", "--out", str(tmp_path / "sweep"))
    done = twinbar("sweep", *common, *grid)
    assert done.status == status
    assert ("1 of 2 runs failed; --resume trains them again. The first, 0002, says: " in done.err) == bool(failing)
    assert "2" in done.out


def report_of(folder: Path, levels: int, lr: float) -> dict[str, float]:
    config = ExperimentConfig().merge(SMALL | {"device.levels": levels, "training.lr": lr, "engine.threads": 1})
    with RunFolder.create(folder, config) as opened:
        return figures_of(train(config, opened, SilentProgress(), False))


def kill_a_worker(workers: Callable[[], list[psutil.Process]], folder: Path) -> int:
    """Kill the one worker while it trains the second run of a sweep; return how many there were."""
    while not (folder / "0002" / "steps.csv").exists():
        time.sleep(0.02)
    found = workers()
    for worker in found:
        worker.kill()
    return len(found)


def workers_of_this_process() -> list[psutil.Process]:
    """Return what was forked from a process that `multiprocessing` started here, or started by it as the last."""
    below = [child for child in psutil.Process().children(recursive=True) if not child.children()]
    lines = [" ".join(child.cmdline()) for child in below]
    return [
        child
        for child, line in zip(below, lines, strict=True)
        if "multiprocessing" in line and "resource_tracker" not in line
    ]


@pytest.mark.ci
@pytest.mark.parametrize("cluster", [False, True])
def test_runs_are_those_of_train_even_where_a_worker_was_killed(tmp_path: Path, cluster: bool) -> None:
    expected = [report_of(tmp_path / f"{levels}-{lr}", levels, lr) for levels in (4, 8) for lr in (0.05, 0.2)]
    folder = tmp_path / "sweep"

    def swept(**where: Any) -> list[Any]:
        vary = {"device.levels": [4, 8], "training.lr": "0.05,0.2"}
        result = sweep(vary, settings=SMALL, out=folder, progress=False, **where)
        return [entry["figures"] for entry in result["runs"]]

    with ThreadPoolExecutor(1) as beside:
        if cluster:
            with LocalCluster(
                n_workers=1,
                threads_per_worker=1,
                processes=True,
                dashboard_address=None,
                local_directory=str(tmp_path / "dask"),
            ) as local:
                killed = beside.submit(kill_a_worker, lambda: [psutil.Process(local.workers[0].pid)], folder)
                found = swept(scheduler=local.scheduler_address)
        else:
            killed = beside.submit(kill_a_worker, workers_of_this_process, folder)
            found = swept(workers=1)
        assert killed.result(timeout=10) == 1
    assert found == expected
    assert (folder / "index.html").exists()


def test_a_scheduler_that_does_not_answer_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep_workers, "CONNECTING_S", 0.5)
    with pytest.raises(ConfigError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9") as caught:
        run(tmp_path / "run", vary=VARY, scheduler="tcp://127.0.0.1:9")
    assert "start one with: dask scheduler" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_program_that_sweeps_wherever_it_is_imported_is_told_so(tmp_path: Path) -> None:
    program = tmp_path / "study.py"
    out = str(tmp_path / "out")
    program.write_text(
        "import twinbar as tb\n"
        f"tb.sweep({{'device.levels': [4, 8]}}, settings={{'data.limit': 60}}, workers=1, out={out!r})\n"
    )
    done = subprocess.run([sys.executable, program], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "a worker would start the sweep again: put the call of tb.sweep below" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("twinbar.hw.errors.TwinbarError: the workers cannot be started")


def test_the_process_that_sweeps_does_not_load_pytorch() -> None:
    program = "import sys, twinbar.host.experiment.sweep; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout == b"False\n"
