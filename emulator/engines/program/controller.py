"""The engine ``fast`` for programs: a compiled, event-driven model of the whole controller, cycle by cycle."""

from typing import Any, Final

import numpy as np

from twinbar.emulator.contract.program import SYNCHRONIZER_CYCLES, Program, ProgramResult
from twinbar.emulator.crossbar.array import S_TICK, refresh
from twinbar.emulator.crossbar.cell_energy import CellEnergy
from twinbar.emulator.crossbar.cell_state import make_cells, restore_cells, save_cells
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.crossbar.ticks import check_tick
from twinbar.emulator.devices.layout import P_AGES
from twinbar.emulator.engines.program import program_layout as at
from twinbar.emulator.engines.program.program_admission import admission_rules
from twinbar.emulator.engines.program.program_drive import NO_RECORD, disarm
from twinbar.emulator.engines.program.program_front_end import describe_parts, power_up_parts
from twinbar.emulator.engines.program.program_kernel import run
from twinbar.emulator.engines.program.program_registers import power_up
from twinbar.emulator.engines.program.program_streams import RESPONSES, SERVED, change_command, open_streams
from twinbar.hw.actions import ACTIONS
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.protocol.packing import RESPONSE_BYTES
from twinbar.hw.timing import PHASES

_DRIVEN: Final = [at.RECORD, at.CODES, at.CODES + 1, at.CODES + 2]
_FRONT_END: Final = slice(at.WANTED, at.LOAD_START)
"""What a serial front end remembers between programs, as `FrontEndClock.state` gives it."""
_RESPONSE: Final = np.dtype([("low", "<i8"), ("high", "<u2")])


class FastController:
    """A controller whose every cycle is computed, but only those in which something happens are visited.

    It follows ``docs/controller.md`` and shares nothing with the other engines but `twinbar.hw.timing`, the protocol,
    and the array.

    Parameters
    ----------
    config, controller, mapped_columns, faults
        As in `twinbar.emulator.crossbar.cell_state.make_cells`.

    Raises
    ------
    ConfigError
        If the crossbar and the controller have different geometries, or the fault map does not fit.
    """

    def __init__(
        self,
        config: CrossbarConfig,
        controller: ControllerConfig,
        *,
        mapped_columns: np.ndarray | None = None,
        faults: np.ndarray | None = None,
    ) -> None:
        self.config = config
        self.controller = controller
        self._state = make_cells(config, controller, mapped_columns, faults)
        self._chip = _chip(config, controller)
        self._rules = admission_rules(controller)
        self._tiles = np.zeros((controller.tiles, at.row_size(controller.columns)), np.int64)
        self._tiles[:, at.RECORD] = NO_RECORD
        self._tiles[:, _DRIVEN[1:]] = controller.safe_codes
        self._tiles[:, at.LIMITED] = -1
        power_up(self._tiles, controller)
        power_up_parts(self._tiles, self._chip)
        self._served = controller.tiles - 1

    def run(self, program: Program) -> ProgramResult:
        """Run a program to its end."""
        counters = slice(at.PHASE_CYCLES, at.ENERGIES)
        before = self._tiles[:, counters].copy()
        self._tiles[:, at.ENERGIES : at.ENERGIES + len(CellEnergy)] = 0
        self._tiles[:, [at.LEAST, at.MOST, at.CLIPPED]] = at.NEVER, -at.NEVER, 0
        streams = open_streams(program, self.controller.tiles, self.controller.command_depth, self._served)
        cycles = run(self._state, self._tiles, self._chip, self._rules, streams, _pins(program))
        for tile, row in enumerate(self._tiles):
            change_command(row, streams, tile, len(program.commands))
        self._served = streams.flow[SERVED]
        responses = streams.flow[RESPONSES]
        beats = np.empty(responses, _RESPONSE)
        beats["low"], beats["high"] = streams.low[:responses], streams.high[:responses]
        counted = self._tiles[:, counters] - before
        return ProgramResult(
            responses=beats.view(np.uint8).reshape(responses, RESPONSE_BYTES),
            response_cycles=streams.taken[:responses].copy(),
            accepted=streams.accepted,
            cycles=cycles,
            phases=counted[:, : len(PHASES)].copy(),
            actions=counted[:, len(PHASES) : len(PHASES) + len(ACTIONS)].copy(),
            energy=self._tiles[:, at.ENERGIES : at.ENERGIES + len(CellEnergy)].copy(),
            extremes=self._extremes(),
            command_energy=streams.heat[:-1],
        )

    def _extremes(self) -> np.ndarray:
        extremes = self._tiles[:, [at.LEAST, at.MOST, at.CLIPPED]]
        extremes[extremes[:, 0] > extremes[:, 1]] = 0
        return extremes

    def reset(self) -> None:
        """Reset the controller between programs, as a link does when a session starts; registers keep their values."""
        for row in self._tiles:
            disarm(row, self._chip, -1)
        self._tiles[:, [at.FAULTS, at.ABORTING]] = 0
        self._served = self.controller.tiles - 1

    def set_tick(self, tick: int) -> None:
        """Set the tick, between programs: cells age by training steps, not by cycles."""
        check_tick(tick)
        self._state.shape[S_TICK] = tick
        if self._state.scalars[P_AGES]:
            refresh(self._state)

    def cells(self) -> dict[str, np.ndarray]:
        """Give the state of the array (`twinbar.emulator.contract.program.Controller.cells`)."""
        cells = save_cells(self._state) | {"driven": self._tiles[:, _DRIVEN]}
        if self.config.parts is not None:
            cells["front_end"] = self._tiles[:, _FRONT_END].copy()
        return cells

    def load_cells(self, state: dict[str, Any]) -> None:
        """Restore what `cells` gave of the array; what the write drives hold is the controller's."""
        restore_cells(self._state, state)
        if "front_end" in state:
            self._tiles[:, _FRONT_END] = state["front_end"]


def _chip(config: CrossbarConfig, controller: ControllerConfig) -> np.ndarray:
    chip = np.zeros(at.CHIP_SIZE, np.int64)
    chip[at.CHIP_ROWS] = controller.rows
    chip[at.CHIP_COLUMNS] = controller.columns
    chip[at.CHIP_CHANNELS] = controller.adc_channels
    chip[at.CHIP_ADC_BITS] = controller.adc_bits
    chip[at.CHIP_DAC_BITS] = controller.dac_bits
    chip[at.CHIP_INPUT_BITS] = controller.input_bits
    chip[at.CHIP_FIELD_BITS] = controller.field_bits
    chip[at.CHIP_WORDS] = controller.words
    chip[at.CHIP_COMMAND_DEPTH] = controller.command_depth
    chip[at.CHIP_RESPONSE_DEPTH] = controller.response_depth
    chip[at.CHIP_SAFE : at.CHIP_SAFE + 3] = controller.safe_codes
    chip[at.CHIP_HOLDS] = config.geometry.sample_and_hold
    describe_parts(chip, controller, config.parts)
    return chip


def _pins(program: Program) -> np.ndarray:
    pins = np.zeros((len(program.pins), 4), np.int64)
    for row, pulse in zip(pins, program.pins, strict=True):
        row[at.PIN] = pulse.pin
        row[at.PIN_TILE] = pulse.tile
        row[at.PIN_FIRST] = pulse.first + SYNCHRONIZER_CYCLES
        row[at.PIN_LAST] = pulse.last + SYNCHRONIZER_CYCLES
    return pins
