"""The engine ``fast`` for programs: a compiled, event-driven model of the whole controller, cycle by cycle."""

from typing import Any, Final

import numpy as np

from twinbar.emulator.contract.program import SYNCHRONIZER_CYCLES, Program, ProgramResult
from twinbar.emulator.crossbar.array import take_tick
from twinbar.emulator.crossbar.cell_state import make_cells, restore_cells, save_cells
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.crossbar.ticks import check_tick
from twinbar.emulator.engines.program import program_layout as at
from twinbar.emulator.engines.program.program_admission import admission_rules
from twinbar.emulator.engines.program.program_drive import NO_RECORD, disarm
from twinbar.emulator.engines.program.program_front_end import describe_parts, power_up_parts
from twinbar.emulator.engines.program.program_kernel import run
from twinbar.emulator.engines.program.program_registers import power_up
from twinbar.emulator.engines.program.program_streams import change_command, open_streams
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.protocol.packing import RESPONSE_BYTES

_DRIVEN: Final = ("record", "codes")
"""Fields of a tile that `ProgramController.cells` gives as what it drives."""
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
        self._tiles = np.zeros(controller.tiles, at.TILE)
        self._tiles["record"] = NO_RECORD
        self._tiles["entry"] = at.NO_ENTRY
        self._tiles["codes"] = controller.safe_codes
        self._tiles["limited"] = self._tiles["hit"] = self._tiles["halted"] = -1
        self._tiles["cut_off"] = -1
        power_up(self._tiles, controller)
        power_up_parts(self._tiles, self._chip)
        self._served = controller.tiles - 1

    def run(self, program: Program) -> ProgramResult:
        """Run a program to its end."""
        tiles = self._tiles
        phases, actions = tiles["phases"].copy(), tiles["actions"].copy()
        tiles["energies"] = 0
        tiles["least"], tiles["most"], tiles["clipped"] = at.NEVER, -at.NEVER, 0
        streams = open_streams(
            program, self.controller.tiles, self.controller.command_depth, self._served, chain=self.controller.chain
        )
        cycles = run(self._state, tiles, self._chip, self._rules, streams, _pins(program))
        for tile, row in enumerate(tiles):
            change_command(row, streams, tile, len(program.commands))
        self._served = int(streams.flow["served"])
        responses = int(streams.flow["responses"])
        beats = np.empty(responses, _RESPONSE)
        beats["low"], beats["high"] = streams.low[:responses], streams.high[:responses]
        return ProgramResult(
            responses=beats.view(np.uint8).reshape(responses, RESPONSE_BYTES),
            response_cycles=streams.taken[:responses].copy(),
            accepted=streams.accepted,
            cycles=cycles,
            phases=tiles["phases"] - phases,
            actions=tiles["actions"] - actions,
            energy=tiles["energies"].copy(),
            extremes=self._extremes(),
            command_energy=streams.heat[:-1],
        )

    def _extremes(self) -> np.ndarray:
        extremes = np.stack([self._tiles[name] for name in ("least", "most", "clipped")], axis=1)
        extremes[extremes[:, 0] > extremes[:, 1]] = 0
        return extremes

    def reset(self) -> None:
        """Reset the controller between programs, as a link does when a session starts; registers keep their values."""
        for row in self._tiles:
            disarm(row, self._chip, -1)
        self._tiles["faults"] = self._tiles["aborting"] = 0
        self._tiles["complete"] = self._tiles["unfilled"] = self._tiles["seen_planes"] = 0
        self._served = self.controller.tiles - 1

    def set_tick(self, tick: int) -> None:
        """Set the tick, between programs: cells age by training steps, not by cycles."""
        check_tick(tick)
        if self._state.scalars[0].ages or self._state.scalars[0].reads_disturb:
            take_tick(self._state, tick)
        self._state.shape[0].tick = tick

    def cells(self) -> dict[str, np.ndarray]:
        """Return the state of the array (`twinbar.emulator.contract.program.ProgramController.cells`)."""
        cells = save_cells(self._state) | {"driven": _numbers(self._tiles, _DRIVEN)}
        if self.controller.pulse_entries:
            cells["entry"] = self._tiles["entry"].copy()
        if self.config.parts is not None:
            cells["front_end"] = _numbers(self._tiles, at.FRONT_END)
        return cells

    def load_cells(self, state: dict[str, Any]) -> None:
        """Restore what `cells` gave of the array; what the write drives hold is the controller's."""
        restore_cells(self._state, state)
        if "front_end" in state:
            _restore(self._tiles, at.FRONT_END, state["front_end"])


def _numbers(tiles: np.ndarray, fields: tuple[str, ...]) -> np.ndarray:
    """Return the numbers of some fields, one field behind the other (int64 [tiles, numbers])."""
    return np.concatenate([tiles[field].reshape(len(tiles), -1) for field in fields], axis=1)


def _restore(tiles: np.ndarray, fields: tuple[str, ...], numbers: np.ndarray) -> None:
    """Take over what `_numbers` gave."""
    place = 0
    for field in fields:
        shape = tiles[field].shape
        count = int(np.prod(shape[1:], dtype=int))
        tiles[field] = numbers[:, place : place + count].reshape(shape)
        place += count


def _chip(config: CrossbarConfig, controller: ControllerConfig) -> np.void:
    chip = np.zeros(1, at.CHIP)[0]
    chip["rows"] = controller.rows
    chip["columns"] = controller.columns
    chip["channels"] = controller.adc_channels
    chip["adc_bits"] = controller.adc_bits
    chip["dac_bits"] = controller.dac_bits
    chip["input_bits"] = controller.input_bits
    chip["field_bits"] = controller.field_bits
    chip["words"] = controller.words
    chip["command_depth"] = controller.command_depth
    chip["response_depth"] = controller.response_depth
    chip["safe"][: at.LINES] = controller.safe_codes
    chip["cascade"] = controller.cascade
    chip["shared"] = controller.shared_inputs
    chip["lanes"] = controller.outputs_per_beat
    chip["lane_bits"] = controller.lane_bits
    chip["chain"] = controller.chain
    chip["entries"] = controller.pulse_entries
    chip["holds"] = config.array.sample_and_hold
    describe_parts(chip, controller, config.parts)
    return chip


def _pins(program: Program) -> np.ndarray:
    pins = [
        (pulse.pin, pulse.tile, pulse.first + SYNCHRONIZER_CYCLES, pulse.last + SYNCHRONIZER_CYCLES)
        for pulse in program.pins
    ]
    return np.array(pins, at.PIN)
