"""Plots of the energy ledger: components of each epoch and of the whole run."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from twinbar.host.report import si
from twinbar.host.report.energy import HOST, ORDER, account_label, host_j, parts
from twinbar.host.report.plot_kinds import RunPlot
from twinbar.host.report.schema import PeriodReport, Report
from twinbar.host.report.style import PAPER, TINTS, Plot, horizontal_grid, log_quantity_axis, new_figure, vertical_grid

_POOLED_BELOW: Final = 0.01
"""Components under this fraction of the whole system are drawn together with the rest of their account."""


@dataclass(frozen=True)
class _Layer:
    """A colour of the stack: one component, or the small ones of an account together."""

    label: str
    colour: str
    account: str
    names: tuple[str, ...]

    def energy_j(self, period: PeriodReport) -> float:
        return sum(period.energy_breakdown_j.get(name, 0.0) for name in self.names)


def _layers(period: PeriodReport) -> list[_Layer]:
    """Choose what is drawn, from bottom to top, by what matters in ``period``."""
    components = [part for part in parts(period) if part.energy_j > 0]
    chosen = []
    for account in ORDER:
        inside = [part for part in components if part.account == account]
        large = [part for part in inside if part.account == HOST or part.share >= _POOLED_BELOW]
        small = [part.name for part in inside if part not in large]
        tints = TINTS[account]
        for index, part in enumerate(large):
            chosen.append(_Layer(part.label, tints[min(index, len(tints) - 1)], account, (part.name,)))
        if small:
            rest = f"{account_label(account)}, rest" if large else account_label(account)
            chosen.append(_Layer(rest, tints[min(len(large), len(tints) - 1)], account, tuple(small)))
    return chosen


def _stack(ax: Axes, names: Sequence[str], periods: Sequence[PeriodReport], layers: Sequence[_Layer]) -> None:
    """Draw stacked bars, one for each period."""
    largest = max(sum(layer.energy_j(period) for layer in layers) for period in periods)
    factor, unit = si.axis_unit(largest, "J")
    places = range(len(periods))
    base = [0.0] * len(periods)
    edge = PAPER if len(periods) <= 60 else "none"
    for layer in layers:
        heights = [factor * layer.energy_j(period) for period in periods]
        ax.bar(places, heights, bottom=base, width=0.72, color=layer.colour, label=layer.label, edgecolor=edge)
        base = [below + height for below, height in zip(base, heights, strict=True)]
    every = -(-len(periods) // 20)
    ax.set_xticks(list(places)[::every], names[::every])
    ax.set_xlim(-0.7, max(len(periods) - 0.3, 1.7))
    ax.tick_params(axis="x", length=0)
    ax.set_ylabel(f"Energy ({unit})")
    ax.yaxis.set_major_locator(MaxNLocator(nbins=5))
    horizontal_grid(ax)


def energy_per_epoch(report: Report) -> Plot | None:
    """Plot the energy of each epoch, stacked by component, the first programming before them.

    Where the ledger counts the twin's memory, which mostly exceeds all else, the same is drawn a second time with it.
    """
    epochs = [(str(epoch.epoch), epoch) for epoch in report.epochs if any(epoch.energy_breakdown_j.values())]
    if not epochs:
        return None
    named: list[tuple[str, PeriodReport]] = [*epochs]
    if report.initialization is not None and report.initialization.energy_breakdown_j:
        named.insert(0, ("init", report.initialization))
    names, periods = [name for name, _ in named], [period for _, period in named]
    layers = _layers(_summed(periods))
    with_host = any(host_j(period) > 0 for period in periods)
    figure = new_figure(height_in=(5.2 if with_host else 3.1) + 0.19 * -(-len(layers) // 2))
    axes = figure.subplots(2 if with_host else 1, 1, squeeze=False, height_ratios=[3, 2] if with_host else None)[:, 0]
    _stack(axes[0], names, periods, [layer for layer in layers if layer.account != HOST])
    if with_host:
        _stack(axes[1], names, periods, layers)
        axes[0].set_title("Whole system: crossbar and controller")
        axes[1].set_title("With the memory of the twin on the host")
    axes[-1].set_xlabel("Epoch")
    handles, labels = axes[-1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, handlelength=1.0, columnspacing=1.6)
    caption = "Energy of each epoch by component."
    if with_host:
        caption += " The memory of the twin is added in the lower panel only."
    if len(named) > len(epochs):
        caption += " “init” is the first programming of all cells."
    return Plot("energy-epochs", "Energy by component, per epoch", caption, figure)


def _summed(periods: Sequence[PeriodReport]) -> PeriodReport:
    """Add up the components of several periods."""
    total: dict[str, float] = {}
    for period in periods:
        for name, energy_j in period.energy_breakdown_j.items():
            total[name] = total.get(name, 0.0) + energy_j
    return PeriodReport(energy_breakdown_j=total)


def energy_whole_run(report: Report) -> Plot | None:
    """Plot the energy of the whole run by component, with shares, on a logarithmic axis."""
    shown = sorted((part for part in parts(report.totals) if part.energy_j > 0), key=lambda part: part.energy_j)
    if not shown:
        return None
    figure = new_figure(height_in=0.9 + 0.25 * len(shown))
    ax = figure.add_subplot()
    largest = shown[-1].energy_j
    # Six decades hold everything that could matter; what is smaller starts at the left edge.
    left = max(shown[0].energy_j / 3, largest / 1e6)
    for row, part in enumerate(shown):
        colour = TINTS[part.account][0]
        at = max(part.energy_j, left)
        ax.hlines(row, left, at, color=colour, linewidth=2.2, alpha=0.45)
        ax.plot(at, row, "o", color=colour, markersize=6)
        text = f"{si.si(part.energy_j, 'J')} · {'not in the total' if part.account == HOST else si.share(part.share)}"
        ax.annotate(text, (at, row), (7, 0), textcoords="offset points", va="center", fontsize=8)
    ax.set_yticks(range(len(shown)), [part.label for part in shown])
    ax.set_xscale("log")
    # Room for the text beside the largest one, which is longer where it is the host's.
    ax.set_xlim(left, largest * (largest / left) ** (0.8 if shown[-1].account == HOST else 0.45))
    ax.set_ylim(-0.6, len(shown) - 0.4)
    ax.tick_params(axis="y", length=0)
    log_quantity_axis(ax, "J", left, largest)
    vertical_grid(ax)
    system_j = sum(part.energy_j for part in shown if part.account != HOST)
    caption = (
        f"Energy of the whole run by component on a logarithmic axis; the whole system takes {si.si(system_j, 'J')}."
    )
    return Plot("energy-run", "Energy by component, whole run", caption, figure)


PLOTS: Final = (
    RunPlot("energy-epochs", lambda run: energy_per_epoch(run.report)),
    RunPlot("energy-run", lambda run: energy_whole_run(run.report)),
)
