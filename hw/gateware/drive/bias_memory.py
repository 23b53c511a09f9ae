"""The memory of the registers: bias records, constants, pulses, and a copy of the settings for reading back."""

from typing import Any

from amaranth.hdl import Cat, Const, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.protocol import version
from twinbar.hw.protocol.layouts import ADDRESS_BITS, VALUE_BITS
from twinbar.hw.protocol.registers import REGISTER_SPACE, REGISTERS, SET_PULSES, constants
from twinbar.hw.protocol.sizes import ENTRY_BITS

from ..block_ram import block_ram
from ..controller_config import ControllerConfig

WORDS = REGISTER_SPACE // 2
"""Rows of each of the two memories that registers take."""
ROWS = 4 * WORDS
"""Rows of each with a pulse table: as many as the least block RAM has."""
ROW_BITS = (ROWS - 1).bit_length()


def memory_row(place: Any) -> Any:
    """Return the row of an address, of a register or of the pulse table, which has the upper half of the rows."""
    return Cat(place[1 : SET_PULSES.index_bits + 1], place[SET_PULSES.top_bit])


def entry_row(resets: Any, number: Any) -> Any:
    """Return the row of an entry's codes (even) and use (odd); ``resets`` says that the polarity is RESET."""
    return Cat(number, Const(0, ENTRY_BITS - len(number)), resets, Const(1, 1))


def initial_values(config: ControllerConfig) -> list[int]:
    """Return what the registers hold after power-up, by address."""
    values = [0] * (2 * WORDS)
    for register in REGISTERS:
        values[register.address] = register.after_power_up(config)
    for register, value in constants(config, version.MAJOR, version.MINOR).items():
        values[register.address] = value
    return values


class RecordReadSignature(wiring.Signature):
    """How pairs of registers are read.

    Members
    -------
    even_row, odd_row : Out
        Half the address that is read in the memory of even addresses, and in that of odd ones.
    even, odd : In
        What was addressed in the cycle before.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "even_row": Out(ROW_BITS),
                "odd_row": Out(ROW_BITS),
                "even": In(VALUE_BITS),
                "odd": In(VALUE_BITS),
            }
        )


class BiasMemory(wiring.Component):
    """Registers at even addresses in one memory and at odd ones in another, so that pairs are read in one cycle.

    The pulse table lies in rows that no register uses.

    Parameters
    ----------
    config : ControllerConfig

    Members
    -------
    address, value, write : In
        Stores a register at the end of the cycle.
    reading : In(RecordReadSignature)
    """

    def __init__(self, config: ControllerConfig) -> None:
        self.config = config
        super().__init__(
            {
                "address": In(ADDRESS_BITS if config.pulse_entries else range(REGISTER_SPACE)),
                "value": In(VALUE_BITS),
                "write": In(1),
                "reading": In(RecordReadSignature()),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        values, reading = initial_values(self.config), self.reading
        depth, row_of = WORDS, self.address[1:]
        if self.config.pulse_entries:
            depth, row_of = ROWS, memory_row(self.address)
            values += [0] * len(values) + list(SET_PULSES.inits) * len(values)
        for odd, name, row, value in (
            (0, "even", reading.even_row, reading.even),
            (1, "odd", reading.odd_row, reading.odd),
        ):
            m.submodules[name] = memory = block_ram(shape=VALUE_BITS, depth=depth, init=values[odd::2])
            write, read = memory.write_port(), memory.read_port()
            m.d.comb += [
                write.addr.eq(row_of),
                write.data.eq(self.value),
                write.en.eq(self.write & (self.address[0] == odd)),
                read.addr.eq(row),
                read.en.eq(1),
                value.eq(read.data),
            ]
        return m
