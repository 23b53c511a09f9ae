"""Static power by state: tiles that are clocked or gated, ADC channels that are on or off, by hand."""

import copy
import re
from typing import Any

import numpy as np
import pytest
import tomli_w
from ledger_samples import approx, change, make_ledger

from twinbar.emulator.contract.activity import Activity
from twinbar.emulator.ledger.energy_table import EnergyTable, load_energy_table
from twinbar.hw.actions import Action
from twinbar.hw.errors import ConfigError
from twinbar.hw.timing import Phase

SOURCE = {"certainty": "assumed", "source": "assumed: test", "uncertainty": 0.1}
CLOCK = {"component": "clock", "per": "tile", "unit": "uW", "clocked": True, **SOURCE}
AMPLIFIER = {"component": "amplifier", "per": "channel", "unit": "uW", **SOURCE}
POWERS: list[dict[str, Any]] = [
    {**CLOCK, "state": "clocked", "value": 50.0},
    {**CLOCK, "state": "gated", "value": 10.0},
    {**AMPLIFIER, "state": "on", "value": 20.0},
    {**AMPLIFIER, "state": "off", "value": 1.0},
    {"component": "reference", "per": "channel", "unit": "uW", "value": 3.0, **SOURCE},
]


COUNTS = (Activity().actions, Activity().cell_energy)


def table(powers: list[dict[str, Any]] = POWERS, **prices: float) -> EnergyTable:
    """The shipped 65 nm table with other static powers, and other prices in pJ; a price below 0 is none."""
    values = load_energy_table("macro-65nm").model_dump(exclude_none=True)
    values["static_power"] = copy.deepcopy(powers)
    for action, value in prices.items():
        values["actions"][action] = {"value": value, "unit": "pJ", **SOURCE}
        if value < 0:
            del values["actions"][action]
    return EnergyTable.model_validate(values)


def one_program() -> Activity:
    """A read and an idle tile: two tiles of two channels for 100 cycles, of which one tile works 40 and stalls 10.

    It reads one cell: SETTLE_READ 16 and CONVERT 16 cycles with one channel on.
    """
    activity = Activity.of({Action.CHANNEL_CYCLE: 32, Action.CHANNEL_WAKE: 1, Action.CLOCK_GATE: 2}, cycles=100)
    activity.phases[[Phase.IDLE, Phase.STALL, Phase.SETTLE, Phase.CONVERT, Phase.RESPOND]] = [150, 10, 23, 16, 1]
    return activity


def test_every_state_has_its_power_for_its_cycles():
    ledger = make_ledger(table(channel_wake=2, clock_gate=0.5), tiles=2, channels=2)
    ledger.add("write", one_program())
    parts = ledger.summary()["energy_breakdown_j"]
    # 40 tile-cycles of 10 ns at 50 uW, and 160 at 10 uW.
    assert parts["static_clock"] == approx(40 * 10e-9 * 50e-6 + 160 * 10e-9 * 10e-6)
    # Of 400 cycles of channels, 32 on.
    assert parts["static_amplifier"] == approx(32 * 10e-9 * 20e-6 + 368 * 10e-9 * 1e-6)
    # Four channels for 100 cycles.
    assert parts["static_reference"] == approx(4 * 1e-6 * 3e-6)
    assert parts["channel_wake"] == approx(2e-12)
    assert parts["clock_gating"] == approx(2 * 0.5e-12)
    static = ("static_clock", "static_amplifier", "static_reference", "channel_wake", "clock_gating")
    assert ledger.summary()["energy_j"]["static"] == approx(sum(parts[name] for name in static))
    assert ledger.summary()["energy_j"]["total"] == approx(ledger.summary()["energy_j"]["static"])


def test_what_is_never_on_and_never_at_work_draws_the_lower_powers():
    ledger = make_ledger(table(), tiles=1, channels=4)
    idle = Activity(cycles=1000)
    idle.phases[Phase.IDLE] = 1000
    ledger.add("forward", idle)
    parts = ledger.summary()["energy_breakdown_j"]
    assert parts["static_clock"] == approx(10e-6 * 10e-6)
    assert parts["static_amplifier"] == approx(4 * 10e-6 * 1e-6)


@pytest.mark.parametrize("phase", list(Phase))
def test_a_tile_is_gated_while_it_waits(phase: Phase):
    ledger = make_ledger(table(), tiles=1)
    activity = Activity(cycles=100)
    activity.phases[phase] = 100
    ledger.add("write", activity)
    expected = 10e-6 if phase in (Phase.IDLE, Phase.STALL) else 50e-6
    assert ledger.summary()["energy_breakdown_j"]["static_clock"] == approx(expected * 1e-6)


def test_a_clocked_power_follows_the_clock_in_every_state():
    slow = make_ledger(table(), tiles=2, channels=2, clock_hz=50e6)
    fast = make_ledger(table(), tiles=2, channels=2)
    for ledger in (slow, fast):
        ledger.add("write", one_program())
    parts = [ledger.summary()["energy_breakdown_j"] for ledger in (slow, fast)]
    assert parts[0]["static_clock"] == approx(parts[1]["static_clock"])
    assert parts[0]["static_amplifier"] == approx(2 * parts[1]["static_amplifier"])


