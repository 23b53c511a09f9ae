"""``twinbar board virtual``: the whole core of a board, compiled, at a port of this machine."""

import contextlib
import json
import signal
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer
from rich.console import Console
from rich.live import Live
from rich.table import Table

from twinbar.host.cli import failures
from twinbar.host.cli.core_options import BoardName, BuiltBaud, CoreRequest, Linger, LinkBuffer, Size, WiringName

if TYPE_CHECKING:
    from twinbar.host.transport.endpoint import Endpoint
    from twinbar.host.virtual.server import Server
    from twinbar.hw.gateware.board_core import CoreConfig

_INTERVAL_S: Final = 1.0
"""Between two looks at what is to be shown."""
_LINE_S: Final = 10.0
"""Between two lines, where the output is no terminal."""
_MOST_SENTENCES: Final = 20


def virtual_board(
    name: BoardName,
    array: Annotated[
        Literal["model", "emulated"],
        typer.Option(help="Cells: a software model behind the pins, or cells that the FPGA emulates."),
    ] = "model",
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
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Configuration whose cells are behind it.")
    ] = None,
    device: Annotated[str | None, typer.Option(metavar="PRESET", help="Cells. [default: milo-hfo2]")] = None,
    seed: Annotated[int | None, typer.Option(metavar="N", help="Seed of cells and noise. [default: 0]")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Any key of the configuration; repeated.")
    ] = None,
    tcp: Annotated[
        int | None, typer.Option(metavar="PORT", help="A TCP port instead of a pseudo-terminal; 0 is any.")
    ] = None,
    link: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Link to the pseudo-terminal, under a name of your own.")
    ] = None,
    fast: Annotated[
        bool, typer.Option("--fast", help="Bytes and words pass the serialisers by: not bit level, the same cycles.")
    ] = False,
    seconds: Annotated[float | None, typer.Option(metavar="X", help="End after so many seconds.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Two lines of JSON: the port, and what was done at the end.")
    ] = False,
) -> None:
    """Run the core of a board, with models of its parts and its array, behind a port that a host connects to.

    The netlist is that of the bitstream, UART and SPI pins included, in every clock cycle in which something moves. It
    is compiled once (a minute). Ctrl-C ends it.
    """
    from twinbar.boards.known_boards import find
    from twinbar.boards.top import design
    from twinbar.emulator.virtual.compiled_board import CompiledBoard
    from twinbar.host.virtual.server import Server
    from twinbar.hw.errors import ConfigError

    if tcp is not None and link is not None:
        raise ConfigError("--link names a pseudo-terminal and --tcp asks for a TCP port; give one of them")
    found = find(name)
    sizes = {"rows": rows, "columns": columns, "adc_channels": adc_channels}
    sizes |= {"adc_bits": adc_bits, "dac_bits": dac_bits, "input_bits": input_bits}
    cells = [("--device", "device.preset", device), ("--seed", "engine.seed", None if seed is None else str(seed))]
    asked = [(option, key, text) for option, key, text in cells if text is not None]
    request = CoreRequest(found, wiring, baud, sizes, config, settings or [], asked, link_buffer, linger)
    if array == "emulated":
        core, crossbar = request.emulated(), None
    else:
        core, chosen = request.wired()
        # The pins lead nowhere here; what `board build` would refuse is refused all the same.
        design(found, core, chosen)
        crossbar = request.array_behind(core)
    # A port that cannot be had is refused now, and not after the minute of compiling.
    _open_port(link, tcp).close()
    console = Console(stderr=as_json)
    with console.status("compiling the core; a netlist that was compiled before is taken from the cache"):
        board = CompiledBoard(core, crossbar, words=fast)
    with _ended_as_by_ctrl_c(), closing(_open_port(link, tcp)) as endpoint:
        _introduce(console, found.title, core, endpoint.name, fast=fast, as_json=as_json)
        server = Server(board, endpoint)
        _serve(server, console, seconds)
        if as_json:
            typer.echo(json.dumps(_summary(server, fast), indent=None))
        else:
            console.print(_table(server))


def _open_port(link: Path | None, tcp: int | None) -> "Endpoint":
    from twinbar.host.transport.endpoint import PtyEndpoint, TcpEndpoint

    return PtyEndpoint(link) if tcp is None else TcpEndpoint(tcp)


