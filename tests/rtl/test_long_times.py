"""Times that need every bit of the registers that count: random programs are made of short ones only."""

from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from rtl_samples import CONTROLLER, DURATIONS, command, compliance, crossbar, program, set_up, write_register

from twinbar.emulator.contract.program import ProgramController, ProgramResult
from twinbar.emulator.engines.controllers import controller_maker
from twinbar.hw.actions import Action
from twinbar.hw.protocol import registers
from twinbar.hw.protocol.layouts import WIDTH_BITS
from twinbar.hw.protocol.packing import unpack, unpack_results
from twinbar.hw.protocol.vocabulary import ComplianceAction, Mode, Opcode, Record, Status
from twinbar.hw.timing import Phase

pytestmark = pytest.mark.compiler

WIDTHS = {Record.SET: 0x0105A5A, Record.RESET: 0x15A0003, Record.FORM: 0xA5A5A5A}
"""Cycles of pulses, the last one more than a second at 100 MHz; no two agree in any group of high bits."""
LONGEST = (1 << WIDTH_BITS) - 1


class Trio:
    """The netlist, which skips what only counts, and the two engines that compute cycles."""

    def __init__(self, **settings: int) -> None:
        self.config = crossbar()
        self.engines: dict[str, ProgramController] = {
            name: controller_maker(name)(self.config, CONTROLLER) for name in ("rtl", "fast", "events")
        }
        self.phases = np.zeros((CONTROLLER.tiles, len(Phase)), np.int64)
        self.run(set_up(self.config, 0, **settings))

    def run(self, beats: list[int], **world: Any) -> ProgramResult:
        """Run a program on all of them, and compare everything; gives the result."""
        wanted = program(beats, **world)
        result, *others = (engine.run(wanted) for engine in self.engines.values())
        for name, other in zip(list(self.engines)[1:], others, strict=True):
            for field in fields(ProgramResult):
                if field.name != "command_energy":
                    np.testing.assert_array_equal(
                        getattr(result, field.name), getattr(other, field.name), f"{field.name} of {name}"
                    )
        cells, *other_cells = (engine.cells() for engine in self.engines.values())
        for other in other_cells:
            for name, values in other.items():
                np.testing.assert_array_equal(cells[name], values, name)
        self.phases += result.phases
        return result

    def counters(self) -> dict[Phase, int]:
        """Read the phase counters of tile 0, which say what they held when each was read."""
        beats = [command(Opcode.READ_REGISTER, address=registers.PHASE_COUNTER_BASE + phase) for phase in Phase]
        values = unpack_results(Opcode.READ_REGISTER, self.run(beats).responses)["value"]
        return dict(zip(Phase, values.tolist(), strict=True))


def pulse(record: Record, count: int = 1) -> int:
    return command(Opcode.PULSE, row=2, column=3, record=record, count=count)


def test_pulses_are_as_wide_as_all_bits_of_their_register_say() -> None:
    trio = Trio(mode=Mode.READ, COMPLIANCE=0)
    widths = [write_register(f"{record.name}_WIDTH", width | 255 << WIDTH_BITS) for record, width in WIDTHS.items()]
    armed = trio.run([command(Opcode.DISARM), *widths, command(Opcode.ARM, mode=Mode.WRITE)])
    assert set(unpack(armed.responses)["status"].tolist()) == {Status.OK.value}
    for record, width in WIDTHS.items():
        result = trio.run([pulse(record)])
        assert result.phases[0, Phase.PULSE] == width
        assert result.actions[0, Action.PULSE_RESET if record is Record.RESET else Action.PULSE_SET] == 1
    assert trio.counters()[Phase.PULSE] == sum(WIDTHS.values())


def test_a_late_current_limit_ends_a_long_pulse() -> None:
    blanking = 0xC35A
    trio = Trio(mode=Mode.READ, COMPLIANCE=compliance(ComplianceAction.END_PULSE, blanking))
    long = write_register("SET_WIDTH", WIDTHS[Record.SET])  # limited to no current at all
    trio.run([command(Opcode.DISARM), long, command(Opcode.ARM, mode=Mode.WRITE)])
    assert trio.run([pulse(Record.SET)]).phases[0, Phase.PULSE] == blanking + 1


def test_waiting_times_and_their_counter() -> None:
    trio = Trio(mode=Mode.READ, WATCHDOG=LONGEST)
    for cycles in ((1 << 27) + (1 << 20) + 3, 0x2A5A5A5, 1 << 16, (1 << 16) + 1):
        # A watchdog that is longer than each of them does not bark.
        result = trio.run([command(Opcode.WAIT, cycles=cycles)])
        assert unpack(result.responses)["status"].tolist() == [Status.OK.value]
        assert result.phases[0, Phase.SETTLE] == cycles
    assert trio.counters()[Phase.SETTLE] == trio.phases[0, Phase.SETTLE]


@pytest.mark.parametrize("watchdog", [(1 << 20) + 77, 0x8150123])
def test_the_watchdog_waits_as_long_as_all_bits_of_its_register_say(watchdog: int) -> None:
    trio = Trio(WATCHDOG=watchdog)
    result = trio.run([command(Opcode.WAIT, cycles=watchdog + (1 << 21))])
    header = unpack(result.responses)
    assert (header["status"].tolist(), header["watchdog"].tolist()) == ([Status.FAULTED.value], [1])
    # The beat is accepted in cycle 0, and the halt comes behind as many cycles without one.
    halt = watchdog + 1
    assert result.response_cycles.tolist() == [halt + 1 + 2]


def test_durations_have_all_bits_of_their_registers() -> None:
    long = {name: 0x8000 >> place | 0x4321 for place, name in enumerate(DURATIONS)}
    trio = Trio(SAMPLING=0, COMPLIANCE=0, **long)
    read = trio.run([command(Opcode.READ, row=1, column=1)])
    assert read.phases[0, Phase.SELECT] == long["SELECT"]
    assert read.phases[0, Phase.SETTLE] == long["SETTLE_READ"]
    assert read.phases[0, Phase.CONVERT] == long["CONVERT"]
    pulses = trio.run([pulse(Record.RESET, 2)])
    assert pulses.phases[0, Phase.RECOVER] == 2 * long["RECOVER"]
    assert pulses.phases[0, Phase.SETTLE] == 2 * long["SETTLE_DRIVE"]
    product = trio.run([command(Opcode.LOAD, bits=5, clear=1), command(Opcode.MULTIPLY, outputs=2)])
    assert product.phases[0, Phase.SETTLE] == product.actions[0, Action.INPUT_STEP] * long["SETTLE_MULTIPLY"]
