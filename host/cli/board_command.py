"""``twinbar board``: FPGA boards."""

import json
import os
import shutil
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer
from rich.console import Console
from rich.table import Table

from twinbar.boards.bitstream_programmer import Memory
from twinbar.boards.board_definition import DEFAULT_BAUD
from twinbar.boards.fit_advice import CELL_NAMES
from twinbar.host.cli import failures
from twinbar.host.cli.core_options import BoardName, BuiltBaud, CoreRequest, Linger, LinkBuffer, Size, WiringName
from twinbar.host.cli.virtual_board_command import virtual_board

if TYPE_CHECKING:
    from twinbar.boards.bitstream import Bitstream
    from twinbar.boards.board_definition import BoardDefinition

app = typer.Typer(
    help="Build, flash and talk to FPGA boards.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
)
app.command("virtual")(virtual_board)

AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable, on standard output.")]
Port = Annotated[
    str,
    typer.Option("--port", metavar="PORT", help="Serial port of the board, socket://host:port, or replay:FILE."),
]
Baud = Annotated[int, typer.Option("--baud", metavar="N", help="Baud rate that the board was built for.")]
Array = Literal["wired", "emulated"]


_WIDE: Final = 96
"""Columns of a terminal from which the list of boards has room for the programmer beside the longest product."""


@app.command("list")
def list_boards(as_json: AsJson = False) -> None:
    """List the boards that Twinbar builds for."""
    from twinbar.boards.known_boards import BOARDS, boards
    from twinbar.hw.errors import ConfigError

    rows = [_row(board) for board in boards().values()]
    for board in BOARDS.plugged(failures.warn).values():
        try:
            rows.append(_row(board))
        except ConfigError as error:
            failures.warn(str(error))
    if as_json:
        typer.echo(json.dumps(rows, indent=1))
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    console = Console()
    heads = ["board", "FPGA", "clock", "baud", "programmer", "product"]
    if console.width < _WIDE:
        # `flash` names it where it is missing, and --json has it.
        heads.remove("programmer")
    for head in heads:
        table.add_column(head, no_wrap=head != "product", justify="right" if head in ("clock", "baud") else "left")
    for row in rows:
        cells = row | {
            "board": row["name"],
            "FPGA": row["device"],
            "clock": f"{row['clock_hz'] / 1e6:g} MHz",
            "baud": f"{row['baud']:,}",
            # The FPGA has a column of its own.
            "product": str(row["title"]).removesuffix(f", {row['device']}"),
        }
        table.add_row(*(str(cells[head]) for head in heads))
    console.print(table)


def _row(board: "BoardDefinition") -> dict[str, Any]:
    return {
        "name": board.name,
        "title": board.title,
        "device": board.make_platform().device,
        "clock_hz": board.clock_hz,
        "baud": board.baud,
        "wiring": board.wiring,
        "programmer": board.programmer.program,
        "notes": board.notes,
    }


@app.command("build")
def build_board(
    name: BoardName,
    wiring: WiringName = None,
    rows: Size = None,
    columns: Size = None,
    adc_channels: Size = None,
    adc_bits: Size = None,
    dac_bits: Size = None,
    input_bits: Size = None,
    baud: BuiltBaud = None,
    link_buffer: LinkBuffer = None,
    linger: Linger = None,
    array: Annotated[
        Array, typer.Option(help="Cells on the board's wires, or cells that the FPGA emulates.")
    ] = "wired",
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE", help="Of an emulated array: a run with its device and geometry."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Of an emulated array: a key of the run's configuration."),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Seed of the placement.")] = 1,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Copy bitstream and manifest there.")] = None,
    as_json: AsJson = False,
) -> None:
    """Build the bitstream of a board, or take the one that was built of the same inputs before.

    The tools come with pip. The table shows what is used of the FPGA, and the clock that place-and-route reached; where
    that is less than the board's clock, the exit status is 1.
    """
    from twinbar.boards.bitstream_build import TimingError, build
    from twinbar.boards.known_boards import find
    from twinbar.boards.top import design
    from twinbar.hw.errors import ConfigError

    if out is not None:
        _check_place(out)
    board = find(name)
    sizes = {"rows": rows, "columns": columns, "adc_channels": adc_channels}
    sizes |= {"adc_bits": adc_bits, "dac_bits": dac_bits, "input_bits": input_bits}
    request = CoreRequest(
        board, wiring, baud, sizes, config, settings or [], buffer_bytes=link_buffer, linger_ms=linger
    )
    if array == "emulated":
        core, chosen = request.emulated(), None
    else:
        if config is not None or settings:
            raise ConfigError("--config and --set are for an emulated array; give --array emulated, or leave them out")
        core, chosen = request.wired()
    made = design(board, core, chosen)
    description = core.describe() | {"wiring": chosen and chosen.model_dump(mode="json"), "seed": seed}
    try:
        result = build(made.board, made.platform, made.top(), description, seed=seed, notice=_notice)
    except TimingError as error:
        _show(error.result, as_json)
        raise
    if out is not None:
        _copy(result, out)
    _show(result, as_json)


