"""Cell models on the terminal: a table of presets, and one preset with the origin of every number."""

import math
from typing import Any, Final

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from twinbar.emulator.devices.preset import Preset
from twinbar.emulator.devices.quantity import Quantity
from twinbar.host.report.staircase_text import si_unit

_WIDTH_WITHOUT_TERMINAL: Final = 120
_CERTAINTY_STYLE: Final = {"published": "green", "derived": "cyan", "assumed": "yellow"}


def print_list(rows: list[dict[str, Any]]) -> None:
    """Print what `preset_summary` gave of each preset."""
    table = Table(header_style="bold", pad_edge=False, padding=(0, 1, 0, 0), box=None)
    heads = ("name\nmaterial", "window\non/off", "response\npulses", "SET\nRESET", "c2c", "d2d", "read")
    for head in heads:
        table.add_column(head, justify="right" if head in ("c2c", "d2d", "read") else "left", no_wrap=True)
    for row in rows:
        table.add_row(*(row["text"][head] for head in heads))
    out = _console()
    out.print(table)
    out.print(
        "c2c: spread of a pulse in % of the window, or of the step; d2d: spread of the step from cell to cell; "
        "read: noise of a reading at Gmax.",
        style="dim",
    )


def preset_content(model: Preset) -> dict[str, Any]:
    """Return a preset for ``--json``: quantities by dotted name, in their own unit and in SI."""
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
    """Return what a preset says in words: the kinds of its models, and its switches."""
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


def print_preset(model: Preset) -> None:
    """Print a preset, section by section, and its sources."""
    out = _console()
    out.print(Text.assemble((model.name, "bold"), f"  {model.title} ({model.material})"))
    if model.note:
        out.print(model.note, style="dim", highlight=False)
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
    out.print(table, highlight=False)
    if model.sources:
        out.print("sources", style="bold")
        for key, reference in model.sources.items():
            out.print(Padding(Text.assemble((key, "bold"), f": {reference}"), (0, 0, 0, 2)))


def _console() -> Console:
    """Return a console that, where no terminal sets a width, is wide enough for the tables."""
    out = Console()
    return out if out.is_terminal else Console(width=_WIDTH_WITHOUT_TERMINAL)


def preset_summary(model: Preset) -> dict[str, Any]:
    """Return a row of ``device list``: numbers in SI units for ``--json``, and their text."""
    g_max, g_min = model.window.g_max.si, model.window.g_min.si
    factor, unit = si_unit(g_max)
    cycle, spread, noise = model.cycle_to_cycle, model.device_to_device, model.read_noise
    pulses = model.response.pulses()
    gain = spread.gain if spread is not None else None
    read_sigma = None
    if noise is not None:
        parts = [noise.relative.si if noise.relative is not None else 0.0]
        parts.append(noise.absolute.si / g_max if noise.absolute is not None else 0.0)
        parts.append(noise.sigma.si_list[-1] / g_max if noise.sigma is not None else 0.0)
        read_sigma = math.hypot(*parts)
    if model.response.spread_text:
        c2c = model.response.spread_text
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
