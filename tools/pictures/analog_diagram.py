"""Block diagram of the reference front end."""

from matplotlib.figure import Figure

from pictures.block_diagrams import arrow, box, canvas
from twinbar.host.report.style import BLUE, GREEN, INK, MUTED, ORANGE, PURPLE, VERMILION


def draw() -> Figure:
    """Draw what lies between the FPGA and the lines of the array."""
    figure, axes = canvas(9.6, 5.0)
    box(axes, 0.15, 3.35, 1.35, 1.45, "Pmod DA4", "bit line\nsource line\nword line\nlimit\nread: bit, word")
    box(axes, 0.15, 1.75, 1.35, 1.4, "FPGA", "write_gate\nread_enable\nrange.0, range.1\nstop, compliance")
    box(axes, 0.15, 0.55, 1.35, 1.0, "Pmod AD1", "0 to 3.3 V,\nfilter 500 kHz")

    box(axes, 2.15, 4.15, 1.75, 0.65, "Bit line, writes", "× 2: 0 to 5 V", GREEN)
    box(axes, 2.15, 3.35, 1.75, 0.65, "Source line, writes", "× 2: 0 to 5 V", GREEN)
    box(axes, 4.15, 3.35, 1.2, 0.65, "Limiter", "10 to 500 µA", VERMILION)
    box(axes, 2.15, 2.5, 1.75, 0.65, "Bit line, reads", "÷ 5: 0 to 0.5 V", GREEN)
    box(
        axes,
        2.15,
        0.6,
        3.2,
        0.9,
        "Read amplifier",
        "TIA 100 k, 24.9 k, 6.19 k, 1.5 kΩ; inverter;\npedestal of 8 codes",
        ORANGE,
    )
    box(axes, 4.15, 1.75, 1.2, 0.6, "Comparator", "tripped: 0.33 V", VERMILION)

    box(
        axes,
        5.75,
        0.6,
        1.05,
        4.2,
        "Steering",
        "\n\n\ngate closed:\nground\n\ngate open:\nwrite\n\nreading:\nread path,\nwhatever\nthe gate\ndoes",
        PURPLE,
    )
    box(axes, 7.1, 3.15, 0.75, 1.65, "Columns", "\nADG714:\nboth lines\nof one", BLUE)
    box(axes, 7.1, 0.6, 0.75, 1.0, "Rows", "ADG714:\nword lines", BLUE)
    box(axes, 8.35, 0.6, 1.1, 4.2, "Array", "\n\n1T1R,\n16 x 16\n\n\nor the\ndummy load", BLUE)

    arrow(axes, (1.5, 4.47), (2.15, 4.47))
    arrow(axes, (1.5, 3.68), (2.15, 3.68))
    arrow(axes, (1.5, 3.48), (2.15, 2.9))
    arrow(axes, (3.9, 4.47), (5.75, 4.47))
    arrow(axes, (3.9, 3.68), (4.15, 3.68))
    arrow(axes, (5.35, 3.68), (5.75, 3.68))
    arrow(axes, (3.9, 2.82), (5.75, 2.82))
    arrow(axes, (4.75, 3.35), (4.75, 2.35))
    arrow(axes, (4.15, 2.0), (1.5, 2.0), "compliance")
    arrow(axes, (5.75, 1.05), (5.35, 1.05))
    arrow(axes, (2.15, 1.05), (1.5, 1.05))
    arrow(axes, (6.8, 4.47), (7.1, 4.47), both=True)
    arrow(axes, (6.8, 3.45), (7.1, 3.45), both=True)
    arrow(axes, (7.85, 4.47), (8.35, 4.47), "bit", both=True)
    arrow(axes, (7.85, 3.45), (8.35, 3.45), "source", both=True)
    arrow(axes, (7.85, 1.05), (8.35, 1.05), "word")
    box(axes, 7.1, 1.85, 0.75, 1.05, "Relay", "grounds\nboth without\ncurrent", VERMILION)
    arrow(axes, (7.1, 2.4), (6.8, 2.4))
    axes.text(
        0.15,
        0.18,
        "gate = write_gate and supplies within bounds, and neither stop nor read_enable. "
        "Simulated with ngspice; none has been built.",
        fontsize=8.5,
        color=INK,
    )
    axes.text(3.0, 1.66, "word lines have two drives of 0 to 5 V of their own", fontsize=7, color=MUTED, ha="center")
    return figure
