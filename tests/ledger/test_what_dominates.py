import pytest
from ledger_samples import make_ledger

from twinbar.emulator.contract.activity import Activity
from twinbar.emulator.ledger.ledger import what_dominates
from twinbar.hw.actions import Action
from twinbar.hw.timing import Phase


def test_nothing_done():
    assert what_dominates(make_ledger().summary()) == "No energy was spent."


def test_the_largest_and_the_second_component_are_named():
    ledger = make_ledger()
    ledger.add("forward", Activity.of({Action.CONVERT_FORWARD: 800}))
    ledger.add("write", Activity.of({Action.CONVERT_VERIFY: 200}))
    assert what_dominates(ledger.summary()) == (
        "Of 6.5 nJ, 80 % goes to forward conversions and 20 % to verify conversions; writing takes 20 % of all."
    )


def test_one_component_alone():
    ledger = make_ledger()
    ledger.add("forward", Activity.of({Action.CONVERT_FORWARD: 1}))
    assert what_dominates(ledger.summary()) == "Of 6.5 pJ, 100 % goes to forward conversions; writing takes 0 % of all."


def test_static_power_is_named_by_its_component():
    ledger = make_ledger(tiles=1)
    activity = Activity.of({Action.CHANNEL_CYCLE: 10**6}, cycles=10**6)
    activity.phases[Phase.CONVERT] = 10**6
    ledger.add("write", activity)
    # 200 uW of 200 + 15 + 70 (clocked) + 24 + 1.7 (amplifier and converter on).
    assert "64.4 % goes to static power of the dispatcher clock" in what_dominates(ledger.summary())


def test_the_twin_is_stated_separately():
    ledger = make_ledger()
    ledger.add("host", Activity.of({Action.TWIN_ACCESS: 1000}))
    ledger.add("forward", Activity.of({Action.CONVERT_FORWARD: 600}))
    ledger.add("write", Activity.of({Action.CONVERT_VERIFY: 400}))
    sentence = what_dominates(ledger.summary())
    assert sentence.startswith("Of 6.5 nJ, 60 % goes to forward conversions and 40 % to verify conversions")
    assert "the twin's memory on the host takes" in sentence


@pytest.mark.parametrize(
    ("count", "text"), [(1, "6.5 pJ"), (10**9, "6.5 mJ"), (10**12, "6.5 J"), (10**15, "6.5e+03 J")]
)
def test_joules_are_written_with_a_prefix(count, text):
    ledger = make_ledger()
    ledger.add("forward", Activity.of({Action.CONVERT_FORWARD: count}))
    assert what_dominates(ledger.summary()).startswith(f"Of {text},")
