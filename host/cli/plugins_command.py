"""``twinbar plugins``: what can be named, and which plug-in it is from."""

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from twinbar.host.cli import failures


def plugins(
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable, on standard output.")] = False,
) -> None:
    """List the names of presets, policies, laws, parts, boards, tables and plots, and which plug-in each comes from.

    Plug-ins that cannot be used are named on standard error, with the reason.
    """
    # Plots bring Matplotlib, which takes a second to import; the help text should not wait for it.
    from twinbar.host.registries import REGISTRIES
    from twinbar.hw.registry import TWINBAR

    entries = {registry: list(registry.entries()) for registry in REGISTRIES}
    for found in entries.values():
        for entry in found:
            if entry.problem is not None:
                failures.warn(entry.problem)
    if as_json:
        rows = [
            {"kind": registry.kind, "group": registry.group, **vars(entry)}
            for registry, found in entries.items()
            for entry in found
        ]
        typer.echo(json.dumps(rows, indent=1))
        return
    table = Table("kind", "entry points", "name", "from", box=None, pad_edge=False, header_style="bold")
    for registry, found in entries.items():
        own = [entry.name for entry in found if entry.origin == TWINBAR]
        table.add_row(registry.kind, registry.group, ", ".join(own), TWINBAR)
        for entry in found:
            if entry.origin != TWINBAR:
                state = "" if entry.problem is None else " (cannot be used)"
                table.add_row("", "", Text(entry.name), Text(f"{entry.origin}{state}"))
    Console().print(table)
