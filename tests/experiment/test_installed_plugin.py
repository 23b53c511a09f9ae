"""The example's package, installed beside another one that is broken: commands in processes of their own."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from killable_runs import Ended, Runs, Stop, serve

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "plugin"
TRAIN = [
    *("--data", "digits", "--limit", "500", "--hidden", "32", "--batch-size", "16", "--epochs", "2"),
    *("--set", "array.rows=32", "--set", "array.columns=32", "--set", "engine.threads=1"),
    *("--policy", "smoothed", "--set", "policy.momentum=0.75", "--device", "power-step-oxide"),
    *("--set", "engine.energy_table=macro-65nm-0v9"),
]
BROKEN = {
    "twinbar.policies": {"absent": "broken_plugin.policy:Gone", "odd": "broken_plugin:PLAIN"},
    "twinbar.devices": {"cracked": "broken_plugin:PLAIN", "ideal": "broken_plugin:PLAIN"},
    "twinbar.boards": {"burnt": "broken_plugin:BURNT"},
    "twinbar.plots": {"blot": "broken_plugin:BLOT"},
}
PLAIN = "broken-plugin 0.3 (broken_plugin:PLAIN)"
BROKEN_MODULE = """
from twinbar.boards.bitstream_programmer import ICEPROG
from twinbar.boards.board_definition import BoardDefinition
from twinbar.host.report.plot_kinds import RunPlot
PLAIN = 3
BURNT = BoardDefinition("burnt", "Burnt", "broken_plugin:Platform", 12_000_000, ICEPROG, "icebreaker")
BLOT = RunPlot("blot", lambda run: 1 / 0)
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the example with pip, and write what a broken distribution would have installed."""
    folder = tmp_path_factory.mktemp("installed")
    shutil.copytree(EXAMPLE, folder / "source")
    site = folder / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index"]
    target = ["--no-deps", "--no-build-isolation", "--target", site, folder / "source"]
    subprocess.run([*pip, *target], check=True, capture_output=True)
    info = site / "broken_plugin-0.3.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-plugin\nVersion: 0.3\n")
    lines = []
    for group, points in BROKEN.items():
        lines += [f"[{group}]", *(f"{name} = {value}" for name, value in points.items())]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
    (site / "broken_plugin.py").write_text(BROKEN_MODULE)
    return site


@pytest.fixture
def command(site: Path, tmp_path: Path) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Run the command line in an empty folder, with what is installed."""

    def run(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
        code = "import sys; from twinbar.host.cli import main; main(sys.argv[1:])"
        environment = os.environ | {"PYTHONPATH": str(site), "COLUMNS": "200"}
        words = [sys.executable, "-c", code, *map(str, arguments)]
        return subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    return run


@pytest.fixture(scope="module")
def runs(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    if not hasattr(os, "fork"):
        pytest.skip("needs fork and SIGKILL")
    with serve(tmp_path_factory.mktemp("server"), site) as server:
        yield server


def start(runs: Runs, folder: Path, stop: Stop | None = None) -> Ended:
    where = ["--resume", folder] if (folder / "config.toml").exists() else [*TRAIN, "--out", folder]
    return runs.run("train", *where, stop=stop)


def timeless(value: Any) -> Any:
    """A report without what the clock says."""
    if isinstance(value, dict):
        return {key: timeless(item) for key, item in value.items() if key not in ("host_seconds", "environment")}
    return [timeless(item) for item in value] if isinstance(value, list) else value


def report(folder: Path) -> Any:
    return timeless(json.loads((folder / "report.json").read_text()))


def test_a_policy_with_state_that_was_killed_ends_as_one_left_alone(runs: Runs, tmp_path: Path) -> None:
    alone, killed = tmp_path / "alone", tmp_path / "killed"
    ended = start(runs, alone)
    assert ended.status == 0, ended.text
    size = (alone / "steps.csv").stat().st_size
    stops = [Stop(signal.SIGKILL, 0.01, str(killed / "steps.csv"), part * size // 5) for part in (1, 2, 4)]
    assert [start(runs, killed, stop).status for stop in stops].count(-signal.SIGKILL) >= 2
    ended = start(runs, killed)
    assert ended.status == 0, ended.text
    assert report(killed) == report(alone)
    assert (killed / "steps.csv").read_text() == (alone / "steps.csv").read_text()
    content = report(alone)
    assert (content["policy"], content["device"]) == ("smoothed", "power-step-oxide")
    assert content["energy_table"] == "macro-65nm-0v9"
    assert content["config"]["policy"]["momentum"] == 0.75
    # It learns, and it writes less than every cell at every step.
    assert content["epochs"][-1]["test_accuracy"] > 0.5
    assert 0.5 < content["totals"]["update_elimination"] < 1


def test_a_command_trains_with_what_is_installed_and_draws_its_plot(
    command: Callable[..., Any], tmp_path: Path
) -> None:
    done = command("train", *TRAIN, "--limit", "100", "--out", "run")
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "run" / "index.html").read_text()
    assert "Accuracy by energy" in page
    # A plot that cannot be drawn does not hold the page up; it says so.
    assert "plot &#39;blot&#39; of the plug-in broken-plugin 0.3 (broken_plugin:BLOT) cannot be drawn" in page
    done = command("report", "run")
    assert done.returncode == 0
    assert done.stderr == (
        "Warning: the plot 'blot' of the plug-in broken-plugin 0.3 (broken_plugin:BLOT) cannot be drawn: "
        "ZeroDivisionError: division by zero\n"
    )


def test_plug_ins_are_listed_and_broken_ones_named(command: Callable[..., Any]) -> None:
    done = command("plugins", "--json")
    assert done.returncode == 0
    rows = {(row["group"], row["name"], row["origin"]): row["problem"] for row in json.loads(done.stdout)}
    assert rows["twinbar.policies", "smoothed", "twinbar-example 0.1.0 (twinbar_example.policy:Smoothed)"] is None
    assert rows["twinbar.policies", "siamese", "twinbar"] is None
    assert "cannot be imported" in rows["twinbar.policies", "absent", "broken-plugin 0.3 (broken_plugin.policy:Gone)"]
    assert len(done.stderr.splitlines()) == 4
    table = command("plugins").stdout
    assert "twinbar-example 0.1.0 (twinbar_example.board:BOARD)" in table
    assert f"{PLAIN} (cannot be used)" in table


def test_lists_name_broken_plug_ins_and_show_the_others(command: Callable[..., Any]) -> None:
    presets = command("device", "list", "--json")
    assert presets.returncode == 0
    names = [row["name"] for row in json.loads(presets.stdout)]
    assert names[-1] == "power-step-oxide"
    assert names.count("ideal") == 1
    assert presets.stderr.splitlines() == [
        f"Warning: the device preset 'cracked' of the plug-in {PLAIN} is 3; it must be a "
        "twinbar.emulator.devices.preset.Preset, or a TOML file as a path or resource",
        f"Warning: the plug-in {PLAIN} names its device preset 'ideal', as a built-in one is named; uninstall it, or "
        "rename its entry point",
    ]
    boards = command("board", "list", "--json")
    assert boards.returncode == 0
    assert [row["name"] for row in json.loads(boards.stdout)][-1] == "icepi-zero"
    assert boards.stderr == (
        "Warning: the platform broken_plugin:Platform of the board burnt cannot be made: AttributeError: module "
        "'broken_plugin' has no attribute 'Platform'\n"
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["train", "--policy", "absent"],
            "policy.name: the update policy 'absent' of the plug-in broken-plugin 0.3 (broken_plugin.policy:Gone) "
            "cannot be imported: ModuleNotFoundError: No module named 'broken_plugin.policy'",
        ),
        (
            ["train", "--policy", "odd"],
            f"policy.name: the update policy 'odd' of the plug-in {PLAIN} is 3; it must be a class",
        ),
        (
            ["compare", "--policies", "siamese,odd"],
            f"policies: the update policy 'odd' of the plug-in {PLAIN} is 3; it must be a class",
        ),
        (["train", "--policy", "smothed"], 'policy.name is "smothed"; it must be one of siamese, chi, '),
        (
            ["train", "--policy", "nowhere.at_all:Policy"],
            "policy.name: the update policy nowhere.at_all:Policy cannot be imported: ModuleNotFoundError: No",
        ),
        (
            ["train", "--policy", "smoothed", "--set", "policy.momentum=1"],
            "policy.momentum is 1; it must be a number, at least 0 and below 1",
        ),
        (
            ["train", "--policy", "smoothed", "--set", "policy.momentm=1"],
            "there is no configuration key policy.momentm; did you mean policy.momentum?",
        ),
        (
            ["train", "--device", "ideal"],
            f"the plug-in {PLAIN} names its device preset 'ideal', as a built-in one is",
        ),
        (
            ["device", "show", "cracked"],
            f"the device preset 'cracked' of the plug-in {PLAIN} is 3; it must be a ",
        ),
        (
            ["board", "flash", "burnt"],
            "the platform broken_plugin:Platform of the board burnt cannot be made: Attribute",
        ),
        (["board", "build", "broken_plugin:PLAIN"], "the board broken_plugin:PLAIN is 3; it must be a twinbar.boards."),
    ],
)
def test_a_plug_in_that_cannot_be_used_is_one_sentence(runs: Runs, arguments: list[str], sentence: str) -> None:
    before = set(runs.folder.rglob("*"))
    ended = runs.run(*arguments)
    assert ended.status == 2
    assert ended.text.startswith(f"Error: {sentence}")
    assert ended.text.count("\n") == 1
    # What it printed lies in the log.
    assert set(runs.folder.rglob("*")) - before <= {runs.folder / "log.txt"}


def test_the_help_text_looks_at_no_plug_in(site: Path) -> None:
    code = (
        "import atexit, sys; from twinbar.host.cli import main\n"
        "atexit.register(lambda: print('there:', [name for name in sys.modules if "
        "name.startswith(('broken', 'twinbar_')) or name in ('twinbar.hw.registry', 'torch', 'numba')]))\n"
        "main(['--help'])"
    )
    environment = os.environ | {"PYTHONPATH": str(site)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "there: []"
