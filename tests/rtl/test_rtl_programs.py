"""The same programs in every form of the netlist, and the netlist's own counters."""

import numpy as np
import pytest
from random_programs import random_program
from rtl_samples import CONTROLLER, command, compliance, counter_reads, crossbar, program, set_up, set_up_all

from twinbar.emulator.engines.rtl.rtl_controller import RtlController
from twinbar.hw.actions import Action
from twinbar.hw.protocol.packing import unpack, unpack_results
from twinbar.hw.protocol.registers import ALWAYS_COUNTED
from twinbar.hw.protocol.vocabulary import ComplianceAction, Mode, Opcode, Record, Status

pytestmark = pytest.mark.compiler

FORMS = {
    "flat, every cycle": {"composed": False, "every_cycle": True},
    "flat": {"composed": False},
    "composed": {"composed": True},
    "composed, every cycle": {"composed": True, "every_cycle": True},
}


def assert_same(expected, got):
    for name in ("responses", "response_cycles", "accepted", "cycles", "phases", "actions", "energy", "extremes"):
        assert np.array_equal(getattr(expected, name), getattr(got, name)), name


def assert_same_cells(expected, got):
    for name, values in expected.cells().items():
        assert np.array_equal(values, got.cells()[name]), name


@pytest.mark.parametrize("seed", range(4))
def test_all_forms_of_the_netlist_do_the_same_in_every_cycle(seed):
    # Draws with which each program comes to what is asked for at the end.
    rng = np.random.default_rng(4 + seed)
    config = crossbar(sample_and_hold=bool(seed % 2))
    first, *others = (RtlController(config, CONTROLLER, **form) for form in FORMS.values())
    action = (ComplianceAction.END_PULSE, ComplianceAction.FAULT)[seed % 2]
    settings = {
        "COMPLIANCE": compliance(action, seed),
        "WATCHDOG": (0, 0, 900, 1500)[seed],
        "SAMPLING": (0, 0x21, 0x10, 0)[seed],
        "PULSE_LIMIT": 12,
    }
    programs = [set_up_all(config, **settings), *(random_program(rng, pins=n % 2 == 1) for n in range(6))]
    statuses, actions = set(), np.zeros(len(Action), np.int64)
    for tick, todo in enumerate(programs):
        expected = first.run(todo)
        assert (expected.phases.sum(1) == expected.cycles).all()
        for other in others:
            assert_same(expected, other.run(todo))
            assert_same_cells(first, other)
        statuses |= set(unpack(expected.responses)["status"].tolist())
        actions += expected.actions.sum(0)
        for controller in (first, *others):
            controller.set_tick(tick)
    # The comparison is worth something only where all this has happened.
    assert {status.value for status in (Status.OK, Status.ABORTED, Status.FAULTED, Status.DISARMED)} <= statuses
    assert (actions[[Action.PULSE_SET, Action.PULSE_RESET, Action.INPUT_STEP, Action.CONVERT_VERIFY]] > 0).all()


@pytest.mark.parametrize("composed", [False, True])
def test_the_counters_that_are_read_are_those_of_the_result(composed):
    rng = np.random.default_rng(7)
    config = crossbar()
    controller = RtlController(config, CONTROLLER, composed=composed)
    total = np.zeros((CONTROLLER.tiles, len(Action)), np.int64)
    for todo in (set_up_all(config), random_program(rng, pins=True), random_program(rng, pins=False)):
        result = controller.run(todo)
        total += result.actions
        assert result.actions[:, Action.RESPONSE_BEAT].sum() == len(result.responses)
    for tile in range(CONTROLLER.tiles):
        result = controller.run(program(counter_reads(tile)))
        values = unpack_results(Opcode.READ_REGISTER, result.responses)["value"]
        for number, action in enumerate(ALWAYS_COUNTED):
            # The commands that read have been popped too.
            own = number + 1 if action is Action.COMMAND_BEAT else 0
            assert values[number] == total[tile, action] + own, action
        assert result.actions[tile, Action.COMMAND_BEAT] == len(ALWAYS_COUNTED)


def test_time_stands_still_between_programs():
    config = crossbar()
    ready = set_up(config, 0, WATCHDOG=300, mode=Mode.READ)
    waits, reads = command(Opcode.WAIT, cycles=250), command(Opcode.READ, row=1, column=1)
    together, apart = (RtlController(config, CONTROLLER) for _ in range(2))
    whole = together.run(program([*ready, waits, reads], arrivals=np.array([0] * len(ready) + [500, 900])))
    parts = [apart.run(program(beats)) for beats in (ready, [waits], [reads])]
    assert unpack(whole.responses)["status"][-1] == Status.FAULTED.value
    assert unpack(parts[-1].responses)["status"].tolist() == [Status.OK.value]


def test_the_cells_tell_what_the_drives_hold():
    config = crossbar()
    controller = RtlController(config, CONTROLLER)
    assert controller.cells()["driven"].tolist() == [[Record.SAFE.value, *CONTROLLER.safe_codes]] * CONTROLLER.tiles
    controller.run(set_up_all(config))
    controller.run(program([command(Opcode.DRIVE, 1, record=Record.RESET)]))
    reset = (Record.RESET.value, 0, config.registers.reset_amplitude.start, config.registers.reset_gate.start)
    driven = controller.cells()["driven"]
    assert driven[1].tolist() == list(reset)
    assert driven[0, 0] == Record.MULTIPLY.value


def test_an_empty_program_takes_no_cycle():
    result = RtlController(crossbar(), CONTROLLER).run(program([]))
    assert result.cycles == 0
    assert len(result.responses) == 0
    assert not result.phases.any()
    assert not result.actions.any()
