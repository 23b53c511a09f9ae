"""Block diagrams: the architecture, and a tile."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch

from pictures.paper import new_page
from twinbar.host.report.style import BLUE, GREEN, GREY, INK, MUTED, ORANGE, VERMILION


def canvas(width: float, height: float) -> tuple[Figure, Axes]:
    """Return a page and axes in inches."""
    figure = new_page(width, height)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(0, height))
    axes.axis("off")
    return figure, axes


def box(
    axes: Axes, x: float, y: float, width: float, height: float, title: str, lines: str = "", color: str = BLUE
) -> None:
    """Draw a box with a title and lines below it."""
    frame = FancyBboxPatch(
        (x, y), width, height, boxstyle="round,pad=0,rounding_size=0.08", facecolor=f"{color}18", edgecolor=color
    )
    axes.add_patch(frame)
    middle = x + width / 2
    if lines:
        axes.text(middle, y + height - 0.1, title, ha="center", va="top", fontsize=9.5, weight="bold", color=INK)
        axes.text(middle, y + height - 0.34, lines, ha="center", va="top", fontsize=8, color=MUTED, linespacing=1.35)
    else:
        axes.text(middle, y + height / 2, title, ha="center", va="center", fontsize=8.5, color=INK)


def arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float], text: str = "", both: bool = False) -> None:
    """Draw an arrow with a text above it."""
    style = "<|-|>" if both else "-|>"
    axes.annotate("", end, start, arrowprops={"arrowstyle": style, "color": INK, "lw": 1.1, "shrinkA": 0, "shrinkB": 0})
    if text:
        middle = (start[0] + end[0]) / 2, (start[1] + end[1]) / 2 + 0.06
        axes.text(*middle, text, ha="center", va="bottom", fontsize=7.5, color=MUTED, linespacing=1.25)


def architecture() -> Figure:
    """Draw who talks to whom: host, link, controller, tiles, and the emulator beside it."""
    figure, axes = canvas(9.4, 3.9)
    box(
        axes,
        0.2,
        0.9,
        2.3,
        2.7,
        "Host (PyTorch)",
        "float twin: gradients, optimizer\n\nupdate policy: which cells\nmust change\n\n"
        "ledger: every pulse, conversion,\ncycle and joule\n\nreports, checkpoints",
    )
    box(
        axes,
        4.1,
        2.35,
        2.3,
        1.25,
        "Controller",
        "on an FPGA: one sequencer\nper tile, closed-loop\nwrite-verify, multiplications",
        GREEN,
    )
    box(
        axes,
        4.1,
        0.9,
        5.1,
        1.15,
        "Emulator",
        "the same programs on compiled kernels (fast), in SimPy (events)\n"
        "or on the controller's own netlist (rtl, pysim):\nequal responses, cycles, counts and cell states",
        ORANGE,
    )
    for number in range(3):
        x = 7.65 + 0.53 * number
        box(axes, x, 2.35, 0.46, 1.25, "", color=VERMILION)
        axes.text(x + 0.23, 3.42, f"tile {number}", ha="center", va="center", fontsize=7.5, color=INK)
        for row in range(4):
            for column in range(2):
                dot = Circle((x + 0.15 + 0.16 * column, 2.52 + 0.2 * row), 0.045, color=VERMILION, alpha=0.75)
                axes.add_patch(dot)
    arrow(axes, (2.5, 2.97), (4.1, 2.97), "serial link\n64-bit commands,\n80-bit responses", both=True)
    arrow(axes, (6.4, 2.97), (7.65, 2.97), "pins, or\nserial parts", both=True)
    arrow(axes, (2.5, 1.47), (4.1, 1.47), "programs, or\nwhole layers", both=True)
    axes.text(
        0.2,
        0.55,
        "Forward passes and writes run on the crossbar, backward passes on the twin.",
        fontsize=8.5,
        color=INK,
    )
    axes.text(
        0.2, 0.28, "A write list holds only the cells whose quantized level has to change.", fontsize=8.5, color=INK
    )
    return figure


def tile() -> Figure:
    """Draw a tile: cells, what selects, drives and reads them, and the sequencer."""
    figure, axes = canvas(7.6, 4.2)
    left, bottom, pitch, rows, columns = 3.1, 1.25, 0.52, 4, 6
    for row in range(rows):
        y = bottom + pitch * row
        axes.plot([left - 0.25, left + pitch * (columns - 1) + 0.25], [y, y], color=GREY, lw=1)
        for column in range(columns):
            x = left + pitch * column
            if not row:
                axes.plot([x, x], [bottom - 0.25, bottom + pitch * (rows - 1) + 0.25], color=GREY, lw=1)
            pair = BLUE if column % 2 == 0 else VERMILION
            axes.add_patch(Circle((x + 0.09, y + 0.09), 0.085, facecolor=pair, edgecolor="none", zorder=3))
    right, top = left + pitch * (columns - 1) + 0.25, bottom + pitch * (rows - 1) + 0.25
    for pair in range(columns // 2):
        x = left + pitch * (2 * pair + 0.5) + 0.09
        axes.text(x, top + 0.1, "G+   G−", ha="center", va="bottom", fontsize=8, color=INK)
    axes.text((left + right) / 2, top + 0.36, "1T1R cells; a weight is a pair", ha="center", fontsize=8.5, color=INK)
    box(
        axes,
        1.65,
        bottom - 0.25,
        1.0,
        top - bottom + 0.25,
        "Selector",
        "row drivers:\n4-bit inputs\nor one cell",
        GREEN,
    )
    arrow(axes, (2.65, (bottom + top) / 2), (left - 0.25, (bottom + top) / 2))
    box(axes, left - 0.25, 0.25, right - left + 0.25, 0.5, "ADC channels (read: current to code)", color=ORANGE)
    arrow(axes, ((left + right) / 2, bottom - 0.25), ((left + right) / 2, 0.75))
    box(
        axes,
        right + 0.45,
        bottom - 0.25,
        1.15,
        top - bottom + 0.25,
        "Write drive",
        "bit, source and\nword line codes;\nISPP ramps;\ngate of\nthe pulse",
        GREEN,
    )
    arrow(axes, (right + 0.45, (bottom + top) / 2), (right, (bottom + top) / 2))
    box(
        axes,
        0.15,
        0.25,
        1.15,
        top - 0.25,
        "Sequencer",
        "select\nconnect\nconvert\ndecide\npulse\nrecover\n…\nrespond\n\ncounts every\ncycle and\naction",
        BLUE,
    )
    arrow(axes, (1.3, bottom + 0.4), (1.65, bottom + 0.4))
    arrow(axes, (left - 0.25, 0.5), (1.3, 0.5), "codes")
    axes.text(0.15, top + 0.36, "commands in, responses out", fontsize=8, color=MUTED)
    arrow(axes, (0.72, top + 0.3), (0.72, top), both=True)
    return figure
