"""``twinbar verilog``: writes the controller as Verilog."""

from pathlib import Path
from typing import Annotated, Any

import typer

from twinbar.host.cli import controller_options as of_controller


def verilog(
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="File to write.", show_default="standard output")
    ] = None,
    tiles: of_controller.Tiles = 1,
    rows: Annotated[int, typer.Option(metavar="N", help="Rows of a tile.")] = 128,
    columns: Annotated[int, typer.Option(metavar="N", help="Columns of a tile.")] = 128,
    adc_channels: Annotated[int, typer.Option(metavar="N", help="ADC channels of a tile, a power of two.")] = 1,
    adc_bits: Annotated[int, typer.Option(metavar="N", help="Resolution of a conversion.")] = 8,
    dac_bits: Annotated[int, typer.Option(metavar="N", help="Resolution of the three lines.")] = 12,
    input_bits: Annotated[int, typer.Option(metavar="N", help="Resolution of an input.")] = 4,
    command_depth: Annotated[int, typer.Option(metavar="N", help="Command beats that wait before each tile.")] = 16,
    response_depth: Annotated[int, typer.Option(metavar="N", help="Responses that wait for the consumer.")] = 16,
    safe_codes: of_controller.SafeCodes = (0, 0, 0),
    cascade: of_controller.Cascade = False,
    shared_inputs: of_controller.SharedInputs = False,
    outputs_per_beat: of_controller.OutputsPerBeat = 1,
    pulse_entries: of_controller.PulseEntries = 0,
    compare: of_controller.Compare = False,
    chain: of_controller.Chain = False,
    width_cap: of_controller.WidthCap = None,
    pulse_cap: of_controller.PulseCap = None,
    code_caps: of_controller.CodeCaps = None,
) -> None:
    """Write the controller as Verilog: the same text for the same options and version of Yosys.

    Its ports are described in docs/verilog.md, what it does in every cycle in docs/controller.md.
    """
    from twinbar.host.cli.parameter_options import naming_options
    from twinbar.hw.errors import ConfigError
    from twinbar.hw.gateware.controller_config import ControllerConfig
    from twinbar.hw.verilog import export

    caps: dict[str, Any] = {"width_cap": width_cap, "pulse_cap": pulse_cap, "code_caps": code_caps}
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
            **{name: cap for name, cap in caps.items() if cap is not None},
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
