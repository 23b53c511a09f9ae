"""``twinbar device``: list the cell models, show one with its sources and its staircase, fit one to measured pulses."""

import json
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinbar.emulator.devices.preset import PRESETS, load_preset
from twinbar.emulator.devices.quantity import UNITS
from twinbar.host.cli import failures
from twinbar.host.cli.preset_tables import preset_content, preset_summary, print_list, print_preset
from twinbar.host.report.figure_path import check_figure_path
from twinbar.host.report.staircase_text import draw_text
from twinbar.hw.errors import ConfigError
from twinbar.hw.extras import need

if TYPE_CHECKING:
    from twinbar.emulator.devices.measured_series import ValueMeaning

app = typer.Typer(
    help="Cell models: the built-in presets, a preset's numbers with their sources, and a fit to your own data.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
)

AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable, on standard output.")]
Cells = Annotated[int, typer.Option("--cells", metavar="N", help="Cells of the simulated staircase.")]
Seed = Annotated[int, typer.Option("--seed", metavar="N", help="Seed of the simulated cells.")]


@app.command("list")
def list_presets(as_json: AsJson = False) -> None:
    """List the cell models: the built-in ones, and those of plug-ins."""
    models = [*PRESETS.built_in().values(), *PRESETS.plugged(failures.warn).values()]
    rows = [preset_summary(model) for model in models]
    if as_json:
        typer.echo(json.dumps(rows, indent=1))
        return
    print_list(rows)


