"""``twinbar verify``: the engines against each other, on random programs."""

import json
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from twinbar.hw.errors import ConfigError

if TYPE_CHECKING:
    from twinbar.emulator.verify.campaign import Coverage, Finding
    from twinbar.emulator.verify.session import Session


class FrontEnd(StrEnum):
    """Front ends of the controllers on which engines are compared."""

    DIRECT = "direct"
    SERIAL = "serial"


DIFFERENT: Final = 1
"""Exit status when engines differ."""


def verify(
    engines: Annotated[
        str, typer.Option(help="engines to compare: fast, events, rtl, pysim (slow)", metavar="A,B,...")
    ] = "fast,events,rtl",
    programs: Annotated[int, typer.Option(min=1, help="programs to run on each of them", metavar="N")] = 1000,
    tiles: Annotated[
        int | None, typer.Option(help="only controllers with so many tiles; 1 to 4 by default", metavar="T")
    ] = None,
    front_end: Annotated[
        FrontEnd | None,
        typer.Option(help="only controllers with this front end; by default all"),
    ] = None,
    seed: Annotated[int, typer.Option(help="seed of the programs", metavar="S")] = 0,
    session: Annotated[
        Path | None, typer.Option(help="run the session in this file (from --json) instead", metavar="FILE")
    ] = None,
    shrink: Annotated[
        float, typer.Option(min=0, help="seconds to spend on finding the smallest program", metavar="SECONDS")
    ] = 60.0,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object on standard output")] = False,
) -> None:
    """Run random programs on several engines, and compare every response, cycle, count and cell.

    Where engines differ, the smallest program found that shows it is printed, and the exit status is 1.
    """
    from twinbar.emulator.verify.campaign import Coverage, compare
    from twinbar.emulator.verify.engines import engine_of
    from twinbar.host.experiment.progress import terminal_progress

    names = [name.strip() for name in engines.split(",") if name.strip()]
    if len(set(names)) < 2 or len(set(names)) < len(names):
        raise ConfigError(f"--engines {engines} compares nothing; give two or more different engines")
    makers = {name: engine_of(name) for name in names}
    drawn: Iterator[Session] = iter([_read(session)]) if session else _drawn(seed, programs, tiles, front_end)
    coverage = Coverage()
    progress = terminal_progress()
    try:
        if session is None:
            progress.start(programs, "verify", unit="programs")
        finding = compare(
            makers,
            drawn,
            coverage,
            seconds=shrink,
            shrinking=lambda difference: progress.message(f"{difference}; looking for a smaller program"),
            progress=lambda many: progress.advance(many),
        )
    finally:
        progress.close()
    if as_json:
        typer.echo(json.dumps(_as_json(names, coverage, finding), indent=2))
    else:
        _print(names, coverage, finding, Console())
    if finding is not None:
        raise typer.Exit(DIFFERENT)


def _drawn(seed: int, programs: int, tiles: int | None, front_end: "FrontEnd | None") -> "Iterator[Session]":
    """Draw sessions on the controllers that were asked for."""
    from twinbar.emulator.verify.campaign import sessions
    from twinbar.emulator.verify.elaborations import with_tiles

    found = with_tiles(tiles, serial=front_end is not FrontEnd.DIRECT)
    if front_end is FrontEnd.SERIAL:
        found = [each for each in found if each.parts is not None]
        if not found:
            raise ConfigError(f"no controller with {tiles} tiles and serial parts is compared; choose 1 or 2 tiles")
    return sessions(seed, programs, found)


def _read(path: Path) -> "Session":
    from twinbar.emulator.verify.session import Session

    try:
        state = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read as JSON ({error}); give a file that --json has printed") from None
    difference = state.get("difference", state) if isinstance(state, dict) else None
    try:
        return Session.from_state_dict(difference["session"])  # type: ignore[index]
    except (KeyError, TypeError, ValueError):
        raise ConfigError(f"{path} holds no session; give a file that --json has printed for a difference") from None


def _as_json(names: list[str], coverage: "Coverage", finding: "Finding | None") -> dict[str, Any]:
    result: dict[str, Any] = {"engines": names, "equal": finding is None, **coverage.state_dict(), "difference": None}
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


def _print(names: list[str], coverage: "Coverage", finding: "Finding | None", console: Console) -> None:
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
    if finding is None:
        console.print("No difference.", highlight=False)
        return
    console.print(f"\nThey differ. {finding.difference}", highlight=False, markup=False)
    console.print(f"\n{show(finding.session)}", highlight=False, markup=False)
