"""How fast the SimPy engine goes from phase to phase, in processor time: writes, reads and products on four tiles.

python benchmarks/events_phases.py
"""

import time
from collections.abc import Callable

import numpy as np

from twinbar.emulator.contract.program import Program
from twinbar.emulator.crossbar.configuration import build_config
from twinbar.emulator.devices.preset import load_preset
from twinbar.emulator.engines.events import EventsController, Recording
from twinbar.emulator.sections.array_section import ArrayConfig
from twinbar.emulator.sections.device_section import DeviceConfig
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.protocol.layouts import WIDTH_BITS
from twinbar.hw.protocol.packing import pack, triple
from twinbar.hw.protocol.registers import (
    FIELD_CODES,
    FIELD_HIGH,
    FIELD_STOP,
    FIELD_WIDTH,
    LEVEL_BASE,
    LEVEL_WINDOW,
    NO_LIMIT,
    record_address,
)
from twinbar.hw.protocol.vocabulary import RECORDS, Mode, Opcode, Record

TILES = 4
COMMANDS = 4000
"""Commands of a program."""
CONFIG = build_config(
    load_preset("taox-hfox"),
    DeviceConfig(levels=8),
    ArrayConfig(rows=64, columns=64, adc_channels=4),
    seed=1,
)
CONTROLLER = ControllerConfig(tiles=TILES, rows=64, columns=64, adc_channels=4)


def set_up() -> Program:
    """Return the program that makes all tiles ready."""
    top = (1 << CONTROLLER.dac_bits) - 1
    beats = []
    for tile in range(TILES):
        for record in RECORDS:
            codes = triple(0, 2000, top) if record is Record.RESET else triple(2000, 0, top)
            for field, value in (
                (FIELD_CODES, codes),
                (FIELD_STOP, codes),
                (FIELD_HIGH, triple(top, top, top)),
                (FIELD_WIDTH, 5 | NO_LIMIT << WIDTH_BITS),
            ):
                beats.append(pack(Opcode.WRITE_REGISTER, tile, address=record_address(record, field), value=value))
        for level in range(8):
            window = LEVEL_WINDOW.pack(low=32 * level, high=32 * level + 31)
            beats.append(pack(Opcode.WRITE_REGISTER, tile, address=LEVEL_BASE + level, value=window))
        beats.append(pack(Opcode.ARM, tile, mode=Mode.WRITE))
    return Program(np.concatenate(beats))


def measure(name: str, make: Callable[[np.random.Generator], np.ndarray]) -> None:
    """Run a program twice, once to count its phases and once against the clock."""
    commands = make(np.random.default_rng(1))
    engine = EventsController(CONFIG, CONTROLLER)
    engine.run(set_up())
    recording = Recording()
    engine.listen(recording)
    engine.run(Program(commands))
    phases = len(recording.phases)
    engine = EventsController(CONFIG, CONTROLLER)
    engine.run(set_up())
    began = time.process_time()
    cycles = engine.run(Program(commands)).cycles
    seconds = time.process_time() - began
    rates = [count / seconds for count in (phases, cycles, len(commands))]
    print("{:10} {:9,.0f} phases/s  {:9,.0f} cycles/s  {:7,.0f} commands/s".format(name, *rates))


def writes(rng: np.random.Generator) -> np.ndarray:
    """Closed-loop writes of random cells to random levels."""
    row, column = rng.integers(64, size=(2, COMMANDS))
    return pack(
        Opcode.WRITE, rng.integers(TILES, size=COMMANDS), row=row, column=column, level=rng.integers(8, size=COMMANDS)
    )


def reads(rng: np.random.Generator) -> np.ndarray:
    """Reads of random cells."""
    row, column = rng.integers(64, size=(2, COMMANDS))
    return pack(Opcode.READ, rng.integers(TILES, size=COMMANDS), row=row, column=column)


def multiplies(rng: np.random.Generator) -> np.ndarray:
    """Products of random vectors, eight LOAD for each MULTIPLY of all columns."""
    vectors = COMMANDS // 45
    beats = []
    for tile in rng.integers(TILES, size=vectors):
        bits = rng.integers(1 << 32, size=CONTROLLER.words)
        beats.append(pack(Opcode.LOAD, tile, word=np.arange(CONTROLLER.words), bits=bits))
        beats.append(pack(Opcode.MULTIPLY, tile, outputs=CONTROLLER.columns))
    return np.concatenate(beats)


if __name__ == "__main__":
    for workload in (writes, reads, multiplies):
        measure(workload.__name__, workload)
