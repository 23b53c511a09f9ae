"""Small crossbars of cells that an array on a chip can compute, and that array run by the interpreter."""

from functools import cache
from typing import Any

import numpy as np
from crossbar_choices import crossbar_of, shape_of
from interpreter import Interpreter

from twinbar.emulator.crossbar.array import ArrayState
from twinbar.emulator.crossbar.chip_array import chip_model
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.devices.preset import load_preset
from twinbar.hw.gateware.array.instructions import Condition, Job, MachineInput
from twinbar.hw.gateware.array.memory_map import CHANNEL_RECORDS, MemoryMap, stored_tables
from twinbar.hw.gateware.array.microprogram import ArrayProgram, array_program
from twinbar.hw.gateware.array.model import ArrayModel
from twinbar.hw.gateware.controller_config import ControllerConfig

_CYCLES = dict.fromkeys(("select", "settle_read", "settle_multiply", "convert", "samples", "recover"), 1)
_CYCLES["settle_drive"] = 2


def crossbar(
    controller: ControllerConfig, *, preset: str = "chip", update: Any = None, **choices: Any
) -> CrossbarConfig:
    """Build a crossbar; ``update`` replaces sections of its preset, choices are those of `crossbar_of`."""
    device = load_preset(preset)
    if update:
        device = type(device).model_validate({**device.model_dump(exclude_none=True), **update})
    choices = {"seed": 5, "clock_hz": 12e6, **choices}
    return crossbar_of(device, **shape_of(controller), levels=8, tolerance=0.4, **_CYCLES, **choices)


@cache
def program_of(controller: ControllerConfig, model: ArrayModel, *, packed: bool) -> ArrayProgram:
    """Assemble the program of an array; packing takes a while."""
    return array_program(controller, model, packed=packed)


class InterpretedArray:
    """An emulated array whose program is interpreted, with the functions that its surroundings would ask for."""

    def __init__(self, controller: ControllerConfig, config: CrossbarConfig, tile: int = 0, *, packed: bool = False):
        self.controller, self.model = controller, chip_model(config)
        self.program = program_of(controller, self.model, packed=packed)
        self.at = MemoryMap.of(controller, self.model)
        tables = [] if packed else stored_tables(controller, self.model)
        memory = tables + [0xDEAD] * (self.at.words - len(tables))
        self.machine = Interpreter(self.program.microcode, self.program.image, memory)
        self.machine.inputs[MachineInput.TILE] = tile
        self.machine.words = [0] * controller.words
        self.form_cycles = self.machine.run()

    def _job(self, event: Condition, job: Job, conditions: set[Condition], **inputs: int) -> int:
        self.machine.inputs.update({MachineInput[name.upper()]: value for name, value in inputs.items()})
        self.machine.conditions, self.machine.finished = {event, *conditions}, 0
        taken = self.machine.run()
        assert self.machine.finished == job
        return taken

    def pulse(self, row: int, column: int, *, resets: bool, acts: bool) -> int:
        conditions = {Condition.RESETS} if resets else set()
        conditions |= {Condition.ACTS} if acts else set()
        return self._job(Condition.PULSED, Job.PULSE, conditions, pulse_row=row, pulse_column=column)

    def connect(self, conditions: set[Condition], *, row: int = 0, column: int = 0, plane: int = 0, range: int) -> int:
        pins = {"row": row, "column": column, "plane": plane, "range": range}
        return self._job(Condition.CONNECTED, Job.CONNECT, conditions, **pins)

    def convert(self, conditions: set[Condition], active: set[int], **pins: int) -> int:
        self.machine.active = active
        return self._job(Condition.CONVERTS, Job.CONVERT, conditions, **pins)

    def _put_record(self, place: int, value: int) -> None:
        self.machine.memory[4 * place : 4 * place + 4] = [value >> 16 * word & 0xFFFF for word in range(4)]

    def put_cell(self, cell: int, g: int, fault: int, pulses: int) -> None:
        """Let a cell have a state."""
        self._put_record(self.at.cells + cell, g | fault << 26 | pulses << 32)

    def put_grid(self, cell: int, grid: int) -> None:
        """Let reads see so much of a cell."""
        self.machine.memory[self.at.grid + cell] = grid

    def put_conversions(self, channel: int, count: int) -> None:
        """Let a channel have made so many conversions."""
        self._put_record(self.at.channels + CHANNEL_RECORDS * channel + 1, count)

    def cells(self) -> dict[str, np.ndarray]:
        """Return conductances, pulses, faults and read-grid values of all cells."""
        count = self.controller.rows * self.controller.columns
        words = np.array(self.machine.memory, np.int64)
        records = words[4 * self.at.cells :][: 4 * count].reshape(count, 4)
        low, high = records[:, 0] | records[:, 1] << 16, records[:, 2] | records[:, 3] << 16
        return {
            "g": low & (1 << 26) - 1,
            "fault": low >> 26,
            "pulses": high,
            "grid": words[self.at.grid :][:count],
        }

    def assert_same_cells(self, state: ArrayState, tile: int = 0) -> None:
        for name, values in self.cells().items():
            assert np.array_equal(values, getattr(state, name)[tile]), name
