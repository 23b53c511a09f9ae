"""What the SimPy engine promises without another engine: cycle formulas, order within a stage, state, time."""

import random
from typing import Any

import numpy as np
import pytest
import simpy
from events_bench import TIMING, assert_same, command, crossbar, program, set_up, write_register
from simpy.events import NORMAL

from twinbar.emulator.contract.program import Controller, Pin, PinPulse
from twinbar.emulator.engines.events import EventsController, controller
from twinbar.emulator.engines.events.clock import Clock
from twinbar.hw import timing
from twinbar.hw.actions import Action
from twinbar.hw.errors import ConfigError
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.protocol.packing import unpack, unpack_results
from twinbar.hw.protocol.vocabulary import Mode, Opcode, Record, Status
from twinbar.hw.timing import Phase

T = timing.Timing(**{name.lower(): cycles for name, cycles in TIMING.items()}).record()


def test_phases_follow_the_cycle_formulas() -> None:
    engine = EventsController(*crossbar())
    engine.run(program(set_up()))
    for opcode, level in ((Opcode.WRITE, 3), (Opcode.WRITE, 0), (Opcode.FORM, 1), (Opcode.READ, 0), (Opcode.VERIFY, 2)):
        result = engine.run(program([command(opcode, row=1, column=2, level=level)]))
        cell = {name: int(value[0]) for name, value in unpack_results(opcode, result.responses).items()}
        pulses, updates = cell["sets"] + cell["resets"], int(result.actions[0, Action.DRIVE_UPDATE])
        phases = [0] * len(Phase)
        timing.add_write(phases, T, pulses + 1, cell["sets"], cell["resets"], updates)
        assert result.phases[0, 1:].tolist() == phases[1:]
        assert result.phases.sum() == result.cycles
    engine.run(program([command(Opcode.LOAD, bits=0x2D, clear=1)]))
    result = engine.run(program([command(Opcode.MULTIPLY, outputs=3)]))
    phases = [0] * len(Phase)
    timing.add_multiply(phases, T, 2, 2 * 3, 3)
    assert result.phases[0, 1:].tolist() == phases[1:]


def test_verify_compares_the_code_that_a_read_gives() -> None:
    engine = EventsController(*crossbar(adc_noise_codes=0.0))
    engine.run(program(set_up()))
    read = engine.run(program([command(Opcode.READ, row=1, column=2)]))
    code = int(unpack_results(Opcode.READ, read.responses)["code"][0])
    assert 0 < code < 63
    for low, high, verdict in ((code, code, 0), (code + 1, 63, -1), (0, code - 1, 1), (code + 1, code - 1, -1)):
        window = command(Opcode.WRITE_REGISTER, address=0x103, value=low | high << 16)
        result = engine.run(program([window, command(Opcode.VERIFY, row=1, column=2, level=3)]))
        assert int(unpack_results(Opcode.VERIFY, result.responses[1:])["code"][0]) == verdict
        assert result.actions[0, Action.CONVERT_VERIFY] == 1


def busy_program(tiles: int) -> tuple[list[int], dict[str, object]]:
    """Give beats for all tiles that stand in each other's way, with halts of every kind."""
    beats = []
    for row in range(4):
        for tile in range(tiles):
            cell = {"row": row, "column": row}
            beats += [
                command(Opcode.WRITE, tile, level=row, **cell),
                command(Opcode.PULSE, tile, record=Record.RESET, count=2, **cell),
                command(Opcode.LOAD, tile, bits=0x1B << row, clear=1),
                command(Opcode.MULTIPLY, tile, outputs=4, skip=1),
            ]
        if row == 1:
            beats += [command(Opcode.ABORT, 1), command(Opcode.READ, 1, row=0, column=0)]
        if row == 2:
            beats.append(command(Opcode.SAFE))
            beats += [command(Opcode.ARM, tile, mode=Mode.WRITE) for tile in range(tiles)]
    pins = [PinPulse(Pin.FAULT, 150, 153, 2), PinPulse(Pin.STOP, 700, 700)]
    return beats, {"ready": [0, 0, 1], "pins": pins}


