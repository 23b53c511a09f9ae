"""What the SimPy engine promises without another engine: cycles of every command, order within a stage, state, time."""

import random
from typing import Any

import numpy as np
import pytest
import simpy
from events_bench import assert_same, command, crossbar, program, set_up, write_register
from simpy.events import NORMAL

from twinbar.emulator.contract.program import Pin, PinPulse, ProgramController
from twinbar.emulator.engines.events import EventsController, events_controller
from twinbar.emulator.engines.events.clock import Clock
from twinbar.hw.actions import Action
from twinbar.hw.errors import ConfigError
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.protocol.packing import unpack, unpack_results
from twinbar.hw.protocol.vocabulary import Mode, Opcode, Record, Status
from twinbar.hw.timing import PHASES


def test_phases_follow_the_contract() -> None:
    """Cycles counted by hand with `events_bench.TIMING`, pulses of 5 cycles, one sample per read."""
    engine = EventsController(*crossbar())
    engine.run(program(set_up()))

    def spent(*beats: int) -> dict[str, int]:
        result = engine.run(program(beats))
        assert result.phases.sum() == result.cycles
        return {PHASES[phase]: int(count) for phase, count in enumerate(result.phases[0]) if phase and count}

    def write(reads: int, pulses: int, updates: int) -> dict[str, int]:
        # SELECT 2, SETTLE_READ 3, SETTLE_DRIVE 4, CONVERT 3, RECOVER 2; each read ends with a decide.
        counted = {
            "select": 2,
            "settle": 3 * reads + 4 * updates,
            "convert": 3 * reads,
            "decide": reads,
            "pulse": 5 * pulses,
            "recover": 2 * pulses,
            "respond": 1,
        }
        return {phase: count for phase, count in counted.items() if count}

    cell = {"row": 1, "column": 2}
    one_read = write(reads=1, pulses=0, updates=0)
    # How many pulses it takes is up to the physics: the limit of 100 does not reach level 3; level 0 holds it as it is;
    # FORM gives 73 more. Records do not ramp here, so that a record is driven once; a read follows every pulse.
    assert spent(command(Opcode.WRITE, level=3, **cell)) == write(reads=101, pulses=100, updates=1)
    assert spent(command(Opcode.WRITE, level=0, **cell)) == one_read
    assert spent(command(Opcode.FORM, level=1, **cell)) == write(reads=74, pulses=73, updates=1)
    assert spent(command(Opcode.READ, **cell)) == one_read
    assert spent(command(Opcode.VERIFY, level=2, **cell)) == one_read
    assert spent(command(Opcode.PULSE, record=Record.RESET, count=2, **cell)) == {
        "select": 2,
        "settle": 4,
        "pulse": 2 * 5,
        "recover": 2 * 2,
        "respond": 1,
    }
    # A conversion is a read; the drive of RESET is not updated again.
    assert spent(command(Opcode.CONVERT, **cell)) == one_read
    assert spent(command(Opcode.DRIVE, record=Record.RESET, **cell)) == {"select": 2, "respond": 1}
    assert spent(command(Opcode.CALIBRATE, column=1)) == one_read
    # The trim has 8 bits, each with a read.
    assert spent(command(Opcode.CALIBRATE, column=1, gain=1)) == {
        "select": 2,
        "settle": 8 * 3,
        "convert": 8 * 3,
        "decide": 8,
        "respond": 1,
    }
    assert spent(command(Opcode.WAIT, cycles=21)) == {"decide": 1, "settle": 21, "respond": 1}
    assert spent(command(Opcode.READ_REGISTER, address=1)) == {"decide": 5, "respond": 1}
    assert spent(command(Opcode.WRITE_REGISTER, address=0x100, value=9 << 16)) == {"decide": 2, "respond": 1}
    assert spent(command(Opcode.READ, row=4)) == {"decide": 1, "respond": 1}
    assert spent(command(Opcode.LOAD, bits=0b10_11_01, clear=1)) == {"select": 1}
    # 2 planes, one channel: 3 conversions in each, SETTLE_MULTIPLY 5. Then the plane with a one, and codes at once.
    product = {"select": 2 * 2, "settle": 2 * 5, "convert": 6 * 3, "decide": 6, "respond": 3}
    assert spent(command(Opcode.MULTIPLY, outputs=3)) == product
    once = {"select": 2, "settle": 5, "convert": 3 * 3, "decide": 3, "respond": 3}
    assert spent(command(Opcode.MULTIPLY, outputs=3, codes=1)) == once
    # LOAD and MULTIPLY one behind the other: a plane without a one is left out.
    plane = {**once, "select": 1 + 2}
    assert spent(command(Opcode.LOAD, bits=0b10_00_10, clear=1), command(Opcode.MULTIPLY, outputs=3, skip=1)) == plane
    assert spent(command(Opcode.LOAD, bits=0, clear=1), command(Opcode.MULTIPLY, outputs=3, skip=1)) == {
        "select": 1,
        "respond": 3,
    }
    assert spent(command(Opcode.DISARM)) == spent(command(Opcode.CLEAR)) == {"decide": 1, "respond": 1}
    assert spent(command(Opcode.ARM, mode=Mode.WRITE)) == {"decide": 24, "respond": 1}
    assert spent(command(Opcode.SAFE)) == spent(command(Opcode.ABORT)) == {"decide": 1, "respond": 1}


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
    """Return beats for all tiles that stand in each other's way, with halts of every kind."""
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
        monkeypatch.setattr(events_controller, "Clock", clock)
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
    engine: ProgramController = EventsController(*crossbar())
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
