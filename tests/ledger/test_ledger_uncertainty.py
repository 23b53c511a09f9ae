from hypothesis import given, settings
from ledger_samples import approx, make_ledger, programs

from twinbar.emulator.contract.activity import Activity
from twinbar.emulator.ledger.energy_table import EnergyTable, load_energy_table
from twinbar.hw.actions import Action


def table_with(**entries):
    """The shipped 65 nm table with some entries replaced."""
    data = load_energy_table("macro-65nm").model_dump(exclude_none=True)
    for name, changes in entries.items():
        data["actions"][name] = {"certainty": "assumed", "source": "test", "unit": "pJ", **changes}
    return EnergyTable.model_validate(data)


def intervals(table, kind, actions, account="total"):
    ledger = make_ledger(table)
    ledger.add(kind, Activity.of(actions))
    return ledger.summary()["energy_uncertainty_j"][account]


def test_parts_add_in_quadrature_and_in_the_worst_case_linearly():
    table = table_with(
        select_cell={"value": 10, "uncertainty": 0.3},
        drive_update={"value": 10, "uncertainty": 0.4},
    )
    found = intervals(table, "write", {Action.SELECT_CELL: 1, Action.DRIVE_UPDATE: 1})
    # 10 pJ +- 3 pJ and 10 pJ +- 4 pJ.
    assert found["independent"] == approx([15e-12, 25e-12])
    assert found["worst_case"] == approx([13e-12, 27e-12])


def test_entries_of_one_part_move_together():
    table = table_with(
        select_cell={"value": 10, "uncertainty": 0.3, "part": "switch"},
        drive_update={"value": 10, "uncertainty": 0.4, "part": "switch"},
    )
    found = intervals(table, "write", {Action.SELECT_CELL: 1, Action.DRIVE_UPDATE: 1})
    assert found["independent"] == approx([13e-12, 27e-12])
    assert found["worst_case"] == approx([13e-12, 27e-12])


def test_a_factor_gives_a_lopsided_interval_and_a_large_relative_one_stops_at_zero():
    table = table_with(select_cell={"value": 10, "factor": 2}, drive_update={"value": 10, "uncertainty": 1.5})
    assert intervals(table, "write", {Action.SELECT_CELL: 1})["worst_case"] == approx([5e-12, 20e-12])
    assert intervals(table, "write", {Action.DRIVE_UPDATE: 1})["worst_case"] == approx([0, 25e-12])


def test_the_verify_and_the_forward_conversion_are_one_converter():
    ledger = make_ledger()
    ledger.add("write", Activity.of({Action.CONVERT_VERIFY: 10}))
    ledger.add("forward", Activity.of({Action.CONVERT_FORWARD: 10}))
    found = ledger.summary()["energy_uncertainty_j"]
    assert found["total"]["independent"] == approx([65e-12, 260e-12])
    assert found["write"]["independent"] == approx([32.5e-12, 130e-12])


@settings(max_examples=50)
@given(programs())
def test_intervals_hold_the_nominal_value_and_nest(run):
    ledger = make_ledger()
    for kind, activity in run:
        ledger.add(kind, activity)
    summary = ledger.summary()
    for account, found in summary["energy_uncertainty_j"].items():
        nominal = summary["energy_j"][account]
        slack = 1e-9 * nominal
        lowest, low, high, highest = found["worst_case"][0], *found["independent"], found["worst_case"][1]
        assert 0 <= lowest <= low + slack
        assert low - slack <= nominal <= high + slack
        assert high <= highest + slack
