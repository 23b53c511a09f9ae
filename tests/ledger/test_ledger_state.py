import copy
import json

import pytest
from hypothesis import given, settings
from ledger_samples import change, make_ledger, programs

from twinbar.emulator.contract.activity import Activity
from twinbar.hw.actions import Action
from twinbar.hw.errors import ConfigError


@settings(max_examples=50)
@given(programs(largest=2**62), programs(largest=2**62))
def test_a_run_resumed_from_json_ends_like_one_left_alone(before, after):
    whole, first = make_ledger(), make_ledger()
    for kind, activity in before:
        whole.add(kind, activity)
        first.add(kind, activity)
    resumed = make_ledger()
    resumed.load_state_dict(json.loads(json.dumps(first.state_dict())))
    for kind, activity in after:
        whole.add(kind, activity)
        resumed.add(kind, activity)
    assert resumed.state_dict() == whole.state_dict()
    assert resumed.summary() == whole.summary()


def test_integers_beyond_64_bits_survive():
    ledger = make_ledger()
    for _ in range(4):
        ledger.add("write", Activity.of({Action.PULSE_SET: 2**62 + 1}))
    again = make_ledger()
    again.load_state_dict(json.loads(json.dumps(ledger.state_dict())))
    assert again.summary()["pulses"]["set"] == 4 * (2**62 + 1)


@pytest.mark.parametrize(
    ("apply", "text"),
    [
        (change("host"), "must hold write, forward, host"),
        (change("write", "actions", "pulse_set"), "this version counts select_cell"),
        (change("write", "actions", "pulse_set", value=1.5), "pulse_set = 1.5"),
        (change("write", "cycles", value=-1), "cycles = -1"),
        (change("write", "phases", value=[1, 2]), r"phases = \[1, 2\]"),
        (change("forward", "cell_energy", "melt", value=3), "forward, melt, reset"),
        (change("forward", "programs", value=True), "programs = True"),
    ],
)
def test_a_damaged_state_is_refused_and_nothing_is_lost(apply, text):
    ledger = make_ledger()
    ledger.add("write", Activity.of({Action.PULSE_SET: 3}, cycles=9))
    before = ledger.state_dict()
    state = copy.deepcopy(before)
    apply(state)
    with pytest.raises(ConfigError, match=text):
        ledger.load_state_dict(state)
    assert ledger.state_dict() == before
