"""The figures of a sweep: accuracy against each cost, and all settings in parallel coordinates."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.ticker import FuncFormatter, MaxNLocator

from twinbar.host.experiment.search_space import shown_value
from twinbar.host.experiment.sweep_figures import COSTS, FIGURES
from twinbar.host.report import si
from twinbar.host.report.style import BLUE, GREY, MUTED, PAPER, SKY, VERMILION, WIDE_IN, Plot, drawing, new_figure
from twinbar.host.report.sweep_tables import accuracy_of, front_of, goals_of, ranked

_LOG_ABOVE: Final = 20.0
"""Spread of costs from which their axis is logarithmic."""
_RANKS: Final = LinearSegmentedColormap.from_list("ranks", [SKY, GREY, VERMILION])
"""From the worst to the best; each stands out on light and on dark pages."""
_LONG: Final = 1e5
"""Counts from which the labels of an axis would run into one another, written in full."""
_ROOM: Final = 2.0
"""Percent beyond 0 and 100 that an axis of percentages shows, for dots that lie there."""
_MOST_NAMES: Final = 12
"""Values that an axis of names labels."""


def draw_sweep(result: Mapping[str, Any]) -> list[Plot]:
    """Draw the figures of a sweep that have something to show."""
    points = ranked(result)
    by = accuracy_of(result)
    if by is None or not points:
        return []
    with drawing():
        plots = [_against_costs(points, by), _parallel(result, points, by)]
    return [plot for plot in plots if plot is not None]


def _scaled(name: str, value: float) -> float:
    return 100 * value if FIGURES[name].unit == "%" else value


def _axis_text(name: str, value: float) -> str:
    unit = FIGURES[name].unit
    if unit == "%":
        return f"{value:.4g}"
    if unit or abs(value) >= _LONG:
        return si.si(value, unit, 2)
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _label(name: str) -> str:
    figure = FIGURES[name]
    return f"{figure.label} (%)" if figure.unit == "%" else figure.label


def _against_costs(points: Sequence[Mapping[str, Any]], by: str) -> Plot | None:
    """Plot what was learnt against each cost, with the settings that none beats at both as a line."""
    costs = [name for name in COSTS if any({by, name} <= point["figures"].keys() for point in points)]
    if not costs:
        return None
    rows = -(-len(costs) // 3)
    figure = new_figure(WIDE_IN, 2.7 * rows)
    axes = figure.subplots(rows, 3, sharey=True, squeeze=False)
    for ax, name in zip(axes.flat, costs, strict=False):
        _one_cost(ax, points, by, name)
    for ax in axes.flat[len(costs) :]:
        ax.set_visible(False)
    for ax in axes[:, 0]:
        ax.set_ylabel(_label(by))
    caption = (
        f"{FIGURES[by].label} against each cost of a setting. Dots are means over seeds, grey lines 95 % intervals; "
        "the stepped line is the Pareto front."
    )
    return Plot("pareto", f"{FIGURES[by].label} against cost", caption, figure, wide=True)


def _one_cost(ax: Axes, points: Sequence[Mapping[str, Any]], by: str, cost: str) -> None:
    having = [point["figures"] for point in points if cost in point["figures"] and by in point["figures"]]
    x = np.array([figures[cost]["mean"] for figures in having])
    y = np.array([_scaled(by, figures[by]["mean"]) for figures in having])
    for figures, across, up in zip(having, x, y, strict=True):
        for name, horizontal in ((cost, True), (by, False)):
            if figures[name]["low"] is None:
                continue
            low, high = (_scaled(name, figures[name][end]) for end in ("low", "high"))
            ends = ([low, high], [up, up]) if horizontal else ([across, across], [low, high])
            ax.plot(*ends, color=MUTED, linewidth=0.8, alpha=0.6)
    front = front_of([{"figures": figures} for figures in having], (by, cost))
    ax.scatter(x, y, s=16, color=BLUE, zorder=3)
    if front:
        order = sorted(front, key=lambda number: x[number])
        ax.step(x[order], y[order], where="post", color=VERMILION, linewidth=1.2, zorder=2, label=_label(by))
        ax.scatter(x[order], y[order], s=22, color=VERMILION, zorder=4)
    if x.min() > 0 and x.max() > _LOG_ABOVE * x.min():
        ax.set_xscale("log")
    else:
        ax.set_xlim(*_limits(x, cost))
        ax.xaxis.set_major_locator(MaxNLocator(nbins=4))
    ax.set_ylim(*_limits(y, by))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _axis_text(cost, value)))
    ax.set_xlabel(FIGURES[cost].label)


def _limits(means: "np.ndarray[Any, Any]", name: str) -> tuple[float, float]:
    """Return the ends of an axis: intervals of few seeds are wide, and must not push the means together."""
    low, high = float(means.min()), float(means.max())
    margin = 0.4 * (high - low) or 0.1 * abs(high) or 1.0
    if FIGURES[name].unit == "%":
        return max(low - margin, -_ROOM), min(high + margin, 100 + _ROOM)
    return low - margin, high + margin


def _parallel(result: Mapping[str, Any], points: Sequence[Mapping[str, Any]], by: str) -> Plot | None:
    """Plot every setting as a line through the keys that are varied and the figures that it came to."""
    keys = [axis["key"] for axis in result["space"]]
    names = [by, *(name for name in goals_of(result) if name != by)]
    having = [point for point in points if all(name in point["figures"] for name in names)]
    if not keys or len(having) < 2:
        return None
    columns = [_setting_axis(key, [point["settings"].get(key) for point in having]) for key in keys]
    columns += [_figure_axis(name, [point["figures"][name]["mean"] for point in having]) for name in names]
    figure = new_figure(WIDE_IN, 4.0)
    ax = figure.add_subplot()
    heights = np.array([column[1] for column in columns]).T
    rank = np.argsort(np.argsort(heights[:, len(keys)])) / max(1, len(having) - 1)
    rank = rank if FIGURES[by].more_is_better else 1 - rank
    segments = [list(zip(range(len(columns)), line, strict=True)) for line in heights]
    lines = LineCollection(segments, array=rank, cmap=_RANKS, linewidths=1.2, alpha=0.85)
    ax.add_collection(lines)
    ax.set_xlim(-0.25, len(columns) - 0.6)
    ax.set_ylim(-0.06, 1.06)
    ax.set_yticks([])
    ax.grid(False)
    ax.spines["left"].set_visible(False)
    ax.set_xticks(range(len(columns)), [column[0] for column in columns])
    ax.tick_params(axis="x", length=0)
    for place, (_, _, ticks) in enumerate(columns):
        ax.axvline(place, color=MUTED, linewidth=0.8)
        for height, text in ticks:
            box = {"facecolor": PAPER, "edgecolor": "none", "alpha": 0.75, "pad": 1.0}
            ax.annotate(text, (place, height), (5, 0), textcoords="offset points", va="center", fontsize=8, bbox=box)
    bar = figure.colorbar(lines, ax=ax, fraction=0.02, pad=0.01, ticks=[0, 1])
    bar.ax.set_yticklabels(["worst", "best"])
    caption = (
        f"Each line is one setting, with its values and its results; colour is its rank in {FIGURES[by].label.lower()}."
    )
    return Plot("parallel-coordinates", "Settings and results", caption, figure, wide=True)


_Column = tuple[str, list[float], list[tuple[float, str]]]
"""Its name, a height from 0 to 1 for each line, and the heights that are labelled."""


def _setting_axis(key: str, values: Sequence[Any]) -> _Column:
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        distinct = sorted(set(values))
        low, high = distinct[0], distinct[-1]
        log = low > 0 and high > _LOG_ABOVE * low

        def height(value: float) -> float:
            if high == low:
                return 0.5
            return float(np.log(value / low) / np.log(high / low) if log else (value - low) / (high - low))

        shown = distinct if len(distinct) <= _MOST_NAMES else [low, high]
        return key, [height(value) for value in values], [(height(value), f"{value:.4g}") for value in shown]
    names = list(dict.fromkeys(shown_value(value) for value in values))
    places = {name: number / max(1, len(names) - 1) for number, name in enumerate(names)}
    ticks = [(places[name], name) for name in names[:_MOST_NAMES]]
    return key, [places[shown_value(value)] for value in values], ticks


def _figure_axis(name: str, values: Sequence[float]) -> _Column:
    low, high = min(values), max(values)
    spread = (high - low) or 1.0
    ticks = [((value - low) / spread, _axis_text(name, _scaled(name, value))) for value in dict.fromkeys((low, high))]
    return _label(name), [(value - low) / spread for value in values], ticks
