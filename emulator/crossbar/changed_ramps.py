"""Registers that differ between two sets of ramps: what is written to a tile when its pulses change."""

from twinbar.emulator.crossbar.register_settings import bias_records
from twinbar.emulator.crossbar.write_algorithms import WriteAlgorithm
from twinbar.emulator.crossbar.write_registers import WriteRegisters
from twinbar.hw.protocol.registers import record_address
from twinbar.hw.timing import Timing


def changed_ramps(timing: Timing, before: WriteRegisters, after: WriteRegisters) -> dict[int, int]:
    """Return the registers that bring a tile from some ramps to others, as values by address, in ascending order."""
    old, new = (bias_records(timing, WriteAlgorithm(registers)) for registers in (before, after))
    return {
        record_address(record, field): value
        for record, fields in new.items()
        for field, value in fields.items()
        if old[record][field] != value
    }
