"""Plots of a comparison: cost and accuracy of several update policies side by side."""

from collections.abc import Callable, Mapping
from typing import Final

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from twinbar.host.report import si
from twinbar.host.report.energy import HOST, ORDER, OTHER, account_energies_j, account_label
from twinbar.host.report.plot_kinds import ComparePlot
from twinbar.host.report.schema import Report
from twinbar.host.report.style import (
    BLUE,
    PAPER,
    TINTS,
    VERMILION,
    WIDE_IN,
    Plot,
    log_quantity_axis,
    new_figure,
    vertical_grid,
)

_LOG_ABOVE = 8.0
"""Spread of values from which a logarithmic axis is used."""


def _name_rows(ax: Axes, names: list[str]) -> None:
    """Put one policy on each row, the first on top."""
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    vertical_grid(ax)


def _cost_panel(ax: Axes, values: Mapping[str, float | None], unit: str, show: Callable[[float], str]) -> None:
    """Draw one quantity: dots on a logarithmic axis, or bars from zero where the values are of one size."""
    known = {name: value for name, value in values.items() if value is not None}
    positive = [value for value in known.values() if value > 0]
    _name_rows(ax, list(values))
    if not positive:
        ax.set_xticks([])
        return
    low, high = min(positive), max(positive)
    logarithmic = high > _LOG_ABOVE * low
    rows = list(values)
    for name in rows:
        row, value = rows.index(name), values[name]
        if value is None:
            ax.text(0.02, row, "no crossbar", transform=ax.get_yaxis_transform(), va="center", fontsize=8)
        elif logarithmic:
            shown = max(value, low / 10)
            ax.hlines(row, low / 10, shown, color=BLUE, linewidth=1.2, alpha=0.55)
            if value > 0:
                ax.plot(shown, row, "o", color=BLUE, markersize=6.5)
            ax.annotate(show(value), (shown, row), (7, 0), textcoords="offset points", va="center", fontsize=8)
        else:
            ax.barh(row, value, color=BLUE, height=0.55)
            ax.annotate(show(value), (value, row), (4, 0), textcoords="offset points", va="center", fontsize=8)
    if logarithmic:
        ax.set_xscale("log")
        decades = (high / low) ** 0.4
        ax.set_xlim(low / 2.5, high * max(6, decades))
        log_quantity_axis(ax, unit, low / 2.5, high)
    else:
        ax.set_xlim(0, 1.35 * high)
        ax.xaxis.set_major_locator(MaxNLocator(nbins=4))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: si.si(value, unit, 2)))


def cost(reports: Mapping[str, Report]) -> Plot | None:
    """Plot energy and latency of every policy, written only and as a whole system."""

    def energies(part: str) -> dict[str, float | None]:
        return {
            name: report.totals.energy_j.get(part) if report.on_crossbar else None for name, report in reports.items()
        }

    def latencies(part: str) -> dict[str, float | None]:
        return {
            name: report.totals.seconds.get(part) if report.on_crossbar else None for name, report in reports.items()
        }

    panels = (
        ("Write energy", energies("write"), "J"),
        ("Write latency", latencies("write"), "s"),
        ("Whole-system energy", energies("total"), "J"),
        ("Whole-system latency", latencies("total"), "s"),
    )
    if all(value is None for _, values, _ in panels for value in values.values()):
        return None
    figure = new_figure(WIDE_IN, 1.5 + 0.62 * len(reports))
    axes = figure.subplots(2, 2, sharey=True)
    for ax, (title, values, unit) in zip(axes.flat, panels, strict=True):
        _cost_panel(ax, values, unit, lambda value, unit=unit: si.si(value, unit))  # type: ignore[misc]
        ax.set_title(title)
    caption = (
        "What each policy costs: writing alone (top), and the whole system with the forward pass, the link and static "
        "power (bottom). Dots are on logarithmic axes, bars start at zero."
    )
    return Plot("cost", "Write-only against whole system", caption, figure, wide=True)