class ShuffledClock(Clock):
    """A clock on which the events of a stage happen in a random order: only whole priorities tell stages apart."""

    numbers = random.Random()

    def schedule(self, event: simpy.Event, priority: Any = NORMAL, delay: float = 0) -> None:
        super().schedule(event, priority + self.numbers.random(), delay)


@pytest.mark.parametrize("seed", range(3))
def test_the_order_within_a_stage_does_not_matter(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    results = []
    monkeypatch.setattr(ShuffledClock, "numbers", random.Random(seed))
    for clock in (Clock, ShuffledClock):
        monkeypatch.setattr(controller, "Clock", clock)
        engine = EventsController(*crossbar(tiles=3, depth=2))
        set_up_all = [beat for tile in range(3) for beat in set_up(tile, step=(200, 0, 0), WATCHDOG=60)]
        beats, world = busy_program(3)
        results.append((engine.run(program(set_up_all)), engine.run(program(beats, **world)), engine.cells()))
    (first, second, cells), (other_first, other_second, other_cells) = results
    assert_same(first, other_first)
    assert_same(second, other_second)
    assert {int(status) for status in unpack(second.responses)["status"]} >= {0, 2, 3}
    for name, values in cells.items():
        np.testing.assert_array_equal(values, other_cells[name])


def test_cells_can_be_saved_and_restored() -> None:
    first, second = (EventsController(*crossbar(preset="ag-asi")) for _ in range(2))
    beats = [command(Opcode.WRITE, row=row, column=row, level=3) for row in range(4)]
    for engine in (first, second):
        engine.run(program(set_up()))
    first.run(program(beats))
    first.set_tick(50)
    second.set_tick(50)
    second.load_cells(first.cells())
    reads = [command(Opcode.READ, row=row, column=column) for row in range(4) for column in range(4)]
    assert_same(first.run(program(reads)), second.run(program(reads)))


def test_time_stands_still_between_programs() -> None:
    engine = EventsController(*crossbar())
    engine.run(program(set_up(WATCHDOG=30)))
    for _ in range(20):
        assert engine.run(program([])).cycles == 0
    read = command(Opcode.READ, row=0, column=0)
    # Each READ alone takes less than the watchdog's time, and each program begins with a beat.
    for _ in range(3):
        assert unpack(engine.run(program([read])).responses)["status"].tolist() == [Status.OK.value]
    result = engine.run(program([], pins=[PinPulse(Pin.FAULT, 40, 40)]))
    assert result.cycles == 43
    assert unpack(engine.run(program([read])).responses)["watchdog"].tolist() == [1]


def test_a_long_wait_costs_no_time() -> None:
    engine: Controller = EventsController(*crossbar())
    result = engine.run(program([command(Opcode.WAIT, cycles=(1 << 28) - 1)]))
    assert result.cycles == (1 << 28) - 1 + 3 + 1 + 1 + 2


def test_a_controller_of_another_shape_is_refused() -> None:
    config, _ = crossbar()
    with pytest.raises(ConfigError, match="the crossbar has rows = 4 and its controller 8; make them equal"):
        EventsController(config, ControllerConfig(rows=8, columns=4, adc_bits=6, input_bits=2))


def test_a_locked_register_stays_what_was_checked() -> None:
    engine = EventsController(*crossbar())
    result = engine.run(
        program([*set_up(), write_register("SET_CODES", 0), command(Opcode.READ_REGISTER, address=0x48)])
    )
    refused = unpack(result.responses)["status"][-2]
    value = unpack_results(Opcode.READ_REGISTER, result.responses[-1:])["value"][0]
    assert refused == Status.LOCKED.value
    assert value != 0
