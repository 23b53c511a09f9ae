"""``twinbar core``: the core as a folder for somebody else's chip, board or bench."""

import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from twinbar.host.cli import controller_options as of_controller

if TYPE_CHECKING:
    from twinbar.hw.link.link_config import LinkConfig

USUAL_BAUD: Final = (3_000_000, 2_000_000, 1_000_000, 500_000, 115_200, 9_600)
"""Rates that adapters have, the fastest one first."""
LEAST_CYCLES_OF_A_BIT: Final = 4


def _size(what: str, default: object) -> Any:
    return typer.Option(metavar="N", help=f"{what} [default: {default}, or that of the wiring]", show_default=False)


def core(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder to write, new or empty.")] = Path("twinbar-core"),
    hosts: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,...",
            help="Interfaces to write besides the core's own streams: axi, wishbone, uart. [default: all; for a "
            "chip, or a controller with options, all but uart]",
            show_default=False,
        ),
    ] = None,
    chip: Annotated[
        bool,
        typer.Option("--chip", help="No initial values: for a chip, where the reset and a sequencer give all of them."),
    ] = False,
    wiring: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE.toml",
            help="Front end of serial parts, as a wiring has it. [default: the core's own pins]",
            show_default=False,
        ),
    ] = None,
    tiles: of_controller.Tiles = 1,
    rows: Annotated[int | None, _size("Rows of a tile.", 128)] = None,
    columns: Annotated[int | None, _size("Columns of a tile.", 128)] = None,
    adc_channels: Annotated[int | None, _size("ADC channels of a tile, a power of two.", 1)] = None,
    adc_bits: Annotated[int | None, _size("Resolution of a conversion.", 8)] = None,
    dac_bits: Annotated[int | None, _size("Resolution of the three lines.", 12)] = None,
    input_bits: Annotated[int | None, _size("Resolution of an input.", 4)] = None,
    command_depth: Annotated[int | None, _size("Command beats that wait before each tile.", 16)] = None,
    response_depth: Annotated[int | None, _size("Responses that wait for the consumer.", 16)] = None,
    safe_codes: of_controller.SafeCodes = (0, 0, 0),
    cascade: of_controller.Cascade = False,
    shared_inputs: of_controller.SharedInputs = False,
    outputs_per_beat: of_controller.OutputsPerBeat = 1,
    pulse_entries: of_controller.PulseEntries = 0,
    compare: of_controller.Compare = False,
    chain: of_controller.Chain = False,
    width_cap: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Cycles of a pulse that no register exceeds. [default: none, or the wiring's]",
            show_default=False,
        ),
    ] = None,
    pulse_cap: of_controller.PulseCap = None,
    code_caps: of_controller.CodeCaps = None,
    clock_hz: Annotated[int, typer.Option(metavar="HZ", min=1000, help="Clock of the core.")] = 12_000_000,
    baud: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Baud rate of the UART. [default: 3000000, or the fastest usual one that the clock makes]",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable, on standard output.")] = False,
) -> None:
    """Write the core as a folder: Verilog, wrappers, register descriptions, constraints, and a bench that runs.

    In the folder, `make` runs the bench on Icarus Verilog and on Verilator. See docs/core.md.
    """
    from importlib.metadata import version

    from twinbar.boards.wiring import find_wiring
    from twinbar.host.cli.parameter_options import naming_options
    from twinbar.hw.errors import ConfigError
    from twinbar.hw.export.core_project import CoreProject
    from twinbar.hw.gateware.controller_config import ControllerConfig

    given = {
        "rows": rows,
        "columns": columns,
        "adc_channels": adc_channels,
        "adc_bits": adc_bits,
        "dac_bits": dac_bits,
        "input_bits": input_bits,
        "command_depth": command_depth,
        "response_depth": response_depth,
        "width_cap": width_cap,
        "pulse_cap": pulse_cap,
        "code_caps": code_caps,
    }
    sizes: dict[str, Any] = {name: size for name, size in given.items() if size is not None}
    parts = None
    if wiring is not None:
        found = find_wiring(wiring)
        parts = found.serial_parts(clock_hz)
        if parts is None:
            raise ConfigError(f"--wiring {wiring} has the core's own pins; leave it out, or name one of serial parts")
        sizes = found.geometry.model_dump() | found.limits.caps(clock_hz) | sizes
    with naming_options():
        controller = ControllerConfig(
            tiles=tiles,
            safe_codes=safe_codes,
            cascade=cascade,
            shared_inputs=shared_inputs,
            outputs_per_beat=outputs_per_beat,
            pulse_entries=pulse_entries,
            compare=compare,
            chain=chain,
            **sizes,
        )
    if hosts is None:
        hosts = "axi,wishbone" if chip or controller.has_options else "axi,wishbone,uart"
    chosen = [name.strip() for name in hosts.split(",") if name.strip()]
    with naming_options():
        link = _link(clock_hz, baud, uart="uart" in chosen)
        project = CoreProject(
            controller,
            link,
            parts,
            hosts=chosen,
            chip=chip,
            release=version("twinbar").partition("+")[0],  # a version of IP-XACT has no plus sign
        )
        written = project.write(out)
    if as_json:
        files = [path.relative_to(out).as_posix() for path in written]
        result = {
            "folder": str(out),
            "modules": project.modules,
            "files": files,
            "configuration": f"{controller.hash:016x}",
            "reset_cycles": project.reset_cycles,
        }
        typer.echo(json.dumps(result, indent=1))
        return
    typer.echo(f"Wrote {len(written)} files to {out}; its bench: make -C {out}")


def _link(clock_hz: int, baud: int | None, *, uart: bool) -> "LinkConfig":
    """Return the link at a clock. Without a UART, its rate says nothing."""
    from twinbar.hw.errors import ConfigError
    from twinbar.hw.link.link_config import LinkConfig

    if baud is not None:
        return LinkConfig(clock_hz=clock_hz, baud=baud)
    for usual in USUAL_BAUD if uart else (clock_hz // LEAST_CYCLES_OF_A_BIT,):
        with suppress(ConfigError):
            return LinkConfig(clock_hz=clock_hz, baud=usual)
    raise ConfigError(
        f"a clock of {clock_hz} Hz makes none of the usual baud rates ({', '.join(map(str, USUAL_BAUD))}); give "
        "--baud, or leave the host uart out"
    )
