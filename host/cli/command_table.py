"""The table of commands: each is imported only when it is asked for, so that the command line starts fast."""

import importlib
import importlib.util
import inspect
import re
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command as to_command


class Target(NamedTuple):
    """Where a command is (a function, or a `typer.Typer` with sub-commands), and what the overview says of it."""

    module: str
    attribute: str
    summary: str


COMMANDS: Final = {
    "train": Target("twinbar.host.cli.train_command", "train", "Train a network in situ, and account for every pulse."),
    "compare": Target(
        "twinbar.host.cli.compare_command", "compare", "Train with several update policies, side by side."
    ),
    "sweep": Target(
        "twinbar.host.cli.sweep_command", "sweep", "Train with every combination of settings, or search for the best."
    ),
    "reproduce": Target(
        "twinbar.host.cli.reproduce_command", "reproduce", "Compare the claims of the paper with measurements."
    ),
    "validate": Target(
        "twinbar.host.cli.validate_command", "validate", "Compare published figures with the emulator's."
    ),
    "report": Target(
        "twinbar.host.cli.report_command", "report", "Build the plots and the HTML page of a run folder again."
    ),
    "device": Target("twinbar.host.cli.device_command", "app", "List, show and fit cell models."),
    "wires": Target(
        "twinbar.host.cli.wires_command", "wires", "Solve an array with resistive wires: multiplications and writes."
    ),
    "verify": Target(
        "twinbar.host.cli.verify_command", "verify", "Run random programs on several engines, and compare."
    ),
    "prove": Target("twinbar.host.cli.prove_command", "prove", "Prove the controller's properties, and refute faults."),
    "replay": Target("twinbar.host.cli.replay_command", "replay", "Run a recorded trace on any engine, and compare."),
    "verilog": Target("twinbar.host.cli.verilog_command", "verilog", "Write the controller as Verilog."),
    "core": Target(
        "twinbar.host.cli.core_command", "core", "Write the core as a folder to build on, with wrappers and a bench."
    ),
    "board": Target("twinbar.host.cli.board_command", "app", "Build, flash and talk to FPGA boards."),
    "plugins": Target("twinbar.host.cli.plugins_command", "plugins", "List all names, those of plug-ins included."),
    "bench": Target("twinbar.host.cli.bench_command", "bench", "Measure the engines and training on this machine."),
}
"""Commands by name, in the order in which the help lists them."""


class CommandTable(TyperGroup):
    """A group that finds its commands in `COMMANDS`."""

    _overview = False

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        # Names that Typer suggests for a mistyped one.
        self.commands.update({name: TyperCommand(name) for name in COMMANDS})

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of the commands that this installation has."""
        return [name for name, target in COMMANDS.items() if importlib.util.find_spec(target.module)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import a command; None where there is none of that name."""
        if cmd_name not in self.list_commands(ctx):
            return None
        target = COMMANDS[cmd_name]
        if self._overview:
            return TyperCommand(cmd_name, help=target.summary)
        found = getattr(importlib.import_module(target.module), target.attribute)
        command = to_command(found if isinstance(found, typer.Typer) else _app_of(found))
        command.name = cmd_name
        _make_readable(command)
        return command

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the overview from the summaries: to list the commands, none has to be imported."""
        self._overview = True
        try:
            super().format_help(ctx, formatter)
        finally:
            self._overview = False


def _make_readable(command: Any) -> None:
    """Let paragraphs of docstrings wrap at the terminal's width, and keep defaults that a text states in brackets."""
    command.help = re.sub(r"(?<!\n)\n(?!\n)", " ", command.help or "").replace("``", "`")
    for parameter in command.params:
        # Rich takes a word in brackets for a style.
        if getattr(parameter, "help", None):
            parameter.help = re.sub(r"(?<!\\)\[(?=default)", r"\\[", parameter.help)
    for part in getattr(command, "commands", {}).values():
        _make_readable(part)


def _app_of(function: Callable[..., Any]) -> typer.Typer:
    app = typer.Typer(add_completion=False, rich_markup_mode="rich")
    # What a docstring tells a programmer (parameters, exceptions) is no help for a user; its first paragraphs are.
    text = inspect.getdoc(function) or ""
    app.command(help=text.partition("\nParameters\n---")[0].strip())(function)
    return app
