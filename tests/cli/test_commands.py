import re
import subprocess
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from importlib.metadata import version
from types import ModuleType
from typing import Any

import pytest
import typer

from twinbar.host.cli import command_table
from twinbar.host.experiment.config import CompareConfig, ExperimentConfig

HEAVY = ("torch", "numba", "scipy", "sklearn", "matplotlib", "pooch")


def test_the_version_is_that_of_the_package(twinbar: Callable[..., Any]) -> None:
    assert twinbar("--version") == (0, f"twinbar {version('twinbar')}\n", "")


def test_help_lists_the_commands(twinbar: Callable[..., Any]) -> None:
    outcome = twinbar("--help")
    assert outcome.status == 0
    assert re.search(r"train +Train a network in situ, and account for every pulse\.", outcome.out)
    assert re.search(r"compare +Train with several update policies, side by side\.", outcome.out)


def test_help_wraps_paragraphs_and_keeps_stated_defaults(twinbar: Callable[..., Any]) -> None:
    def words(*command: str) -> str:
        return " ".join(re.sub("[│╭╮╰╯─]", " ", twinbar(*command, "--help").out).split())

    assert "[default: flash]" in words("board", "flash")
    assert "[default: twinbar-core]" in words("core")
    assert "[default: 128, or that of the wiring]" in words("core")
    assert "[default: ]" not in words("sweep")
    # The terminal of these tests is wide: the paragraph is one line, whose docstring has two.
    assert "Ctrl-C stops after the checkpoint, and --resume continues" in twinbar("train", "--help").out


def test_no_command_is_bad_usage(twinbar: Callable[..., Any]) -> None:
    assert twinbar().status == 2


def test_an_unknown_command_is_bad_usage(twinbar: Callable[..., Any]) -> None:
    outcome = twinbar("trian")
    assert outcome.status == 2
    assert "No such command 'trian'. Did you mean 'train'?" in outcome.err


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["compare", "--help"], ["--version"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import atexit, sys; from twinbar.host.cli import main\n"
        f"atexit.register(lambda: print('heavy:', [name for name in {HEAVY} if name in sys.modules]))\n"
        f"main({arguments})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "heavy: []"), done.stderr


@pytest.mark.parametrize(("command", "kind"), [("train", ExperimentConfig), ("compare", CompareConfig)])
def test_options_are_explained_with_their_defaults(
    twinbar: Callable[..., Any], command: str, kind: type[ExperimentConfig]
) -> None:
    outcome = twinbar(command, "--help")
    text = " ".join(re.sub("[│╭╮╰╯─]", " ", outcome.out).split())
    config = kind()
    for option, key in {
        "--data": "data.name",
        "--limit": "data.limit",
        "--model": "model.kind",
        "--hidden": "model.hidden",
        "--device": "device.preset",
        "--levels": "device.levels",
        "--engine": "engine.name",
        "--port": "engine.port",
        "--epochs": "training.epochs",
        "--batch-size": "training.batch_size",
        "--lr": "training.lr",
        "--schedule": "training.schedule",
        "--accumulate": "training.accumulate",
        "--seed": "engine.seed",
        **({"--policies": "policies"} if kind is CompareConfig else {"--policy": "policy.name"}),
    }.items():
        value = config.flat()[key]
        shown = ",".join(map(str, value)) if isinstance(value, tuple) else value
        own = text.partition(f" {option} ")[2].partition(" --")[0]
        assert own, option
        assert (f"[default: {shown}]" in own) == (value is not None), own
    for option in ("--config", "--set", "--out", "--resume", "--json", "--print-config", "--debug"):
        assert f" {option} " in text
    assert (" --policy " in text) != (" --policies " in text)


def test_commands_are_found_wherever_the_table_points(
    twinbar: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def greet(name: str) -> None:
        """Say hello.

        Parameters
        ----------
        name : str
        """
        typer.echo(f"hello {name}")

    group = typer.Typer()
    group.command("one")(greet)
    group.command("two")(greet)
    module = ModuleType("greetings")
    module.__spec__ = ModuleSpec("greetings", None)
    vars(module).update(greet=greet, group=group)
    monkeypatch.setitem(sys.modules, "greetings", module)
    table = {
        "greet": command_table.Target("greetings", "greet", "Greets."),
        "group": command_table.Target("greetings", "group", "Greets twice."),
        "later": command_table.Target("twinbar.host.cli.not_there_yet", "later", "Comes later."),
    }
    monkeypatch.setattr(command_table, "COMMANDS", table)
    assert twinbar("greet", "you") == (0, "hello you\n", "")
    assert twinbar("group", "two", "you") == (0, "hello you\n", "")
    assert twinbar("later").status == 2
    overview = twinbar("--help").out
    assert "Greets twice." in overview
    assert "Comes later." not in overview
    own = twinbar("greet", "--help").out
    assert "Say hello." in own
    assert "Parameters" not in own


@pytest.mark.parametrize("name", list(command_table.COMMANDS))
def test_every_command_explains_itself(twinbar: Callable[..., Any], name: str) -> None:
    outcome = twinbar(name, "--help")
    assert outcome.status == 0, outcome.err
    assert f"Usage: twinbar {name} " in outcome.out


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--columns", "7"), "Error: --columns is 7; it must be even, because columns come in pairs"),
        (("--adc-channels", "3"), "Error: --adc-channels is 3; it must be a power of two that divides the 64 column"),
        (("--safe-codes", "0", "0", "4096"), "Error: --safe-codes is (0, 0, 4096); it must be three codes below 4096"),
    ],
)
def test_parameters_of_the_controller_are_named_as_options(
    twinbar: Callable[..., Any], options: tuple[str, ...], sentence: str
) -> None:
    outcome = twinbar("verilog", *options)
    assert (outcome.status, outcome.out) == (2, "")
    assert sentence in outcome.err
