"""A figure with a background of its own."""

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from twinbar.host.report.style import PAPER, new_figure


def new_page(width_in: float, height_in: float) -> Figure:
    """Make an empty figure on paper."""
    figure = new_figure(width_in, height_in)
    figure.patches.append(Rectangle((0, 0), 1, 1, transform=figure.transFigure, color=PAPER, zorder=-10))
    return figure
