"""Plots of learning and of sparse updates: accuracy, loss, updates per step."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedFormatter, FixedLocator, FuncFormatter, MaxNLocator, NullLocator
from numpy.typing import NDArray

from twinbar.host.report import si
from twinbar.host.report.downsample import binned
from twinbar.host.report.folder import Steps
from twinbar.host.report.plot_kinds import ComparePlot, RunPlot
from twinbar.host.report.schema import Epoch, Report
from twinbar.host.report.style import (
    BLUE,
    DASHES,
    MUTED,
    SERIES,
    VERMILION,
    Plot,
    horizontal_grid,
    new_figure,
)

_ELIMINATIONS: Final = (0.0, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999999)
_LEAST_POINTS: Final = 1.0
"""Least height of an accuracy axis in percentage points, so that noise does not look like progress."""
_COUNT_TICKS: Final = (0, 1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10)


def _percent_axis(ax: Axes) -> None:
    low, high = ax.get_ylim()
    if high - low < _LEAST_POINTS:
        middle = (low + high) / 2
        low, high = middle - _LEAST_POINTS / 2, middle + _LEAST_POINTS / 2
    # A margin above all samples would suggest that more than all can be right.
    ax.set_ylim(max(low, -1.0), min(high, 100.5))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} %"))


def _epoch_axis(ax: Axes, epochs: Sequence[int]) -> None:
    ax.set_xlabel("Epoch")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    first, last = min(epochs), max(epochs)
    margin = 0.5 if first == last else 0.04 * (last - first)
    ax.set_xlim(first - margin, last + margin)


def _accuracies(epochs: Sequence[Epoch], name: str) -> tuple[list[int], list[float]]:
    """Return epochs and accuracies in percent, epochs without one left out."""
    points = [(epoch.epoch, getattr(epoch, name)) for epoch in epochs if getattr(epoch, name) is not None]
    return [epoch for epoch, _ in points], [100 * value for _, value in points]


def accuracy(report: Report) -> Plot | None:
    """Plot the test accuracy of crossbar and float twin after each epoch."""
    series = [
        ("crossbar" if report.on_crossbar else "float network", "test_accuracy", BLUE, "o", "-"),
        ("float twin", "twin_test_accuracy", VERMILION, "s", "--"),
    ]
    figure = new_figure()
    ax = figure.add_subplot()
    told = []
    for label, name, colour, marker, line in series if report.on_crossbar else series[:1]:
        x, y = _accuracies(report.epochs, name)
        if not x:
            continue
        label_at_end = f"{label} ({y[-1]:.2f} %)"
        every = max(1, len(x) // 25)
        ax.plot(x, y, line, marker=marker, color=colour, label=label_at_end, markevery=every)
        told.append(f"{label} {y[-1]:.2f} %")
    if not told:
        return None
    _epoch_axis(ax, [epoch.epoch for epoch in report.epochs])
    _percent_axis(ax)
    ax.set_ylabel("Test accuracy")
    ax.legend(loc="best")
    horizontal_grid(ax)
    caption = f"Test accuracy after each epoch; at the end {' and '.join(told)}."
    if report.on_crossbar:
        caption += " The crossbar's forward pass has all its noise; the twin is the float network at the same moment."
    return Plot("accuracy", "Accuracy of crossbar and twin" if report.on_crossbar else "Accuracy", caption, figure)


def metric(report: Report) -> Plot | None:
    """Plot the figure of merit of crossbar and float twin after each epoch, where it is no accuracy."""
    shown = [(epoch.epoch, epoch.test_metric) for epoch in report.epochs if epoch.test_metric is not None]
    if not shown:
        return None
    name = report.metric or "metric"
    figure = new_figure()
    ax = figure.add_subplot()
    x, crossbar = [number for number, _ in shown], [value for _, value in shown]
    told = f"{'crossbar' if report.on_crossbar else 'float network'} {crossbar[-1]:.4g}"
    ax.plot(x, crossbar, "-", marker="o", color=BLUE, label=told)
    twin = [epoch.twin_test_metric for epoch in report.epochs if epoch.twin_test_metric is not None]
    if report.on_crossbar and len(twin) == len(x):
        label = f"float twin {twin[-1]:.4g}"
        ax.plot(x, twin, "--", marker="s", color=VERMILION, label=label)
        told += f" and {label}"
    _epoch_axis(ax, x)
    ax.set_ylabel(f"Test {name}")
    ax.legend(loc="best")
    horizontal_grid(ax)
    return Plot("metric", f"Test {name}", f"Test {name} after each epoch; at the end {told}.", figure)


def _epoch_marks(ax: Axes, epochs: NDArray[np.int64]) -> None:
    """Draw a line where an epoch begins, unless there are too many to be told apart."""
    starts = np.flatnonzero(np.diff(epochs)) + 1
    if 0 < len(starts) <= 30:
        for start in starts:
            ax.axvline(start + 0.5, color=MUTED, linewidth=0.6, linestyle=(0, (2, 3)), zorder=1)


def _step_axis(ax: Axes, steps: int) -> None:
    ax.set_xlabel("Optimizer step")
    ax.set_xlim(0.5, steps + 0.5 if steps > 1 else 1.5)
    ax.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True, min_n_ticks=1))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    horizontal_grid(ax)


def _draw_series(ax: Axes, values: NDArray[np.float64], colour: str, label: str, thickness: float = 1.3) -> int:
    """Draw a series as mean and band of extremes; gives the number of steps in one bin."""
    series = binned(values)
    if series.width > 1:
        ax.fill_between(series.position, series.low, series.high, color=colour, alpha=0.22, linewidth=0)
    marker = "o" if len(series.mean) == 1 else None
    ax.plot(series.position, series.mean, color=colour, linewidth=thickness, label=label, marker=marker)
    return series.width


def _band_note(width: int) -> str:
    return f" Lines are means over {width} steps, bands reach from minimum to maximum." if width > 1 else ""


def loss(steps: Steps | None) -> Plot | None:
    """Plot the training loss of every optimizer step."""
    if steps is None or len(steps) == 0 or np.isnan(steps.loss).all():
        return None
    figure = new_figure()
    ax = figure.add_subplot()
    width = _draw_series(ax, steps.loss, BLUE, "loss")
    _epoch_marks(ax, steps.epoch)
    _step_axis(ax, len(steps))
    if np.nanmin(steps.loss) > 0 and np.nanmax(steps.loss) > 20 * np.nanmin(steps.loss):
        ax.set_yscale("log")
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        ax.yaxis.set_minor_locator(NullLocator())
    ax.set_ylabel("Training loss")
    return Plot("loss", "Training loss", f"Training loss of each optimizer step.{_band_note(width)}", figure)


def _log_counts(ax: Axes, largest: float) -> None:
    """Give the vertical axis a logarithmic scale of counts that also has a place for zero."""
    ax.set_yscale("symlog", linthresh=1, linscale=0.4)
    ticks = [tick for tick in _COUNT_TICKS if tick <= max(largest, 1) * 1.01]
    ax.yaxis.set_major_locator(FixedLocator(ticks))
    ax.yaxis.set_major_formatter(FixedFormatter([si.si(tick, "", 1) or "0" for tick in ticks]))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.set_ylim(0, max(largest, 1) * 1.6)


def _elimination_axis(ax: Axes, things: int) -> None:
    """Add a right-hand axis that reads updates per step as update elimination."""
    other = ax.twinx()
    other.set_yscale("symlog", linthresh=1, linscale=0.4)
    other.set_ylim(ax.get_ylim())
    places = [(things * (1 - value), f"{100 * value:g} %") for value in _ELIMINATIONS]
    places = [(place, text) for place, text in places if 1 <= place <= ax.get_ylim()[1]]
    places.append((0.0, "100 %"))
    other.yaxis.set_major_locator(FixedLocator([place for place, _ in places]))
    other.yaxis.set_major_formatter(FixedFormatter([text for _, text in places]))
    other.yaxis.set_minor_locator(NullLocator())
    other.set_ylabel("Update elimination")
    other.grid(False)
    other.spines["right"].set_visible(True)


def updates(report: Report, steps: Steps | None) -> Plot | None:
    """Plot weight updates and cell writes of every optimizer step, with the update elimination they mean."""
    if steps is None or len(steps) == 0 or not report.on_crossbar or np.isnan(steps.weight_updates).all():
        return None
    figure = new_figure()
    ax = figure.add_subplot()
    width = 1
    if not np.isnan(steps.cell_writes).all():
        # Without retries and with one cell per update both lines are one; the thicker is seen behind the other.
        _draw_series(ax, steps.cell_writes, VERMILION, "cell writes, retries included", 3.0)
    width = _draw_series(ax, steps.weight_updates, BLUE, "weight updates")
    weights = next((epoch.weights for epoch in report.epochs if epoch.weights), None)
    _epoch_marks(ax, steps.epoch)
    _step_axis(ax, len(steps))
    _log_counts(ax, float(np.nanmax([np.nanmax(steps.weight_updates), np.nan_to_num(steps.cell_writes).max()])))
    ax.set_ylabel("Updates and writes per step")
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0.2)
    caption = "Weights whose level changed, and closed-loop writes issued, at each optimizer step."
    if weights and not report.totals.untrained_weight_steps:
        _elimination_axis(ax, weights)
        caption += f" The right-hand scale reads the weight updates as update elimination, of {weights:,} weights."
    return Plot("updates", "Updates per step", caption + _band_note(width), figure)


def policy_accuracy(reports: Mapping[str, Report]) -> Plot | None:
    """Plot the test accuracy after each epoch for several policies."""
    if max((len(report.epochs) for report in reports.values()), default=0) < 2:
        return None
    figure = new_figure()
    ax = figure.add_subplot()
    epochs: list[int] = []
    for (name, report), (colour, line) in zip(reports.items(), _looks(len(reports)), strict=True):
        x, y = _accuracies(report.epochs, "test_accuracy")
        if x:
            label = f"{name} ({y[-1]:.2f} %)"
            ax.plot(x, y, line, marker="o", color=colour, label=label, markevery=max(1, len(x) // 25))
            epochs += x
    if not epochs:
        return None
    _epoch_axis(ax, epochs)
    _percent_axis(ax)
    ax.set_ylabel("Test accuracy")
    ax.legend(loc="best")
    horizontal_grid(ax)
    caption = "Test accuracy after each epoch: the crossbar's, or that of the network itself for the policy float."
    return Plot("accuracy-epochs", "Accuracy per epoch", caption, figure)


def policy_writes(steps: Mapping[str, Steps]) -> Plot | None:
    """Plot the cell writes of every optimizer step for several policies."""
    shown = {name: table for name, table in steps.items() if len(table) and not np.isnan(table.cell_writes).all()}
    if not shown:
        return None
    figure = new_figure()
    ax = figure.add_subplot()
    width = 1
    for index, ((name, table), (colour, _)) in enumerate(zip(shown.items(), _looks(len(shown)), strict=True)):
        # Policies that write every cell at every step lie upon one another: the later line is the thinner one.
        thickness = 1.3 + 1.5 * (len(shown) - 1 - index)
        width = max(width, _draw_series(ax, table.cell_writes, colour, name, thickness))
    longest = max(shown.values(), key=len)
    _epoch_marks(ax, longest.epoch)
    _step_axis(ax, len(longest))
    _log_counts(ax, max(float(np.nanmax(table.cell_writes)) for table in shown.values()))
    ax.set_ylabel("Cell writes per step")
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, borderaxespad=0.2)
    caption = f"Closed-loop writes issued at each optimizer step, retries included.{_band_note(width)}"
    return Plot("writes", "Cell writes per step", caption, figure)


def _looks(size: int) -> list[tuple[str, str]]:
    """Return colour and line style of each of several series."""
    return [(SERIES[index % len(SERIES)], DASHES[index % len(DASHES)]) for index in range(size)]


PLOTS: Final = (
    RunPlot("accuracy", lambda run: accuracy(run.report)),
    RunPlot("metric", lambda run: metric(run.report)),
    RunPlot("loss", lambda run: loss(run.steps)),
    RunPlot("updates", lambda run: updates(run.report, run.steps)),
    ComparePlot("accuracy-epochs", lambda folder: policy_accuracy(folder.compare.policies)),
    ComparePlot(
        "writes",
        lambda folder: policy_writes({name: run.steps for name, run in folder.runs.items() if run.steps is not None}),
    ),
)
