"""What an array sees on the pins of its tile, cycle by cycle: the world of the netlist in Amaranth's simulator."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from twinbar.emulator.crossbar.array import (
    NO_CELL,
    REFERENCE,
    ArrayState,
    convert_single,
    convert_sum,
    gate_closes,
    gate_opens,
    is_clipped,
    load_word,
    sum_step,
)
from twinbar.emulator.crossbar.cell_energy import CellEnergy
from twinbar.emulator.devices.layout import RESET, SET
from twinbar.hw.actions import ACTIONS, Action
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.protocol.packing import lines_of
from twinbar.hw.protocol.vocabulary import Record, Selection
from twinbar.hw.timing import PHASES, Phase

ROWS_DRIVEN: Final = (Selection.PLANE.value, Selection.CODES.value)
NEVER: Final = -1
"""Trip of a pulse whose current stays below its limit (`gate_opens`)."""


class Pins(NamedTuple):
    """Pins that are looked at in every cycle; the others are read when they matter.

    Parameters
    ----------
    phase, selection : int
    write_gate, read_enable, convert, row_load, compare : bool
    channels : int
        ADC channels that are on; looked at while the read path is.
    """

    phase: int
    selection: int
    write_gate: bool
    read_enable: bool
    convert: bool
    row_load: bool
    compare: bool
    channels: int


AT_REST: Final = Pins(Phase.IDLE, Selection.NONE.value, False, False, False, False, False, 0)


class PinReader(Protocol):
    """Reads pins of a tile by name in this cycle."""

    def __getitem__(self, name: str) -> int:
        """Return the bits of a pin."""

    def trims(self) -> list[int]:
        """Return the trims of the channels."""


@dataclass
class OpenPulse:
    """A pulse whose gate is open: the arguments of `gate_closes`, and when its current reached the limit."""

    cell: int
    polarity: int
    amplitude: int
    gate: int
    trip: int
    cycles: int = 0


class TileArray:
    """The array of one tile behind its pins, and what a program's result counts of it.

    Parameters
    ----------
    state : ArrayState
    tile : int
    controller : ControllerConfig
    sample_and_hold : bool
    """

    def __init__(self, state: ArrayState, tile: int, controller: ControllerConfig, *, sample_and_hold: bool) -> None:
        self._state = state
        self._tile = tile
        self._controller = controller
        self._holds = sample_and_hold
        self._pulse: OpenPulse | None = None
        self._heat = 0
        self._converted = False
        self._channels = 0
        self._last = AT_REST
        self.start()

    def start(self) -> None:
        """Start counting for a program."""
        self.phases = np.zeros(len(PHASES), np.int64)
        self.actions = np.zeros(len(ACTIONS), np.int64)
        self.energy = np.zeros(len(CellEnergy), np.int64)
        self._forward: tuple[int, int] | None = None
        self._clipped = 0

    @property
    def extremes(self) -> npt.NDArray[np.int64]:
        """Least and greatest forward code, and how many were extreme."""
        return np.array([*(self._forward or (0, 0)), self._clipped], np.int64)

    def cycle(self, pins: Pins, reader: PinReader) -> tuple[dict[int, int], dict[int, bool], bool]:
        """See one cycle.

        Returns
        -------
        tuple
            New codes and new results of comparisons by channel, and whether the current has reached its limit.
        """
        self.phases[pins.phase] += 1
        if pins.row_load:
            config = self._controller
            load_word(
                self._state,
                self._tile,
                reader["row_word"],
                reader["row_bits"],
                clear=bool(reader["row_clear"]),
                field_bits=config.field_bits,
                rows_per_word=config.rows_per_word,
            )
        self._select(pins, reader)
        codes = self._convert(pins, reader) if pins.convert else {}
        over = self._compare(pins, reader) if pins.compare else {}
        channels = 0
        if pins.read_enable:
            self._heat_read(pins, reader)
            channels = pins.channels
            self.actions[Action.CHANNEL_CYCLE] += channels.bit_count()
            self.actions[Action.CHANNEL_WAKE] += (channels & ~self._channels).bit_count()
        self._channels = channels
        compliance = self._gate(pins, reader)
        self._last = pins
        return codes, over, compliance

    def _select(self, pins: Pins, reader: PinReader) -> None:
        """Count what starts: a selection, an input step, an update of the drive."""
        last = self._last
        if pins.phase == Phase.SELECT and pins.selection != Selection.NONE.value:
            # A selection follows no other one without a cycle between them; LOAD selects nothing.
            if last.phase == Phase.SELECT and last.selection != Selection.NONE.value:
                return
            if pins.selection not in ROWS_DRIVEN:
                self.actions[Action.SELECT_CELL] += 1
                return
            self.actions[Action.INPUT_STEP] += 1
            codes = pins.selection == Selection.CODES.value
            heat, rows = sum_step(self._state, self._tile, reader["plane"], bool(reader["subtract"]), codes)
            self._heat, self._converted = int(heat), False
            self.actions[Action.ROW_DRIVE] += rows
        elif _drives(pins) and not _drives(last):
            self.actions[Action.DRIVE_UPDATE] += 1

    def _cell(self, reader: PinReader) -> int:
        return reader["row"] * self._controller.columns + reader["column"]

    def _convert(self, pins: Pins, reader: PinReader) -> dict[int, int]:
        channels = [channel for channel in range(self._controller.adc_channels) if pins.channels >> channel & 1]
        column, code_range, trims = reader["column"], reader["range"], reader.trims()
        pair = bool(reader["subtract"])
        if pins.selection in ROWS_DRIVEN:
            self._converted = True
            self.actions[[Action.CONVERT_FORWARD, Action.SHIFT_ADD]] += len(channels)
            # The first channel converts the first output of the group.
            codes = {
                channel: int(
                    convert_sum(self._state, self._tile, column + channel, pair, channel, trims[channel], code_range)
                )
                for channel in channels
            }
            self._note_extremes(codes.values(), pair)
            return codes
        self.actions[Action.CONVERT_VERIFY] += 1
        return self._convert_one(pins, reader)

    def _compare(self, pins: Pins, reader: PinReader) -> dict[int, bool]:
        """Convert in place of a comparison, and tell one bit of it."""
        self.actions[Action.COMPARE] += 1
        ((channel, code),) = self._convert_one(pins, reader).items()
        return {channel: code >= reader["threshold"]}

    def _convert_one(self, pins: Pins, reader: PinReader) -> dict[int, int]:
        channel = pins.channels.bit_length() - 1
        column, code_range, trims = reader["column"], reader["range"], reader.trims()
        pair = bool(reader["subtract"])
        cell = NO_CELL
        if pins.selection == Selection.CELL.value:
            cell = self._cell(reader)
        elif pins.selection == Selection.REFERENCE.value:
            cell = REFERENCE
        code = convert_single(self._state, self._tile, cell, column, pair, channel, trims[channel], code_range)
        return {channel: int(code)}

    def _note_extremes(self, codes: Collection[int], pair: bool) -> None:
        state = self._state
        low, high = int(state.scalars[0].adc_min), int(state.scalars[0].adc_max)
        if pair:
            high = (1 << (int(state.shape[0].adc_bits) - 1)) - 1
            low = -high - 1
        least, most = self._forward or (high, low)
        self._forward = min(least, *codes), max(most, *codes)
        self._clipped += sum(is_clipped(code, low, high) for code in codes)

    def _heat_read(self, pins: Pins, reader: PinReader) -> None:
        if pins.selection == Selection.CELL.value:
            self.energy[CellEnergy.VERIFY] += self._state.grid[self._tile, self._cell(reader)]
        elif pins.selection in ROWS_DRIVEN and not (self._holds and self._converted):
            self.energy[CellEnergy.FORWARD] += self._heat

    def _gate(self, pins: Pins, reader: PinReader) -> bool:
        """See the write gate; gives whether the current has reached its limit."""
        if not pins.write_gate:
            if self._pulse is not None:
                self._close(self._pulse)
            return False
        if self._pulse is None:
            self._pulse = self._open(reader)
        pulse = self._pulse
        pulse.cycles += 1
        return pulse.trip != NEVER and pulse.cycles > pulse.trip

    def _open(self, reader: PinReader) -> OpenPulse:
        bit_line, source_line, gate = lines_of(reader["codes"])
        resets = reader["record"] == Record.RESET.value
        polarity = RESET if resets else SET
        amplitude = max(source_line - bit_line if resets else bit_line - source_line, 0)
        cell = self._cell(reader)
        self.actions[Action.PULSE_RESET if resets else Action.PULSE_SET] += 1
        trip = gate_opens(self._state, self._tile, cell, polarity, amplitude, gate, reader["compliance_code"])
        return OpenPulse(cell, polarity, amplitude, gate, int(trip))

    def _close(self, pulse: OpenPulse) -> None:
        heat = gate_closes(
            self._state, self._tile, pulse.cell, pulse.polarity, pulse.amplitude, pulse.gate, pulse.cycles
        )
        self.energy[CellEnergy.RESET if pulse.polarity == RESET else CellEnergy.SET] += heat
        self._pulse = None


def _drives(pins: Pins) -> bool:
    """Whether the write drive settles: the one settling of a cell with the read path open."""
    return pins.phase == Phase.SETTLE and pins.selection == Selection.CELL.value and not pins.read_enable
