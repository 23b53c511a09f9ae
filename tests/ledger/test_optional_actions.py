"""What only options of a controller do: a table need not price it, and an earlier state does not count it."""

import copy
from typing import Any

import numpy as np
import pytest
from crossbar_choices import crossbar_of
from ledger_samples import approx

from twinbar.emulator.contract.activity import Activity, ActivityTotal
from twinbar.emulator.ledger.energy_table import EnergyTable, energy_table_names, load_energy_table
from twinbar.emulator.ledger.ledger import Ledger
from twinbar.hw.actions import OF_OPTIONS, Action
from twinbar.hw.errors import ConfigError

pytestmark = pytest.mark.usefixtures("compiled_kernels")


def table_without(*actions: str) -> EnergyTable:
    values = load_energy_table("macro-65nm").model_dump()
    for action in actions:
        del values["actions"][action]
    return EnergyTable.model_validate(values)


def ledger(table: EnergyTable, **options: Any) -> Ledger:
    return Ledger.of_crossbar(table, crossbar_of("taox-hfox", rows=8, columns=8, **options), tiles=2)


def test_a_table_prices_them_only_where_an_option_needs_them() -> None:
    forward = Activity.of({Action.RESPONSE_BEAT: 3})
    plain, whole = ledger(table_without(*OF_OPTIONS)), ledger(load_energy_table("macro-65nm"))
    for each in (plain, whole):
        each.add("forward", forward)
    assert plain.summary() == whole.summary()


@pytest.mark.parametrize(
    ("options", "action"),
    [
        ({"cascade": True}, "partial_sum"),
        ({"cascade": True}, "shared_beat"),
        ({"shared_inputs": True}, "shared_beat"),
        ({"outputs_per_beat": 2}, "packed_output"),
        ({"compare": True}, "compare"),
        ({"chain": True}, "requantize"),
        ({"chain": True}, "transferred_word"),
        ({"chain": True}, "packed_output"),
    ],
)
def test_a_table_that_lacks_what_an_option_does_is_refused(options: dict[str, Any], action: str) -> None:
    (name,) = options
    if name == "compare":
        options = options | {"pulse_entries": 16}
    if name == "chain":
        options = options | {"shared_inputs": True}
    with pytest.raises(ConfigError, match=f"macro-65nm has no entry for {action}, which array.{name} needs; add one"):
        ledger(table_without(action), **options)


def test_they_are_entered_by_their_own_components() -> None:
    own = ledger(load_energy_table("macro-65nm"), cascade=True, shared_inputs=True, outputs_per_beat=2)
    own.add("forward", Activity.of({Action.PARTIAL_SUM: 10, Action.PACKED_OUTPUT: 100, Action.SHARED_BEAT: 1000}))
    found = own.summary()
    assert found["energy_breakdown_j"]["partial_sums"] == approx(10 * 4.2e-12)
    assert found["energy_breakdown_j"]["packing"] == approx(100 * 0.31e-12)
    assert found["energy_breakdown_j"]["shared_commands"] == approx(1000 * 1.1e-12)
    assert found["energy_j"]["forward"] == approx(42e-12)
    assert found["energy_j"]["link"] == approx(1131e-12)


@pytest.mark.parametrize("name", energy_table_names())
def test_a_partial_sum_costs_an_addition_and_its_way_at_least(name: str) -> None:
    table = load_energy_table(name)
    cost = {action: table.energy_j(Action[action.upper()], 8, 4) for action in ("shift_add", *OF_OPTIONS)}
    assert cost["partial_sum"] > cost["shift_add"] > cost["packed_output"] > 0
    assert 0 < cost["shared_beat"] < table.energy_j(Action.COMMAND_BEAT, 8, 4)


def test_digital_functions_are_priced_and_named_where_there_are_any() -> None:
    forward = Activity.of({Action.REQUANTIZE: 100, Action.TRANSFERRED_WORD: 10})
    own = ledger(load_energy_table("macro-65nm"), shared_inputs=True, chain=True)
    own.add("forward", forward)
    found = own.summary()
    assert found["energy_breakdown_j"]["digital_functions"] == approx(100 * 5.0e-12)
    assert found["energy_breakdown_j"]["transfers"] == approx(10 * 3.6e-12)
    assert found["energy_j"]["forward"] == approx(536e-12)
    assert found["actions"]["requantize"] == 100
    plain = ledger(load_energy_table("macro-65nm")).summary()
    assert not {"requantize", "transferred_word"} & set(plain["actions"])
    assert not {"digital_functions", "transfers"} & set(plain["energy_breakdown_j"])
    with pytest.raises(ValueError, match="requantize"):
        own.add("write", forward)


@pytest.mark.parametrize("name", energy_table_names())
def test_a_digital_function_costs_more_than_an_addition(name: str) -> None:
    table = load_energy_table(name)
    cost = {action: table.energy_j(Action[action.upper()], 8, 4) for action in ("shift_add", *OF_OPTIONS)}
    assert cost["requantize"] > 2 * cost["shift_add"]
    assert cost["transferred_word"] > cost["shared_beat"] / 4 > 0


def test_comparisons_are_priced_and_named_where_there_are_any() -> None:
    writes = Activity.of({Action.COMPARE: 10})
    own = ledger(load_energy_table("macro-65nm"), compare=True, pulse_entries=16)
    own.add("write", writes)
    found = own.summary()
    # An eighth of a conversion of 8 bits, 6.5 pJ.
    assert found["energy_breakdown_j"]["compare"] == approx(10 * 0.81e-12)
    assert found["energy_j"]["write"] == approx(8.1e-12)
    assert found["actions"]["compare"] == 10
    plain = ledger(load_energy_table("macro-65nm")).summary()
    assert "compare" not in plain["actions"]
    assert "compare" not in plain["energy_breakdown_j"]
    with pytest.raises(ValueError, match="compare"):
        own.add("forward", writes)


@pytest.mark.parametrize("name", ["macro-65nm", "macro-130nm"])
@pytest.mark.parametrize("bits", [4, 8, 12])
def test_a_comparison_costs_a_bit_of_a_conversion(name: str, bits: int) -> None:
    table = load_energy_table(name)
    conversion = table.energy_j(Action.CONVERT_VERIFY, bits, 4)
    assert table.energy_j(Action.COMPARE, bits, 4) == approx(conversion / bits, rel=0.02)


def test_a_state_from_before_counts_none_of_them() -> None:
    total = ActivityTotal.of(Activity(np.arange(len(Action), dtype=np.int64)))
    state = copy.deepcopy(total.state_dict())
    for action in OF_OPTIONS:
        del state["actions"][action]
    again = ActivityTotal.from_state_dict(state)
    expected = [0 if Action(number).name.lower() in OF_OPTIONS else number for number in range(len(Action))]
    assert list(again.actions) == expected
    del state["actions"]["command_beat"]
    with pytest.raises(ConfigError, match="this version counts"):
        ActivityTotal.from_state_dict(state)