def test_of_a_program_clocks_are_gated_once_for_each_command_and_each_response_that_was_waited_for_at_most():
    phases, actions, heat = (np.repeat(each[None], 2, axis=0) for each in (Activity().phases, *COUNTS))
    # One tile was idle for longer than it has commands, and stalled for less than it has responses; the other one the
    # other way round.
    phases[:, Phase.IDLE], phases[:, Phase.STALL] = [10, 5], [2, 7]
    phases[:, Phase.RESPOND] = 3
    actions[:, Action.COMMAND_BEAT], actions[:, Action.SHARED_BEAT] = 4, 2
    activity = Activity.of_program(phases, actions, heat, 15)
    assert activity.actions[Action.CLOCK_GATE] == (4 + 2) + 2 + 5 + 3


def test_channels_that_are_on_for_longer_than_there_are_any_are_refused():
    ledger = make_ledger(table(), tiles=1, channels=2)
    activity = Activity.of({Action.CHANNEL_CYCLE: 21}, cycles=10)
    activity.phases[Phase.CONVERT] = 10
    with pytest.raises(ValueError, match="ADC channels are on for 21 cycles, and 20 are all that the activity has"):
        ledger.add("forward", activity)
    assert ledger.state_dict() == make_ledger(table(), tiles=1).state_dict()


def test_states_of_one_component_are_off_together():
    ledger = make_ledger(table(), tiles=2, channels=2)
    ledger.add("write", one_program())
    found = ledger.summary()
    parts = found["energy_breakdown_j"]
    deviations = [0.1 * parts[name] for name in ("static_clock", "static_amplifier", "static_reference")]
    low, high = found["energy_uncertainty_j"]["static"]["worst_case"]
    # The prices of the shipped table for waking and gating have factors of their own.
    assert high - found["energy_j"]["static"] >= sum(deviations) > 0
    assert low <= found["energy_j"]["static"] - sum(deviations)


@pytest.mark.parametrize("name", ["lab-board", "macro-65nm", "macro-130nm"])
def test_the_tables_charge_every_adc_channel(name: str):
    one, four = (make_ledger(name, tiles=1, channels=channels) for channels in (1, 4))
    for ledger in (one, four):
        activity = Activity.of({Action.CHANNEL_CYCLE: 100}, cycles=200)
        activity.phases[Phase.CONVERT] = 200
        ledger.add("forward", activity)
    parts = [ledger.summary()["energy_breakdown_j"]["static_transimpedance_amplifier"] for ledger in (one, four)]
    assert parts[1] > parts[0] > 0


MISTAKES = [
    (change(0, "state", value="on"), "static_power.0 has the state 'on' per tile; a tile is clocked or gated, an ADC"),
    (change(2, "per", value="system"), "static_power.2 has the state 'on' per system"),
    (
        change(2, "state", value="waking"),
        "static_power.2.state is 'waking'; write 'always', 'clocked', 'gated', 'on' or",
    ),
    (change(1), "has clock in the state clocked; give it one entry without a state, or one clocked and one gated"),
    (change(3, "state"), "has amplifier in the state always and on; give it one entry without a state"),
    (change(3, "value", value=21.0), "has amplifier with 2.1e-05 W off and 2e-05 W on; off cannot be the greater one"),
    (change(1, "unit", value="mW"), "has clock with 0.01 W gated and 5e-05 W clocked; gated cannot be the greater one"),
    (change(3, "component", value="clock"), "has clock per channel and per tile; give all of its entries one `per`"),
]


@pytest.mark.parametrize(("apply", "text"), MISTAKES, ids=[text for _, text in MISTAKES])
def test_powers_that_contradict_each_other_are_refused_in_one_sentence(apply: Any, text: str, tmp_path: Any):
    values = load_energy_table("macro-65nm").model_dump(mode="json", exclude_none=True)
    values["static_power"] = copy.deepcopy(POWERS)
    apply(values["static_power"])
    path = tmp_path / "own.toml"
    del values["name"]
    path.write_bytes(tomli_w.dumps(values).encode())
    with pytest.raises(ConfigError, match=re.escape(text)) as refusal:
        load_energy_table(path)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(("action", "state"), [("channel_wake", "off"), ("clock_gate", "gated")])
def test_a_saving_without_the_price_of_its_change_of_state_is_refused(action: str, state: str):
    with pytest.raises(ValueError, match=f"has powers of the state '{state}', but actions has no entry for {action}"):
        table(**{action: -1})


def test_without_states_their_changes_need_no_price():
    always = [{**CLOCK, "value": 50.0}, {**AMPLIFIER, "value": 20.0}]
    ledger = make_ledger(table(always, channel_wake=-1, clock_gate=-1), tiles=2, channels=2)
    ledger.add("write", one_program())
    parts = ledger.summary()["energy_breakdown_j"]
    assert parts["static_clock"] == approx(2 * 1e-6 * 50e-6)
    assert parts["static_amplifier"] == approx(4 * 1e-6 * 20e-6)
    assert parts["channel_wake"] == parts["clock_gating"] == 0.0


def test_a_cycle_of_a_channel_is_no_price_of_a_table():
    with pytest.raises(ValueError, match="has an unknown action 'channel_cycle'"):
        table(channel_cycle=1)
