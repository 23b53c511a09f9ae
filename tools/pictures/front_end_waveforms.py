"""Waveforms of the reference front end, as ngspice simulates them."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pictures.paper import new_page
from twinbar.boards.analog.circuit_bench import Samples, run_bench
from twinbar.boards.analog.front_end_measurement import CONNECTED_S, FEEDBACK, FULL_SCALE_S, LIMIT_CODE
from twinbar.host.report.style import BLUE, GREEN, GREY, MUTED, SERIES, VERMILION

POINTS = 400


def draw() -> Figure:
    """Draw a read in each range, pulses, a cell that sets beyond the limit, and supplies in a wrong order."""
    figure = new_page(9.4, 5.6)
    axes = figure.subplots(2, 2)
    _reads(axes[0, 0])
    _pulses(axes[0, 1])
    _limited(axes[1, 0])
    _supplies(axes[1, 1])
    return figure


def _thinned(signals: Samples, since: float, until: float) -> Samples:
    time = np.linspace(since, until, POINTS)
    columns = [np.interp(time, signals[:, 0], signals[:, place]) for place in range(1, signals.shape[1])]
    return np.column_stack([time, *columns])


def _reads(axes: Axes) -> None:
    for number, ((ohm, farad), full) in enumerate(zip(FEEDBACK, FULL_SCALE_S, strict=True)):
        signals = run_bench("read_path", {"g": full, "rf": ohm, "cf": farad})["tran"]
        shown = _thinned(signals, CONNECTED_S - 0.5e-6, CONNECTED_S + 7e-6)
        axes.plot((shown[:, 0] - CONNECTED_S) * 1e6, shown[:, 1], color=SERIES[number], label=f"{full * 1e6:g} µS")
    axes.legend(loc="lower right", fontsize=8)
    axes.set(xlabel="µs after read_enable", ylabel="at the ADC (V)")
    axes.set_title("A read in each range")


def _pulses(axes: Axes) -> None:
    for polarity, color in (({"set": 3.0, "reset": 0.0}, VERMILION), ({"set": 0.0, "reset": 3.0}, BLUE)):
        shown = _thinned(run_bench("write_path", polarity)["tran"], 9.8e-6, 11.4e-6)
        axes.plot((shown[:, 0] - 10e-6) * 1e6, shown[:, 1], color=color)
    axes.text(0.5, 2.3, "SET", color=VERMILION, ha="center")
    axes.text(0.5, -2.6, "RESET", color=BLUE, ha="center")
    axes.set(xlabel="µs after write_gate", ylabel="at a cell of 100 µS (V)")
    axes.set_title("Pulses of 3 V and 1 µs")


def _limited(axes: Axes) -> None:
    shown = _thinned(run_bench("limiter", {"v_limit": 2.5 * LIMIT_CODE / 255})["tran"], 2.9e-6, 4.4e-6)
    time = (shown[:, 0] - 3e-6) * 1e6
    axes.plot(time, shown[:, 1], color=VERMILION, label="at the cell")
    axes.plot(time, shown[:, 2], color=BLUE, label="source line")
    axes.plot(time, shown[:, 3], color=GREEN, label="compliance")
    axes.legend(fontsize=8)
    axes.set(xlabel="µs after the cell sets from 5 µS to 2 mS", ylabel="V")
    axes.set_title("Limit of 0.1 mA")


def _supplies(axes: Axes) -> None:
    signals = run_bench("interlock", {"t_p": 1, "t_n": 3, "t_l": 2, "t_stop": 14, "t_end": 16})["tran"]
    shown = _thinned(signals, 0, 16e-3)
    time = shown[:, 0] * 1e3
    for place, name in ((5, "+5.5 V"), (6, "−5 V"), (7, "3.3 V")):
        axes.plot(time, shown[:, place], color=GREY, lw=0.9)
        axes.text(time[-1], shown[-1, place] + 0.15, name, color=MUTED, fontsize=7, ha="right")
    axes.plot(time, shown[:, 2], color=GREEN, lw=1, label="gate, with write_gate high")
    axes.plot(time, shown[:, 1], color=VERMILION, label="at the cell")
    axes.axvline(14, color=MUTED, lw=0.8, ls=":")
    axes.text(13.9, -4.2, "stop", color=MUTED, fontsize=8, ha="right")
    axes.legend(loc="lower center", fontsize=8)
    axes.set(xlabel="ms", ylabel="V")
    axes.set_title("Supplies in a wrong order, and a stop")
