"""How every plot looks, and how it is written: one palette, no global drawing state.

Figures are made with Matplotlib's object interface and drawn by its SVG canvas; those for PNG and PDF are imported on
request. Colours that depend on the page (ink, muted ink, grid, background) are replaced by CSS variables when a plot is
embedded, so that it follows the reader's light or dark theme.
"""

import io
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator
from numpy.typing import NDArray

from twinbar.host.report import si

INK: Final = "#1b1f25"
MUTED: Final = "#5c6670"
GRID: Final = "#dde2e7"
PAPER: Final = "#fefefe"
"""Page background; not pure white, so that nothing else is taken for it."""


BLUE: Final = "#0072b2"
ORANGE: Final = "#e69f00"
GREEN: Final = "#009e73"
VERMILION: Final = "#d55e00"
PURPLE: Final = "#cc79a7"
SKY: Final = "#56b4e9"
GREY: Final = "#8a939b"
SERIES: Final = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY, GREY)
"""The palette of Okabe and Ito (Color Universal Design, 2008): told apart with any colour vision."""

_VARIABLES: Final = {
    INK: "--plot-ink",
    MUTED: "--plot-muted",
    GRID: "--plot-grid",
    PAPER: "--plot-paper",
    BLUE: "--plot-blue",
}
DASHES: Final = ("-", "--", "-.", ":")
"""Series that lie upon one another are still seen to be several."""

TINTS: Final = {
    "write": ("#0072b2", "#3f97cb", "#79b6de", "#a9d0ea", "#cfe4f3", "#e4eff8"),
    "forward": ("#e69f00", "#efb944", "#f5cf7f", "#f9e0ac", "#fcedd0"),
    "link": ("#009e73", "#4fbd9b", "#93d7c1"),
    "static": ("#8a939b", "#a7aeb5", "#c1c7cc", "#d6dade"),
    "host": ("#cc79a7", "#dfa8c6"),
    "other": ("#56606a", "#7c858d"),
}
"""One hue for each account of the energy ledger, lighter for its smaller components."""

FONT_PT: Final = 9
"""Size of text, in points."""

_RC: Final[dict[Any, Any]] = {
    "axes.axisbelow": True,
    "axes.edgecolor": MUTED,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.labelsize": FONT_PT,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlecolor": INK,
    "axes.unicode_minus": True,
    "figure.facecolor": "none",
    "font.family": ["sans-serif"],
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": FONT_PT,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "lines.linewidth": 1.7,
    "lines.markersize": 5,
    "patch.linewidth": 0.6,
    "path.sketch": None,
    "savefig.bbox": None,
    "svg.fonttype": "none",
    "svg.hashsalt": "twinbar",
    "svg.image_inline": True,
    "text.color": INK,
    "text.parse_math": False,
    "text.usetex": False,
    "xtick.color": MUTED,
    "xtick.labelcolor": INK,
    "xtick.labelsize": 8.5,
    "ytick.color": MUTED,
    "ytick.labelcolor": INK,
    "ytick.labelsize": 8.5,
}

WIDTH_IN: Final = 5.8
"""Width of a plot that fills half the page on a desk and all of it on a phone."""
WIDE_IN: Final = 10.0
PNG_DPI: Final = 160


@dataclass(frozen=True)
class TilePixels:
    """A tile in a drawing of cells: what the page says of the pixel under the cursor.

    Parameters
    ----------
    name : str
    x, y : int
        Its corner in the drawing's pixels.
    values : float [rows, columns]
        One for each pixel; NaN where there is no cell.
    """

    name: str
    x: int
    y: int
    values: NDArray[np.float64]


@dataclass(frozen=True)
class Plot:
    """A finished drawing.

    Parameters
    ----------
    name : str
        Name of its files, without suffix.
    title : str
        Heading on the page.
    caption : str
        What is seen, in words; also the alternative text.
    figure : Figure
    wide : bool
        Whether it needs the whole width of the page.
    tiles : tuple of TilePixels
        Where its first axes show cells.
    views : tuple of Plot
        The same of a part each, such as a layer, of which the page shows one at a time; their titles name the parts.
    """

    name: str
    title: str
    caption: str
    figure: Figure
    wide: bool = False
    tiles: tuple[TilePixels, ...] = ()
    views: tuple["Plot", ...] = ()


