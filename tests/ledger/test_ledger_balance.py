import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ledger_samples import UNIT_J, approx, make_ledger, programs

from twinbar.emulator.contract.activity import Activity
from twinbar.emulator.crossbar.cell_energy import CELL_ENERGIES, CellEnergy
from twinbar.emulator.ledger.energy_table import energy_table_names
from twinbar.emulator.ledger.ledger import ACCOUNTS, CELL_ENTRIES, ENTRIES, PUMP
from twinbar.hw.actions import ACTIONS, PRICED, Action
from twinbar.hw.errors import ConfigError
from twinbar.hw.timing import Phase


def account_of(component: str) -> str:
    entries = [*ENTRIES.values(), *CELL_ENTRIES.values(), PUMP]
    return next((account for account, name in entries if name == component), "static")


@settings(max_examples=50)
@given(programs(), st.sampled_from(energy_table_names()))
def test_parts_sum_to_totals_in_every_split(run, table):
    ledger = make_ledger(table)
    for kind, activity in run:
        ledger.add(kind, activity)
    summary = ledger.summary()
    energy = summary["energy_j"]
    parts = summary["energy_breakdown_j"]
    system = math.fsum(energy[account] for account in ("write", "forward", "link", "static"))
    assert system == approx(energy["total"], rel=1e-12)
    assert energy["total"] + energy["host"] == approx(energy["total_with_host"], rel=1e-12)
    assert math.fsum(parts.values()) == approx(energy["total_with_host"], rel=1e-12)
    for account in ACCOUNTS:
        held = [joules for component, joules in parts.items() if account_of(component) == account]
        assert math.fsum(held) == approx(energy[account], rel=1e-12)
    for split in ("cycles", "seconds"):
        times = dict(summary[split])
        total = times.pop("total")
        assert math.fsum(times.values()) == approx(total, rel=1e-12)
    assert summary["cycles"]["total"] == sum(a.cycles + a.link_cycles for _, a in run)


@pytest.mark.parametrize("action", list(ENTRIES))
def test_each_action_is_priced_once_under_its_component(action):
    ledger = make_ledger()
    account, component = ENTRIES[action]
    ledger.add(account if account in ("forward", "host") else "write", Activity.of({action: 1000}))
    parts = ledger.summary()["energy_breakdown_j"]
    expected = 1000 * ledger.table.energy_j(action, 8, 1)
    assert expected > 0
    assert parts.pop(component) == approx(expected, rel=1e-12)
    assert set(parts.values()) == {0.0}


@pytest.mark.parametrize("cell", list(CellEnergy))
def test_each_cell_energy_is_priced_once_under_its_component(cell):
    ledger = make_ledger()
    activity = Activity()
    activity.cell_energy[cell] = 1000
    account, component = CELL_ENTRIES[cell]
    ledger.add(account, activity)
    parts = ledger.summary()["energy_breakdown_j"]
    assert parts.pop(component) == approx(1000 * UNIT_J[cell], rel=1e-12)
    assert set(parts.values()) == {0.0}


def test_nothing_written_costs_no_write_energy_and_no_write_time():
    ledger = make_ledger()
    forward = {Action.CONVERT_FORWARD: 128, Action.ROW_DRIVE: 64, Action.COMMAND_BEAT: 3}
    ledger.add("forward", Activity.of(forward, cycles=2000))
    summary = ledger.summary()
    assert summary["energy_j"]["write"] == 0.0
    assert summary["cycles"]["write"] == 0
    assert summary["cell_writes"] == 0
    assert summary["energy_j"]["forward"] > 0


def test_an_untouched_ledger_is_zero_and_finite():
    summary = make_ledger().summary()
    assert summary["energy_j"]["total"] == 0.0
    assert summary["energy_uncertainty_j"]["total"] == {"independent": [0.0, 0.0], "worst_case": [0.0, 0.0]}
    json.dumps(summary, allow_nan=False)


@pytest.mark.parametrize("table", energy_table_names())
def test_one_image_and_one_write_give_finite_positive_figures(table):
    # Batch size 1 gives "inf ns" in DNN+NeuroSim V2.1 (issue 7).
    ledger = make_ledger(table, tiles=1)
    ledger.add(
        "forward", Activity.of({Action.CONVERT_FORWARD: 1, Action.INPUT_STEP: 1, Action.ROW_DRIVE: 1}, cycles=35)
    )
    ledger.add("write", Activity.of({Action.SELECT_CELL: 1, Action.CONVERT_VERIFY: 1, Action.WRITE_OK: 1}, cycles=35))
    summary = ledger.summary()
    json.dumps(summary, allow_nan=False)
    for account in ("write", "forward", "static", "total"):
        assert summary["energy_j"][account] > 0
    assert summary["seconds"]["total"] == approx(70 / 100e6)


