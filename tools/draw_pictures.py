"""Draws the pictures of README.md and docs/ into docs/pictures: `python tools/draw_pictures.py [NAME ...]`.

Diagrams are drawn from their description. Everything else is measured when it is drawn: a small training on the engine
`events` gives the timeline and, by the compiled netlist, the waveform; pulses on an emulated chip the staircase; a
comparison on the digits the energy; and ngspice (`apt-get install ngspice`) the waveforms of the analog front end.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from matplotlib.figure import Figure
from pictures import analog_diagram, block_diagrams, cell_staircase, epoch_energy, front_end_waveforms, tile_signals

from twinbar.host.report.style import Plot, drawing, svg

FOLDER: Final = Path(__file__).resolve().parent.parent / "docs" / "pictures"
PICTURES: Final[dict[str, Callable[[], Figure]]] = {
    "architecture": block_diagrams.architecture,
    "tile": block_diagrams.tile,
    "write": tile_signals.write,
    "timeline": tile_signals.timeline,
    "staircase": cell_staircase.draw,
    "energy": epoch_energy.draw,
    "analog-board": analog_diagram.draw,
    "front-end": front_end_waveforms.draw,
}


def draw(name: str) -> Plot:
    """Draw a picture, on paper of its own: it is then read on light and dark pages alike."""
    with drawing():
        return Plot(name, name, "", PICTURES[name]())


def main(names: list[str]) -> None:
    """Write the pictures of some names, or all of them."""
    for name in names or list(PICTURES):
        (FOLDER / f"{name}.svg").write_text(svg(draw(name)), encoding="utf-8")
        print(FOLDER / f"{name}.svg")


if __name__ == "__main__":
    main(sys.argv[1:])
