"""Plots of the pulses that the cells have seen: a map of every cell, and their distribution."""

from typing import Any, Final

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.colors import LogNorm
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, NullLocator
from numpy.typing import NDArray

from twinbar.host.report import si
from twinbar.host.report.folder import FinalCells
from twinbar.host.report.plot_kinds import RunPlot
from twinbar.host.report.style import (
    BLUE,
    GREY,
    INK,
    MUTED,
    VERMILION,
    WIDE_IN,
    WIDTH_IN,
    Plot,
    TilePixels,
    new_figure,
)
from twinbar.host.report.tile_layout import PlacedBlock, TileMap, lay_out

_PIXELS: Final = 1_500_000
"""Largest number of cells that are drawn one by one; above it each pixel shows the most worn of a square of cells."""
_NEVER: Final = "#c9d0d6"
"""Cells without a single pulse."""


def _pooled(values: NDArray[np.float64], side: int) -> NDArray[np.float64]:
    """Take the maximum over squares of ``side`` cells of each tile; NaN where a square has no cell."""
    if side == 1:
        return values
    tiles, rows, columns = values.shape
    pad = ((0, 0), (0, -rows % side), (0, -columns % side))
    padded = np.pad(values, pad, constant_values=np.nan)
    squares = padded.reshape(tiles, padded.shape[1] // side, side, padded.shape[2] // side, side)
    filled = np.where(np.isnan(squares), -1.0, squares).max(axis=(2, 4))
    return np.where(filled < 0, np.nan, filled)


def _laid_out(names: tuple[str, ...], rows: int, columns: int) -> tuple[TileMap, float]:
    """Place the tiles on half the page or, where the map is broad, on the whole; gives the width in inches too."""
    for width_in in (WIDTH_IN, WIDE_IN):
        tile_map = lay_out(names, rows, columns, 72 * width_in)
        if tile_map.width <= 1.5 * tile_map.height:
            break
    return tile_map, width_in


def wear_map(cells: FinalCells | None) -> Plot | None:
    """Plot the pulses that every cell has seen, tile by tile, on one scale."""
    if cells is None or not cells.mapped.any():
        return None
    pulses = np.where(cells.mapped, cells.pulses.astype(np.float64), np.nan)
    side = max(1, int(np.ceil((pulses.size / _PIXELS) ** 0.5)))
    tiles = _pooled(pulses, side)
    _, rows, columns = tiles.shape
    tile_map, width_in = _laid_out(cells.tile_names, rows, columns)
    image = np.full((tile_map.height, tile_map.width), np.nan)
    outlines = []
    pixels = []
    for placed in tile_map.blocks:
        for (row, column), index in placed.block.tiles.items():
            x, y = placed.corner(row, column)
            image[y : y + rows, x : x + columns] = tiles[index]
            outlines.append(Rectangle((x - 0.5, y - 0.5), columns, rows))
            pixels.append(TilePixels(cells.tile_names[index], x, y, tiles[index]))

    points_per_pixel = 72 * width_in / tile_map.width
    figure = new_figure(width_in, min(width_in * tile_map.height / tile_map.width + 0.55, 11.0))
    ax = figure.add_subplot()
    highest = float(np.nanmax(pulses))
    colours = matplotlib.colormaps["viridis"].with_extremes(bad="none", under=_NEVER)
    # Zero has no logarithm; it lies under the scale and has a colour of its own.
    shown = np.ma.masked_invalid(np.where(image == 0, 0.5, image))
    picture = ax.imshow(shown, cmap=colours, norm=LogNorm(1, max(highest, 2.0)), interpolation="none")
    ax.add_collection(PatchCollection(outlines, facecolor="none", edgecolor=MUTED, linewidth=0.5))
    for placed in tile_map.blocks:
        _label(ax, placed, rows, columns, points_per_pixel)
    ax.set_xlim(-0.5, tile_map.width - 0.5)
    ax.set_ylim(tile_map.height - 0.5, -0.5)
    ax.set_axis_off()
    bar = figure.colorbar(picture, ax=ax, location="bottom", extend="min", aspect=40, shrink=0.9, pad=0.02)
    bar.set_label("Pulses per cell")
    bar.ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: si.count(value)))
    bar.ax.xaxis.set_minor_locator(NullLocator())
    bar.outline.set_visible(False)
    never = float(np.mean(cells.pulses[cells.mapped] == 0))
    caption = (
        f"Pulses that each cell has seen, tile by tile on one scale: mean {si.ratio(float(np.nanmean(pulses)))}, "
        f"highest {highest:,.0f}. Grey cells ({si.share(never)}) have never been pulsed; empty places hold no weights."
    )
    if side > 1:
        caption += f" Each pixel shows the most worn of {side} × {side} cells."
    return Plot("wear-map", "Wear of every cell", caption, figure, width_in == WIDE_IN, tuple(pixels))