def test_counts_come_out_as_they_went_in():
    ledger = make_ledger()
    write = Activity.of(
        {
            Action.WRITE_OK: 5,
            Action.WRITE_FAILED: 2,
            Action.PULSE_SET: 11,
            Action.PULSE_RESET: 13,
            Action.CONVERT_VERIFY: 31,
        },
        cycles=1000,
        link_cycles=17,
    )
    write.phases[Phase.PULSE] = 120
    forward = Activity.of({Action.CONVERT_FORWARD: 4}, cycles=500, link_cycles=3)
    forward.phases[Phase.CONVERT] = 64
    ledger.add("write", write)
    ledger.add("forward", forward)
    summary = ledger.summary()
    assert (summary["cell_writes"], summary["failed_writes"], summary["verify_reads"]) == (7, 2, 31)
    assert summary["pulses"] == {"set": 11, "reset": 13}
    assert summary["cycles"] == {"write": 1000, "forward": 500, "link": 20, "total": 1520}
    assert summary["phase_cycles"]["write"]["pulse"] == 120
    assert summary["phase_cycles"]["forward"] == {**dict.fromkeys(summary["phase_cycles"]["write"], 0), "convert": 64}
    assert summary["actions"]["convert_forward"] == 4


def test_static_power_follows_time_tiles_and_clock():
    one = Activity(cycles=100)
    energies = {}
    for tiles, clock_hz in [(1, 100e6), (2, 100e6), (1, 50e6)]:
        ledger = make_ledger(tiles=tiles, clock_hz=clock_hz)
        ledger.add("write", one)
        energies[tiles, clock_hz] = ledger.summary()["energy_breakdown_j"]
    base = energies[1, 100e6]
    assert base["static_sequencer_leakage"] == approx(15e-6 * 1e-6)
    assert base["static_dispatcher_clock"] == approx(200e-6 * 1e-6)
    two_tiles, slow = energies[2, 100e6], energies[1, 50e6]
    assert two_tiles["static_sequencer_leakage"] == approx(2 * base["static_sequencer_leakage"])
    assert two_tiles["static_dispatcher_clock"] == approx(base["static_dispatcher_clock"])
    # Half the clock: twice the time at half the clocked power, and twice the leakage.
    assert slow["static_dispatcher_clock"] == approx(base["static_dispatcher_clock"])
    assert slow["static_sequencer_leakage"] == approx(2 * base["static_sequencer_leakage"])


@pytest.mark.parametrize(
    ("kind", "activity", "text"),
    [
        ("forward", Activity.of({Action.PULSE_SET: 3}), "counts 3 pulse_set; enter that as 'write'"),
        ("write", Activity.of({Action.CONVERT_FORWARD: 1}), "enter that as 'forward'"),
        ("write", Activity.of({Action.TWIN_ACCESS: 1}), "enter that as 'host'"),
        ("host", Activity.of({Action.TWIN_ACCESS: 1}, cycles=1), "has cycles of the controller"),
        ("read", Activity(), "must be one of write, forward, host"),
    ],
)
def test_what_a_kind_cannot_do_is_refused_and_not_entered(kind, activity, text):
    ledger = make_ledger()
    with pytest.raises(ValueError, match=text):
        ledger.add(kind, activity)
    assert ledger.state_dict() == make_ledger().state_dict()


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"clock_hz": 0.0}, "clock is 0.0 Hz"),
        ({"tiles": 0}, "0 tiles"),
        ({"channels": 0}, "0 ADC channels per tile; there must be 1 or more"),
        ({"adc_bits": 14}, "macro-65nm: actions.convert_verify.by_adc_bits has no figure for 14 bits"),
        ({"input_dac_bits": 12}, "actions.row_drive.by_input_bits has no figure for 12 bits, only for 1, 2, 3"),
        ({"cell_energy_unit_j": {**UNIT_J, CellEnergy.VERIFY: -1.0}}, "cell energy verify is -1.0 J"),
        ({"cell_energy_unit_j": {}}, f"cell energy {CELL_ENERGIES[0]} is nan J"),
    ],
)
def test_settings_that_cannot_be_priced_are_refused(changes, text):
    with pytest.raises(ConfigError, match=text):
        make_ledger(**changes)


def test_resolution_picks_the_figure():
    def forward_j(**changes):
        ledger = make_ledger(**changes)
        ledger.add("forward", Activity.of({Action.CONVERT_FORWARD: 1, Action.ROW_DRIVE: 1}))
        return ledger.summary()["energy_breakdown_j"]

    assert forward_j(adc_bits=8)["adc_forward"] == approx(6.5e-12)
    assert forward_j(adc_bits=10)["adc_forward"] == approx(12.5e-12)
    assert forward_j(input_dac_bits=1)["row_drive"] == approx(0.046e-12)
    assert forward_j(input_dac_bits=4)["row_drive"] == approx(0.572e-12)


def test_every_action_has_an_entry_in_the_books():
    assert [ACTIONS[action] for action in ENTRIES] == list(PRICED)
    assert list(CELL_ENTRIES) == list(CellEnergy)
