"""The direct front end of a tile: what its pins do to the array, and the heat that this makes."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from twinbar.emulator.contract.program import SYNCHRONIZER_CYCLES
from twinbar.emulator.crossbar import array
from twinbar.emulator.crossbar.array import ArrayState
from twinbar.emulator.crossbar.cell_energy import CellEnergy
from twinbar.emulator.devices.layout import RESET, SET
from twinbar.emulator.engines.events.clock import Clock
from twinbar.emulator.engines.events.drive import Drive
from twinbar.emulator.pins.cell_calls import CellCalls
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.protocol.vocabulary import Record

_NEVER: Final = -1


@dataclass(slots=True)
class GateOpening:
    """An opening of the write gate.

    Parameters
    ----------
    opened : int
        First cycle.
    cell, polarity, amplitude, gate : int
        As `twinbar.emulator.crossbar.array.gate_opens` takes them.
    trip : int
        Cycle of the pulse from which on the current is limited; -1: it is not.
    closed : int, optional
        First cycle in which the gate is closed again.
    """

    opened: int
    cell: int
    polarity: int
    amplitude: int
    gate: int
    trip: int
    closed: int | None = None

    def open_in(self, cycle: int) -> bool:
        """Whether the gate is open in a cycle, as far as it is known by now."""
        return self.opened <= cycle and (self.closed is None or cycle < self.closed)

    def limits(self, cycle: int) -> bool:
        """Whether the compliance pin is high in a cycle because of this pulse."""
        return self.trip >= 0 and self.opened + self.trip <= cycle and self.open_in(cycle)


class FrontEnd:
    """The direct front end of a tile, and its array.

    The write gate and the read path are opened by name, and closed by `close`, which knows what was open: so a halt
    closes whatever it finds.

    Parameters
    ----------
    clock : Clock
    tile : int
    state : ArrayState
        Cells and converters of all tiles.
    config : ControllerConfig
    sample_and_hold : bool
        Whether every column has one, so that rows are driven only until the first conversion of an input step.

    Attributes
    ----------
    energy : list of int
        Heat by `CellEnergy`.
    channel_cycles, channel_wakes : int
        Cycles for which ADC channels were on, summed over channels, and how often one was switched on.
    least, most, clipped : int or None
        Least and largest raw code of forward conversions, and how many ended on an extreme code.
    """

    def __init__(
        self, clock: Clock, tile: int, state: ArrayState, config: ControllerConfig, *, sample_and_hold: bool
    ) -> None:
        self.energy = [0] * len(CellEnergy)
        self.channel_cycles = 0
        self.channel_wakes = 0
        self.least: int | None = None
        self.most: int | None = None
        self.clipped = 0
        self._clock = clock
        self._tile = tile
        self._state = state
        self._cells = CellCalls(state)
        self._config = config
        self._columns = config.columns
        self._sample_and_hold = sample_and_hold
        # The read path: since when it is on, the heat that it makes per cycle, and whose heat that is.
        self._connected = _NEVER
        self._heat = 0
        self._heat_kind = CellEnergy.VERIFY
        # ADC channels that are on, and since when; they are off without the read path.
        self._channels = 0
        self._channels_since = _NEVER
        # The last pulse, and the one before it.
        self._pulse: GateOpening | None = None
        self._before: GateOpening | None = None
        signed_top = (1 << config.adc_bits - 1) - 1
        unsigned = (int(state.scalars[0].adc_min), int(state.scalars[0].adc_max))
        self._code_range = {False: unsigned, True: (-signed_top - 1, signed_top)}

    # --- the write gate --------------------------------------------------------------------------------------------

    def open_gate(self, row: int, column: int, drive: Drive) -> "GateOpening":
        """Open the write gate in this cycle."""
        bit_line, source_line, gate = drive.codes
        if drive.record is Record.RESET:
            polarity, amplitude = RESET, max(source_line - bit_line, 0)
        else:
            polarity, amplitude = SET, max(bit_line - source_line, 0)
        cell = row * self._columns + column
        trip = self._cells.gate_opens(self._tile, cell, polarity, amplitude, gate, drive.compliance)
        self._before = self._pulse
        self._pulse = GateOpening(self._clock.cycle, cell, polarity, amplitude, gate, trip)
        return self._pulse

    def limited(self, cycle: int) -> bool:
        """Whether the compliance input is seen high in a cycle that is not yet to come."""
        return any(
            pulse is not None and pulse.limits(cycle - SYNCHRONIZER_CYCLES) for pulse in (self._before, self._pulse)
        )

    def first_limited(self, cycle: int) -> int | None:
        """Return the first cycle from ``cycle`` on in which the compliance input is seen, while the gate stays open.

        What is on the pin is seen two cycles later, so that the end of the pulse before may still be seen.
        """
        if self._before is not None and self._before.limits(cycle - SYNCHRONIZER_CYCLES):
            return cycle
        if self._pulse is None or self._pulse.trip < 0:
            return None
        return max(cycle, self._pulse.opened + self._pulse.trip + SYNCHRONIZER_CYCLES)

    # --- the read path ---------------------------------------------------------------------------------------------

    def connect_cell(self, row: int, column: int) -> None:
        """Connect the read path to a cell from this cycle on."""
        self._connect(CellEnergy.VERIFY, int(self._state.grid[self._tile, row * self._columns + column]), 1)

    def connect_column(self) -> None:
        """Connect the read path to a column with all rows open, or to the reference, from this cycle on."""
        self._connect(CellEnergy.VERIFY, 0, 1)

    def sum_rows(self, plane: int, *, subtract: bool, codes: bool) -> tuple[int, int]:
        """Let the rows of an input step be driven; gives their heat per cycle, and how many they are."""
        heat, driven = array.sum_step(self._state, self._tile, plane, subtract, codes)
        return int(heat), int(driven)

    def connect_rows(self, heat: int, outputs: int) -> None:
        """Connect the read path to all columns from this cycle on.

        Parameters
        ----------
        heat : int
            Of the driven rows, per cycle.
        outputs : int
            Outputs of the product.
        """
        self._connect(CellEnergy.FORWARD, heat, min(outputs, self._config.adc_channels))

    def _connect(self, kind: CellEnergy, heat: int, channels: int) -> None:
        self._connected, self._heat, self._heat_kind = self._clock.cycle, heat, kind
        self._switch_channels(self._clock.cycle, channels)

    def need_outputs(self, outputs: int) -> None:
        """Say, while the rows may be driven, how many outputs of a product are left: so many channels stay on."""
        if self._connected != _NEVER:
            self._switch_channels(self._clock.cycle, min(outputs, self._config.adc_channels))

    def _switch_channels(self, cycle: int, channels: int) -> None:
        self.channel_cycles += self._channels * (cycle - self._channels_since)
        if channels > self._channels:
            self.channel_wakes += channels - self._channels
        self._channels, self._channels_since = channels, cycle

    def convert_cell(self, row: int, column: int, trim: int, code_range: int) -> int:
        """Convert the current of a cell; accepted in this cycle."""
        return self._convert(row * self._columns + column, column, 0, trim, code_range)

    def convert_open_column(self, output: int, trim: int, code_range: int, *, pair: bool) -> int:
        """Convert a column, or a subtracted pair, with all rows open; accepted in this cycle."""
        return self._convert(array.NO_CELL, output, int(pair), trim, code_range)

    def convert_reference(self, column: int, trim: int, code_range: int) -> int:
        """Convert the reference source on a column; accepted in this cycle."""
        return self._convert(array.REFERENCE, column, 0, trim, code_range)

    def _convert(self, cell: int, output: int, pair: int, trim: int, code_range: int) -> int:
        channel = output % self._config.adc_channels
        return self._cells.convert_single(self._tile, cell, output, pair, channel, trim, code_range)

    def convert_outputs(
        self, first: int, count: int, trims: list[int], code_range: int, *, subtract: bool
    ) -> list[int]:
        """Convert neighbouring outputs of the driven rows, each in its channel; accepted in this cycle."""
        if self._sample_and_hold:
            self._account(self._clock.cycle)
            self._heat = 0
        used = np.array(trims[:count], np.int64)
        codes = array.convert_group(self._state, self._tile, first, subtract, used, code_range).tolist()
        self.least = min(codes) if self.least is None else min(self.least, *codes)
        self.most = max(codes) if self.most is None else max(self.most, *codes)
        low, high = self._code_range[subtract]
        self.clipped += sum(array.is_clipped(code, low, high) for code in codes)
        return codes

    def forget_extremes(self) -> None:
        """Start a program: nothing was converted."""
        self.least = self.most = None
        self.clipped = 0

    # --- both ------------------------------------------------------------------------------------------------------

    def close(self, cycle: int) -> None:
        """Close the write gate and the read path, whichever is open, so that it is closed from ``cycle`` on."""
        if self._connected != _NEVER:
            self._account(cycle)
            self._switch_channels(cycle, 0)
            self._connected = _NEVER
        pulse = self._pulse
        if pulse is not None and pulse.closed is None:
            pulse.closed = cycle
            self.energy[CellEnergy.RESET if pulse.polarity == RESET else CellEnergy.SET] += self._cells.gate_closes(
                self._tile, pulse.cell, pulse.polarity, pulse.amplitude, pulse.gate, cycle - pulse.opened
            )

    def _account(self, cycle: int) -> None:
        self.energy[self._heat_kind] += self._heat * (cycle - self._connected)
        self._connected = cycle
