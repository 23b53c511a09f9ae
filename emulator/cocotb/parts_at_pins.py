"""Serial parts and the crossbar behind them, in an HDL simulator: every edge is held to the datasheets."""

from collections import deque
from collections.abc import Sequence
from typing import Any

from twinbar.emulator.crossbar.array import (
    NO_CELL,
    REFERENCE,
    ArrayState,
    convert_single,
    convert_sum,
    gate_closes,
    gate_opens,
    sum_step,
)
from twinbar.emulator.devices.layout import NO_LIMIT, RESET, SET
from twinbar.hw.cocotb.watched_rule import TileRule
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.parts.adc import AdcDevice
from twinbar.hw.parts.assembly import DrivenLine, DrivePath, SerialParts
from twinbar.hw.parts.cycles import matrix_of
from twinbar.hw.parts.i2c import i2c_bus
from twinbar.hw.parts.part_model import SerialDevice, drive_bus
from twinbar.hw.parts.switch import SWITCHES
from twinbar.hw.protocol.registers import TRIM_INIT

_BUSES = ("dac", "switches", "adc")


class PartsAtPins(TileRule):
    """Serial parts keep their datasheets' times, and the gate opens on one cell that has come to rest.

    An observer of every cycle, and a rule. What an array does follows from closed switches, outputs of the DACs and the
    gates alone, as behind a board's pins; a read-out with a range code on its pins is that of a product.

    Parameters
    ----------
    dut : cocotb handle
    protocol : module
    config : ControllerConfig
    parts : SerialParts
    state : ArrayState
        That of all tiles.
    tile : int
    """

    def __init__(
        self, dut: Any, protocol: Any, config: ControllerConfig, parts: SerialParts, state: ArrayState, tile: int
    ) -> None:
        super().__init__(protocol, tile)
        self._config, self._parts, self._state = config, parts, state
        self._matrix = matrix_of(parts, config.rows, config.columns)
        self.dacs = [parts.dac.device() for _ in range(parts.dacs)]
        self.rows = parts.switch.device(self._matrix.row_switches // SWITCHES)
        self.columns = parts.switch.device(self._matrix.column_switches // SWITCHES)
        if parts.adc.latency:
            self.adcs: list[AdcDevice] = [parts.adc.device(self._sampled)]
        else:
            self.adcs = [self._converter(channel) for channel in range(config.adc_channels)]
        self._period_ns = 1e9 / parts.clock_hz
        self._now_ns = 0.0
        self._registers = deque([0] * parts.adc_board.input_registers)
        self._inputs = getattr(dut, f"tiles__{tile}__adc__inputs")
        self._compliance = getattr(dut, f"tiles__{tile}__compliance")
        self._inputs.value = self._compliance.value = 0
        self._i2c = i2c_bus(parts.dac, self.dacs)
        if self._i2c is not None:
            self._line = getattr(dut, f"tiles__{tile}__dac__inputs")
            self._line.value = 1
        self._lines = {output.line: output for output in parts.outputs if DrivePath.WRITE in output.drives}
        self._reads, self._range, self._limit = False, 0, NO_LIMIT
        self._pulse: tuple[int, int, int, int] | None = None
        self._driven: tuple[Any, ...] = ()
        self._trip, self._cycles = -1, 0
        self._summed: tuple[Any, ...] | None = None
        self._connected: list[int] = []
        self._moved_ns = dict.fromkeys(("rows", "columns"), float("-inf"))
        self._closed: dict[str, list[int]] = {"rows": [], "columns": []}
        self._next = config.adc_channels

    def _converter(self, channel: int) -> AdcDevice:
        return self._parts.adc.device(lambda _: self._sampled(channel))

    @property
    def devices(self) -> list[SerialDevice]:
        """All parts of the tile."""
        return [*self.dacs, *self.adcs, self.rows, self.columns]

    def look(self, cycle: int, pins: Any) -> None:
        """See a cycle, and answer in it.

        Parameters
        ----------
        cycle, pins
            As of `CycleObserver.look` of `twinbar.hw.cocotb.cycle_sampler`.
        """
        start, end = cycle * self._period_ns, (cycle + 1) * self._period_ns
        self._now_ns = start
        self._reads, self._range = bool(self.pin(pins, "read_enable")), self.pin(pins, "range")
        self._limit = self.pin(pins, "compliance_code")
        opened = bool(self.pin(pins, "switches_open"))
        self.rows.open(start, opened)
        self.columns.open(start, opened)
        groups: dict[str, Sequence[Sequence[SerialDevice]]] = {
            "dac": [[dac] for dac in self.dacs],
            "switches": [[self.rows], [self.columns]],
            "adc": [list(self.adcs)],
        }
        for bus in _BUSES:
            if bus == "dac" and self._i2c is not None:
                clock, data = (self.pin(pins, f"dac__{name}") for name in ("clock", "data"))
                self._line.value = self._i2c.drive(start, clock, data)
                continue
            until = end - (self._parts.adc_board.round_trip_ns if bus == "adc" else 0.0)
            levels = {name: self.pin(pins, f"{bus}__{name}") for name in ("select_n", "clock", "data")}
            shown = drive_bus(groups[bus], start, until, **levels)
            if bus == "switches":
                self._note_switches(start)
            if bus == "adc":
                self._registers.append(shown)
                self._inputs.value = self._registers.popleft()
        while self._i2c is not None and self._i2c.violations:
            self.broken(cycle, f"{self._parts.dac.name}: {self._i2c.violations.pop(0)}")
        for device in self.devices:
            while device.violations:
                self.broken(cycle, f"{device.name}: {device.violations.pop(0)}")
        self._see_gate(cycle, bool(self.pin(pins, "write_gate")))

    def _note_switches(self, time_ns: float) -> None:
        for name, chain in (("rows", self.rows), ("columns", self.columns)):
            if chain.closed != self._closed[name]:
                self._closed[name], self._moved_ns[name] = chain.closed, time_ns
                if name == "columns":
                    self._next = self._after(-1)

    # --- the gate -----------------------------------------------------------------------------------------------------

    def _level(self, line: DrivenLine) -> int:
        output = self._lines[line]
        bits = 8 if line is DrivenLine.LIMIT else self._config.dac_bits
        return self.dacs[output.chip].outputs[output.channel] >> self._parts.dac.bits - bits

    def _see_gate(self, cycle: int, gate: bool) -> None:
        if not gate:
            if self._pulse is not None:
                gate_closes(self._state, self.tile, *self._pulse, self._cycles)
                self._pulse, self._summed = None, None
            self._driven = ()
            self._compliance.value = 0
            return
        levels = tuple(self._level(line) for line in DrivenLine if line in self._lines)
        driven = (*self._closed["rows"], "/", *self._closed["columns"], "/", *levels)
        if not self._driven:
            self._open(cycle)
        elif driven != self._driven:
            self.broken(cycle, "an output of a DAC or a switch changed while the write gate was open")
        self._driven = driven
        self._cycles += 1
        self._compliance.value = int(self._pulse is not None and 0 <= self._trip < self._cycles)

    def _open(self, cycle: int) -> None:
        rows, columns = self._closed["rows"], self._closed["columns"]
        self._cycles = 0
        if not self._outputs_rest():
            self.broken(cycle, "the write gate opened while an output of a DAC was still on its way to its code")
        if not self._switches_rest():
            self.broken(cycle, "the write gate opened before the switches had settled")
        if len(rows) != 1 or len(columns) != 1 or rows[0] >= self._config.rows or columns[0] >= self._config.columns:
            self.broken(cycle, f"the write gate opened with the rows {rows} and the columns {columns} connected")
            return
        across = self._level(DrivenLine.BIT_LINE) - self._level(DrivenLine.SOURCE_LINE)
        limit = self._level(DrivenLine.LIMIT) if DrivenLine.LIMIT in self._lines else self._limit
        gate = self._level(DrivenLine.WORD_LINE)
        cell = rows[0] * self._config.columns + columns[0]
        self._pulse = (cell, RESET if across < 0 else SET, abs(across), gate)
        self._trip = int(gate_opens(self._state, self.tile, *self._pulse, limit))

    def _outputs_rest(self) -> bool:
        return all(dac.settled(self._now_ns) for dac in self.dacs)

    def _switches_rest(self) -> bool:
        return all(self._now_ns - moved >= self._parts.switch.settle_ns for moved in self._moved_ns.values())

    # --- conversions --------------------------------------------------------------------------------------------------

    def _outputs_of(self, channel: int | None = None) -> list[int]:
        """Return the switches of columns that are closed: those of a channel, or all."""
        matrix, found = self._matrix, []
        for place in self._closed["columns"]:
            output, pair = self._output(place)
            beyond = output >= (self._config.columns // 2 if pair else self._config.columns)
            if (matrix.reference and place == matrix.reference_switch) or beyond:
                continue
            if channel is None or output % self._config.adc_channels == channel:
                found.append(place)
        return found

    def _output(self, place: int) -> tuple[int, bool]:
        pair = place >= self._matrix.pair_base
        return (place - self._matrix.pair_base if pair else place), pair

    def _after(self, channel: int) -> int:
        """Return the lowest connected channel above another one, or the lowest of all."""
        channels = sorted({self._output(place)[0] % self._config.adc_channels for place in self._outputs_of()})
        above = [each for each in channels if each > channel]
        return (above or channels or [self._config.adc_channels])[0]

    def _sampled(self, channel: int) -> int:
        """Return what a channel's input has now, as the part's result."""
        adc, bits = self._parts.adc, self._config.adc_bits
        code = self._code(channel) if self._reads else 0
        shift = adc.shift(bits)
        result = adc.zero + (code << shift if shift >= 0 else code >> -shift)
        return min(max(result, 0), (1 << adc.bits) - 1)

    def _code(self, channel: int) -> int:
        places = self._outputs_of(channel)
        # An ADC that walks over its inputs begins with the one that was left chosen; that result is not taken.
        if not places or channel != self._next:
            return 0
        self._next = self._after(channel)
        cycle = round(self._now_ns / self._period_ns)
        if len(places) > 1:
            self.broken(cycle, f"the switches {places} connected several columns to one channel")
        if not self._outputs_rest():
            self.broken(cycle, "a conversion began while an output of a DAC was still on its way to its code")
        if not self._switches_rest():
            self.broken(cycle, "a conversion began before the switches had settled")
        output, pair = self._output(places[0])
        rows = self._closed["rows"]
        reference = self._matrix.reference and self._matrix.reference_switch in self._closed["columns"]
        if self._range == 0 and (reference or len(rows) <= 1):
            cell = REFERENCE if reference else rows[0] * self._config.columns + output if rows else NO_CELL
            return int(convert_single(self._state, self.tile, cell, output, pair, channel, TRIM_INIT, self._range))
        if self._summed != (tuple(rows), pair):
            self._sum(rows, pair)
        return int(convert_sum(self._state, self.tile, output, pair, channel, TRIM_INIT, self._range))

    def _sum(self, rows: Sequence[int], pair: bool) -> None:
        inputs = self._state.inputs[self.tile]
        inputs[:] = 0
        inputs[[row for row in rows if row < self._config.rows]] = 1
        sum_step(self._state, self.tile, 0, pair, False)
        self._summed = (tuple(rows), pair)
