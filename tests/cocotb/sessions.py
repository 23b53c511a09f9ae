"""The programs that run on the Verilog and on the fast engine."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from crossbar_choices import crossbar_of

from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.devices.layout import NO_LIMIT
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.protocol.layouts import WIDTH_BITS
from twinbar.hw.protocol.packing import pack, triple
from twinbar.hw.protocol.registers import BY_NAME, LEVEL_BASE
from twinbar.hw.protocol.vocabulary import Mode, Opcode, Record

SAFE_CODES = (7, 21, 300)
"""Not 0, so that they are told apart from codes that nothing drives."""
CONTROLLER = ControllerConfig(
    tiles=2, rows=8, columns=8, adc_channels=2, command_depth=4, response_depth=4, safe_codes=SAFE_CODES
)
DURATIONS = {"SELECT": 2, "SETTLE_READ": 3, "SETTLE_DRIVE": 4, "SETTLE_MULTIPLY": 5, "CONVERT": 3, "RECOVER": 2}


def crossbar() -> CrossbarConfig:
    """Cells with variation and noise, and converters with offsets."""
    return crossbar_of(
        "taox-hfox", rows=8, columns=8, adc_channels=2, levels=4, seed=11, adc_offset_codes=2.0, adc_gain_error=0.02
    )


def beats(*commands: Any) -> np.ndarray:
    """Join commands to the beats of a program."""
    return np.concatenate([np.atleast_1d(command) for command in commands]).astype(np.uint64)


def write(name: str, value: int, tile: int = 0) -> np.ndarray:
    """Return the beat that writes a register."""
    return pack(Opcode.WRITE_REGISTER, tile, address=BY_NAME[name].address, value=value)


def read(name: str, tile: int = 0) -> np.ndarray:
    """Return the beat that reads a register."""
    return pack(Opcode.READ_REGISTER, tile, address=BY_NAME[name].address)


def set_up(config: CrossbarConfig, *, limits: int = NO_LIMIT, **settings: int) -> np.ndarray:
    """Return the beats that make all tiles ready to write."""
    registers, widths = config.registers, (config.timing.width_set, config.timing.width_reset)
    top = triple(4095, 4095, 4095)
    commands = []
    for tile in range(CONTROLLER.tiles):
        wanted = DURATIONS | {"PULSE_LIMIT": 12, "LEVELS": len(config.levels), "RANGE_MULTIPLY": 6 << 11} | settings
        wanted["GAIN_TARGET"] = config.gain_target
        commands += [write(name, value, tile) for name, value in wanted.items()]
        for record, amplitude, gate, width in (
            (Record.SET, registers.set_amplitude, registers.set_gate, widths[0]),
            (Record.RESET, registers.reset_amplitude, registers.reset_gate, widths[1]),
            (Record.FORM, registers.set_amplitude, registers.set_gate, widths[0] + 3),
        ):
            for field, end in (("CODES", "start"), ("STEP", "step"), ("STOP", "stop")):
                codes = (getattr(amplitude, end), 0) if record is not Record.RESET else (0, getattr(amplitude, end))
                commands.append(write(f"{record.name}_{field}", triple(*codes, getattr(gate, end)), tile))
            commands += [
                write(f"{record.name}_HIGH", top, tile),
                write(f"{record.name}_WIDTH", width | limits << WIDTH_BITS, tile),
            ]
        for level, (low, high) in enumerate(zip(config.levels.low, config.levels.high, strict=True)):
            value = int(low) | int(high) << 16
            commands.append(pack(Opcode.WRITE_REGISTER, tile, address=LEVEL_BASE + level, value=value))
        commands.append(pack(Opcode.ARM, tile, mode=Mode.WRITE))
    return beats(*commands)


def write_list(entries: Iterable[tuple[int, int, int, int]]) -> np.ndarray:
    """Return the beats of a write list: tile, row, column and level of each entry."""
    tile, row, column, level = np.array(list(entries)).T
    return pack(Opcode.WRITE, tile, row=row, column=column, level=level)


def multiply(tile: int, inputs: Iterable[int], **arguments: int) -> np.ndarray:
    """Return the beats that load an input vector (4 bits each) and multiply it."""
    bits = sum(value << 4 * row for row, value in enumerate(inputs))
    return beats(pack(Opcode.LOAD, tile, word=0, clear=1, bits=bits), pack(Opcode.MULTIPLY, tile, **arguments))
