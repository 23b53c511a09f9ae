"""``twinbar verilog``: writes the controller as Verilog."""

from pathlib import Path
from typing import Annotated

import typer


def verilog(
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="File to write.", show_default="standard output")
    ] = None,
    tiles: Annotated[int, typer.Option(metavar="N", help="Tiles behind the command stream.")] = 1,
    rows: Annotated[int, typer.Option(metavar="N", help="Rows of a tile.")] = 128,
    columns: Annotated[int, typer.Option(metavar="N", help="Columns of a tile.")] = 128,
    adc_channels: Annotated[int, typer.Option(metavar="N", help="ADC channels of a tile, a power of two.")] = 1,
    adc_bits: Annotated[int, typer.Option(metavar="N", help="Resolution of a conversion.")] = 8,
    dac_bits: Annotated[int, typer.Option(metavar="N", help="Resolution of the three lines.")] = 12,
    input_bits: Annotated[int, typer.Option(metavar="N", help="Resolution of an input.")] = 4,
    command_depth: Annotated[int, typer.Option(metavar="N", help="Command beats that wait before each tile.")] = 16,
    response_depth: Annotated[int, typer.Option(metavar="N", help="Responses that wait for the consumer.")] = 16,
    safe_codes: Annotated[
        tuple[int, int, int],
        typer.Option(
            metavar="BIT SOURCE WORD", help="Codes of bit, source and word line at which nothing happens to a cell."
        ),
    ] = (0, 0, 0),
    cascade: Annotated[bool, typer.Option("--cascade", help="Neighbouring tiles can add their sums.")] = False,
    shared_inputs: Annotated[
        bool, typer.Option("--shared-inputs", help="Inputs can go to a group of tiles at once.")
    ] = False,
    outputs_per_beat: Annotated[int, typer.Option(metavar="N", help="Sums that share a response beat: 1, 2 or 3.")] = 1,
    pulse_entries: Annotated[
        int, typer.Option(metavar="N", help="Entries of each polarity's pulse table: 0 (there is none), 16, 32 or 64.")
    ] = 0,
    compare: Annotated[bool, typer.Option("--compare", help="The front end can compare; needs a pulse table.")] = False,
    chain: Annotated[
        bool, typer.Option("--chain", help="Sums can become inputs of other tiles; needs --shared-inputs.")
    ] = False,
) -> None:
    """Write the controller as Verilog: the same text for the same options and version of Yosys.

    Its ports are described in docs/verilog.md, what it does in every cycle in docs/controller.md.
    """
    from twinbar.host.cli.parameter_options import naming_options
    from twinbar.hw.errors import ConfigError
    from twinbar.hw.gateware.controller_config import ControllerConfig
    from twinbar.hw.verilog import export

    with naming_options():
        controller = ControllerConfig(
            tiles=tiles,
            rows=rows,
            columns=columns,
            adc_channels=adc_channels,
            adc_bits=adc_bits,
            dac_bits=dac_bits,
            input_bits=input_bits,
            command_depth=command_depth,
            response_depth=response_depth,
            safe_codes=safe_codes,
            cascade=cascade,
            shared_inputs=shared_inputs,
            outputs_per_beat=outputs_per_beat,
            pulse_entries=pulse_entries,
            compare=compare,
            chain=chain,
        )
    text = export(controller)
    if out is None:
        typer.echo(text, nl=False)
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"{out} cannot be written ({error.strerror or error}); choose another file with --out"
        ) from None
    typer.echo(f"Wrote {out}", err=True)
