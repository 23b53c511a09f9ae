"""Simulates the reference front end and measures what `FrontEndFigures` holds."""

from typing import Final

import numpy as np
import numpy.typing as npt

from twinbar.boards.analog.circuit_bench import Samples, run_bench
from twinbar.boards.analog.front_end_figures import (
    FrontEndFigures,
    InterlockFigures,
    LimiterFigures,
    ReadingFigures,
    ReadRange,
    WritingFigures,
)

FEEDBACK: Final = ((100e3, 12e-12), (24.9e3, 22e-12), (6.19e3, 47e-12), (1.5e3, 150e-12))
"""Feedback of each range: ohm, farad."""
READ_V: Final = 0.2
ADC_FULL_SCALE_V: Final = 3.3
WRITE_FULL_SCALE_V: Final = 5.0
DAC_FULL_SCALE_V: Final = 2.5
READ_DIVIDER: Final = 10 / (40.2 + 10)
FULL_SCALE_S: Final = (16e-6, 64e-6, 256e-6, 1024e-6)
"""Conductance at which each range is simulated, within its full scale."""
CONNECTED_S: Final = 1e-6
"""When the benches connect, step or select first; the pin write_gate of write_path is high for 1 us."""
GATE_S: Final = (10.004e-6, 11.004e-6)
RELEASED_S: Final = 6.02e-6
WORD_LINE_OFF_V: Final = 0.4
"""When the word line is let go, and below what its transistors are off."""
ABRUPT_S: Final = 3e-6
LIMIT_CODE: Final = 51
SUPPLY_ORDERS: Final = ((1, 2, 3), (3, 1, 2), (2, 3, 1))
"""Milliseconds at which +5.5 V, -5 V and 3.3 V begin to rise."""


def settling(signal: Samples, tolerance: float, since: float) -> float:
    """Return the seconds after which a signal (``[samples, 2]``: time, value) stays within a tolerance of its end."""
    outside = np.flatnonzero(np.abs(signal[:, 1] - signal[-1, 1]) > tolerance)
    return float(signal[outside[-1] + 1, 0]) - since if len(outside) else 0.0


def first_time(time: Samples, there: npt.NDArray[np.bool_], signal: Samples, level: float) -> float:
    """Return when a signal first passes a level where it is ``there``, between two samples."""
    last = int(np.flatnonzero(there)[0])
    before, after = signal[last - 1], signal[last]
    share = (level - before) / (after - before)
    return float(time[last - 1] + share * (time[last] - time[last - 1]))


def measure() -> FrontEndFigures:
    """Simulate everything.

    Raises
    ------
    ToolMissingError
        If there is no ngspice.
    """
    ranges = [_read_range(*feedback, full) for feedback, full in zip(FEEDBACK, FULL_SCALE_S, strict=True)]
    return FrontEndFigures(
        title="Reference front end, simulated with ngspice; none has been built",
        reading=ReadingFigures(
            drive_full_scale_v=_figure(DAC_FULL_SCALE_V * READ_DIVIDER),
            adc_full_scale_v=ADC_FULL_SCALE_V,
            ranges=ranges,
        ),
        writing=_writing(),
        limiter=_limiter(),
        interlock=_interlock(),
    )


def _figure(value: float) -> float:
    return float(f"{value:.4g}")


def _read_range(feedback_ohm: float, feedback_f: float, full_s: float) -> ReadRange:
    found = run_bench("read_path", {"g": full_s, "rf": feedback_ohm, "cf": feedback_f, "v_read": READ_V})
    sweep = found["dc"]
    offset = sweep[0, 1]
    conductance = sweep[1:, 0] * full_s
    # volts = offset + Z V G / (1 + G R): V G / (volts - offset) is a straight line over G.
    slope, ordinate = np.polyfit(conductance, READ_V * conductance / (sweep[1:, 1] - offset), 1)
    tolerance = ADC_FULL_SCALE_V / 512
    return ReadRange(
        feedback_ohm=feedback_ohm,
        feedback_f=feedback_f,
        transimpedance_ohm=_figure(1 / ordinate),
        offset_v=_figure(offset),
        series_ohm=_figure(slope / ordinate),
        settle_us=_figure(settling(found["tran"][:, :2], tolerance, CONNECTED_S) * 1e6),
    )