@contextlib.contextmanager
def _ended_as_by_ctrl_c() -> Iterator[None]:
    """Let SIGTERM and a terminal that is closed (SIGHUP) end the board as Ctrl-C does, so that no link is left."""
    before = {}
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        # nohup has it ignored.
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            before[number] = signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _level(fast: bool) -> str:
    return "not bit level: bytes and words pass the serialisers by" if fast else "bit level"


def _introduce(console: Console, title: str, core: "CoreConfig", port: str, *, fast: bool, as_json: bool) -> None:
    if as_json:
        line = {"port": port, "level": _level(fast), "configuration": f"{core.controller.hash:016x}", **core.describe()}
        typer.echo(json.dumps(line))
        return
    config, parts = core.controller, core.parts
    where = "behind direct pins" if core.array is None else "emulated by the core"
    if parts is not None:
        where = f"behind {parts.dac.name}, {parts.adc.name}, {parts.switch.name}"
    console.print(f"{title}, virtual: {_level(fast)}", highlight=False, style="bold")
    console.print(
        f"{config.rows} x {config.columns} cells {where}; {core.link.clock_hz / 1e6:g} MHz, {core.link.baud:,} baud",
        highlight=False,
    )
    console.print(f"port {port}", highlight=False, soft_wrap=True)
    console.print(f"twinbar board info --port {port} --baud {core.link.baud}", highlight=False, soft_wrap=True)


def _serve(server: "Server", console: Console, seconds: float | None) -> None:
    """Keep the board going until the time is over, or the user ends it."""
    end = None if seconds is None else time.monotonic() + seconds
    shown = _Shown(server, console)
    try:
        with Live(console=console, auto_refresh=False, transient=True) as live:
            due = 0.0
            while end is None or time.monotonic() < end:
                server.step()
                if time.monotonic() >= due:
                    due = time.monotonic() + _INTERVAL_S
                    shown.look(live)
    except KeyboardInterrupt:
        pass
    finally:
        shown.tell()


class _Shown:
    """What is shown while the board runs."""

    def __init__(self, server: "Server", console: Console) -> None:
        self._server, self._console = server, console
        self._told: set[str] = set()
        self._line_at, self._line_bytes = time.monotonic(), 0

    def look(self, live: Live) -> None:
        """Show how it goes: on a terminal all the time, elsewhere a line at times, if something was done."""
        self.tell()
        if self._console.is_terminal:
            live.update(_table(self._server), refresh=True)
            return
        account = self._server.account
        moved = account.bytes_in
        if moved != self._line_bytes and time.monotonic() > self._line_at + _LINE_S:
            self._line_at, self._line_bytes = time.monotonic(), moved
            self._console.print(f"real-time factor {_factor(account.real_time_factor)}", highlight=False)

    def tell(self) -> None:
        """Say what the board did to its parts or its array that it must not do, each thing once."""
        count, complaints = self._server.board.complaints()
        for complaint in complaints if count else ():
            kind = f"{complaint.where}{complaint.sentence}"
            if kind not in self._told and len(self._told) < _MOST_SENTENCES:
                self._told.add(kind)
                failures.say("Error", str(complaint))


def _factor(factor: float | None) -> str:
    return "-" if factor is None else f"{factor:.2f}"


def _table(server: "Server") -> Table:
    account = server.account
    table = Table(
        "real-time factor", "time of the board", "of it busy", "bytes in", "bytes out", "complaints", box=None
    )
    table.add_row(
        _factor(account.real_time_factor),
        f"{account.cycles / account.clock_hz:.1f} s",
        f"{account.busy_cycles / account.clock_hz:.2f} s",
        f"{account.bytes_in:,}",
        f"{account.bytes_out:,}",
        f"{server.board.complaints()[0]:,}",
    )
    return table


def _summary(server: "Server", fast: bool) -> dict[str, Any]:
    account, board = server.account, server.board
    count, complaints = board.complaints()
    return {
        "level": _level(fast),
        "real_time_factor": account.real_time_factor,
        "cycles": account.cycles,
        "busy_cycles": account.busy_cycles,
        "busy_s": account.busy_s,
        "bytes_in": account.bytes_in,
        "bytes_out": account.bytes_out,
        "complaints": count,
        "first_complaints": [str(complaint) for complaint in complaints[:_MOST_SENTENCES]],
    }
