"""``twinbar device``: list the cell models, show one with its sources and its staircase, fit one to measured pulses."""

import json
import math
import re
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from twinbar.emulator.devices.preset import Preset, load_preset, preset_names
from twinbar.emulator.devices.quantity import UNITS, Quantity
from twinbar.emulator.devices.responses import Exponential, JumpTable
from twinbar.host.report.staircase_text import draw_text, si_unit
from twinbar.hw.errors import ConfigError

app = typer.Typer(
    help="Cell models: the built-in presets, a preset's numbers with their sources, and a fit to your own data.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
)

AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable, on standard output.")]
Cells = Annotated[int, typer.Option("--cells", metavar="N", help="Cells of the simulated staircase.")]
Seed = Annotated[int, typer.Option("--seed", metavar="N", help="Seed of the simulated cells.")]

_WIDTH_WITHOUT_TERMINAL = 120
_CERTAINTY_STYLE = {"published": "green", "derived": "cyan", "assumed": "yellow"}


@app.command("list")
def list_presets(as_json: AsJson = False) -> None:
    """List the built-in cell models."""
    rows = [_summary(load_preset(name)) for name in preset_names()]
    if as_json:
        typer.echo(json.dumps(rows, indent=1, ensure_ascii=False))
        return
    table = Table(header_style="bold", pad_edge=False, padding=(0, 1, 0, 0), box=None)
    heads = ("name\nmaterial", "window\non/off", "response\npulses", "SET\nRESET", "c2c", "d2d", "read")
    for head in heads:
        table.add_column(head, justify="right" if head in ("c2c", "d2d", "read") else "left", no_wrap=True)
    for row in rows:
        table.add_row(*(row["text"][head] for head in heads))
    console = _console()
    console.print(table)
    console.print(
        "c2c: spread of a pulse in % of the window, or of the step; d2d: spread of the step from cell to cell; "
        "read: noise of a reading at Gmax.",
        style="dim",
    )


