"""Plots as wide as a journal prints them, with text and lines of the size that it asks for."""

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import Collection as Marks
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text

from twinbar.host.report.style import FONT_PT, Plot, drawing, lay_out, pdf, svg

PRINT_PT: Final = 7.0
"""Size of text in print, where it fits: Nature asks for 5 to 7 points ("Guide to preparing final artwork")."""
LEAST_PT: Final = 5.0
NARROWEST_MM: Final = 60
WIDEST_MM: Final = 400
_MM_PER_INCH: Final = 25.4
_WIDTH = re.compile(r"([1-9]\d*)mm")


def print_width_mm(name: str) -> int | None:
    """Return the width that a format such as ``89mm`` names; None where it is no width that can be drawn.

    Parameters
    ----------
    name : str
    """
    found = _WIDTH.fullmatch(name)
    width = int(found[1]) if found else 0
    return width if NARROWEST_MM <= width <= WIDEST_MM else None


def print_files(plot: Plot, formats: Collection[str], folder: Path) -> Iterator[tuple[str, bytes]]:
    """Draw a plot as PDF and SVG in the widths that are asked for, and in those that a folder has of it already.

    Parameters
    ----------
    plot : Plot
        Is afterwards as it was.
    formats : collection of str
        Widths such as ``89mm``; what is no width is passed over.
    folder : Path
        Of the plots.

    Yields
    ------
    tuple of str and bytes
        Name and content of a file.
    """
    there = (path.stem.removeprefix(f"{plot.name}-") for path in folder.glob(f"{plot.name}-*mm.pdf"))
    for name in sorted({*formats, *there}):
        width_mm = print_width_mm(name)
        if width_mm is not None:
            with _printed(plot.figure, width_mm):
                yield f"{plot.name}-{name}.pdf", pdf(plot)
                yield f"{plot.name}-{name}.svg", svg(plot).encode("utf-8")


@contextmanager
def _printed(figure: Figure, width_mm: float) -> Iterator[None]:
    """Give a figure the size of print meanwhile, and text of `PRINT_PT`; smaller where it would not fit."""
    page_in = figure.get_size_inches()
    print_in = page_in * (width_mm / _MM_PER_INCH / page_in[0])
    in_proportion = FONT_PT * print_in[0] / page_in[0]
    points = float(FONT_PT)
    try:
        with drawing():
            for wanted in (PRINT_PT, min(PRINT_PT, max(LEAST_PT, in_proportion))):
                # Text that shrinks less than the plot needs a larger part of the height.
                taller = max(1.0, wanted / in_proportion) ** 0.5
                _resize(figure, print_in[0], print_in[1] * taller, wanted / points)
                points = wanted
                if _text_fits(figure):
                    break
        yield
    finally:
        with drawing():
            _resize(figure, page_in[0], page_in[1], FONT_PT / points)


def _text_fits(figure: Figure) -> bool:
    """Whether all text lies in the figure, and no two labels of an axis touch."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # which puts legends in their places
    renderer = canvas.get_renderer()
    labels, unseen = [], set()
    for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
        low, high = sorted(axis.get_view_interval())
        shown = [tick for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
        drawn = [tick.label1 for tick in shown if tick.label1.get_visible() and tick.label1.get_text()]
        labels.append([label.get_window_extent(renderer) for label in drawn])
        # Ticks beyond the ends of an axis have labels that are never drawn.
        ticks = (*axis.get_major_ticks(), *axis.get_minor_ticks())
        unseen |= {text for tick in ticks if tick not in shown for text in (tick.label1, tick.label2)}
    texts = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text() and text not in unseen]
    bounds = figure.bbox.padded(1)
    for box in (text.get_window_extent(renderer) for text in texts):
        if not (bounds.contains(box.x0, box.y0) and bounds.contains(box.x1, box.y1)):
            return False
    return not any(one.overlaps(other) for boxes in labels for one, other in pairwise(boxes))


def _resize(figure: Figure, width_in: float, height_in: float, scale: float) -> None:
    """Change the size of a figure, and by a factor that of its text, lines and marks; lay it out."""
    figure.set_size_inches(width_in, height_in)
    for text in figure.findobj(Text):
        text.set_fontsize(float(text.get_fontsize()) * scale)
    for line in figure.findobj(Line2D):
        line.set_linewidth(line.get_linewidth() * scale)
        line.set_markersize(line.get_markersize() * scale)
    for patch in figure.findobj(Patch):
        patch.set_linewidth(patch.get_linewidth() * scale)
    for marks in figure.findobj(Marks):
        marks.set_linewidth([width * scale for width in np.atleast_1d(marks.get_linewidth())])
        if hasattr(marks, "set_sizes") and hasattr(marks, "get_sizes"):
            marks.set_sizes([size * scale**2 for size in marks.get_sizes()])
    figure.set_layout_engine("constrained")
    lay_out(figure)