@app.command("show")
def show_preset(
    preset: Annotated[
        str,
        typer.Argument(
            metavar="NAME|FILE", help="A preset of `twinbar device list`, a preset file, or package.module:NAME."
        ),
    ],
    pulses: Annotated[
        int | None,
        typer.Option("--pulses", metavar="N", help="Pulses of each polarity; default: what crosses the window."),
    ] = None,
    cells: Cells = 200,
    seed: Seed = 0,
    plot: Annotated[
        Path | None, typer.Option("--plot", metavar="FILE", help="Also draw the staircase: .png, .svg or .pdf.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing plot.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the numbers of a cell model with unit, source and certainty, and its LTP/LTD staircase with its spread."""
    model = load_preset(preset)
    if plot is not None:
        check_figure_path(plot, force=force)
    # Compiling the physics takes seconds the first time; the other sub-commands should not wait for it.
    from twinbar.emulator.devices.staircase import staircase

    stairs = staircase(model, pulses=pulses, cells=cells, seed=seed)
    if plot is not None:
        from twinbar.host.report.staircase_plot import draw_figure, save_figure

        save_figure(draw_figure(model, stairs), plot)
    if as_json:
        content = {
            **preset_content(model),
            "staircase": {
                "pulses": stairs.pulses,
                "cells": stairs.cells,
                "algorithm": stairs.algorithm,
                "low_s": stairs.low_s.tolist(),
                "median_s": stairs.median_s.tolist(),
                "high_s": stairs.high_s.tolist(),
            },
        }
        typer.echo(json.dumps(content, indent=1))
        return
    print_preset(model)
    typer.echo(draw_text(stairs))
    if plot is not None:
        typer.echo(f"Staircase: {plot}")


@app.command("fit")
def fit_preset(
    data: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE",
            help="Tables of measured pulses: columns polarity, pulse, conductance_uS (or _S, _kohm, _uA ...), and cell "
            "if several; or a column for each repetition, SET and RESET in files of these names.",
        ),
    ],
    set_width: Annotated[str, typer.Option(metavar="TIME", help="Width of the SET pulses, like 50ns.")],
    reset_width: Annotated[str, typer.Option(metavar="TIME", help="Width of the RESET pulses.")],
    set_voltage: Annotated[
        str | None, typer.Option(metavar="V", help="Amplitude of the SET pulses, like 1.6V, unless it is in the data.")
    ] = None,
    reset_voltage: Annotated[
        str | None, typer.Option(metavar="V", help="Amplitude of the RESET pulses; its sign does not matter.")
    ] = None,
    read_voltage: Annotated[
        str | None, typer.Option(metavar="V", help="Voltage of the readings; taken as 0.2V where it is not given.")
    ] = None,
    unit: Annotated[
        str | None,
        typer.Option("--unit", metavar="UNIT", help="Of values without one: uS, kohm, uA ..., or 1 if normalized."),
    ] = None,
    window: Annotated[
        str | None,
        typer.Option("--window", metavar="LOW,HIGH", help="Conductances of normalized values' ends, like 1uS,10uS."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE.toml", help="The preset to write; default: beside the data.")
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Its name; default: that of the file.")
    ] = None,
    material: Annotated[str, typer.Option("--material", help="What the cell is made of.")] = "not given",
    bins: Annotated[
        int | None,
        typer.Option("--jump-table", metavar="BINS", help="Keep measured jumps in so many bins, not a staircase."),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option("--plot", metavar="FILE", help="Also draw data, fit and residuals: .png, .svg or .pdf."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite existing files.")] = False,
    as_json: AsJson = False,
) -> None:
    """Fit a cell model to measured pulses and write it as a preset.

    Window, response, cycle-to-cycle spread and read noise come from the data; with three cells or more the
    device-to-device spread of the step; with a column of voltages the response to them; with rising gate voltages the
    limit that they set. What does not fit the model is said on standard error.
    """
    target = out or data[0].with_suffix(".toml")
    if target.suffix != ".toml":
        raise ConfigError(f"{target}: a preset is a .toml file")
    if target.exists() and not force:
        raise ConfigError(f"{target} exists already; give --out another name, or --force to overwrite it")
    if plot is not None:
        check_figure_path(plot, force=force)
    if bins is not None and bins < 2:
        raise ConfigError(f"--jump-table is {bins}; a jump table has 2 bins or more")
    preset_name = name or re.sub(r"[^a-z0-9]+", "-", target.stem.lower()).strip("-")
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", preset_name):
        raise ConfigError(
            f"the preset's name {preset_name!r} must be of lower-case letters, digits and hyphens (--name)"
        )
    again = next((path for at, path in enumerate(data) if path.resolve() in [p.resolve() for p in data[:at]]), None)
    if again is not None:
        raise ConfigError(f"{again} is given twice; its pulses count once, so name each file once")
    need("scipy", "fit", "device fit")
    from twinbar.emulator.devices.fit import fit_cell
    from twinbar.emulator.devices.fitted_preset import PulseConditions, fitted_preset
    from twinbar.emulator.devices.measurement import read_pulse_trains
    from twinbar.emulator.devices.preset_toml import preset_toml
    from twinbar.emulator.devices.staircase import staircase

    conditions = PulseConditions(
        set_voltage=_magnitude("--set-voltage", set_voltage),
        reset_voltage=_magnitude("--reset-voltage", reset_voltage),
        set_width=_quantity("--set-width", set_width, "time"),
        reset_width=_quantity("--reset-width", reset_width, "time"),
        read_voltage=_magnitude("--read-voltage", read_voltage),
    )
    trains = read_pulse_trains(*data, meaning=_meaning(unit, window, _signed_volts(read_voltage)))
    nominal = (_volts(conditions.set_voltage), _volts(conditions.reset_voltage))
    fit = fit_cell(trains, jump_bins=bins, nominal_v=nominal)
    names = " and ".join(path.name for path in data)
    model = fitted_preset(
        fit,
        conditions,
        name=preset_name,
        title=f"Fit to {names}",
        material=material,
        data=f"{names}, fitted by twinbar device fit",
    )
    for note in fit.notes:
        failures.warn(note)
    try:
        target.write_text(preset_toml(model), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot write {target}: {error.strerror or error}") from None
    if plot is not None:
        from twinbar.host.report.fit_plot import draw_fit
        from twinbar.host.report.staircase_plot import save_figure

        save_figure(draw_fit(fit, trains, model), plot)
    if as_json:
        content = {**preset_content(model), "file": str(target), "warnings": list(fit.notes)}
        typer.echo(json.dumps(content, indent=1))
        return
    print_preset(model)
    typer.echo(draw_text(staircase(model)))
    typer.echo(f"Preset: {target}")
    if plot is not None:
        typer.echo(f"Fit and residuals: {plot}")


def _meaning(unit: str | None, window: str | None, read_voltage_v: float | None) -> "ValueMeaning":
    """Return what the options say of the values of a table."""
    from twinbar.emulator.devices.measured_columns import parse_unit
    from twinbar.emulator.devices.measured_series import ValueMeaning

    found = None if unit is None else parse_unit(unit)
    if unit is not None and (found is None or found.kind is None):
        raise ConfigError(f"--unit is {unit!r}; write the unit of a conductance, resistance or current, or 1")
    bounds = None
    if window is not None:
        ends = [_quantity("--window", end, "conductance") for end in window.split(",")]
        values = [number * UNITS["conductance"][name] for number, name in ends]
        if len(values) != 2 or values[0] >= values[1]:
            raise ConfigError(f"--window is {window!r}; write the low and the high end, like 1uS,10uS")
        bounds = (values[0], values[1])
    return ValueMeaning(found, read_voltage_v, bounds)


def _volts(voltage: tuple[float, str] | None) -> float | None:
    return None if voltage is None else voltage[0] * UNITS["voltage"][voltage[1]]


def _signed_volts(text: str | None) -> float | None:
    """Return the voltage of the readings with its sign, which their currents may have."""
    magnitude = _volts(_magnitude("--read-voltage", text))
    return -magnitude if magnitude is not None and text is not None and text.strip().startswith("-") else magnitude


def _magnitude(option: str, text: str | None) -> tuple[float, str] | None:
    """Read a voltage; whoever writes RESET voltages with their sign means the magnitude."""
    return None if text is None else _quantity(option, text.strip().removeprefix("-"), "voltage")


def _quantity(option: str, text: str, kind: str) -> tuple[float, str]:
    """Read a positive number with its unit, like ``50ns``."""
    units = UNITS[kind]
    match = re.fullmatch(r"\s*([-+0-9.eE]+?)\s*([a-zA-Zµμ]+)\s*", text)
    unit = match.group(2).replace("µ", "u").replace("μ", "u") if match else ""
    try:
        value = float(match.group(1)) if match else math.nan
    except ValueError:
        value = math.nan
    if unit not in units or not math.isfinite(value) or value <= 0:
        raise ConfigError(f"{option} is {text!r}; write a positive number and its unit ({', '.join(units)})")
    return value, unit
