"""Small crossbars, programs for them, and the comparison of the SimPy engine with the netlist."""

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np
from crossbar_choices import crossbar_of

from twinbar.emulator.contract.program import Program, ProgramResult
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.engines.events import EventsController
from twinbar.emulator.engines.program.fast_controller import FastController
from twinbar.emulator.engines.rtl.pysim import PysimController
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.protocol.layouts import WIDTH_BITS
from twinbar.hw.protocol.packing import pack, triple
from twinbar.hw.protocol.registers import BY_NAME, LEVEL_BASE
from twinbar.hw.protocol.vocabulary import RECORDS, Mode, Opcode, Record

TIMING = {"SELECT": 2, "SETTLE_READ": 3, "SETTLE_DRIVE": 4, "SETTLE_MULTIPLY": 5, "CONVERT": 3, "RECOVER": 2}
"""Short, different durations, so that a confusion shows."""
LEVELS = ((0, 9), (12, 24), (28, 40), (44, 63))
SET_CODES, RESET_CODES = (2600, 0, 4095), (0, 2600, 4095)


def command(opcode: Opcode, tile: int = 0, **fields: Any) -> int:
    """Return one beat."""
    return int(pack(opcode, tile, **fields)[0])


def write_register(name: str, value: int, tile: int = 0) -> int:
    """Return the beat that writes a register."""
    return command(Opcode.WRITE_REGISTER, tile, address=BY_NAME[name].address, value=value)


def set_up(
    tile: int = 0,
    *,
    mode: Mode | None = Mode.WRITE,
    step: tuple[int, int, int] = (0, 0, 0),
    width: int = 5,
    limit: int = 255,
    **settings: int,
) -> list[int]:
    """Return the beats that make a tile ready: durations, records (SET and FORM ramp), level windows, and arming."""
    beats = [write_register(name, value, tile) for name, value in {**TIMING, "LEVELS": len(LEVELS), **settings}.items()]
    for record in RECORDS:
        codes = RESET_CODES if record is Record.RESET else SET_CODES
        ramps = record in (Record.SET, Record.FORM)
        stop = tuple(min(code + 3 * each, 4095) for code, each in zip(codes, step, strict=True)) if ramps else codes
        beats += [
            write_register(f"{record.name}_CODES", triple(*codes), tile),
            write_register(f"{record.name}_STEP", triple(*step) if ramps else 0, tile),
            write_register(f"{record.name}_STOP", triple(*stop), tile),
            write_register(f"{record.name}_HIGH", triple(4095, 4095, 4095), tile),
            write_register(f"{record.name}_WIDTH", width | limit << WIDTH_BITS, tile),
        ]
    for level, (low, high) in enumerate(LEVELS):
        beats.append(command(Opcode.WRITE_REGISTER, tile, address=LEVEL_BASE + level, value=low | high << 16))
    if mode is not None:
        beats.append(command(Opcode.ARM, tile, mode=mode))
    return beats


def crossbar(
    *, tiles: int = 1, rows: int = 4, columns: int = 4, adc_channels: int = 1, depth: int = 4, **choices: Any
) -> tuple[CrossbarConfig, ControllerConfig]:
    """Return a small crossbar with its controller; further choices are those of `crossbar_of`."""
    bits = {"adc_bits": choices.pop("adc_bits", 6), "input_bits": choices.pop("input_bits", 2)}
    shape = {"rows": rows, "columns": columns, "adc_channels": adc_channels, **bits}
    preset = choices.pop("preset", "taox-hfox")
    config = crossbar_of(preset, **shape, **{"levels": 4, "tolerance": 0.4, "seed": 3} | choices)
    return config, ControllerConfig(tiles=tiles, command_depth=depth, response_depth=depth, **shape)


def program(beats: Sequence[int], **world: Any) -> Program:
    """Return a program of beats."""
    if "arrivals" in world:
        world["arrivals"] = np.array(world["arrivals"])
    if "ready" in world:
        world["ready"] = np.array(world["ready"], np.bool_)
    return Program(np.array(beats, np.uint64), **world)


class Pair:
    """The same controller on both engines."""

    def __init__(self, config: CrossbarConfig, controller: ControllerConfig, **given: Any) -> None:
        self.events = EventsController(config, controller, **given)
        self.netlist = PysimController(config, controller, **given)

    def run(self, beats: Sequence[int], **world: Any) -> ProgramResult:
        """Run a program on both, and compare everything; gives the result."""
        wanted = program(beats, **world)
        result, expected = self.events.run(wanted), self.netlist.run(wanted)
        assert_same(result, expected)
        cells, expected_cells = self.events.cells(), self.netlist.cells()
        for name, values in expected_cells.items():
            np.testing.assert_array_equal(cells[name], values, name)
        return result


class Trio(Pair):
    """The same controller on the compiled engine, too."""

    def __init__(self, config: CrossbarConfig, controller: ControllerConfig, **given: Any) -> None:
        super().__init__(config, controller, **given)
        self.fast = FastController(config, controller, **given)

    def run(self, beats: Sequence[int], **world: Any) -> ProgramResult:
        """Run a program on all three, and compare everything but the energy of single commands; gives the result."""
        result = super().run(beats, **world)
        assert_same(replace(self.fast.run(program(beats, **world)), command_energy=None), result)
        return result


def assert_same(result: ProgramResult, expected: ProgramResult) -> None:
    """Compare everything that a program tells."""
    for field in fields(ProgramResult):
        np.testing.assert_array_equal(getattr(result, field.name), getattr(expected, field.name), field.name)
