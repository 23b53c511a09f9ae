"""Array and converters of a tile, behind the pins of a controller in Amaranth's simulator, with the real physics."""

from typing import Any

import numpy as np
from amaranth.sim import SimulatorContext

from twinbar.emulator.configuration import AdcRange, CrossbarConfig
from twinbar.emulator.devices.layout import (
    FAULT_NONE,
    P_ADC_KA,
    P_ADC_MAX,
    P_READ_GAIN,
    P_READ_KU,
    P_SEED,
    READ_GAIN_SHIFT,
    READ_KU_SHIFT,
)
from twinbar.emulator.devices.physics import (
    apply_pulse,
    cell_key,
    channel_key,
    convert,
    effective_conductance,
    grid_variance,
    to_grid,
    traits,
)
from twinbar.hw.gateware.front_end import Selection


class ArrayModel:
    """One tile's cells. It starts from given cell states and keeps its own."""

    def __init__(self, config: CrossbarConfig, tile: int, g: np.ndarray, pulses: np.ndarray, fault: np.ndarray) -> None:
        self.config, self.tile = config, tile
        self.g, self.pulses, self.fault = g.astype(np.int64), pulses.astype(np.int64), fault.copy()
        self.conversions = [0] * config.geometry.adc_channels
        self.inputs = 0
        self.full_scale = 1.0
        self.widths: list[int] = []
        self._scalars, self._tables = config.cells.scalars, config.cells.tables
        self._seed = np.uint64(self._scalars[P_SEED])

    def key(self, cell: int) -> Any:
        return np.uint64(cell_key(self._seed, self.tile, cell))

    def pulse(self, cell: int, polarity: int, amplitude: int, gate: int, width: int) -> None:
        """Apply one pulse, when the gate has closed."""
        self.widths.append(width)
        if self.fault[cell] == FAULT_NONE:
            self.g[cell] = apply_pulse(
                np.int64(self.g[cell]),
                self.key(cell),
                np.int64(self.pulses[cell]),
                polarity,
                amplitude,
                gate,
                width,
                traits(self.key(cell), self._scalars, self._tables),
                self._scalars,
                self._tables,
            )
        self.pulses[cell] += 1

    def grid(self, cell: int) -> int:
        row, column = divmod(cell, self.config.geometry.columns)
        seen = effective_conductance(
            np.int64(self.g[cell]), self.key(cell), np.int64(self.pulses[cell]), 0, self._scalars, self._tables
        )
        return int(to_grid(seen, row + column, self._scalars, self._tables))

    def _convert(self, channel: int, total: int, variance: int, adc: AdcRange, limits: tuple[int, int]) -> int:
        count = self.conversions[channel]
        self.conversions[channel] += 1
        key = np.uint64(channel_key(self._seed, self.tile, channel))
        ka = self._scalars[P_ADC_KA]
        registers = (adc.gain, adc.gain_shift, adc.ku, adc.ku_shift)
        return int(convert(np.int64(total), np.int64(variance), key, count, *registers, ka, *limits, self._tables))

    def read(self, cell: int) -> tuple[int, int]:
        """Convert one cell; gives its channel and code."""
        s = self._scalars
        grid = self.grid(cell)
        channel = cell % self.config.geometry.columns % self.config.geometry.adc_channels
        adc = AdcRange(s[P_READ_GAIN], READ_GAIN_SHIFT, s[P_READ_KU], READ_KU_SHIFT)
        return channel, self._convert(channel, grid, grid_variance(grid, s, self._tables), adc, (0, s[P_ADC_MAX]))

    def forward(self, output: int, plane: int) -> int:
        """Convert the sum of an output's column, or of its pair of columns."""
        geometry = self.config.geometry
        total = variance = 0
        for row in range(geometry.rows):
            x = self.inputs >> row * geometry.input_bits & geometry.input_max
            if not geometry.dac_inputs:
                x = x >> plane & 1
            columns = (2 * output, 2 * output + 1) if geometry.subtract_pairs else (output,)
            for sign, column in zip((1, -1), columns, strict=False):
                grid = self.grid(row * geometry.columns + column)
                total += sign * x * grid
                variance += x * x * int(grid_variance(grid, self._scalars, self._tables))
        adc = self.config.adc_range(self.full_scale)
        return self._convert(output % geometry.adc_channels, total, variance, adc, geometry.code_range)

    async def run(self, ctx: SimulatorContext, pins: Any) -> None:
        """Follow the pins, cycle by cycle."""
        names = (
            *("write_gate", "read_enable", "convert", "forward", "selection", "row", "column", "plane", "group"),
            *("active", "amplitude", "gate", "polarity", "input_load", "input_clear", "input_index", "input_data"),
        )
        columns, channels = self.config.geometry.columns, self.config.geometry.adc_channels
        open_cycles = 0
        bias: tuple[int, ...] = ()
        async for _, _, *values in ctx.tick().sample(*(getattr(pins, name) for name in names)):
            at = dict(zip(names, values, strict=True))
            cell = at["row"] * columns + at["column"]
            assert not (at["write_gate"] and at["read_enable"]), "the write gate is open with the read path"
            if at["write_gate"]:
                assert at["selection"] == Selection.CELL
                now = (cell, at["polarity"], at["amplitude"], at["gate"])
                assert open_cycles == 0 or now == bias, "the drive changed while the gate was open"
                bias = now
                open_cycles += 1
            elif open_cycles:
                self.pulse(*bias, open_cycles)
                open_cycles = 0
            if at["input_load"]:
                word = at["input_data"] << 32 * at["input_index"]
                mask = 0 if at["input_clear"] else ~(0xFFFFFFFF << 32 * at["input_index"])
                self.inputs = self.inputs & mask | word
            if at["convert"]:
                assert at["read_enable"], "a conversion without the read path"
                if at["forward"]:
                    assert at["selection"] == Selection.ROWS
                    for channel in range(at["active"]):
                        code = self.forward(at["group"] * channels + channel, at["plane"])
                        ctx.set(pins.codes[channel], code & (1 << self.config.geometry.adc_bits) - 1)
                else:
                    assert at["selection"] == Selection.CELL
                    channel, code = self.read(cell)
                    ctx.set(pins.codes[channel], code)