@app.command("flash")
def flash_board(
    name: BoardName,
    bitstream: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="A bitstream. [default: the newest built for this board]")
    ] = None,
    memory: Annotated[
        Memory | None,
        typer.Option(help="Keep it in the flash memory, or in the FPGA until it loses power. [default: flash]"),
    ] = None,
    serial: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="Serial number of the board's USB adapter, where several are connected."),
    ] = None,
    option: Annotated[
        list[str] | None, typer.Option(metavar="TEXT", help="An option that is passed to the programmer as it is.")
    ] = None,
) -> None:
    """Write a bitstream to a board with the program that is made for it.

    What the flash memory holds drives the array after every power-up; what only the FPGA holds is gone then, and the
    design that was in the flash memory before drives it again.
    """
    from twinbar.boards.flash import choose, flash
    from twinbar.boards.known_boards import find

    board = find(name)
    chosen = choose(board, bitstream)
    written = flash(board, chosen, memory, serial, tuple(option or ()))
    keeps = "after every power-up" if written == "flash" else "until it loses power"
    typer.echo(f"{board.title} holds {chosen} {keeps}")


@app.command("info")
def show_info(
    port: Port,
    baud: Baud = DEFAULT_BAUD,
    record_line: Annotated[
        Path | None,
        typer.Option("--record-line", metavar="FILE", help="Record the traffic, for --port replay:FILE."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Ask a board what it is, and what its tiles have done since they were powered up."""
    from twinbar.host.board.board_state import board_state
    from twinbar.host.transport.link import Link
    from twinbar.host.transport.open_line import open_line
    from twinbar.host.transport.recording import RecordingLine

    line = open_line(port, baud)
    with closing(line if record_line is None else RecordingLine(line, record_line)) as line:
        state = board_state(Link(line))
    if as_json:
        typer.echo(json.dumps(state, indent=1))
        return
    console = Console()
    table = Table("board", port)
    for key, value in state["board"].items():
        table.add_row(key.replace("_", " "), str(value))
    console.print(table)
    table = Table("tile", *map(str, range(len(state["tiles"]))))
    table.add_row("faults", *(", ".join(tile["faults"]) or "none" for tile in state["tiles"]))
    for kind in ("cycles", "actions"):
        for key in state["tiles"][0][kind]:
            counts = [tile[kind][key] for tile in state["tiles"]]
            table.add_row(f"{kind}: {key.replace('_', ' ')}", *(f"{count:,}" for count in counts))
    console.print(table)


@app.command("safe")
def make_safe(port: Port, baud: Baud = DEFAULT_BAUD) -> None:
    """Stop and disarm every tile of a board, at once."""
    from twinbar.host.board.board_state import make_safe
    from twinbar.host.transport.link import Link
    from twinbar.host.transport.open_line import open_line
    from twinbar.hw.errors import PortInUseError

    try:
        with Link(open_line(port, baud)) as link:
            tiles = make_safe(link)
    except PortInUseError as error:
        raise PortInUseError(
            f"{error}. A training that is ended by Ctrl-C or SIGTERM makes the board safe, and goes on with --resume"
        ) from error
    typer.echo(f"{tiles} {'tile is' if tiles == 1 else 'tiles are'} disarmed, at safe codes")


def _notice(sentence: str) -> None:
    typer.echo(sentence[:1].upper() + sentence[1:], err=True)


def _check_place(folder: Path) -> None:
    """Refuse a place that cannot become a folder before a build that takes minutes."""
    from twinbar.hw.errors import ConfigError

    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    if not there.is_dir():
        raise ConfigError(f"{folder} cannot be written ({there} is a file); choose another --out")
    if not os.access(there, os.W_OK | os.X_OK):
        raise ConfigError(f"{folder} cannot be written (no permission in {there}); choose another --out")


def _copy(result: "Bitstream", folder: Path) -> None:
    from twinbar.boards.bitstream import manifest_text
    from twinbar.hw.errors import ConfigError

    try:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(result.path, folder)
        (folder / "manifest.json").write_text(manifest_text(result), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{folder} cannot be written ({error.strerror or error}); choose another --out") from None


def _show(result: "Bitstream", as_json: bool) -> None:
    from twinbar.boards.bitstream import manifest_text

    if as_json:
        content: dict[str, Any] = json.loads(manifest_text(result))
        typer.echo(json.dumps(content | {"file": str(result.path), "cached": result.cached}, indent=1))
        return
    table = Table("", "used", "there are", "", title=f"{result.manifest['board']}, {result.manifest['device']}")
    for kind, (used, available) in result.used.items():
        table.add_row(CELL_NAMES[kind], f"{used:,}", f"{available:,}", f"{100 * used / available:.0f} %")
    for clock in result.clocks:
        verdict = "[green]met[/]" if clock.met else "[bold red]too slow[/]"
        wanted, achieved = (f"{hertz / 1e6:.1f} MHz" for hertz in (clock.wanted_hz, clock.achieved_hz))
        table.add_row(f"clock {clock.name}", wanted, achieved, verdict)
    for column in table.columns[1:3]:
        column.justify = "right"
    Console().print(table)
    typer.echo(f"Bitstream{' (built before)' if result.cached else ''}: {result.path}")
