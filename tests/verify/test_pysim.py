"""The engine pysim on its own: counters, waveforms, and time that stands still between programs."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from twinbar.emulator.contract.program import Program
from twinbar.emulator.engines.rtl.pysim import PysimController
from twinbar.emulator.verify.beat_fields import beat
from twinbar.emulator.verify.campaign import sessions
from twinbar.emulator.verify.elaborations import ELABORATIONS
from twinbar.emulator.verify.settings import write
from twinbar.emulator.verify.sketch import Sketch
from twinbar.hw.errors import ConfigError
from twinbar.hw.protocol.packing import unpack, unpack_results
from twinbar.hw.protocol.registers import ACTION_COUNTERS, PHASE_COUNTER_BASE
from twinbar.hw.protocol.vocabulary import Mode, Opcode, Status
from twinbar.hw.timing import Phase

PLAIN = ELABORATIONS["plain"]


def program(*commands: int) -> Program:
    return Program(np.array(commands, np.uint64))


def test_what_is_seen_on_the_pins_is_what_the_gateware_counts() -> None:
    """Phases and actions are counted here from the pins, and by the controller in its counters."""
    elaboration = ELABORATIONS["pair"]
    session = next(sessions(8, 99, [elaboration]))
    controller = PysimController(elaboration.config, elaboration.controller)
    results = [controller.run(step.program()) for step in session.steps]
    for tile in range(elaboration.controller.tiles):
        phases = sum(result.phases[tile] for result in results)
        actions = sum(result.actions[tile] for result in results)
        for number in Phase:
            read = controller.run(program(beat(Opcode.READ_REGISTER, tile, address=PHASE_COUNTER_BASE + number)))
            assert unpack_results(Opcode.READ_REGISTER, read.responses)["value"][0] >= phases[number]
        # Reading moves only these phases, and adds to each what it takes itself.
        moved = {Phase.IDLE, Phase.DECIDE, Phase.RESPOND}
        for number in set(Phase) - moved:
            read = controller.run(program(beat(Opcode.READ_REGISTER, tile, address=PHASE_COUNTER_BASE + number)))
            assert unpack_results(Opcode.READ_REGISTER, read.responses)["value"][0] == phases[number], number
        for action, address in ACTION_COUNTERS.items():
            if action.name not in ("COMMAND_BEAT", "RESPONSE_BEAT"):
                read = controller.run(program(beat(Opcode.READ_REGISTER, tile, address=address)))
                assert unpack_results(Opcode.READ_REGISTER, read.responses)["value"][0] == actions[action], action
    assert sum(result.actions.sum() for result in results) > 100


def test_the_first_cycle_is_cycle_0() -> None:
    controller = PysimController(PLAIN.config, PLAIN.controller)
    result = controller.run(program(beat(Opcode.READ_REGISTER, 0, address=PHASE_COUNTER_BASE + Phase.IDLE)))
    # Accepted in cycle 0, runs from cycle 3 on; everything before was idle.
    assert result.accepted.tolist() == [0]
    assert unpack_results(Opcode.READ_REGISTER, result.responses)["value"].tolist() == [3]
    assert result.response_cycles.tolist() == [10]
    assert result.cycles == 11


def test_time_stands_still_between_programs() -> None:
    """A watchdog does not bark because the host is slow: only cycles of programs count."""
    sketch = Sketch(PLAIN, 0)
    arm = beat(Opcode.ARM, 0, mode=Mode.READ.value)
    controller = PysimController(PLAIN.config, PLAIN.controller)
    controller.run(program(write(sketch, "WATCHDOG", 60), arm))
    for _ in range(20):
        answer = controller.run(program(beat(Opcode.WAIT, 0, cycles=30)))
        assert unpack(answer.responses)["status"].tolist() == [Status.OK.value]
    answer = controller.run(program(beat(Opcode.WAIT, 0, cycles=80)))
    assert unpack(answer.responses)["watchdog"].tolist() == [1]


def test_a_second_controller_starts_from_power_up() -> None:
    sketch = Sketch(PLAIN, 0)
    for _ in range(2):
        controller = PysimController(PLAIN.config, PLAIN.controller)
        address = beat(Opcode.READ_REGISTER, 0, address=0x10)
        answer = controller.run(program(address, write(sketch, "SELECT", 9)))
        assert unpack_results(Opcode.READ_REGISTER, answer.responses[:1])["value"].tolist() == [1]
        del controller


def test_waveforms(tmp_path: Path) -> None:
    wave = tmp_path / "run.vcd"
    with PysimController(PLAIN.config, PLAIN.controller, wave=wave) as controller:
        result = controller.run(program(beat(Opcode.CLEAR, 0)))
    plain = PysimController(PLAIN.config, PLAIN.controller).run(program(beat(Opcode.CLEAR, 0)))
    assert result.cycles == plain.cycles
    text = wave.read_text()
    assert "$enddefinitions" in text
    for name in ("write_gate", "selection", "busy", "phases__0"):
        assert name in text
    assert "tiles__0__write_gate" in (tmp_path / "run.gtkw").read_text()


def test_geometries_must_be_equal() -> None:
    with pytest.raises(ConfigError, match="the crossbar has rows = 4 and its controller 5; make them equal"):
        PysimController(PLAIN.config, replace(PLAIN.controller, rows=5))