@contextmanager
def drawing() -> Iterator[None]:
    """Apply the style while figures are made or written; the user's own Matplotlib settings come back after it.

    Settings of a ``matplotlibrc`` that would break a page (TeX, hand-drawn lines, images in files) are overruled.
    """
    with matplotlib.rc_context(_RC):
        yield


def page_colour(colour: str) -> str:
    """Return a colour of a drawing as the page has it, which follows the reader's theme."""
    return f"var({_VARIABLES[colour]})" if colour in _VARIABLES else colour


def new_figure(width_in: float = WIDTH_IN, height_in: float = 3.5) -> Figure:
    """Make an empty figure of the given size in inches that lays itself out."""
    return Figure(figsize=(width_in, height_in), layout="constrained")


def horizontal_grid(ax: Axes) -> None:
    """Keep only the lines at the values of the vertical axis."""
    ax.grid(False, axis="x")


def vertical_grid(ax: Axes) -> None:
    """Keep only the lines at the values of the horizontal axis."""
    ax.grid(False, axis="y")


def log_quantity_axis(ax: Axes, unit: str, low: float, high: float) -> None:
    """Label the decades of a logarithmic horizontal axis from ``low`` to ``high`` with SI prefixes, six at most.

    The axis may reach further, to leave room for text beside the largest value.
    """
    decades = range(math.ceil(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [10.0**decade for decade in decades[:: -(-len(decades) // 6)]]
    ax.xaxis.set_major_locator(FixedLocator(ticks))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FixedFormatter([si.si(tick, unit, 1) for tick in ticks]))


def lay_out(figure: Figure) -> None:
    """Lay a figure out once and for all; otherwise Matplotlib draws all of it again for that, before each file."""
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
        figure.set_layout_engine("none")


def png(plot: Plot) -> bytes:
    """Draw a plot as PNG on white."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    FigureCanvasAgg(plot.figure)
    buffer = io.BytesIO()
    with drawing():
        plot.figure.savefig(buffer, format="png", dpi=PNG_DPI, facecolor="white", metadata={"Software": None})
    return buffer.getvalue()


def pdf(plot: Plot) -> bytes:
    """Draw a plot as PDF on white; equal plots give equal bytes."""
    from matplotlib.backends.backend_pdf import FigureCanvasPdf

    FigureCanvasPdf(plot.figure)
    buffer = io.BytesIO()
    with drawing():
        plot.figure.savefig(buffer, format="pdf", facecolor="white", metadata={"CreationDate": None})
    return buffer.getvalue()


def svg(plot: Plot) -> str:
    """Draw a plot as a stand-alone SVG document; equal plots give equal bytes."""
    canvas = FigureCanvasSVG(plot.figure)
    buffer = io.StringIO()
    background, dpi = plot.figure.get_facecolor(), plot.figure.dpi
    with drawing():
        lay_out(plot.figure)
        # Matplotlib lays out for 72 dpi and stays there; images in the drawing would be coarser for it.
        plot.figure.dpi = dpi
        plot.figure.set_facecolor("none")
        # `savefig` would draw the figure again before that, for a layout that is done.
        canvas.print_svg(buffer, metadata={"Date": None})
    plot.figure.set_facecolor(background)
    return buffer.getvalue()


def inline_svg(document: str, name: str, label: str) -> str:
    """Turn an SVG document into an element for an HTML page.

    Parameters
    ----------
    document : str
        What `svg` gave.
    name : str
        Prefix for the ids, which must differ between the drawings of a page.
    label : str
        Alternative text for readers that do not see the drawing.
    """
    body = document[document.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r'\bid="', f'id="{name}-', body)
    body = re.sub(r'(xlink:href|href)="#', rf'\1="#{name}-', body)
    body = body.replace("url(#", f"url(#{name}-")
    for colour, variable in _VARIABLES.items():
        body = body.replace(colour, f"var({variable})")
    # The page's own font: text stays text, to be searched, copied and read aloud.
    body = re.sub(r"font: ((?:\d+ |bold )?)([\d.]+)px [^;\"]+", _font, body)
    # The size comes from the page, the proportions from the view box.
    opening, rest = body.split(">", 1)
    opening = re.sub(r'\s(width|height)="[^"]*"', "", opening)
    escaped = label.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    return f'{opening} role="img" aria-label="{escaped}">{rest}'.strip()


def _font(match: re.Match[str]) -> str:
    weight = match[1].strip()
    return f"font-size: {match[2]}px; font-family: inherit" + (f"; font-weight: {weight}" if weight else "")
