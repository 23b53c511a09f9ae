"""What a page shows under the cursor: the values of a plot, each with its place in the drawing.

Places are fractions of the drawing's width and height, from its upper left corner, so that the page needs to know
nothing of scales. Series get an id in the drawing, by which the page hides and shows them.
"""

import base64
import csv
import io
import math
import zlib
from collections.abc import Sequence
from typing import Any, Final

import matplotlib.colors
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.collections import PolyCollection
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import StepPatch
from matplotlib.ticker import FuncFormatter

from twinbar.host.report.style import TilePixels, page_colour

_NO_CELL: Final = 65535
_MOST_POINTS: Final = 1000
"""Of a line; a drawing is no wider than that many pixels."""


def plot_data(figure: Figure) -> list[dict[str, Any]]:
    """Return the values of a figure that is laid out, and name its series.

    Returns
    -------
    list of dict
        For each pair of axes that has something to tell: ``box`` (left, top, right, bottom), ``x`` and ``y`` (their
        labels), ``lines`` (``label``, ``colour``, ``id``, and ``points`` as [left, top, x, y]) and ``bars`` (``label``,
        ``box``, ``value``). Values are numbers, or texts where the axis writes them in a way of its own.
    """
    found = []
    for number, ax in enumerate(figure.axes):
        lines = [_series(ax, artist, f"series-{number}-{place}") for place, artist in enumerate(_drawn(ax))]
        bars = [bar for group in ax.containers if isinstance(group, BarContainer) for bar in _bars(ax, group)]
        if not lines and not bars:
            continue
        place = ax.get_position()
        found.append(
            {
                "box": _rounded(place.x0, 1 - place.y1, place.x1, 1 - place.y0),
                "x": _label(ax.xaxis),
                "y": _label(ax.yaxis),
                "lines": lines,
                "bars": bars,
            }
        )
    return found


def tile_data(figure: Figure, tiles: Sequence[TilePixels]) -> dict[str, Any] | None:
    """Return the tiles of a drawing of cells for the page; None where it has none.

    Returns
    -------
    dict
        ``tiles`` (``name``, ``box``, ``rows``, ``columns``), and ``values``: all of them one behind the other as 16-bit
        words, compressed (zlib) and in base64. 65535 stands for no cell, 65534 for that many and more.
    """
    if not tiles:
        return None
    listed, words = [], []
    for tile in tiles:
        rows, columns = tile.values.shape
        corners = np.array([[tile.x, tile.y], [tile.x + columns, tile.y + rows]]) - 0.5
        (left, top), (right, bottom) = _places(figure.axes[0], corners)
        listed.append({"name": tile.name, "box": _rounded(left, top, right, bottom), "rows": rows, "columns": columns})
        counts = np.minimum(np.nan_to_num(tile.values), _NO_CELL - 1)
        words.append(np.where(np.isnan(tile.values), _NO_CELL, counts).astype("<u2").tobytes())
    return {"tiles": listed, "values": base64.b64encode(zlib.compress(b"".join(words), 9)).decode("ascii")}


