"""The parts of a serial front end between its pins and the array, in Amaranth's simulator."""

from collections import deque
from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Value

from twinbar.hw.errors import TwinbarError
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.parts.adc import AdcDevice
from twinbar.hw.parts.assembly import DrivenLine, DrivePath, SerialParts
from twinbar.hw.parts.cycles import matrix_of
from twinbar.hw.parts.i2c import i2c_bus
from twinbar.hw.parts.part_model import SerialDevice, drive_bus
from twinbar.hw.parts.switch import SWITCHES
from twinbar.hw.protocol.packing import lines_of
from twinbar.hw.protocol.vocabulary import Selection


class TileParts:
    """Models of the parts of a tile's front end, at its pins.

    They carry the array's codes to the tile through the ADCs' data pins. What else the tile wants done must have
    reached the parts: a pulse is given only through closed switches and at the codes that the DACs have, and what is
    not connected when a converter samples reads as zero.

    Parameters
    ----------
    config : ControllerConfig
    parts : SerialParts
    tile : int
    """

    def __init__(self, config: ControllerConfig, parts: SerialParts, tile: int) -> None:
        self._config, self._parts, self._tile = config, parts, tile
        self._matrix = matrix_of(parts, config.rows, config.columns)
        self._dacs = [parts.dac.device() for _ in range(parts.dacs)]
        self._i2c = i2c_bus(parts.dac, self._dacs)
        self._rows = parts.switch.device(self._matrix.row_switches // SWITCHES)
        self._columns = parts.switch.device(self._matrix.column_switches // SWITCHES)
        self._levels = [parts.adc.zero] * config.adc_channels
        self._wanted: set[int] = set()
        if parts.adc.latency:
            self._adcs: list[AdcDevice] = [parts.adc.device(self._level)]
        else:
            self._adcs = [self._converter(channel) for channel in range(config.adc_channels)]
        self._period_ns = 1e9 / parts.clock_hz
        # What the board puts between the parts and the transceiver.
        self._registers = deque([0] * parts.adc_board.input_registers)

    def _converter(self, channel: int) -> AdcDevice:
        return self._parts.adc.device(lambda _: self._level(channel))

    def _level(self, channel: int) -> int:
        """Return the result that a channel's input has now."""
        return self._levels[channel] if set(self._columns.closed) == self._wanted else self._parts.adc.zero

    def show(self, codes: dict[int, int], reader: Any) -> None:
        """Let the array have codes at its outputs, by channel, for the selection that the tile has made."""
        shift = self._parts.adc.shift(self._config.adc_bits)
        for channel, code in codes.items():
            self._levels[channel] = self._parts.adc.zero + (code << shift)
        self._wanted = self._matrix.closed_columns(
            reader["column"],
            self._config.adc_channels,
            reader["channels"],
            subtract=bool(reader["subtract"]),
            reference=reader["selection"] == Selection.REFERENCE.value,
        )

    def pulse(self, reader: Any) -> None:
        """See a cycle in which the write gate is open.

        Raises
        ------
        TwinbarError
            If another cell is connected, or other codes are at the outputs.
        """
        closed = self._rows.closed, self._columns.closed
        if closed != ([reader["row"]], [reader["column"]]):
            raise TwinbarError(
                f"the write gate of tile {self._tile} is open for row {reader['row']}, column {reader['column']}, but "
                f"the switches of rows {closed[0]} and columns {closed[1]} are closed; the front end is at fault"
            )
        # DrivenLine.LIMIT comes after the three lines of a record.
        lines = dict(zip(DrivenLine, (*lines_of(reader["codes"]), reader["compliance_code"]), strict=True))
        for output in self._parts.outputs:
            if DrivePath.WRITE in output.drives:
                code = self._parts.dac_code(output.line, lines[output.line], self._config.dac_bits)
                held = self._dacs[output.chip].outputs[output.channel]
                if held != code:
                    raise TwinbarError(
                        f"the write gate of tile {self._tile} is open with {held} instead of {code} at output "
                        f"{output.channel} of DAC {output.chip}; the front end is at fault"
                    )

    def step(self, bench: Any, pins: Any, cycle: int) -> None:
        """Show the pins of a cycle to the models, and give the tile what they answer.

        Raises
        ------
        TwinbarError
            If a limit of a part was broken.
        """
        time_ns, until_ns = cycle * self._period_ns, (cycle + 1) * self._period_ns
        opened = bool(bench.get(pins.switches_open))
        for chain in (self._rows, self._columns):
            chain.open(time_ns, opened)
        if self._i2c is None:
            self._show(bench, pins.dac, [[dac] for dac in self._dacs], time_ns, until_ns)
        else:
            clock, data = (bench.get(Value.cast(pin)) for pin in (pins.dac.clock, pins.dac.data))
            bench.set_inputs(pins.dac.inputs, self._i2c.drive(time_ns, clock, data))
        self._show(bench, pins.switches, [[self._rows], [self._columns]], time_ns, until_ns)
        seen = until_ns - self._parts.adc_board.round_trip_ns
        self._registers.append(self._show(bench, pins.adc, [list(self._adcs)], time_ns, seen))
        bench.set_inputs(pins.adc.inputs, self._registers.popleft())
        devices: tuple[SerialDevice, ...] = (*self._dacs, *self._adcs, self._rows, self._columns)
        violations = [violation for device in devices for violation in device.violations]
        violations += [] if self._i2c is None else self._i2c.violations
        if violations:
            raise TwinbarError(f"tile {self._tile}: {violations[0]}; the front end is at fault")

    @staticmethod
    def _show(bench: Any, pins: Any, devices: Sequence[Sequence[SerialDevice]], time_ns: float, until_ns: float) -> int:
        select_n, clock, level = (bench.get(Value.cast(pin)) for pin in (pins.select_n, pins.clock, pins.data))
        return drive_bus(devices, time_ns, until_ns, select_n=select_n, clock=clock, data=level)
