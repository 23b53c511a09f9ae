"""The engine: tiles behind one command and one response stream, with their crossbars."""

from typing import Any

import numpy as np

from twinbar.emulator.contract.program import SYNCHRONIZER_CYCLES, Pin, Program, ProgramResult
from twinbar.emulator.crossbar.array import take_tick
from twinbar.emulator.crossbar.cell_energy import CellEnergy
from twinbar.emulator.crossbar.cell_state import make_cells, restore_cells, save_cells
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.engines.events.arbiter import Arbiter
from twinbar.emulator.engines.events.clock import Clock, Stage
from twinbar.emulator.engines.events.consumer import Consumer
from twinbar.emulator.engines.events.decoding import to_bytes
from twinbar.emulator.engines.events.dispatcher import Dispatcher
from twinbar.emulator.engines.events.front_end_time import SerialTime
from twinbar.emulator.engines.events.joint_start import JointStart
from twinbar.emulator.engines.events.listener import Listener
from twinbar.emulator.engines.events.safety import SynchronizedPin as SeenPin
from twinbar.emulator.engines.events.sequencer import Sequencer
from twinbar.emulator.engines.events.stream_queue import Queue
from twinbar.emulator.engines.events.tile import Tile
from twinbar.emulator.engines.events.transfer_start import TransferStart
from twinbar.hw.actions import Action, response_beats
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.timing import Phase


class EventsController:
    """A controller and its crossbar as SimPy processes (`twinbar.emulator.contract.program.ProgramController`).

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
        self._clock = clock = Clock()
        self._rest = clock.event()
        self._stop = SeenPin()
        self._responses: Queue[int] = Queue(clock, controller.response_depth, -1)
        self._arbiter = Arbiter(clock, controller.tiles, self._responses)
        self._consumer = Consumer(clock, self._responses, self._check_rest)
        self._tiles = [
            Tile(
                clock,
                number,
                controller,
                config,
                self._state,
                self._arbiter,
                self._stop,
                lambda: self._dispatcher.last_accepted,
            )
            for number in range(controller.tiles)
        ]
        joint_start, transfer_start = JointStart(clock, self._tiles), TransferStart(clock, self._tiles)
        self._sequencers = [Sequencer(tile, self._check_rest, joint_start, transfer_start) for tile in self._tiles]
        self._dispatcher = Dispatcher(clock, self._tiles, transfer_start)

    def listen(self, listener: Listener | None) -> None:
        """Report what happens from now on to a listener; None: to nobody."""
        for part in (self._dispatcher, self._consumer, self._responses):
            part.listener = listener
        for tile in self._tiles:
            tile.queue.listener = tile.counters.listener = listener

    def run(self, program: Program) -> ProgramResult:
        """Run a program to its end."""
        clock = self._clock
        begin = clock.cycle
        before = [
            (list(tile.counters.phases), list(tile.actions()), list(tile.front_end.energy)) for tile in self._tiles
        ]
        for tile in self._tiles:
            tile.front_end.forget_extremes()
        self._rest = clock.event()
        end = self._drive_pins(program)
        self._consumer.begin(program)
        self._dispatcher.begin(program)
        if len(program.commands):
            clock.run(self._rest)
            end = max(end, clock.cycle + 1)
        if end > begin:
            clock.run(end)
        return self._result(before, end - begin)

    def _drive_pins(self, program: Program) -> int:
        """Schedule the program's pulses on the pins; return the first cycle in which none of them is seen any more."""
        begin = self._clock.cycle
        stop = [(begin + pulse.first, begin + pulse.last) for pulse in program.pins if pulse.pin is Pin.STOP]
        for seen in self._stop.drive(stop):
            for tile in self._tiles:
                self._clock.call(seen, Stage.HALT, tile.safety.look_at_pins)
        for number, tile in enumerate(self._tiles):
            own = [pulse for pulse in program.pins if pulse.pin is Pin.FAULT and pulse.tile == number]
            for seen in tile.fault_pin.drive([(begin + pulse.first, begin + pulse.last) for pulse in own]):
                self._clock.call(seen, Stage.HALT, tile.safety.look_at_pins)
        return max((begin + pulse.last + SYNCHRONIZER_CYCLES + 1 for pulse in program.pins), default=begin)

    def _check_rest(self) -> None:
        """End the program if nothing remains to be done."""
        if (
            self._dispatcher.done
            and not len(self._responses)
            and all(sequencer.idle for sequencer in self._sequencers)
            and not any(len(tile.queue) for tile in self._tiles)
            and not self._rest.triggered
        ):
            self._rest.succeed()

    def _result(self, before: list[tuple[list[int], list[int], list[int]]], cycles: int) -> ProgramResult:
        end = self._clock.cycle
        tiles = len(self._tiles)
        phases = np.zeros((tiles, len(Phase)), np.int64)
        actions = np.zeros((tiles, len(Action)), np.int64)
        energy = np.zeros((tiles, len(CellEnergy)), np.int64)
        extremes = np.zeros((tiles, 3), np.int64)
        for number, (tile, was) in enumerate(zip(self._tiles, before, strict=True)):
            tile.counters.enter(Phase.IDLE, end)
            now = (tile.counters.phases, tile.actions(), tile.front_end.energy)
            for result, new, old in zip((phases, actions, energy), now, was, strict=True):
                result[number] = [a - b for a, b in zip(new, old, strict=True)]
            front_end = tile.front_end
            extremes[number] = front_end.least or 0, front_end.most or 0, front_end.clipped
        actions[:, Action.SHIFT_ADD] = actions[:, Action.CONVERT_FORWARD]
        actions[:, Action.RESPONSE_BEAT] = response_beats(phases[:, Phase.RESPOND], actions.T)
        return ProgramResult(
            responses=to_bytes(self._consumer.beats),
            response_cycles=np.array(self._consumer.cycles, np.int64),
            accepted=np.array(self._dispatcher.accepted, np.int64),
            cycles=cycles,
            phases=phases,
            actions=actions,
            energy=energy,
            extremes=extremes,
        )

    def set_tick(self, tick: int) -> None:
        """Set the tick, between programs."""
        take_tick(self._state, tick)

    def cells(self) -> dict[str, np.ndarray]:
        """Return the state of the array."""
        driven = [[tile.drive.record.value, *tile.drive.codes] for tile in self._tiles]
        cells = save_cells(self._state) | {"driven": np.array(driven, np.int64)}
        if self.controller.pulse_entries:
            cells["entry"] = np.array([tile.drive.held for tile in self._tiles], np.int64)
        remembered = [tile.time.state() for tile in self._tiles if isinstance(tile.time, SerialTime)]
        return cells | ({"front_end": np.array(remembered, np.int64)} if remembered else {})

    def load_cells(self, state: dict[str, Any]) -> None:
        """Restore the array from what `cells` returned; what the write drives hold belongs to the controller."""
        restore_cells(self._state, state)
        for number, tile in enumerate(self._tiles):
            if isinstance(tile.time, SerialTime) and "front_end" in state:
                tile.time.restore(state["front_end"][number].tolist())
