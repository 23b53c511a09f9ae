"""``twinbar verilog``: writes the controller as Verilog."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Inputs(StrEnum):
    """How rows are driven."""

    PLANES = "planes"
    DAC = "dac"


class Pairs(StrEnum):
    """How a differential pair is read."""

    SEPARATE = "separate"
    SUBTRACT = "subtract"


def verilog(
    out: Annotated[Path | None, typer.Option(help="file to write; standard output by default")] = None,
    tiles: Annotated[int, typer.Option(help="tiles behind the command stream")] = 1,
    rows: Annotated[int, typer.Option(help="rows of a tile")] = 128,
    columns: Annotated[int, typer.Option(help="columns of a tile")] = 128,
    adc_channels: Annotated[int, typer.Option(help="ADC channels of a tile")] = 1,
    adc_bits: Annotated[int, typer.Option(help="resolution of a conversion")] = 8,
    input_bits: Annotated[int, typer.Option(help="resolution of an input")] = 4,
    inputs: Annotated[Inputs, typer.Option(help="bit planes, or integer DAC codes")] = Inputs.DAC,
    pairs: Annotated[Pairs, typer.Option(help="both columns of a pair, or their difference")] = Pairs.SUBTRACT,
) -> None:
    """Write the controller as Verilog: the same text for the same options.

    The ports are described in docs/controller.md; one instance drives the front ends of all its tiles.
    """
    from twinbar.hw.errors import ConfigError
    from twinbar.hw.gateware.config import ControllerConfig
    from twinbar.hw.verilog import export

    text = export(
        ControllerConfig(
            rows=rows,
            columns=columns,
            tiles=tiles,
            adc_channels=adc_channels,
            adc_bits=adc_bits,
            input_bits=input_bits,
            dac_inputs=inputs is Inputs.DAC,
            subtract_pairs=pairs is Pairs.SUBTRACT,
        )
    )
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
