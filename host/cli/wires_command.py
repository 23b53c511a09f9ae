"""``twinbar wires``: what the resistance of an array's wires does to multiplications and to writes."""

import json
import math
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from twinbar.emulator.devices.preset import load_preset
from twinbar.hw.errors import ConfigError
from twinbar.hw.extras import need

_MOST = 1024
"""Rows or columns of an array: 2 million equations."""


def wires(
    preset: Annotated[
        str, typer.Argument(metavar="NAME|FILE", help="Cell model whose window and read voltage are taken.")
    ] = "taox-hfox",
    rows: Annotated[int, typer.Option(metavar="N", help="Rows of the array.")] = 128,
    columns: Annotated[int, typer.Option(metavar="N", help="Columns of the array.")] = 128,
    resistance: Annotated[
        float, typer.Option(metavar="OHM", help="Wire from one cell to the next, in rows and columns.")
    ] = 1.0,
    driver: Annotated[float, typer.Option(metavar="OHM", help="Of the driver of a row.")] = 0.0,
    terminal: Annotated[float, typer.Option(metavar="OHM", help="At the end of a column: amplifier and switch.")] = 0.0,
    selector: Annotated[float, typer.Option(metavar="OHM", help="In series with each cell.")] = 0.0,
    vectors: Annotated[int, typer.Option(metavar="N", help="Random multiplications that are solved.")] = 16,
    reference: Annotated[
        float, typer.Option(metavar="SHARE", help="Of the window: where the emulator's factor has all cells.")
    ] = 0.5,
    write: Annotated[
        float | None, typer.Option(metavar="V", help="Also: what cells of a passive array see of such a write.")
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Seed of cells and inputs.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable, on standard output.")] = False,
) -> None:
    """Solve an array with resistive wires exactly, and hold the emulator's factor and faster ways to it.

    Cells are drawn uniformly from the window of the cell model, inputs from 0 to its read voltage. Errors are root mean
    squares, as shares of the mean current of a column without wires. With ``--write``, the cell farthest from driver
    and terminal is written by the V/2 and by the V/3 scheme.
    """
    need("scipy", "wires", "the nodal solution of an array")
    for name, value in (("rows", rows), ("columns", columns), ("vectors", vectors)):
        if not 1 <= value <= _MOST:
            raise ConfigError(f"--{name} is {value}; it must lie between 1 and {_MOST}")
    if seed < 0:
        raise ConfigError(f"--seed is {seed}; it must be 0 or more")
    if write is not None and not (math.isfinite(write) and write > 0):
        raise ConfigError(f"--write is {write:g}; it must be a voltage above 0")
    if not 0 <= reference <= 1:
        raise ConfigError(f"--reference is {reference:g}; it must lie between 0 and 1")
    from twinbar.emulator.devices.disturb import set_share
    from twinbar.emulator.wires.half_select import BiasScheme, half_select
    from twinbar.emulator.wires.line_resistances import LineResistances, check_ohms
    from twinbar.emulator.wires.nodal_array import NodalArray
    from twinbar.emulator.wires.product_errors import drawn_product, product_errors

    check_ohms("--resistance", resistance, wire=True)
    for name, ohm in (("driver", driver), ("terminal", terminal), ("selector", selector)):
        check_ohms(f"--{name}", ohm)
    model = load_preset(preset)
    lines = LineResistances(resistance, resistance, driver, terminal, selector)
    conductance_s, row_v = drawn_product(model, rows, columns, vectors, seed)
    low_s, high_s = model.window.g_min.si, model.window.g_max.si
    errors = product_errors(conductance_s, lines, row_v, low_s + reference * (high_s - low_s))
    seen = {}
    if write is not None:
        array = NodalArray(conductance_s, lines)
        seen = {scheme: half_select(array, rows - 1, columns - 1, write, scheme) for scheme in BiasScheme}
    if as_json:
        content = {
            "schema": 1,
            "preset": model.name,
            "rows": rows,
            "columns": columns,
            "lines": vars(lines),
            "product": {**vars(errors), "turns": {str(n): each for n, each in errors.turns.items()}},
            "write": {
                scheme.name.lower(): {**vars(each), "half_selected_set": set_share(model, each.half_selected_v)}
                for scheme, each in seen.items()
            },
        }
        typer.echo(json.dumps(content, indent=1))
        return
    console = Console()
    table = Table("Multiplication", "Error", header_style="bold")
    table.add_row("what wires take away", f"{errors.wires:.3%}")
    table.add_row("the same behind the best gain of each column", f"{errors.after_gain:.3%}")
    table.add_row("factor of array.wire_resistance_ohm, against the exact currents", f"{errors.reference_factor:.3%}")
    for turns, error in errors.turns.items():
        table.add_row(f"drops followed in {turns} turn{'s' if turns > 1 else ''}, likewise", f"{error:.2g}")
    console.print(table)
    if errors.turns[max(errors.turns)] > errors.turns[min(errors.turns)]:
        console.print("Drops are so large that following them leads nowhere; take the exact solution.")
    if seen:
        names = {BiasScheme.HALF: "V/2", BiasScheme.THIRD: "V/3"}
        table = Table(
            f"Write of {write:g} V", "Cell", "Sharing a line", "Others", "Power, in the cell", header_style="bold"
        )
        for scheme, one in seen.items():
            volts = (f"{each:.3f} V" for each in (one.selected_v, one.half_selected_v, one.unselected_v))
            share = one.selected_w / one.power_w if one.power_w else 0.0
            table.add_row(names[scheme], *volts, f"{one.power_w:.3g} W, {share:.1%}")
        console.print(table)
        for scheme, one in seen.items():
            half = set_share(model, one.half_selected_v)
            if half:
                console.print(
                    f"{names[scheme]} disturbs: {one.half_selected_v:.3f} V are above the SET threshold, and each such "
                    f"pulse moves a cell that shares a line by {half:.2g} of a SET step."
                )
            elif model.amplitude is not None:
                console.print(f"{names[scheme]}: cells that share a line stay below their SET threshold.")
