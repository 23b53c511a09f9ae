"""``twinbar verify``: the engines against each other, on random programs."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer
from rich.console import Console
from rich.table import Table

from twinbar.hw.errors import ConfigError
from twinbar.hw.reading import reading

if TYPE_CHECKING:
    from twinbar.emulator.verify.campaign import Coverage, Finding
    from twinbar.emulator.verify.session import Session


DIFFERENT: Final = 1
"""Exit status when engines differ."""


def verify(
    engines: Annotated[
        str, typer.Option(help="Engines to compare: fast, events, rtl, pysim (slow).", metavar="A,B,...")
    ] = "fast,events,rtl",
    programs: Annotated[int, typer.Option(min=1, help="Programs to run on each of them.", metavar="N")] = 1000,
    tiles: Annotated[
        str | None,
        typer.Option(help="Only controllers with so many tiles: 2, or 1-3; all of 1-4 by default.", metavar="T|T-T"),
    ] = None,
    front_end: Annotated[
        Literal["direct", "serial"] | None,
        typer.Option(help="Only controllers with this front end; by default all."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the programs.", metavar="S")] = 0,
    session: Annotated[
        Path | None, typer.Option(help="Run the session in this file (from --json) instead.", metavar="FILE")
    ] = None,
    shrink: Annotated[
        int, typer.Option(min=0, help="Smaller programs to try when engines differ.", metavar="N")
    ] = 2000,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")] = False,
) -> None:
    """Run random programs on several engines, and compare every response, cycle, count and cell.

    Where engines differ, the smallest program found that shows it is printed, and the exit status is 1. There are 19
    controllers with direct front ends, of 1 to 4 tiles, and 5 with front ends of serial parts, of 1 and 2 tiles. Those
    that took part are named at the end, the others with the option that left them out.
    """
    from twinbar.emulator.verify.campaign import Coverage, compare, sessions
    from twinbar.emulator.verify.compared_engines import engine_of
    from twinbar.emulator.verify.selection import select
    from twinbar.host.experiment.progress_display import terminal_progress

    names = [name.strip() for name in engines.split(",") if name.strip()]
    if len(set(names)) < 2 or len(set(names)) < len(names):
        raise ConfigError(f"--engines {engines} compares nothing; give two or more different engines")
    makers = {name: engine_of(name) for name in names}
    left_out: dict[str, str] = {}
    selection = None
    if session is not None:
        drawn: Iterator[Session] = iter([read_session(session)])
    else:
        selection = select(tiles, front_end)
        drawn, left_out = sessions(seed, programs, selection.chosen), dict(selection.left_out)
    coverage = Coverage()
    progress = terminal_progress()
    try:
        if session is None:
            progress.start(programs, "verify", unit="programs")
        finding = compare(
            makers,
            drawn,
            coverage,
            tries=shrink,
            shrinking=lambda difference: progress.message(f"{difference}; looking for a smaller program"),
            progress=lambda many: progress.advance(many),
        )
    finally:
        progress.close()
    if selection is not None:
        undrawn = [each.name for each in selection.chosen if not coverage.controllers[each.name]]
        left_out |= dict.fromkeys(undrawn, "no program came to it")
    if as_json:
        typer.echo(json.dumps(_as_json(names, coverage, left_out, finding), indent=2))
    else:
        _print(names, coverage, left_out, finding, Console())
    if finding is not None:
        raise typer.Exit(DIFFERENT)


def read_session(path: Path) -> "Session":
    """Read the program of a difference.

    Raises
    ------
    ConfigError
        If the file holds none.
    """
    from twinbar.emulator.verify.session import Session

    with reading(path, "a difference that `twinbar verify --json` has printed", "give such a file"):
        state = json.loads(path.read_text(encoding="utf-8"))
        difference = state.get("difference", state)
        return Session.from_state_dict(difference["session"])


def _as_json(
    names: list[str], coverage: "Coverage", left_out: dict[str, str], finding: "Finding | None"
) -> dict[str, Any]:
    from twinbar.emulator.verify.elaborations import find_elaboration
    from twinbar.emulator.verify.selection import front_end_of

    result: dict[str, Any] = {"engines": names, "equal": finding is None, **coverage.state_dict()}
    result["controllers"] = {
        name: {"tiles": each.controller.tiles, "front_end": front_end_of(each), "sessions": coverage.controllers[name]}
        for name in sorted(coverage.controllers)
        for each in [find_elaboration(name)]
    }
    result |= {"left_out": left_out, "difference": None}
    if finding is not None:
        difference = finding.difference
        result["difference"] = {
            "engines": list(difference.engines),
            "program": difference.step,
            "kind": difference.kind,
            "text": str(difference),
            "session": finding.session.state_dict(),
        }
    return result


def _print(
    names: list[str], coverage: "Coverage", left_out: dict[str, str], finding: "Finding | None", console: Console
) -> None:
    from twinbar.emulator.verify.show import show

    engines = f"{', '.join(names[:-1])} and {names[-1]}"
    console.print(
        f"{coverage.programs:,} programs in {coverage.sessions:,} sessions on {engines}: "
        f"{coverage.cycles:,} cycles, {coverage.responses:,} responses",
        highlight=False,
    )
    table = Table(box=None, pad_edge=False)
    for title in ("commands", "responses", "halts"):
        table.add_column(title)
        table.add_column(justify="right")
    columns = [counter.most_common() for counter in (coverage.commands, coverage.statuses, coverage.halts)]
    for row in range(max(map(len, columns))):
        pairs = [column[row] if row < len(column) else ("", None) for column in columns]
        table.add_row(*(text for name, count in pairs for text in (name, "" if count is None else f"{count:,}")))
    console.print(table)
    console.print(f"Controllers that took part: {_listed(list(coverage.controllers))}.", highlight=False, markup=False)
    for reason in dict.fromkeys(left_out.values()):
        names_of = [name for name, why in left_out.items() if why == reason]
        console.print(f"Left out ({reason}): {_listed(names_of)}.", highlight=False, markup=False)
    if finding is None:
        console.print("No difference.", highlight=False)
        return
    console.print(f"\nThey differ. {finding.difference}", highlight=False, markup=False)
    console.print(f"\n{show(finding.session)}", highlight=False, markup=False)


def _listed(names: list[str]) -> str:
    """List controllers by front end and tiles."""
    from twinbar.emulator.verify.elaborations import find_elaboration
    from twinbar.emulator.verify.selection import front_end_of

    groups: dict[tuple[str, int], list[str]] = {}
    for name in names:
        each = find_elaboration(name)
        groups.setdefault((front_end_of(each), each.controller.tiles), []).append(name)
    return "; ".join(
        f"{', '.join(sorted(found))} ({tiles} {'tile' if tiles == 1 else 'tiles'}, {front_end})"
        for (front_end, tiles), found in sorted(groups.items())
    )
