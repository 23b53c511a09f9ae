"""Draw the staircase of a cell model as a figure."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from twinbar.emulator.devices.preset import Preset
from twinbar.emulator.devices.preset_sections import PresetRamp
from twinbar.emulator.devices.staircase import Staircase
from twinbar.host.report.figure_path import check_figure_path
from twinbar.host.report.staircase_text import si_unit
from twinbar.hw.errors import ConfigError


def _span(ramp: PresetRamp) -> str:
    return str(ramp.start) if ramp.start.si == ramp.stop.si else f"{ramp.start} to {ramp.stop}"


def draw_figure(preset: Preset, stairs: Staircase) -> Figure:
    """Draw the staircase as a figure: median and the band from the 10 % to the 90 % quantile over the pulses."""
    factor, unit = si_unit(float(stairs.high_s.max()))
    count = np.arange(2 * stairs.pulses + 1)
    figure = Figure(figsize=(7.0, 4.2), layout="constrained")
    axes = figure.subplots()
    axes.fill_between(
        count,
        stairs.low_s / factor,
        stairs.high_s / factor,
        color="tab:blue",
        alpha=0.25,
        linewidth=0,
        label=f"10 to 90 % of {stairs.cells} cells",
    )
    axes.plot(count, stairs.median_s / factor, color="tab:blue", linewidth=1.5, label="median")
    for bound, text in ((preset.window.g_min, "Gmin"), (preset.window.g_max, "Gmax")):
        axes.axhline(bound.si / factor, color="0.5", linewidth=0.8, linestyle=":")
        axes.annotate(
            text,
            (1.01, bound.si / factor),
            xycoords=("axes fraction", "data"),
            color="0.35",
            va="center",
            fontsize=9,
        )
    axes.axvline(stairs.pulses, color="0.7", linewidth=0.8)
    pulses = (
        ("SET", preset.write.set, preset.write.set_gate, preset.pulse.set_width),
        ("RESET", preset.write.reset, preset.write.reset_gate, preset.pulse.reset_width),
    )
    for polarity, (name, ramp, gate, width) in enumerate(pulses):
        text = f"{name} {_span(ramp)}, {width}".replace("us", "µs")
        axes.annotate(
            text if gate is None else f"{text}, gate {_span(gate)}",
            (0.25 + 0.5 * polarity, 1.01),
            xycoords="axes fraction",
            ha="center",
            va="bottom",
            fontsize=9,
        )
    axes.set_xlim(0, 2 * stairs.pulses)
    axes.set_xlabel(f"pulse ({stairs.algorithm})")
    axes.set_ylabel(f"conductance ({unit.replace('u', 'µ')})")
    axes.set_title(preset.title, pad=20)
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    return figure


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure; the suffix says the format.

    Raises
    ------
    ConfigError
        If the suffix is not a format that can be drawn, or the file cannot be written.
    """
    check_figure_path(path, force=True)
    try:
        figure.savefig(path, dpi=150)
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror or error}") from None