def _writing() -> WritingFigures:
    drives, pulses = [], []
    for number, polarity in enumerate(({"set": 3.0, "reset": 0.0}, {"set": 0.0, "reset": 3.0})):
        signals = run_bench("write_path", polarity)["tran"]
        before = signals[signals[:, 0] < GATE_S[0]]
        drives.append(settling(before[:, [0, 2 + number]], WRITE_FULL_SCALE_V / 512, CONNECTED_S))
        pulses.append(_pulse(signals[:, 0], np.abs(signals[:, 1])))
    word = signals[:, [0, 4]]
    rising = settling(word[word[:, 0] < RELEASED_S], WRITE_FULL_SCALE_V / 512, CONNECTED_S)
    off = (word[:, 0] > RELEASED_S) & (word[:, 1] <= WORD_LINE_OFF_V)
    falling = first_time(word[:, 0], off, word[:, 1], WORD_LINE_OFF_V) - RELEASED_S
    (set_v, set_rise, set_fall), (reset_v, reset_rise, reset_fall) = pulses
    return WritingFigures(
        drive_full_scale_v=WRITE_FULL_SCALE_V,
        drive_settle_us=_figure(max(drives) * 1e6),
        set_v=_figure(set_v),
        reset_v=_figure(reset_v),
        set_rise_ns=_figure(set_rise * 1e9),
        reset_rise_ns=_figure(reset_rise * 1e9),
        fall_ns=_figure(max(set_fall, reset_fall) * 1e9),
        word_line_settle_us=_figure(max(rising, falling) * 1e6),
    )


def _pulse(time: Samples, volts: Samples) -> tuple[float, float, float]:
    """Return what a pulse ends with, and how long its edges take."""
    opened, closed = GATE_S
    end = float(np.interp(closed, time, volts))
    rise = first_time(time, (time > opened) & (volts >= 0.9 * end), volts, 0.9 * end) - opened
    fall = first_time(time, (time > closed) & (volts <= 0.1 * end), volts, 0.1 * end) - closed
    return end, rise, fall


def _limiter() -> LimiterFigures:
    cell_s = 2e-3
    limit_v = DAC_FULL_SCALE_V * LIMIT_CODE / 255
    found = run_bench("limiter", {"v_limit": limit_v, "after": cell_s})
    sweep, signals = found["dc"], found["tran"]
    per_volt, offset = np.polyfit(sweep[:, 0], sweep[:, 2] * cell_s, 1)
    after = signals[signals[:, 0] >= ABRUPT_S + 10e-9]
    time, current, tripped = after[:, 0], after[:, 1] * cell_s, after[:, 3]
    excess = np.maximum(current - current[-1], 0)
    half = ADC_FULL_SCALE_V / 2
    delay = first_time(time, tripped >= half, tripped, half) - ABRUPT_S
    return LimiterFigures(
        offset_a=_figure(offset),
        ampere_per_code=_figure(per_volt * DAC_FULL_SCALE_V / 255),
        trip_a=_figure(current[-1]),
        trip_delay_ns=_figure(delay * 1e9),
        overshoot_c=_figure(float(np.sum(np.diff(time) * (excess[1:] + excess[:-1]) / 2))),
    )


def _interlock() -> InterlockFigures:
    without, having = [], []
    for number, (p, n, logic) in enumerate(SUPPLY_ORDERS):
        # Both polarities have their turn.
        case = {"t_p": p, "t_n": n, "t_l": logic, "t_end": 4.0} | ({"bl": 0.0, "sl": 2.5} if number % 2 else {})
        without.append(_largest(case | {"k1": 0.0}, 0.0, 4e-3))
        having.append(_largest(case, 0.0, 4e-3))
    # A supply falls from 6 ms on, within half a millisecond, after which nothing is left.
    for supply in ("p", "n", "l"):
        without.append(_largest({f"{supply}_falls": 6.0, "k1": 0.0, "t_end": 8.0}, 6.5e-3, 8e-3))
    both = _largest({"t_read": 0.5, "k1": 0.0, "t_end": 8.0}, 0.0, 8e-3)
    stopped = 7e-3
    signals = run_bench("interlock", {"t_stop": stopped * 1e3, "k1": 0.0, "t_end": 7.5})["tran"]
    time, volts = signals[:, 0], np.abs(signals[:, 1])
    ended = first_time(time, (time > stopped) & (volts <= 0.1), volts, 0.1) - stopped
    return InterlockFigures(
        without_relay_v=_figure(max(without)),
        with_relay_v=_figure(max(having)),
        read_and_gate_v=_figure(both),
        stop_ns=_figure(ended * 1e9),
    )


def _largest(case: dict[str, float], since: float, until: float) -> float:
    signals = run_bench("interlock", case)["tran"]
    there = (signals[:, 0] >= since) & (signals[:, 0] <= until)
    return float(np.abs(signals[there, 1]).max())