@app.command("show")
def show_preset(
    preset: Annotated[str, typer.Argument(metavar="NAME|FILE", help="A built-in preset, or a preset file.")],
    pulses: Annotated[
        int | None,
        typer.Option("--pulses", metavar="N", help="Pulses of each polarity; default: what crosses the window."),
    ] = None,
    cells: Cells = 200,
    seed: Seed = 0,
    plot: Annotated[
        Path | None, typer.Option("--plot", metavar="FILE", help="Also draw the staircase: .png, .svg or .pdf.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show the numbers of a cell model with unit, source and certainty, and its LTP/LTD staircase with its spread."""
    model = load_preset(preset)
    # Compiling the physics takes seconds the first time; the other sub-commands should not wait for it.
    from twinbar.emulator.devices.staircase import staircase

    stairs = staircase(model, pulses=pulses, cells=cells, seed=seed)
    if plot is not None:
        from twinbar.host.report.staircase import draw_figure, save_figure

        save_figure(draw_figure(model, stairs), plot)
    if as_json:
        content = {
            **_content(model),
            "staircase": {
                "pulses": stairs.pulses,
                "cells": stairs.cells,
                "algorithm": stairs.algorithm,
                "low_s": stairs.low_s.tolist(),
                "median_s": stairs.median_s.tolist(),
                "high_s": stairs.high_s.tolist(),
            },
        }
        typer.echo(json.dumps(content, indent=1, ensure_ascii=False))
        return
    _print_preset(model, _console())
    typer.echo(draw_text(stairs))
    if plot is not None:
        typer.echo(f"Staircase: {plot}")


@app.command("fit")
def fit_preset(
    data: Annotated[
        Path,
        typer.Argument(
            metavar="FILE.csv",
            help="Measured pulses: columns polarity, pulse, conductance_uS (or _S, _nS ...), and cell if several.",
        ),
    ],
    set_voltage: Annotated[str, typer.Option(metavar="V", help="Amplitude of the SET pulses, like 1.6V.")],
    reset_voltage: Annotated[str, typer.Option(metavar="V", help="Amplitude of the RESET pulses, a magnitude.")],
    set_width: Annotated[str, typer.Option(metavar="TIME", help="Width of the SET pulses, like 50ns.")],
    reset_width: Annotated[str, typer.Option(metavar="TIME", help="Width of the RESET pulses.")],
    read_voltage: Annotated[
        str | None, typer.Option(metavar="V", help="Voltage of the readings; taken as 0.2V where it is not given.")
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
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
    as_json: AsJson = False,
) -> None:
    """Fit a cell model to measured pulses and write it as a preset.

    Window, response, cycle-to-cycle spread and read noise come from the data, and with three cells or more the
    device-to-device spread of the step.
    """
    target = out or data.with_suffix(".toml")
    if target.suffix != ".toml":
        raise ConfigError(f"{target}: a preset is a .toml file")
    if target.exists() and not force:
        raise ConfigError(f"{target} exists already; give --out another name, or --force to overwrite it")
    if bins is not None and bins < 2:
        raise ConfigError(f"--jump-table is {bins}; a jump table has 2 bins or more")
    preset_name = name or re.sub(r"[^a-z0-9]+", "-", target.stem.lower()).strip("-")
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", preset_name):
        raise ConfigError(
            f"the preset's name {preset_name!r} must be of lower-case letters, digits and hyphens (--name)"
        )
    from twinbar.emulator.devices.fit import fit_cell
    from twinbar.emulator.devices.fitted_preset import PulseConditions, fitted_preset
    from twinbar.emulator.devices.measurement import read_pulse_trains
    from twinbar.emulator.devices.preset_toml import preset_toml
    from twinbar.emulator.devices.staircase import staircase

    conditions = PulseConditions(
        set_voltage=_quantity("--set-voltage", set_voltage, "voltage"),
        reset_voltage=_quantity("--reset-voltage", reset_voltage, "voltage"),
        set_width=_quantity("--set-width", set_width, "time"),
        reset_width=_quantity("--reset-width", reset_width, "time"),
        read_voltage=None if read_voltage is None else _quantity("--read-voltage", read_voltage, "voltage"),
    )
    fit = fit_cell(read_pulse_trains(data), jump_bins=bins)
    model = fitted_preset(
        fit,
        conditions,
        name=preset_name,
        title=f"Fit to {data.name}",
        material=material,
        data=f"{data.name}, fitted by twinbar device fit",
    )
    try:
        target.write_text(preset_toml(model), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot write {target}: {error.strerror or error}") from None
    if as_json:
        typer.echo(json.dumps({**_content(model), "file": str(target)}, indent=1, ensure_ascii=False))
        return
    _print_preset(model, _console())
    typer.echo(draw_text(staircase(model)))
    typer.echo(f"Preset: {target}")


def _quantity(option: str, text: str, kind: str) -> tuple[float, str]:
    """Read a positive number with its unit, like ``50ns``."""
    units = UNITS[kind]
    match = re.fullmatch(r"\s*([-+0-9.eE]+?)\s*([a-zA-Zµ]+)\s*", text)
    unit = match.group(2).replace("µ", "u") if match else ""
    try:
        value = float(match.group(1)) if match else math.nan
    except ValueError:
        value = math.nan
    if unit not in units or not math.isfinite(value) or value <= 0:
        raise ConfigError(f"{option} is {text!r}; write a positive number and its unit ({', '.join(units)})")
    return value, unit


def _content(model: Preset) -> dict[str, Any]:
    """Give a preset for ``--json``: quantities by dotted name, in their own unit and in SI."""
    return {
        "name": model.name,
        "title": model.title,
        "material": model.material,
        "note": model.note,
        "sources": model.sources,
        "settings": _settings(model),
        "parameters": {
            path: {**quantity.model_dump(), "si": quantity.si_list if isinstance(quantity.value, list) else quantity.si}
            for path, quantity in model.quantities()
        },
    }


def _settings(model: Preset) -> dict[str, str | bool]:
    """Give what a preset says in words: the kinds of its models, and its switches."""
    settings: dict[str, str | bool] = {"response.kind": model.response.kind}
    settings["pulse.width_scales"] = model.pulse.width_scales
    if model.cycle_to_cycle is not None:
        settings["cycle_to_cycle.relative_to"] = model.cycle_to_cycle.relative_to
    if model.device_to_device is not None and model.device_to_device.gain is not None:
        settings["device_to_device.gain.distribution"] = model.device_to_device.gain.distribution
        settings["device_to_device.gain.shared"] = model.device_to_device.gain.shared
    if model.relaxation is not None:
        settings["relaxation.kind"] = model.relaxation.kind
    settings["write.algorithm"] = model.write.algorithm
    return settings


def _print_preset(model: Preset, console: Console) -> None:
    console.print(Text.assemble((model.name, "bold"), f"  {model.title} ({model.material})"))
    if model.note:
        console.print(model.note, style="dim", highlight=False)
    table = Table(pad_edge=False, padding=(0, 1, 0, 0), box=None, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(max_width=24)
    table.add_column(no_wrap=True)
    table.add_column(ratio=1)
    lines: dict[str, list[tuple[str | Text, ...]]] = {}
    for path, value in _settings(model).items():
        section, _, key = path.rpartition(".")
        lines.setdefault(section, []).append((f"  {key}", str(value).lower(), "", ""))
    for path, quantity in model.quantities():
        section, _, key = path.rpartition(".")
        origin = ": ".join(part for part in (quantity.source, quantity.note) if part)
        certainty = Text(quantity.certainty, style=_CERTAINTY_STYLE[quantity.certainty])
        lines.setdefault(section, []).append((f"  {key}", str(quantity), certainty, Text(origin)))
    order = list(Preset.model_fields)
    for section in sorted(lines, key=lambda name: (order.index(name.partition(".")[0]), name.count("."))):
        table.add_row(Text(section, style="bold"))
        for row in lines[section]:
            table.add_row(*row)
    console.print(table, highlight=False)
    if model.sources:
        console.print("sources", style="bold")
        for key, reference in model.sources.items():
            console.print(Padding(Text.assemble((key, "bold"), f": {reference}"), (0, 0, 0, 2)))


def _console() -> Console:
    """Give a console that, where no terminal sets a width, is wide enough for the tables."""
    console = Console()
    return console if console.is_terminal else Console(width=_WIDTH_WITHOUT_TERMINAL)


def _summary(model: Preset) -> dict[str, Any]:
    """Give a row of ``device list``: numbers in SI units for ``--json``, and their text."""
    g_max, g_min = model.window.g_max.si, model.window.g_min.si
    factor, unit = si_unit(g_max)
    cycle, spread, noise = model.cycle_to_cycle, model.device_to_device, model.read_noise
    pulses: tuple[float, float] | None = None
    if isinstance(model.response, Exponential):
        pulses = model.response.set.pulses.si, model.response.reset.pulses.si
    gain = spread.gain if spread is not None else None
    read_sigma = None
    if noise is not None:
        parts = [noise.relative.si if noise.relative is not None else 0.0]
        parts.append(noise.absolute.si / g_max if noise.absolute is not None else 0.0)
        parts.append(noise.sigma.si_list[-1] / g_max if noise.sigma is not None else 0.0)
        read_sigma = math.hypot(*parts)
    if isinstance(model.response, JumpTable):
        c2c = "table"
    elif cycle is None:
        c2c = "-"
    else:
        c2c = f"{cycle.set.si:.0%} step" if cycle.relative_to == "step" else f"{cycle.set.si:.1%}"
    return {
        "name": model.name,
        "title": model.title,
        "material": model.material,
        "g_min_s": g_min,
        "g_max_s": g_max,
        "on_off": model.on_off,
        "response": model.response.kind,
        "pulses": pulses,
        "algorithm": model.write.algorithm,
        "set": {"voltage_v": model.pulse.set_voltage.si, "width_s": model.pulse.set_width.si},
        "reset": {"voltage_v": model.pulse.reset_voltage.si, "width_s": model.pulse.reset_width.si},
        "cycle_to_cycle": None
        if cycle is None
        else {"relative_to": cycle.relative_to, "set": cycle.set.si, "reset": cycle.reset.si},
        "device_to_device_gain": None if gain is None else {"set": gain.set.si, "reset": gain.reset.si},
        "read_noise_at_g_max": read_sigma,
        "text": {
            "name\nmaterial": f"{model.name}\n{model.material}",
            "window\non/off": f"{g_min / factor:.3g} to {g_max / factor:.3g} {unit}\n{model.on_off:.3g}",
            "response\npulses": f"{model.response.kind}\n"
            + (f"{pulses[0]:g}/{pulses[1]:g}" if pulses else model.write.algorithm),
            "SET\nRESET": f"{_pulse(model.pulse.set_voltage, model.pulse.set_width)}\n"
            f"{_pulse(model.pulse.reset_voltage, model.pulse.reset_width)}",
            "c2c": c2c,
            "d2d": "-" if gain is None else f"{gain.set.si:.0%}",
            "read": "-" if read_sigma is None else f"{read_sigma:.1%}",
        },
    }


def _pulse(voltage: Quantity, width: Quantity) -> str:
    return f"{voltage}, {width}"
