"""The registers of a tile: checks what is written, and holds the settings that the gateware uses directly."""

import itertools
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.protocol import registers
from twinbar.hw.protocol.fields import Field, Word
from twinbar.hw.protocol.layouts import ADDRESS_BITS, PULSE_BITS, TILE_BITS, VALUE_BITS, WIDTH_BITS
from twinbar.hw.protocol.registers import REGISTERS, Access
from twinbar.hw.protocol.vocabulary import Mode, Status

from ..controller_config import ControllerConfig
from .duration_memory import BASE, DURATIONS, ROW_BITS
from .table_plan import WriteTable

Sampling = registers.SAMPLING.word.layout
"""How a single-cell read is averaged."""
Activation = registers.ACTIVATION.word.layout
"""Where sums go, and how they become inputs of the next layer."""
Compliance = registers.COMPLIANCE.word.layout
"""What the compliance input does."""


class Settings(data.Struct):
    """Registers that the gateware uses directly, by their names."""

    sampling: Sampling
    pulse_limit: PULSE_BITS
    levels: registers.LEVELS.bits
    compliance: Compliance
    watchdog: WIDTH_BITS


def _initial_settings(config: ControllerConfig) -> dict[str, Any]:
    init: dict[str, Any] = {}
    for name, field in data.Layout.cast(Settings):
        value = registers.BY_NAME[name.upper()].after_power_up(config)
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
    input_group : Out
        The register, where there are shared inputs.
    write_table : Out(WriteTable)
        The register, where there is a pulse table.
    activation : Out(Activation)
        The register, where there are chains.
    write_scale : Out(1)
        The value is a scale, to be stored at the end of this cycle.

    Attributes
    ----------
    known, locked : Signal
        What was looked at is a register, and can be written only while disarmed: the proofs look at them.
    """

    def __init__(self, config: ControllerConfig) -> None:
        self.config = config
        self.known = Signal()
        self.locked = Signal()
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
                **({"input_group": Out(TILE_BITS)} if config.shared_inputs else {}),
                **({"write_table": Out(WriteTable)} if config.pulse_entries else {}),
                **({"activation": Out(Activation), "write_scale": Out(1)} if config.chain else {}),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        # Looked at before the command starts, because its first cycle depends on it.
        known, locked = self.known, self.locked
        writable, legal = Signal(), Signal()
        in_levels, in_trims, in_offsets = Signal(), Signal(), Signal()
        in_scales = Signal() if self.config.chain else None
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
            if in_scales is not None:
                m.d.sync += in_scales.eq(0)
            with m.Switch(self.head_address):
                for register in REGISTERS:
                    if not register.exists(self.config):
                        continue
                    with m.Case(register.address):
                        m.d.sync += [
                            known.eq(1),
                            writable.eq(register.access.writable),
                            locked.eq(register.access is Access.LOCKED),
                            legal.eq(self._legal(register.word)),
                        ]
                for counters in registers.COUNTERS:
                    for entry in counters.entries_of(self.config):
                        with m.Case(counters.base + entry):
                            m.d.sync += known.eq(1)
                for table, found in (
                    (registers.LEVEL_WINDOWS, in_levels),
                    (registers.TRIMS, in_trims),
                    (registers.OFFSETS, in_offsets),
                    (registers.PAIR_OFFSETS, in_offsets),
                ):
                    with m.Case(table.pattern):
                        m.d.sync += [found.eq(self._has(table)), legal.eq(self._legal(table.word))]
                if in_scales is not None:
                    with m.Case(registers.SCALES.pattern):
                        m.d.sync += [
                            in_scales.eq(self._has(registers.SCALES)),
                            legal.eq(self._legal(registers.SCALES.word)),
                        ]
                for table in registers.PULSE_TABLES.values() if self.config.pulse_entries else ():
                    codes, use = table.words
                    with m.Case(table.pattern):
                        m.d.sync += [
                            known.eq(self._has(table)),
                            writable.eq(1),
                            locked.eq(1),
                            legal.eq(Mux(self.head_address[registers.USE_BIT], self._legal(use), self._legal(codes))),
                        ]

        exists = known | in_levels | in_trims | in_offsets
        if in_scales is not None:
            exists |= in_scales
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
            self.write_duration.eq(store & self._is_duration()),
            self.write_level.eq(store & in_levels),
            self.write_trim.eq(store & in_trims),
            self.write_offset.eq(store & in_offsets),
        ]

        settings = Signal(Settings, init=_initial_settings(self.config), reset_less=True)
        m.d.comb += self.settings.eq(settings)
        with m.If(store), m.Switch(self.address):
            for name, _ in data.Layout.cast(Settings):
                with m.Case(registers.BY_NAME[name.upper()].address):
                    m.d.sync += Value.cast(settings[name]).eq(self.value)
        if self.config.shared_inputs:
            input_group = Signal(TILE_BITS, init=registers.INPUT_GROUP.init, reset_less=True)
            m.d.comb += self.input_group.eq(input_group)
            with m.If(store & (self.address == registers.INPUT_GROUP.address)):
                m.d.sync += input_group.eq(self.value)
        if self.config.pulse_entries:
            write_table = Signal(registers.WRITE_TABLE.bits, init=registers.WRITE_TABLE.init, reset_less=True)
            m.d.comb += self.write_table.as_value().eq(write_table)
            with m.If(store & (self.address == registers.WRITE_TABLE.address)):
                m.d.sync += write_table.eq(self.value)
        if in_scales is not None:
            activation = Signal(registers.ACTIVATION.bits, init=registers.ACTIVATION.init, reset_less=True)
            m.d.comb += [self.activation.as_value().eq(activation), self.write_scale.eq(store & in_scales)]
            with m.If(store & (self.address == registers.ACTIVATION.address)):
                m.d.sync += activation.eq(self.value)
        return m

    def _is_duration(self) -> Any:
        """Whether the value is the cycles of a phase."""
        # Two rows that no phase uses are written along with their registers.
        found = self.address[ROW_BITS:] == BASE >> ROW_BITS
        if self.config.compare:
            first = self.address[:ROW_BITS] < len(DURATIONS)
            found = found & first | (self.address == registers.COMPARE.address)
        return found

    def _has(self, table: registers.Space) -> Any:
        """Whether the entry exists to which the address belongs."""
        count = table.count(self.config)
        return 1 if count >= table.capacity else self.head_address[: table.index_bits] < count

    def _legal(self, word: Word) -> Any:
        """Whether the value has nothing outside a word's fields, and each within its bounds."""
        outside = self.head_value[word.bits :]
        wrong = [outside.any()] if len(outside) else []
        wrong += [found for each in word if (found := self._out_of_bounds(each)) is not None]
        flags = [self.head_value[word[name].places] for name in word.exclusive]
        wrong += [one & other for one, other in itertools.combinations(flags, 2)]
        return ~Cat(wrong).any() if wrong else 1

    def _out_of_bounds(self, field: Field) -> Any:
        value = self.head_value[field.places]
        if field.bits_from:
            bits = getattr(self.config, field.bits_from)
            spare = value[bits:]
            if field.signed:  # all bits from the sign on are equal
                return spare.any() & ~spare.all()
            wrong = [spare.any()] if len(spare) else []
            if field.cap and (most := getattr(self.config, field.cap)) < (1 << bits) - 1:
                wrong.append(value[:bits] > most)
            return Cat(wrong).any() if wrong else None
        least, most = field.bounds(self.config)
        if field.signed:
            return (value.as_signed() < least) | (value.as_signed() > most)
        wrong = []
        if most < field.mask:
            wrong.append(value > most)
        if least:
            wrong.append(~value.any() if least == 1 else value < least)
        return Cat(wrong).any() if wrong else None
