"""An array and its converters in Python: deterministic codes, seen through the pins of the direct front end."""

from dataclasses import dataclass, field
from typing import Any

from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.protocol.vocabulary import Record, Selection


@dataclass(frozen=True)
class Pulse:
    """What a cell saw while the write gate was open."""

    row: int
    column: int
    record: Record
    codes: tuple[int, int, int]
    width: int


@dataclass
class Array:
    """Cells whose conductance is a code: SET adds ``bit_line`` code times width over 64, RESET subtracts it.

    Conversion ``n`` of a channel adds ``dither[n % len(dither)]`` to the code, and a column its ``offset``. The
    reference source gives ``reference[channel]`` times the trim of the channel over 128.
    """

    config: ControllerConfig
    g: dict[tuple[int, int], int] = field(default_factory=dict)
    offset: dict[int, int] = field(default_factory=dict)
    dither: tuple[int, ...] = (0,)
    trips: bool = False
    reference: tuple[int, ...] = (0,)
    pulses: list[Pulse] = field(default_factory=list)
    conversions: list[int] = field(default_factory=list)
    drives: list[tuple[Record, tuple[int, int, int]]] = field(default_factory=list)
    ranges: list[int] = field(default_factory=list)
    limits: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.conversions = [0] * self.config.adc_channels
        self.inputs = [0] * self.config.rows
        self._open = 0
        self._held: dict[int, int] = {}

    def cycle(self, pins: Any) -> dict[str, Any]:
        """Look at the pins in a cycle, and give what the array and its converters put on them."""
        assert not (pins.write_gate and pins.read_enable), "the write gate is open while the read path is connected"
        if pins.update:
            self.drives.append((Record(pins.record), pins.codes))
            self.limits.append(pins.compliance_code)
        if pins.row_load:
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
        self._write(pins)
        if pins.convert:
            assert pins.read_enable, "a conversion with the read path open"
            for channel in range(self.config.adc_channels):
                if pins.channels >> channel & 1:
                    self._convert(channel, pins)
        codes = {}
        for channel in range(self.config.adc_channels):
            # Only a code that was asked for is worth reading.
            codes[channel] = self._held.get(channel, -1)
        return {"code": codes, "compliance": int(self.trips and self._open > 0)}

    def _write(self, pins: Any) -> None:
        if pins.write_gate:
            assert pins.selection == Selection.CELL.value, "the write gate is open and no cell is selected"
            if not self._open:
                self._pulse = (pins.row, pins.column, Record(pins.record), pins.codes)
            assert self._pulse == (pins.row, pins.column, Record(pins.record), pins.codes), "changed during a pulse"
            self._open += 1
        elif self._open:
            row, column, record, codes = self._pulse
            self.pulses.append(Pulse(row, column, record, codes, self._open))
            change = codes[0] * self._open // 64
            here = self.g.get((row, column), 0)
            self.g[row, column] = max(0, here - change if record is Record.RESET else here + change)
            self._open = 0

    def current(self, pins: Any, column: int) -> int:
        """Give the exact current of an output as an integer."""
        selection = Selection(pins.selection)
        if selection is Selection.CELL:
            return self.g.get((pins.row, column), 0)
        if selection is Selection.COLUMN:
            return 0
        if selection is Selection.REFERENCE:
            channel = column % self.config.adc_channels
            return self.reference[channel] * pins.trim[channel] // 128
        weights = self.inputs
        if selection is Selection.PLANE:
            weights = [value >> pins.plane & 1 for value in self.inputs]
        assert selection in (Selection.PLANE, Selection.CODES), "a conversion with nothing selected"

        def total(cell_column: int) -> int:
            return sum(weight * self.g.get((row, cell_column), 0) for row, weight in enumerate(weights))

        return total(2 * column) - total(2 * column + 1) if pins.subtract else total(column)

    def _convert(self, channel: int, pins: Any) -> None:
        column = pins.column - pins.column % self.config.adc_channels + channel
        code = self.current(pins, column) + self.dither[self.conversions[channel] % len(self.dither)]
        code += self.offset.get(column, 0)
        limit = 1 << self.config.adc_bits
        self._held[channel] = max(-limit, min(limit - 1, code))
        self.conversions[channel] += 1
        self.ranges.append(pins.range)
