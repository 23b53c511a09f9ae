"""The voltages of a crossbar's lines: what charging them costs follows from the cells that are written and read."""

import math
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, get_args

from twinbar.emulator.devices.layout import CODES, RESET, SET

if TYPE_CHECKING:
    from twinbar.emulator.crossbar.configuration import CrossbarConfig
    from twinbar.emulator.crossbar.write_registers import Ramp

LineName = Literal["set", "reset", "gate", "rail", "read"]
LINES: Final[tuple[LineName, ...]] = get_args(LineName)
"""Lines whose voltage depends on the cells: pulses of either polarity, word line, supply of the write drive, rows."""
THRESHOLD_V: Final = 0.7
"""What a word line must be higher than the voltage that its transistors pass on, where a preset does not say how high
it is: the threshold of an n-channel transistor with thick oxide (assumed)."""


class LineVoltage(NamedTuple):
    """Voltage of a line: that which it is priced at, and the ends of the ramp that it may follow."""

    nominal: float
    low: float
    high: float

    @classmethod
    def fixed(cls, volts: float) -> "LineVoltage":
        """Return a voltage that is always the same."""
        return cls(volts, volts, volts)


class LineVoltages(NamedTuple):
    """Voltages of the lines by `LINES`.

    Parameters
    ----------
    set, reset : LineVoltage
        Amplitude of pulses. A ramp is priced at the nominal voltage of the preset, at which its response holds: counts
        do not say how far up each write went.
    gate : LineVoltage
        Word line: the root mean square over the ramps of both polarities.
    rail : LineVoltage
        Supply of the write drive: that of the table, or the highest amplitude where that is above it.
    read : LineVoltage
        Full scale of the rows.
    """

    set: LineVoltage
    reset: LineVoltage
    gate: LineVoltage
    rail: LineVoltage
    read: LineVoltage

    @classmethod
    def of_crossbar(cls, config: "CrossbarConfig", supply_v: float | None) -> "LineVoltages":
        """Return those of a crossbar.

        Parameters
        ----------
        config : CrossbarConfig
        supply_v : float, optional
            Of the write drive; None where the table says none.
        """
        set_line, reset_line = (_amplitude(config, polarity) for polarity in (SET, RESET))
        highest = max(set_line.high, reset_line.high)
        rail = highest if supply_v is None else max(supply_v, highest)
        return cls(
            set=set_line,
            reset=reset_line,
            gate=_gate(config, highest),
            rail=LineVoltage.fixed(rail),
            read=LineVoltage.fixed(config.cells.read_v),
        )


def _amplitude(config: "CrossbarConfig", polarity: int) -> LineVoltage:
    algorithm = config.algorithm()
    if algorithm.table is not None:
        codes = [int(code) for code in algorithm.table.entries.amplitude[polarity]]
        low, high = min(codes), max(codes)
    else:
        ramp = (algorithm.registers.set_amplitude, algorithm.registers.reset_amplitude)[polarity]
        low, high = ramp.start, ramp.stop
    ends = config.cells.code_to_volts(low), config.cells.code_to_volts(high)
    return LineVoltage(min(max(config.cells.nominal_v[polarity], ends[0]), ends[1]), *ends)


def _gate(config: "CrossbarConfig", highest_v: float) -> LineVoltage:
    ramps = [_ends(config, ramp, highest_v) for ramp in (config.registers.set_gate, config.registers.reset_gate)]
    # The mean of a square between its ends.
    squares = [(low**2 + low * high + high**2) / 3 for low, high in ramps]
    return LineVoltage(
        math.sqrt(sum(squares) / len(squares)), min(low for low, _ in ramps), max(high for _, high in ramps)
    )


def _ends(config: "CrossbarConfig", ramp: "Ramp", highest_v: float) -> tuple[float, float]:
    if ramp.start == CODES - 1:
        # Fully open: the preset does not say at which voltage.
        return highest_v + THRESHOLD_V, highest_v + THRESHOLD_V
    return config.cells.code_to_volts(ramp.start), config.cells.code_to_volts(ramp.stop)


REFERENCE: Final = LineVoltages(
    set=LineVoltage.fixed(1.6),
    reset=LineVoltage.fixed(1.6),
    gate=LineVoltage.fixed(2.3),
    rail=LineVoltage.fixed(2.5),
    read=LineVoltage.fixed(0.5),
)
"""Those of the preset `taox-hfox` with a supply of 2.5 V: the voltages of the tables in the documentation."""
