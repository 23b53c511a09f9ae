from hypothesis import given, settings
from hypothesis import strategies as st
from ledger_samples import activities, approx, make_ledger, programs

from twinbar.emulator.contract.activity import Activity
from twinbar.hw.actions import Action

LINEAR = ("energy_j", "energy_breakdown_j", "seconds")
COUNTED = ("cycles", "pulses", "actions")


def filled(run):
    ledger = make_ledger()
    for kind, activity in run:
        ledger.add(kind, activity)
    return ledger


@settings(max_examples=50)
@given(programs(), programs())
def test_energy_of_a_whole_is_the_sum_of_its_parts(first, second):
    both, one, two = (filled(run).summary() for run in (first + second, first, second))
    for group in LINEAR:
        for name, value in both[group].items():
            assert value == approx(one[group][name] + two[group][name], rel=1e-12)
    for group in COUNTED:
        assert both[group] == {name: one[group][name] + two[group][name] for name in both[group]}


@settings(max_examples=50)
@given(programs(), programs())
def test_a_period_equals_a_ledger_of_its_own(before, during):
    ledger = filled(before)
    start = ledger.snapshot()
    for kind, activity in during:
        ledger.add(kind, activity)
    # Integers are subtracted before anything is turned into joules, so this is equality, not closeness.
    assert ledger.summary(since=start) == filled(during).summary()


@settings(max_examples=50)
@given(activities("write", 10**6), st.integers(1, 20))
def test_energy_is_proportional_to_counts(activity, times):
    once, often = filled([("write", activity)]).summary(), filled([("write", activity)] * times).summary()
    for group in LINEAR:
        for name, value in often[group].items():
            assert value == approx(times * once[group][name], rel=1e-12)


@settings(max_examples=50)
@given(programs(), st.randoms(use_true_random=False))
def test_order_of_programs_does_not_matter(run, random):
    shuffled = list(run)
    random.shuffle(shuffled)
    assert filled(run).summary() == filled(shuffled).summary()


def test_no_count_is_lost_to_rounding():
    # 2**62 + 1 is not a float: a ledger that added up floats would lose the single accesses.
    ledger = make_ledger()
    ledger.add("host", Activity.of({Action.TWIN_ACCESS: 2**62}))
    for _ in range(7):
        ledger.add("host", Activity.of({Action.TWIN_ACCESS: 1}))
    ledger.add("host", Activity.of({Action.TWIN_ACCESS: 2**62}))
    assert ledger.summary()["actions"]["twin_access"] == 2**63 + 7
