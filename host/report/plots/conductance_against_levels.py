"""Plot of the conductances at the end of a run against the levels that the cells should be at."""

import re
from collections.abc import Sequence
from typing import Final

import numpy as np
from matplotlib.ticker import FuncFormatter, NullLocator
from numpy.typing import NDArray

from twinbar.host.report import si
from twinbar.host.report.folder import FinalCells
from twinbar.host.report.plot_kinds import RunPlot
from twinbar.host.report.style import BLUE, GREY, MUTED, VERMILION, Plot, horizontal_grid, new_figure
from twinbar.host.report.tile_layout import blocks_of

_LINED_LEVELS: Final = 33
"""Most levels that are drawn as lines; more of them would hide the cells."""
_MOST_LAYERS: Final = 24
"""Most layers that have a drawing of their own: each adds some 60 kB to the page."""


def nearest_level(conductance_s: NDArray[np.float64], levels_s: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the level whose nominal conductance is nearest.

    Parameters
    ----------
    conductance_s : float array [cells]
        Conductances in siemens.
    levels_s : float array [levels]
        Nominal conductances in siemens, ascending.
    """
    return np.searchsorted((levels_s[1:] + levels_s[:-1]) / 2, conductance_s, side="right")


def conductance_histogram(cells: FinalCells | None) -> Plot | None:
    """Plot the conductances of the cells against the levels they should be at; of all layers, and of each."""
    if cells is None or not cells.mapped.any():
        return None
    layers = {block.title: sorted(block.tiles.values()) for block in blocks_of(cells.tile_names)}
    views: tuple[Plot, ...] = ()
    if 1 < len(layers) <= _MOST_LAYERS:
        views = tuple(
            _histogram(cells, tiles, f"conductance-{re.sub(r'[^A-Za-z0-9.]+', '-', title)}", f"Conductances of {title}")
            for title, tiles in layers.items()
            if cells.mapped[tiles].any()
        )
    return _histogram(cells, range(len(cells.tile_names)), "conductance", "Conductances against levels", views)


def _histogram(cells: FinalCells, tiles: Sequence[int], name: str, title: str, views: tuple[Plot, ...] = ()) -> Plot:
    of_these = np.zeros(len(cells.tile_names), bool)
    of_these[list(tiles)] = True
    here = cells.mapped & of_these[:, np.newaxis, np.newaxis]
    conductance_s = cells.conductance_s[here].astype(np.float64)
    target = cells.target_level[here]
    asked = target >= 0
    missed = asked & (nearest_level(conductance_s, cells.levels_s) != target)
    # The same axis for all layers.
    low = float(min(cells.conductance_s[cells.mapped].min(), cells.levels_s[0]))
    high = float(max(cells.conductance_s[cells.mapped].max(), cells.levels_s[-1]))
    factor, unit = si.axis_unit(high, "S")
    pad = 0.03 * (high - low) or 0.05 * high
    # About eight bins between neighbouring levels show the width of each peak.
    bins = np.linspace(low - pad, high + pad, 1 + min(max(8 * len(cells.levels_s), 120), 480)) * factor
    figure = new_figure(height_in=3.7)
    ax = figure.add_subplot()
    levels = cells.levels_s * factor
    for level in levels if len(levels) <= _LINED_LEVELS else ():
        ax.axvline(level, color=MUTED, linewidth=0.6, linestyle=(0, (3, 2)), zorder=1)
    on_target = asked & ~missed
    groups = (
        (f"nearest to the level asked for ({si.count(on_target.sum())})", on_target, BLUE),
        (f"nearer to another level ({si.count(missed.sum())})", missed, VERMILION),
        (f"never asked for a level ({si.count((~asked).sum())})", ~asked, GREY),
    )
    for label, chosen, colour in groups:
        if chosen.any():
            filled = colour != GREY
            counts, _ = np.histogram(conductance_s[chosen] * factor, bins)
            ax.stairs(counts, bins, fill=filled, color=colour, label=label, alpha=0.9, linewidth=1.2)
    ax.set_yscale("log")
    ax.set_ylim(bottom=0.7)
    ax.set_xlim(bins[0], bins[-1])
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: si.count(value)))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.set_xlabel(f"Conductance ({unit})")
    ax.set_ylabel("Cells")
    horizontal_grid(ax)
    top = ax.secondary_xaxis("top")
    every = -(-len(levels) // 17)
    top.set_xticks(levels[::every], [str(index) for index in range(0, len(levels), every)])
    top.tick_params(length=2, labelsize=7.5, colors=MUTED, pad=1)
    top.spines["top"].set_visible(False)
    top.set_xlabel("Level", fontsize=8, color=MUTED, labelpad=2)
    figure.legend(loc="outside lower center", ncols=1, handlelength=1.2)
    fraction = float(missed.sum() / max(asked.sum(), 1))
    caption = (
        f"Conductance of the {conductance_s.size:,} mapped cells against the {len(levels)} nominal levels. "
        f"{si.share(fraction)} of the cells lie nearer to another level than to the one asked for: "
        "relaxation, failed writes, stuck cells."
    )
    return Plot(name, title, caption, figure, views=views)


PLOTS: Final = (RunPlot("conductance", lambda run: conductance_histogram(run.cells)),)
