"""The figures of a reproduction: convergence, elimination, and what is left of each cost of the baselines."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from twinbar.host.experiment.reproduction_config import METHOD, READINGS, SOFTWARE
from twinbar.host.experiment.reproduction_figures import CLAIMED
from twinbar.host.report.style import (
    BLUE,
    MUTED,
    ORANGE,
    PAPER,
    SERIES,
    VERMILION,
    WIDE_IN,
    Plot,
    drawing,
    horizontal_grid,
    new_figure,
    vertical_grid,
)

Networks = Mapping[str, Mapping[str, Any]]

_QUANTITIES: Final = {
    "energy": (
        "Energy",
        {"write_energy": "writing", "total_energy": "whole system", "total_with_host": "with the twin's memory"},
    ),
    "delay": ("Delay", {"write_latency": "writing", "total_latency": "whole system"}),
    "pulses-and-reads": ("Pulses and reads", {"cell_writes": "cell writes", "pulses": "pulses", "reads": "reads"}),
}
"""For each figure of savings: its heading, and the savings in it with their labels."""
_MARKS: Final = ("o", "s", "D")
_LEAST: Final = 1e-5
"""Share of the baseline below which everything is drawn at the edge."""


def draw(networks: Networks) -> list[Plot]:
    """Draw the figures of all networks that have something to show."""
    with drawing():
        plots = [_convergence(name, figures) for name, figures in networks.items()]
        plots.append(_elimination(networks))
        plots += [_remaining(networks, key, *what) for key, what in _QUANTITIES.items()]
    return [plot for plot in plots if plot is not None]


def _percent(figures: Sequence[Mapping[str, Any]], end: str = "mean") -> list[float]:
    return [100 * (figure["mean"] if figure[end] is None else figure[end]) for figure in figures]


def _line(ax: Axes, epochs: Sequence[Mapping[str, Any]], key: str, label: str, colour: str, style: str) -> None:
    figures = [epoch[key] for epoch in epochs if key in epoch]
    if not figures:
        return
    x = [epoch["epoch"] for epoch in epochs]
    y = _percent(figures)
    ax.fill_between(x, _percent(figures, "low"), _percent(figures, "high"), color=colour, alpha=0.15, linewidth=0)
    ax.plot(x, y, style, marker="o", color=colour, label=f"{label} ({y[-1]:.2f} %)")


def _epochs_on(ax: Axes) -> None:
    ax.set_xlabel("Epoch")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    horizontal_grid(ax)


def _convergence(name: str, figures: Mapping[str, Any]) -> Plot | None:
    figure = new_figure()
    ax = figure.add_subplot()
    epochs = figures["epochs"]
    _line(ax, epochs.get(SOFTWARE, []), "test_accuracy", "float alone", MUTED, "--")
    _line(ax, epochs.get(METHOD, []), "test_accuracy", "crossbar", BLUE, "-")
    _line(ax, epochs.get(METHOD, []), "twin_test_accuracy", "its twin", VERMILION, ":")
    for (reading, words), colour in zip(READINGS.items(), SERIES[2:], strict=False):
        if epochs.get(reading):
            first = epochs[reading][-1]
            ax.plot(first["epoch"], 100 * first["test_accuracy"]["mean"], "D", color=colour, markersize=4, label=words)
    if not ax.lines:
        return None
    _epochs_on(ax)
    low = min(float(np.asarray(line.get_ydata(), float).min()) for line in ax.lines)
    # A margin above all samples would suggest that more than all can be right.
    ax.set_ylim(max(low - 0.15 * (100 - low), 0), 100)
    ax.set_ylabel("Test accuracy")
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} %"))
    ax.legend(loc="lower right")
    caption = f"{name}: test accuracy after each epoch, mean over seeds, with 95 % intervals where there are several."
    return Plot(f"convergence-{name}", f"Convergence of {name}", caption, figure)


def _elimination(networks: Networks) -> Plot | None:
    shown = {name: figures["epochs"][METHOD] for name, figures in networks.items() if METHOD in figures["epochs"]}
    if not shown:
        return None
    figure = new_figure()
    ax = figure.add_subplot()
    for (name, epochs), colour, mark in zip(shown.items(), SERIES, _MARKS, strict=False):
        left = [100 - value for value in _percent([epoch["update_elimination"] for epoch in epochs])]
        ax.plot([epoch["epoch"] for epoch in epochs], left, "-", marker=mark, color=colour, label=name)
    ax.axhline(100 * (1 - CLAIMED), color=ORANGE, linestyle="--", linewidth=1.2, label="the claim: below 2 %")
    ax.set_yscale("log")
    low, high = ax.get_ylim()
    ax.set_ylim(10 ** math.floor(math.log10(low)), 2 * high)
    ax.yaxis.set_minor_formatter(NullFormatter())
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} %"))
    ax.set_ylabel("Weight updates that are left")
    _epochs_on(ax)
    ax.legend(loc="best")
    caption = "Weight updates of each epoch as a share of updating every weight at every step; the rest is eliminated."
    return Plot("elimination", "Updates that are left", caption, figure)


def _remaining(networks: Networks, key: str, title: str, scopes: Mapping[str, str]) -> Plot | None:
    shown = {name: figures["savings"] for name, figures in networks.items() if figures["savings"]}
    if not shown:
        return None
    readings = list(dict.fromkeys(reading for savings in shown.values() for reading in savings))
    figure = new_figure(WIDE_IN, 1.6 + 0.5 * len(readings))
    panels = figure.subplots(1, len(shown), sharey=True, squeeze=False)[0]
    for ax, (name, savings) in zip(panels, shown.items(), strict=True):
        for offset, ((scope, label), colour, mark) in enumerate(zip(scopes.items(), SERIES, _MARKS, strict=False)):
            rows = [row for row, reading in enumerate(readings) if (savings.get(reading) or {}).get(scope)]
            left = [max(100 * (1 - savings[readings[row]][scope]["mean"]), 100 * _LEAST) for row in rows]
            places = [row + 0.22 * (offset - (len(scopes) - 1) / 2) for row in rows]
            ax.plot(left, places, mark, color=colour, label=label, markersize=6)
            for value, place in zip(left, places, strict=True):
                # On a ground of their own, since the dashed line may pass behind them.
                ground = {"facecolor": PAPER, "edgecolor": "none", "pad": 0.5}
                place_of_text = {"textcoords": "offset points", "va": "center", "fontsize": 8, "bbox": ground}
                ax.annotate(f"{value:.2g} %", (value, place), (6, 0), **place_of_text)
        ax.axvline(100 * (1 - CLAIMED), color=MUTED, linestyle="--", linewidth=1.0, zorder=1)
        ax.set_title(name)
        ax.set_xscale("log")
        low, high = ax.get_xlim()
        ax.set_xlim(min(low, 0.01) / 1.5, max(high, 100) * 4)
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} %"))
        ax.set_yticks(range(len(readings)), [READINGS[reading] for reading in readings])
        ax.set_ylim(len(readings) - 0.4, -0.6)
        ax.tick_params(axis="y", length=0)
        vertical_grid(ax)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(scopes), handlelength=1.0)
    caption = (
        f"{title}: what is left of each reading of the basic closed-loop update, in epoch 1; the dashed line is the "
        "2 % that the abstract leaves."
    )
    return Plot(key, f"{title} against each baseline", caption, figure, wide=True)