def values_csv(values: list[dict[str, Any]]) -> str:
    """Return the values of a plot as a table: one row for each point of a series, and for each bar."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(("axes", "series", "x", "y"))
    for axes in values:
        of = " against ".join(filter(None, (axes["y"], axes["x"])))
        table.writerows((of, line["label"], x, y) for line in axes["lines"] for *_, x, y in line["points"])
        table.writerows((of, "", bar["label"], bar["value"]) for bar in axes["bars"])
    return text.getvalue()


def _label(axis: Axis) -> str:
    return " ".join(axis.get_label_text().split())


def _drawn(ax: Axes) -> list[Line2D | StepPatch]:
    """Return the series: lines other than marks of one place, and histograms."""
    lines = [line for line in ax.get_lines() if not _is_mark(line)]
    return [*lines, *(patch for patch in ax.patches if isinstance(patch, StepPatch))]


def _is_mark(line: Line2D) -> bool:
    values = np.asarray(line.get_xydata(), dtype=float)
    if len(values) < 2:
        return str(line.get_label()).startswith("_")
    return len(values) == 2 and bool((values[0] == values[1]).any())


def _values(artist: Line2D | StepPatch) -> np.ndarray:
    if isinstance(artist, Line2D):
        return np.asarray(artist.get_xydata(), dtype=float)
    counts, edges, _ = artist.get_data()
    return np.column_stack([(edges[:-1] + edges[1:]) / 2, counts])


def _colour(artist: Line2D | StepPatch) -> Any:
    if isinstance(artist, Line2D):
        return artist.get_color()
    return artist.get_facecolor() if artist.get_fill() else artist.get_edgecolor()


def _series(ax: Axes, artist: Line2D | StepPatch, name: str) -> dict[str, Any]:
    artist.set_gid(name)
    colour = matplotlib.colors.to_hex(_colour(artist))
    for place, band in enumerate(ax.collections):
        faces = np.asarray(band.get_facecolor()) if isinstance(band, PolyCollection) else np.empty(0)
        if len(faces) and matplotlib.colors.to_hex(tuple(faces[0])) == colour:
            band.set_gid(f"{name}-band-{place}")
    values = _values(artist)
    values = values[np.isfinite(values).all(axis=1)]
    values = values[:: max(1, math.ceil(len(values) / _MOST_POINTS))]
    points = [
        [*_rounded(left, top), _shown(ax.xaxis, x), _shown(ax.yaxis, y)]
        for (left, top), (x, y) in zip(_places(ax, values), values, strict=True)
    ]
    own = str(artist.get_label())
    return {
        "label": _label(ax.yaxis) if own.startswith("_") or not own else own,
        "colour": page_colour(colour),
        "id": name,
        "points": points,
    }


def _shown(axis: Axis, value: float) -> float | str:
    """Return a value as its axis writes it, where it has a way of its own for any value."""
    formatter = axis.get_major_formatter()
    if not isinstance(formatter, FuncFormatter):
        return float(f"{value:.6g}")
    # One that writes nothing knows its ticks only, which are names.
    return formatter(value) or _nearest(_categories(axis), value)


def _bars(ax: Axes, group: BarContainer) -> list[dict[str, Any]]:
    lying = group.orientation == "horizontal"
    categories = _categories(ax.yaxis if lying else ax.xaxis)
    own = str(group.get_label())
    found = []
    for bar in group.patches:
        box = bar.get_bbox()
        (left, top), (right, bottom) = _places(ax, np.array([[box.x0, box.y1], [box.x1, box.y0]]))
        middle = (box.y0 + box.y1) / 2 if lying else (box.x0 + box.x1) / 2
        names = [_nearest(categories, middle), "" if own.startswith("_") else own]
        found.append(
            {
                "label": ", ".join(filter(None, names)),
                "box": _rounded(min(left, right), min(top, bottom), max(left, right), max(top, bottom)),
                "value": float(f"{box.width if lying else box.height:.6g}"),
            }
        )
    return found


def _categories(axis: Axis) -> dict[float, str]:
    """Places and texts of the ticks of an axis."""
    texts = [label.get_text() for label in axis.get_majorticklabels()]
    return {float(place): text for place, text in zip(axis.get_majorticklocs(), texts, strict=False) if text}


def _nearest(categories: dict[float, str], at: float) -> str:
    return categories[min(categories, key=lambda place: abs(place - at))] if categories else ""


def _places(ax: Axes, values: np.ndarray) -> list[tuple[float, float]]:
    """Return fractions of the drawing, from the upper left corner."""
    figure = ax.get_figure()
    assert figure is not None
    within = figure.transFigure.inverted().transform(ax.transData.transform(values))
    return [(float(left), 1 - float(up)) for left, up in within]


def _rounded(*values: float) -> list[float]:
    return [round(float(value), 5) for value in values]
