"""The registers of a tile: checks what is written, and holds the settings that the gateware uses directly."""

from typing import Any

from amaranth.hdl import Module, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.protocol import registers
from twinbar.hw.protocol.layouts import ADDRESS_BITS, LINE_BITS, PULSE_BITS, TRIM_BITS, VALUE_BITS, WIDTH_BITS
from twinbar.hw.protocol.registers import REGISTERS, Access
from twinbar.hw.protocol.vocabulary import ComplianceAction, Mode, Status

from ..controller_config import ControllerConfig
from .durations import BASE, ROW_BITS


class Sampling(data.Struct):
    """How a single-cell read is averaged."""

    discard: 4
    average: 3


class Compliance(data.Struct):
    """What the compliance input does."""

    blanking: 16
    action: ComplianceAction


class Settings(data.Struct):
    """Registers that the gateware uses directly, by their names."""

    sampling: Sampling
    pulse_limit: PULSE_BITS
    levels: 9
    compliance: Compliance
    watchdog: WIDTH_BITS


def _initial_settings() -> dict[str, Any]:
    init: dict[str, Any] = {}
    for name, field in data.Layout.cast(Settings):
        value = registers.BY_NAME[name.upper()].init
        init[name] = value if isinstance(field.shape, int) else field.shape.from_bits(value)
    return init


class RegisterFile(wiring.Component):
    """Checks what is written to registers and tables, and holds the settings that the gateware uses directly.

    Settings keep their values over a reset, like the memories that hold the other registers.

    Parameters
    ----------
    config : ControllerConfig

    Members
    -------
    check : In(1)
        Look at the command ``head`` at the end of this cycle.
    head_address, head_value : In
        Its arguments.
    address, value : In
        Those of the command that was looked at.
    write : In(1)
        It writes.
    store : In(1)
        Store the value at the end of this cycle, if ``status`` was OK.
    mode : In(Mode)
    status : Out(Status)
        Whether the register exists, can be read (or with ``write`` be written), and with this value. Combinational.
    write_register, write_duration, write_level, write_trim, write_offset : Out(1)
        The value is to be stored at the end of this cycle.
    settings : Out(Settings)
    """

    def __init__(self, config: ControllerConfig) -> None:
        self.config = config
        super().__init__(
            {
                "check": In(1),
                "head_address": In(ADDRESS_BITS),
                "head_value": In(VALUE_BITS),
                "address": In(ADDRESS_BITS),
                "value": In(VALUE_BITS),
                "write": In(1),
                "store": In(1),
                "mode": In(Mode),
                "status": Out(Status),
                "write_register": Out(1),
                "write_duration": Out(1),
                "write_level": Out(1),
                "write_trim": Out(1),
                "write_offset": Out(1),
                "settings": Out(Settings),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        # Looked at before the command starts, because its first cycle depends on it.
        known, writable, locked, legal = Signal(), Signal(), Signal(), Signal()
        in_levels, in_trims, in_offsets = Signal(), Signal(), Signal()
        with m.If(self.check):
            m.d.sync += [
                known.eq(0),
                writable.eq(0),
                locked.eq(0),
                legal.eq(0),
                in_levels.eq(0),
                in_trims.eq(0),
                in_offsets.eq(0),
            ]
            with m.Switch(self.head_address):
                for register in REGISTERS:
                    with m.Case(register.address):
                        m.d.sync += [
                            known.eq(1),
                            writable.eq(register.access in (Access.OPEN, Access.LOCKED)),
                            locked.eq(register.access is Access.LOCKED),
                            legal.eq(self._legal(register)),
                        ]
                for base, members in (
                    (registers.PHASE_COUNTER_BASE, registers.Phase),
                    (registers.ACTION_COUNTER_BASE, registers.COUNTED_ACTIONS),
                ):
                    for member in members:
                        with m.Case(base + member):
                            m.d.sync += known.eq(1)
                with m.Case("0001--------"):
                    m.d.sync += [in_levels.eq(1), legal.eq(self._legal_level())]
                with m.Case("01----------"):
                    m.d.sync += [
                        in_trims.eq(self.head_address[:10] < self.config.adc_channels),
                        legal.eq(~self.head_value[TRIM_BITS:].any()),
                    ]
                with m.Case("1-----------"):
                    m.d.sync += [in_offsets.eq(self._offset_exists()), legal.eq(self._legal_offset())]

        exists = known | in_levels | in_trims | in_offsets
        with m.If(~exists | self.write & known & ~writable):
            m.d.comb += self.status.eq(Status.BAD_REGISTER)
        with m.Elif(self.write & locked & (self.mode != Mode.SAFE)):
            m.d.comb += self.status.eq(Status.LOCKED)
        with m.Elif(self.write & ~legal):
            m.d.comb += self.status.eq(Status.BAD_VALUE)
        with m.Else():
            m.d.comb += self.status.eq(Status.OK)

        store = self.store
        m.d.comb += [
            self.write_register.eq(store & known),
            # Two rows that no phase uses are written along with their registers.
            self.write_duration.eq(store & (self.address[ROW_BITS:] == BASE >> ROW_BITS)),
            self.write_level.eq(store & in_levels),
            self.write_trim.eq(store & in_trims),
            self.write_offset.eq(store & in_offsets),
        ]

        settings = Signal(Settings, init=_initial_settings(), reset_less=True)
        m.d.comb += self.settings.eq(settings)
        with m.If(store), m.Switch(self.address):
            for name, _ in data.Layout.cast(Settings):
                with m.Case(registers.BY_NAME[name.upper()].address):
                    m.d.sync += Value.cast(settings[name]).eq(self.value)
        return m

    def _legal(self, register):
        unused = self.head_value[register.bits :]
        used = self.head_value[: register.bits]
        if register.address in registers.PULSE_SHAPES:
            return self.head_value[:WIDTH_BITS].any()
        if register.bits == 3 * LINE_BITS:
            # A triple: each code within the DAC.
            codes = [
                self.head_value[LINE_BITS * line + self.config.dac_bits : LINE_BITS * (line + 1)] for line in range(3)
            ]
            return ~(codes[0].any() | codes[1].any() | codes[2].any())
        legal = ~unused.any()
        if register is registers.SAMPLING:
            return legal & (Sampling(used).average <= 4)
        if register.most < (1 << register.bits) - 1:
            legal &= used <= register.most
        if register.least == 1:
            return legal & used.any()
        if register.least:
            return legal & (used >= register.least)
        return legal

    def _legal_level(self):
        low, high, rest = self.head_value[:16], self.head_value[16:32], self.head_value[32:]
        bits = self.config.adc_bits
        return ~(low[bits:].any() | high[bits:].any() | rest.any())

    def _offset_exists(self):
        index, pair = self.head_address[:10], self.head_address[10]
        return (~pair & (index < self.config.columns)) | (pair & (index < self.config.columns // 2))

    def _legal_offset(self):
        extension, rest = self.head_value[self.config.adc_bits : 17], self.head_value[17:]
        return (extension.all() | ~extension.any()) & ~rest.any()
