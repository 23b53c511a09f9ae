"""How far a saving may be off, by hand: parts that are off are off in both runs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_samples import approx, make_ledger

from twinbar.emulator.contract.activity import Activity
from twinbar.emulator.ledger.ledger import TOTALS
from twinbar.emulator.ledger.uncertainty import intervals, of_accounts, saving_intervals
from twinbar.hw.actions import Action

# Nominal, lowest, highest: a converter that may be off by a factor of 2, and logic by half.
MINE = {"adc": (1.0, 0.5, 2.0), "logic": (1.0, 0.5, 1.5)}
THEIRS = {"adc": (9.0, 4.5, 18.0), "logic": (1.0, 0.5, 1.5)}


def test_each_part_goes_to_its_ends_in_both_runs():
    found = saving_intervals(MINE, THEIRS)
    assert found is not None
    # Nominal 1 - 2 / 10. The converter alone: 1.5 / 5.5 and 3 / 19 are left; the logic alone: 1.5 / 9.5 and 2.5 / 10.5.
    # Upwards 0.072727 and 0.038095, downwards 0.042105 twice, each in quadrature.
    assert found["independent"] == approx([0.8 - 0.0821009, 0.8 + 0.0595457], abs=1e-6)
    # The worst: the converter low and the logic high leave 2 / 6, the other way round 2.5 / 18.5.
    assert found["worst_case"] == approx([1 - 2 / 6, 1 - 2.5 / 18.5])


def test_energies_that_were_taken_for_independent_would_say_much_less():
    ends = [intervals(parts)["worst_case"] for parts in (MINE, THEIRS)]
    assert ends == [approx([1.0, 3.5]), approx([5.0, 19.5])]
    naive = 1 - ends[0][1] / ends[1][0], 1 - ends[0][0] / ends[1][1]
    assert naive == approx((0.3, 0.948718), abs=1e-6)
    found = saving_intervals(MINE, THEIRS)
    assert found is not None
    assert naive[0] < found["worst_case"][0] < found["worst_case"][1] < naive[1]


@pytest.mark.parametrize("share", [0.01, 1.0, 3.0])
def test_runs_of_one_composition_save_exactly_what_they_save(share):
    mine = {part: tuple(share * value for value in spread) for part, spread in THEIRS.items()}
    found = saving_intervals(mine, THEIRS)
    assert found is not None
    for ends in found.values():
        assert ends == approx([1 - share, 1 - share], abs=1e-12)


def test_parts_of_one_run_alone_count_too():
    found = saving_intervals({"logic": (1.0, 0.5, 1.5)}, {"adc": (10.0, 5.0, 20.0)})
    assert found is not None
    # 1.5 / 5 and 0.5 / 20 are left at the worst.
    assert found["worst_case"] == approx([1 - 1.5 / 5, 1 - 0.5 / 20])


def test_what_nothing_was_spent_on_cannot_be_saved():
    assert saving_intervals(MINE, {}) is None
    assert saving_intervals(MINE, {"adc": (0.0, 0.0, 0.0)}) is None


SPREADS = st.builds(
    lambda nominal, down, up: (nominal, nominal * down, nominal * up),
    st.floats(1e-3, 1e3),
    st.floats(0.05, 1.0),
    st.floats(1.0, 20.0),
)
RUNS = st.dictionaries(st.sampled_from("abcdef"), SPREADS, min_size=1)


@given(RUNS, RUNS)
def test_intervals_of_savings_nest_and_hold_the_nominal(mine, theirs):
    found = saving_intervals(mine, theirs)
    assert found is not None
    nominal = 1 - sum(spread[0] for spread in mine.values()) / sum(spread[0] for spread in theirs.values())
    (lowest, highest), (low, high) = found["worst_case"], found["independent"]
    slack = 1e-9 * max(1.0, abs(lowest))
    assert lowest - slack <= low <= nominal + slack
    assert nominal - slack <= high <= highest + slack


@given(RUNS, RUNS)
def test_no_ends_of_the_parts_leave_more_or_less_than_the_worst_case(mine, theirs):
    found = saving_intervals(mine, theirs)
    assert found is not None
    names = sorted({*mine, *theirs})
    nothing = (0.0, 0.0, 0.0)
    # The nominal values are plausible too, where the ends of two runs do not belong together.
    ratios = [sum(spread[0] for spread in mine.values()) / sum(spread[0] for spread in theirs.values())]
    for choice in range(1 << len(names)):
        ends = [1 + (choice >> bit & 1) for bit in range(len(names))]
        sums = [
            sum(run.get(name, nothing)[end] for name, end in zip(names, ends, strict=True)) for run in (mine, theirs)
        ]
        ratios.append(sums[0] / sums[1])
    assert found["worst_case"] == approx([1 - max(ratios), 1 - min(ratios)], rel=1e-9, abs=1e-9)


def test_a_summary_has_the_parts_of_its_energies():
    ledger = make_ledger()
    ledger.add("write", Activity.of({Action.CONVERT_VERIFY: 10, Action.WRITE_OK: 4}))
    ledger.add("forward", Activity.of({Action.CONVERT_FORWARD: 10}))
    summary = ledger.summary()
    parts = summary["energy_parts_j"]
    # 6.5 pJ, by a factor of 2, and 0.5 pJ, by a factor of 3.
    assert parts["write"]["adc"] == approx([65e-12, 32.5e-12, 130e-12])
    assert parts["write"]["logic"] == approx([2e-12, 2e-12 / 3, 6e-12])
    assert of_accounts(parts, ("write", "forward"))["adc"] == approx([130e-12, 65e-12, 260e-12])
    for name, accounts in TOTALS.items():
        assert intervals(of_accounts(parts, accounts)) == summary["energy_uncertainty_j"][name]