def _label(ax: Axes, placed: PlacedBlock, rows: int, columns: int, points_per_pixel: float) -> None:
    """Name the tiles of a block: numbers beside its rows and columns, or a name above each tile."""
    block = placed.block
    point = 1 / points_per_pixel
    if block.labels is not None:
        longest = max(len(label) for label in block.labels.values())
        size = min(7.5, 1.5 * columns * points_per_pixel / longest)
        for (row, column), index in block.tiles.items():
            x, y = placed.corner(row, column)
            ax.text(x, y - 1.5 * point, block.labels[index], fontsize=max(size, 2.5), va="bottom", ha="left")
        ax.text(placed.x, placed.y - 13 * point, block.title, fontweight="bold", va="bottom", ha="left")
        return
    ax.text(placed.x, placed.y - 14 * point, block.title, fontweight="bold", va="bottom", ha="left")
    every_column = max(1, round(20 * point / placed.pitch_x))
    every_row = max(1, round(11 * point / placed.pitch_y))
    style: dict[str, Any] = {"fontsize": 7.5, "color": MUTED}
    for column in range(0, block.columns, every_column):
        x, y = placed.corner(0, column)
        ax.text(x + columns / 2, y - 3 * point, f"c{column}", va="bottom", ha="center", **style)
    for row in range(0, block.rows, every_row):
        x, y = placed.corner(row, 0)
        ax.text(x - 3 * point, y + rows / 2, f"r{row}", va="center", ha="right", **style)


def wear_distribution(cells: FinalCells | None) -> Plot | None:
    """Plot how many cells have seen at least so many pulses: what an endurance limit is held against."""
    if cells is None or not cells.mapped.any():
        return None
    pulses = np.sort(cells.pulses[cells.mapped].astype(np.int64))
    values, first = np.unique(pulses, return_index=True)
    at_least = (len(pulses) - first)[values > 0]
    values = values[values > 0]
    if not len(values):
        return None
    figure = new_figure(height_in=3.2)
    ax = figure.add_subplot()
    # Between two observed numbers of pulses the fraction is that of the larger one; beyond the largest it is none.
    corners = np.concatenate(([1], values, values[-1:]))
    heights = np.concatenate((at_least[:1], at_least, [0.5])) / len(pulses)
    ax.step(corners, heights, where="pre", color=BLUE)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlim(1, max(2.0, values[-1] * 1.6))
    ax.set_ylim(0.6 / len(pulses), 1.4)
    for name, value, colour in (
        ("median", float(np.median(pulses)), GREY),
        ("mean", float(np.mean(pulses)), INK),
        ("worst", float(values[-1]), VERMILION),
    ):
        if value >= 1:
            ax.axvline(value, color=colour, linewidth=1.1, linestyle="--", label=f"{name}: {si.ratio(value)}")
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: si.count(value)))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g} %"))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_minor_locator(NullLocator())
    ax.set_xlabel("Pulses")
    ax.set_ylabel("Cells with at least so many")
    ax.legend(loc="lower left")
    caption = (
        f"Fraction of the {len(pulses):,} mapped cells that have seen at least so many pulses; "
        f"the most worn cell has seen {values[-1]:,}."
    )
    return Plot("wear-distribution", "Wear distribution", caption, figure)


PLOTS: Final = (
    RunPlot("wear-map", lambda run: wear_map(run.cells)),
    RunPlot("wear-distribution", lambda run: wear_distribution(run.cells)),
)
