"""A small crossbar with its controller, and the beats that set it up."""

from typing import Any

import numpy as np
from crossbar_choices import crossbar_of, shape_of
from shared_netlists import PAIR

from twinbar.emulator.contract.program import Program
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.protocol import registers
from twinbar.hw.protocol.layouts import WIDTH_BITS
from twinbar.hw.protocol.packing import pack, triple
from twinbar.hw.protocol.registers import BY_NAME
from twinbar.hw.protocol.vocabulary import RECORDS, ComplianceAction, Mode, Opcode, Record

CONTROLLER = PAIR
DURATIONS = {"SELECT": 2, "SETTLE_READ": 9, "SETTLE_DRIVE": 4, "SETTLE_MULTIPLY": 3, "CONVERT": 7, "RECOVER": 2}
LEVELS = 8


def crossbar(controller: ControllerConfig = CONTROLLER, **array: Any) -> CrossbarConfig:
    """Build the configuration of a small crossbar whose converters are not ideal."""
    return crossbar_of(
        "milo-hfo2",
        **shape_of(controller),
        **array,
        levels=LEVELS,
        tolerance=0.4,
        seed=5,
        samples=1,
        **{name.lower(): cycles for name, cycles in DURATIONS.items()},
        adc_offset_codes=2.0,
        adc_gain_error=0.02,
    )


def command(opcode: Opcode, tile: int = 0, **fields: Any) -> int:
    """Return one beat."""
    return int(pack(opcode, tile, **fields)[0])


def program(beats: list[int], **world: Any) -> Program:
    """Make a program of beats."""
    return Program(np.array(beats, np.uint64), **world)


def write_register(name: str, value: int, tile: int = 0) -> int:
    """Return the beat that writes a register."""
    return command(Opcode.WRITE_REGISTER, tile, address=BY_NAME[name].address, value=value)


def compliance(action: ComplianceAction, blanking: int) -> int:
    """Return a value of the register COMPLIANCE."""
    return blanking | action.value << 16


def set_up(config: CrossbarConfig, tile: int, *, mode: Mode = Mode.WRITE, **settings: int) -> list[int]:
    """Return the beats that make a tile ready. SET pulses have a current limit that some cells reach."""
    drive, timing = config.registers, config.timing
    set_codes = (drive.set_amplitude.start, 0, drive.set_gate.start)
    records = {
        Record.SET: (set_codes, timing.width_set, 40),
        Record.RESET: ((0, drive.reset_amplitude.start, drive.reset_gate.start), timing.width_reset, 255),
        Record.FORM: (set_codes, timing.width_set + 2, 255),
    }
    beats = [write_register(name, value, tile) for name, value in {**DURATIONS, "LEVELS": LEVELS, **settings}.items()]
    for record in RECORDS:
        codes, width, code = records.get(record, ((7, 3, 9), 1, 255))
        step = (0, 30, 0) if record is Record.RESET else (20, 0, 0)
        stop = [min(start + 6 * change, 4095) for start, change in zip(codes, step, strict=True)]
        fields = {
            "CODES": triple(*codes),
            "STEP": triple(*step),
            "STOP": triple(*stop),
            "HIGH": triple(4095, 4095, 4095),
            "WIDTH": width | code << WIDTH_BITS,
        }
        beats += [write_register(f"{record.name}_{name}", value, tile) for name, value in fields.items()]
    for level, (low, high) in enumerate(zip(config.levels.low.tolist(), config.levels.high.tolist(), strict=True)):
        window = {"address": registers.LEVEL_BASE + level, "value": low | high << 16}
        beats.append(command(Opcode.WRITE_REGISTER, tile, **window))
    return [*beats, command(Opcode.ARM, tile, mode=mode)]


def set_up_all(config: CrossbarConfig, tiles: int = CONTROLLER.tiles, **settings: Any) -> Program:
    """Make the program that makes all tiles ready."""
    return program([beat for tile in range(tiles) for beat in set_up(config, tile, **settings)])


def counter_reads(tile: int) -> list[int]:
    """Return the beats that read the counters of the actions."""
    addresses = [registers.ACTION_COUNTER_BASE + action for action in registers.ALWAYS_COUNTED]
    return [command(Opcode.READ_REGISTER, tile, address=address) for address in addresses]