def _stack(ax: Axes, energies: Mapping[str, Mapping[str, float]]) -> None:
    """Draw one bar for each policy, stacked by account, with its sum."""
    factor, unit = si.axis_unit(max(sum(spent.values()) for spent in energies.values()), "J")
    rows = range(len(energies))
    base = [0.0] * len(energies)
    for account in dict.fromkeys(account for spent in energies.values() for account in spent):
        widths = [factor * spent.get(account, 0.0) for spent in energies.values()]
        colour = TINTS[account if account in ORDER else OTHER][0]
        ax.barh(rows, widths, left=base, height=0.6, color=colour, label=account_label(account), edgecolor=PAPER)
        base = [below + width for below, width in zip(base, widths, strict=True)]
    for row, total in zip(rows, base, strict=True):
        text = si.si(total / factor, "J")
        ax.annotate(text, (total, row), (4, 0), textcoords="offset points", va="center", fontsize=8)
    _name_rows(ax, list(energies))
    ax.set_xlim(0, 1.2 * max(base))
    ax.set_xlabel(f"Energy ({unit})")
    ax.xaxis.set_major_locator(MaxNLocator(nbins=5))


def energy_by_account(reports: Mapping[str, Report]) -> Plot | None:
    """Plot the whole-system energy of every policy, stacked by account: what is left after writes are saved.

    Where the ledger counts the twin's memory, which mostly exceeds all else, the same is drawn a second time with it.
    """
    energies = {
        name: account_energies_j(report.totals)
        for name, report in reports.items()
        if report.totals.energy_j.get("total")
    }
    if not energies:
        return None
    with_host = any(spent.get(HOST) for spent in energies.values())
    figure = new_figure(height_in=(1.4 + 0.45 * len(energies)) * (1.75 if with_host else 1))
    axes = figure.subplots(2 if with_host else 1, 1, squeeze=False)[:, 0]
    _stack(axes[0], {name: {key: spent[key] for key in spent if key != HOST} for name, spent in energies.items()})
    caption = "Energy of the whole system by account, on a linear axis: what dominates once writes are saved."
    if with_host:
        axes[0].set_title("Whole system: crossbar and controller")
        axes[1].set_title("With the memory of the twin on the host")
        _stack(axes[1], energies)
        caption += " The memory of the twin, with what a policy keeps there, is added in the lower panel only."
    handles, labels = axes[-1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, handlelength=1.0, columnspacing=1.4)
    return Plot("energy-accounts", "What the energy goes into", caption, figure)


def final_accuracy(reports: Mapping[str, Report]) -> Plot | None:
    """Plot the final accuracy of crossbar and twin for every policy."""
    names = list(reports)
    last = {name: report.last for name, report in reports.items() if report.last is not None}
    crossbar = {name: epoch.test_accuracy for name, epoch in last.items() if epoch.test_accuracy is not None}
    twin = {
        name: epoch.twin_test_accuracy
        for name, epoch in last.items()
        if reports[name].on_crossbar and epoch.twin_test_accuracy is not None
    }
    if not crossbar:
        return None
    figure = new_figure(height_in=1.3 + 0.45 * len(names))
    ax = figure.add_subplot()
    _name_rows(ax, names)
    for values, offset, colour, marker, label in (
        (crossbar, -0.14, BLUE, "o", "crossbar (the network itself for float)"),
        (twin, 0.14, VERMILION, "s", "float twin"),
    ):
        if not values:
            continue
        x = [100 * value for value in values.values()]
        y = [names.index(name) + offset for name in values]
        ax.plot(x, y, marker, color=colour, label=label, markersize=6)
        for place, row in zip(x, y, strict=True):
            ax.annotate(f"{place:.2f} %", (place, row), (7, 0), textcoords="offset points", va="center", fontsize=8)
    ax.margins(x=0.12)
    left, right = ax.get_xlim()
    ax.set_xlim(left, right + 0.18 * (right - left))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} %"))
    ax.xaxis.set_major_locator(MaxNLocator(nbins=5))
    ax.set_xlabel("Test accuracy after the last epoch")
    figure.legend(loc="outside lower center", ncols=2, handlelength=1.0)
    caption = "Final test accuracy of each policy; the axis does not start at zero."
    return Plot("accuracy", "Final accuracy", caption, figure)


PLOTS: Final = (
    ComparePlot("cost", lambda folder: cost(folder.compare.policies)),
    ComparePlot("energy-accounts", lambda folder: energy_by_account(folder.compare.policies)),
    ComparePlot("accuracy", lambda folder: final_accuracy(folder.compare.policies)),
)
