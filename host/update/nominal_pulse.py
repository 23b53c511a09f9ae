"""What one pulse of a given preset does on average: the step that policies without a read count with."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.crossbar.write_registers import Ramp, WriteRegisters
from twinbar.emulator.devices.layout import CODES, O_AMP_MEAN, O_MEAN, Q12, RESET, SET, STEP_BINS
from twinbar.hw.errors import ConfigError

_CROSSED: Final = 0.9
"""Part of the window over which steps are averaged: near its end many laws come to rest."""
_MOST_PULSES: Final = 100_000


@dataclass(frozen=True)
class NominalPulse:
    """Identical pulses of both polarities.

    Parameters
    ----------
    steps : (float, float)
        Mean change by a SET and by a RESET pulse, both positive, as parts of the window: those of a cell without
        variation, over the first nine tenths of its way through the window.
    ramps : WriteRegisters
        Registers whose ramps give these pulses. They are the configured ones where those do not ramp; else pulses have
        the preset's nominal amplitude, and the gate is as far open as the ramp opens it.
    symmetry : float
        Place in the window, 0 to 1, where a SET and a RESET step are of one size; 0.5 where they nowhere are.
    """

    steps: tuple[float, float]
    ramps: WriteRegisters
    symmetry: float

    @classmethod
    def of(cls, config: CrossbarConfig) -> "NominalPulse":
        """Take it from the tables of a configuration.

        Raises
        ------
        ConfigError
            If a pulse does not move the cell.
        """
        ramps = _flat(config)
        amplitudes = ramps.set_amplitude.start, ramps.reset_amplitude.start
        moves = [_moves(config, polarity, amplitudes[polarity]) for polarity in (SET, RESET)]
        steps = [_step(move) for move in moves]
        for polarity, step in zip(("SET", "RESET"), steps, strict=True):
            if step is None:
                volts = config.cells.code_to_volts(amplitudes[polarity == "RESET"])
                raise ConfigError(
                    f"{polarity} pulses of {volts:.3g} V do not take a cell through its window; give stronger ones "
                    "(write.set_ramp_v, write.reset_ramp_v), or another device"
                )
        assert steps[SET] is not None
        assert steps[RESET] is not None
        # Position of a RESET counts from the top.
        excess = moves[SET] - moves[RESET][::-1]
        turns = np.flatnonzero(np.diff(np.signbit(excess)))
        symmetry = 0.5 if not len(turns) else (int(turns[0]) + 1) / STEP_BINS
        return cls((steps[SET], steps[RESET]), ramps, symmetry)


def _flat(config: CrossbarConfig) -> WriteRegisters:
    """Return registers whose pulses are all alike."""
    registers = config.registers
    amplitudes = registers.set_amplitude, registers.reset_amplitude
    gates = registers.set_gate, registers.reset_gate
    if all(ramp.step == 0 or ramp.start == ramp.stop for ramp in (*amplitudes, *gates)):
        return registers
    codes = [_nominal_code(config, polarity) for polarity in (SET, RESET)]
    return replace(
        registers,
        set_amplitude=Ramp(codes[SET], 0, codes[SET]),
        reset_amplitude=Ramp(codes[RESET], 0, codes[RESET]),
        set_gate=Ramp(gates[SET].stop, 0, gates[SET].stop),
        reset_gate=Ramp(gates[RESET].stop, 0, gates[RESET].stop),
    )


def _nominal_code(config: CrossbarConfig, polarity: int) -> int:
    """Return the code of the nominal amplitude: the least one whose step is that of the law."""
    begin = O_AMP_MEAN + polarity * CODES
    return int(np.flatnonzero(config.cells.tables[begin : begin + CODES] >= Q12)[0])


def _moves(config: CrossbarConfig, polarity: int, amplitude: int) -> np.ndarray:
    """Return the mean change by a pulse, as a part of the window, along the way of its polarity (float64 [bins])."""
    begin = O_MEAN + polarity * STEP_BINS
    low, high = config.cells.window
    factor = float(config.cells.tables[O_AMP_MEAN + polarity * CODES + amplitude]) / Q12
    means = config.cells.tables[begin : begin + STEP_BINS] * factor / (high - low)
    return means if polarity == SET else -means[::-1]


def _step(moves: np.ndarray) -> float | None:
    """Return the mean change over the way through the window; None where a cell does not get through."""
    position, pulses = 0.0, 0
    while position < _CROSSED:
        move = float(moves[min(int(position * STEP_BINS), STEP_BINS - 1)])
        if move <= 0 or pulses == _MOST_PULSES:
            return None
        position += move
        pulses += 1
    return min(position, 1.0) / pulses
