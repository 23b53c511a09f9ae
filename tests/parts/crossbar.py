"""A crossbar behind serial parts: what it does follows from closed switches, outputs of DACs and the gates alone."""

from dataclasses import dataclass, field

from front_end_bench import PartsAtPins

from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.parts.assembly import Drive, Line, SerialParts


@dataclass
class Pulse:
    """What a cell saw while the write gate was open."""

    row: int
    column: int
    voltage: int
    width: int


@dataclass
class Crossbar:
    """Cells whose conductance is a code; a pulse adds bit line less source line, times width over 64.

    A cell is read at the bit line code of READ and gives 16 times its conductance as result, and a column the sum.
    """

    config: ControllerConfig
    parts: SerialParts
    at_pins: PartsAtPins
    g: dict[tuple[int, int], int] = field(default_factory=dict)
    pulses: list[Pulse] = field(default_factory=list)
    _open: int = 0

    def output(self, line: Line, drive: Drive) -> int:
        """Give the code at a line, in the tile's bits."""
        (place,) = (n for n, output in enumerate(self.parts.outputs) if output.line is line and drive in output.drives)
        return self.at_pins.output(place) >> (self.parts.dac.bits - self.config.dac_bits)

    def step(self, write_gate: int, read_enable: int, time_ns: float) -> None:
        """Look at a cycle."""
        assert not (write_gate and read_enable)
        rows, columns = self.at_pins.rows.closed, self.at_pins.columns.closed
        if write_gate:
            assert all(dac.settled(time_ns) for dac in self.at_pins.dacs), "the write gate opens on a moving output"
            assert (len(rows), len(columns)) == (1, 1), "the write gate is open, and not one cell is connected"
            self._open += 1
            self._cell = rows[0], columns[0]
            self._voltage = self.output(Line.BIT_LINE, Drive.WRITE) - self.output(Line.SOURCE_LINE, Drive.WRITE)
        elif self._open:
            self.pulses.append(Pulse(*self._cell, self._voltage, self._open))
            change = self._voltage * self._open // 64
            self.g[self._cell] = max(0, self.g.get(self._cell, 0) + change)
            self._open = 0
        for channel in range(self.config.adc_channels):
            connected = [column for column in columns if column % self.config.adc_channels == channel]
            total = sum(self.g.get((row, column), 0) for row in rows for column in connected) if read_enable else 0
            self.at_pins.levels[channel] = min(16 * total, (1 << self.parts.adc.bits) - 1)
