"""The staircase of single cells: conductance after each pulse."""

import numpy as np
from matplotlib.figure import Figure

import twinbar as tb
from pictures.paper import new_page
from twinbar.emulator.devices.preset import load_preset
from twinbar.host.report.style import BLUE, GRID, MUTED, VERMILION

DEVICE = "taox-hfox"
PULSES = 100
CELLS = 9
LEVELS = 16


def draw() -> Figure:
    """Draw SET and then RESET pulses of one cell, others beside it, and the levels that weights are quantized to."""
    chip = tb.Chip(DEVICE, rows=CELLS, columns=2, levels=LEVELS, seed=3)
    cells = np.arange(CELLS)
    stairs = [chip.conductance()[0, :, 0]]
    for record in ("set", "reset"):
        for _ in range(PULSES):
            chip.pulse(record, cells, 0)
            stairs.append(chip.conductance()[0, :, 0])
    values = np.array(stairs) * 1e6
    count = np.arange(len(values))
    figure = new_page(6.4, 3.2)
    axes = figure.subplots()
    window = load_preset(DEVICE).window
    for level in np.linspace(window.g_min.si, window.g_max.si, LEVELS):
        axes.axhline(level * 1e6, color=GRID, lw=0.8, zorder=0)
    # The cell in the middle after the SET pulses.
    shown = int(np.argsort(values[PULSES])[CELLS // 2])
    axes.plot(count, np.delete(values, shown, axis=1), color=BLUE, alpha=0.25, lw=0.9)
    axes.step(count, values[:, shown], where="post", color=BLUE, lw=1.6)
    axes.axvline(PULSES, color=MUTED, lw=0.8)
    axes.text(PULSES / 2, axes.get_ylim()[1], "SET", ha="center", va="top", color=VERMILION)
    axes.text(1.5 * PULSES, axes.get_ylim()[1], "RESET", ha="center", va="top", color=VERMILION)
    axes.grid(False)
    axes.set(xlabel="pulses", ylabel="conductance (µS)", xlim=(0, 2 * PULSES))
    axes.set_title(f"One TaOx/HfOx cell, eight others, and {LEVELS} levels")
    return figure
