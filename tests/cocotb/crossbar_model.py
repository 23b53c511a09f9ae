"""A crossbar with its converters behind the pins of the exported Verilog, in plain Python.

It looks at the pins once per cycle and answers in that cycle. It shares the physics with the engines, and nothing else:
no Amaranth, no simulator but the one that runs the Verilog.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from twinbar.emulator.crossbar import array
from twinbar.emulator.crossbar.array import ArrayState
from twinbar.emulator.devices.layout import RESET, SET
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.protocol.vocabulary import Record, Selection


class Pins(Protocol):
    """Pins that the controller drives, in the cycle in which they are looked at; ``trim`` is a list."""

    convert: int
    selection: int
    row: int
    column: int
    plane: int
    subtract: int
    record: int
    codes: int
    compliance_code: int
    update: int
    range: int
    trim: list[int]
    row_load: int
    row_clear: int
    row_word: int
    row_bits: int
    write_gate: int
    read_enable: int
    channels: int


@dataclass(frozen=True)
class Pulse:
    """A pulse as the pins showed it."""

    cell: int
    record: Record
    width: int


@dataclass
class Crossbar:
    """One tile's array.

    Parameters
    ----------
    config : ControllerConfig
    state : ArrayState
        Of all tiles.
    tile : int
    """

    config: ControllerConfig
    state: ArrayState
    tile: int
    pulses: list[Pulse] = field(default_factory=list)
    codes: dict[int, int] = field(default_factory=dict)
    compliance: bool = False
    _open: int = 0
    _trip: int = -1
    _summed: bool = False
    _drive: tuple[int, int, int, int] = (0, 0, 0, 0)
    _record: Record = Record.SAFE

    def cycle(self, pins: Pins) -> None:
        """Follow the pins of one cycle; sets ``codes`` (by channel) and ``compliance``."""
        assert not (pins.write_gate and pins.read_enable), "the write gate is open while the read path is connected"
        if pins.row_load:
            array.load_word(
                self.state,
                self.tile,
                pins.row_word,
                pins.row_bits,
                clear=bool(pins.row_clear),
                field_bits=self.config.field_bits,
                rows_per_word=self.config.rows_per_word,
            )
        self._follow_gate(pins)
        if not pins.read_enable:
            self._summed = False
        if pins.convert:
            assert pins.read_enable, "a conversion began without the read path"
            self.codes.update(self._convert(pins))

    def _follow_gate(self, pins: Pins) -> None:
        if pins.write_gate:
            cell = pins.row * self.config.columns + pins.column
            if self._open == 0:
                self._record = Record(pins.record)
                assert pins.selection == Selection.CELL.value, "the write gate opened without a cell"
                self._drive = (cell, *self._voltages(pins))
                self._trip = int(array.gate_opens(self.state, self.tile, *self._drive, pins.compliance_code))
            else:
                assert (cell, *self._voltages(pins)) == self._drive, "the drive changed while the gate was open"
            self.compliance = 0 <= self._trip <= self._open
            self._open += 1
        elif self._open:
            array.gate_closes(self.state, self.tile, *self._drive, self._open)
            self.pulses.append(Pulse(self._drive[0], self._record, self._open))
            self._open, self.compliance = 0, False

    @staticmethod
    def _voltages(pins: Pins) -> tuple[int, int, int]:
        """Give polarity, voltage across the cell, and word line, as codes."""
        bit, source, word = (pins.codes >> shift & 0xFFF for shift in (0, 12, 24))
        if pins.record == Record.RESET.value:
            return RESET, max(source - bit, 0), word
        return SET, max(bit - source, 0), word

    def _convert(self, pins: Pins) -> Iterator[tuple[int, int]]:
        state, tile = self.state, self.tile
        for channel in range(self.config.adc_channels):
            if not pins.channels >> channel & 1:
                continue
            trim = pins.trim[channel]
            if pins.selection in (Selection.PLANE.value, Selection.CODES.value):
                subtract = bool(pins.subtract)
                if not self._summed:
                    array.sum_step(state, tile, pins.plane, subtract, pins.selection == Selection.CODES.value)
                    self._summed = True
                output = pins.column + channel
                yield channel, int(array.convert_sum(state, tile, output, subtract, channel, trim, pins.range))
                continue
            cell = pins.row * self.config.columns + pins.column
            if pins.selection == Selection.COLUMN.value:
                cell = array.NO_CELL
            elif pins.selection == Selection.REFERENCE.value:
                cell = array.REFERENCE
            yield (
                channel,
                int(array.convert_single(state, tile, cell, pins.column, pins.subtract, channel, trim, pins.range)),
            )
