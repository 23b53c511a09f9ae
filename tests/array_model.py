"""The one array of the tests: cells whose conductance is a code, and what benches show them of their pins."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.parts.assembly import DrivenLine, DrivePath, SerialParts
from twinbar.hw.protocol.vocabulary import Record, Selection


@dataclass(frozen=True)
class Pulse:
    """What a cell saw while the write gate was open; ``record`` and ``codes`` where the pins say them."""

    row: int
    column: int
    voltage: int
    width: int
    record: Record | None = None
    codes: tuple[int, int, int] | None = None


@dataclass
class Cells:
    """Cells whose conductance is a code: a pulse adds its voltage times its width over 64, down to 0.

    The voltage is bit line less source line, in codes, and below zero for RESET.
    """

    g: dict[tuple[int, int], int] = field(default_factory=dict)
    pulses: list[Pulse] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.open = 0
        """Cycles for which the write gate has been open."""

    def gate(self, row: int, column: int, voltage: int, *told: Any) -> None:
        """The write gate is open for a cycle; nothing may change until it closes."""
        seen = (row, column, voltage, told)
        assert not self.open or seen == self._seen, "changed during a pulse"
        self._seen = seen
        self.open += 1

    def close(self) -> None:
        """The write gate is closed: a pulse that was open is applied."""
        if self.open:
            row, column, voltage, told = self._seen
            self.pulses.append(Pulse(row, column, voltage, self.open, *told))
            size = abs(voltage) * self.open // 64
            self.g[row, column] = max(0, self.g.get((row, column), 0) + (size if voltage > 0 else -size))
            self.open = 0

    def current(self, weights: Mapping[int, int], columns: Iterable[int]) -> int:
        """Sum the conductances of columns, each row times its weight."""
        return sum(weight * self.g.get((row, column), 0) for column in columns for row, weight in weights.items())


@dataclass
class Array(Cells):
    """Cells behind the pins of the direct front end.

    Conversion ``n`` of a channel, comparisons included, adds ``dither[n % len(dither)]`` to the code, and a column its
    ``offset``. The reference source gives ``reference[channel]`` times the trim of the channel over 128. A pulse
    ``trips`` or not.
    """

    config: ControllerConfig = field(kw_only=True)
    offset: dict[int, int] = field(default_factory=dict)
    dither: tuple[int, ...] = (0,)
    trips: bool = False
    reference: tuple[int, ...] = (0,)
    conversions: list[int] = field(default_factory=list)
    drives: list[tuple[Record, tuple[int, int, int]]] = field(default_factory=list)
    ranges: list[int] = field(default_factory=list)
    limits: list[int] = field(default_factory=list)
    thresholds: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.conversions = [0] * self.config.adc_channels
        self.inputs = [0] * self.config.rows
        self._held: dict[int, int] = {}
        self._over: dict[int, bool] = {}

    def cycle(self, pins: Any) -> dict[str, Any]:
        """Look at the pins in a cycle, and give what the array and its converters put on them."""
        assert not (pins.write_gate and pins.read_enable), "the write gate is open while the read path is connected"
        if pins.update:
            self.drives.append((Record(pins.record), pins.codes))
            self.limits.append(pins.compliance_code)
        if pins.row_load:
            self._load(pins)
        if pins.write_gate:
            assert pins.selection == Selection.CELL.value, "the write gate is open and no cell is selected"
            bit_line, source_line, _ = pins.codes
            size, record = abs(bit_line - source_line), Record(pins.record)
            self.gate(pins.row, pins.column, -size if record is Record.RESET else size, record, pins.codes)
        else:
            self.close()
        if pins.convert:
            assert pins.read_enable, "a conversion with the read path open"
            for channel in range(self.config.adc_channels):
                if pins.channels >> channel & 1:
                    self._convert(channel, pins)
        over = {}
        if self.config.compare and pins.compare:
            assert pins.read_enable, "a comparison with the read path open"
            assert not pins.convert, "a comparison and a conversion at once"
            for channel in range(self.config.adc_channels):
                if pins.channels >> channel & 1:
                    self.thresholds.append(pins.threshold)
                    self._over[channel] = self._code(channel, pins) >= pins.threshold
        if self.config.compare:
            over = {channel: self._over.get(channel, False) for channel in range(self.config.adc_channels)}
        # Only a code that was asked for is worth reading.
        codes = {channel: self._held.get(channel, -1) for channel in range(self.config.adc_channels)}
        return {"code": codes, "over": over, "compliance": int(self.trips and self.open > 0)}

    def _load(self, pins: Any) -> None:
        per_word, bits = self.config.rows_per_word, self.config.field_bits
        if pins.row_clear:
            self.inputs = [0] * self.config.rows
        for place in range(per_word):
            row = pins.row_word * per_word + place
            value = pins.row_bits >> (place * bits) & ((1 << bits) - 1)
            if row < self.config.rows:
                self.inputs[row] = value
            else:
                assert value == 0, "an input of a row that does not exist"

    def _output(self, pins: Any, column: int) -> int:
        """Return the exact current of an output as an integer."""
        selection = Selection(pins.selection)
        if selection is Selection.CELL:
            return self.current({pins.row: 1}, [column])
        if selection is Selection.COLUMN:
            return 0
        if selection is Selection.REFERENCE:
            channel = column % self.config.adc_channels
            return self.reference[channel] * pins.trim[channel] // 128
        assert selection in (Selection.PLANE, Selection.CODES), "a conversion with nothing selected"
        weights = dict(enumerate(self.inputs))
        if selection is Selection.PLANE:
            weights = {row: value >> pins.plane & 1 for row, value in weights.items()}
        if pins.subtract:
            return self.current(weights, [2 * column]) - self.current(weights, [2 * column + 1])
        return self.current(weights, [column])

    def _code(self, channel: int, pins: Any) -> int:
        column = pins.column - pins.column % self.config.adc_channels + channel
        code = self._output(pins, column) + self.dither[self.conversions[channel] % len(self.dither)]
        code += self.offset.get(column, 0)
        limit = 1 << self.config.adc_bits
        self.conversions[channel] += 1
        return max(-limit, min(limit - 1, code))

    def _convert(self, channel: int, pins: Any) -> None:
        self._held[channel] = self._code(channel, pins)
        self.ranges.append(pins.range)


@dataclass
class SwitchedArray(Cells):
    """Cells behind serial parts: what happens follows from closed switches, outputs of DACs and the gates alone.

    A cell is read at the bit line code of READ and gives 16 times its conductance as result, and a column the sum.

    Parameters
    ----------
    config : ControllerConfig
    parts : SerialParts
    at_pins : front_end_bench.PartsAtPins
        The models of the parts.
    """

    config: ControllerConfig = field(kw_only=True)
    parts: SerialParts = field(kw_only=True)
    at_pins: Any = field(kw_only=True)

    def _line(self, line: DrivenLine) -> int:
        """Return the code at a line of the write drive, in the tile's bits."""
        (place,) = (
            n for n, output in enumerate(self.parts.outputs) if output.line is line and DrivePath.WRITE in output.drives
        )
        return int(self.at_pins.output(place)) >> (self.parts.dac.bits - self.config.dac_bits)

    def step(self, write_gate: int, read_enable: int, time_ns: float) -> None:
        """Look at a cycle."""
        assert not (write_gate and read_enable), "the write gate is open while the read path is connected"
        rows, columns = self.at_pins.rows.closed, self.at_pins.columns.closed
        if write_gate:
            assert all(dac.settled(time_ns) for dac in self.at_pins.dacs), "the write gate opens on a moving output"
            assert (len(rows), len(columns)) == (1, 1), "the write gate is open, and not one cell is connected"
            self.gate(rows[0], columns[0], self._line(DrivenLine.BIT_LINE) - self._line(DrivenLine.SOURCE_LINE))
        else:
            self.close()
        for channel in range(self.config.adc_channels):
            connected = [column for column in columns if column % self.config.adc_channels == channel]
            total = self.current(dict.fromkeys(rows, 1), connected) if read_enable else 0
            self.at_pins.levels[channel] = min(16 * total, (1 << self.parts.adc.bits) - 1)
