from copy import deepcopy
from typing import Any

import pytest

from twinbar.emulator.ledger.ledger import CELL_ENTRIES, ENTRIES, PUMP
from twinbar.host.report.energy import (
    COMPONENT_LABELS,
    component_label,
    dominance,
    imbalance,
    parts,
    reduction_with_host,
    saving_range,
    savings,
)
from twinbar.host.report.figures import interval_table, key_figures
from twinbar.host.report.schema import PeriodReport, parse_compare, parse_report

SPENT: dict[str, Any] = {
    "energy_j": {
        "write": 1.0,
        "forward": 3.0,
        "link": 0.5,
        "host": 10.0,
        "static": 0.5,
        "total": 5.0,
        "total_with_host": 15.0,
    },
    "energy_breakdown_j": {
        "cell_set": 0.25,
        "adc_verify": 0.75,
        "adc_forward": 3.0,
        "commands": 0.5,
        "twin_memory": 10.0,
        "static_adc": 0.5,
    },
}


def test_every_component_of_the_ledger_has_a_label_and_its_account() -> None:
    for account, component in (*ENTRIES.values(), *CELL_ENTRIES.values(), PUMP):
        (part,) = parts(PeriodReport(energy_breakdown_j={component: 1.0}))
        assert part.account == account
        assert part.label == COMPONENT_LABELS[component]


def test_components_that_are_not_known_are_shown_all_the_same() -> None:
    (part,) = parts(PeriodReport(energy_breakdown_j={"laser_pump": 2.0}))
    assert (part.label, part.account, part.share) == ("Laser pump", "other", 1.0)
    assert component_label("static_usb_bridge") == "Static power of USB bridge"


def test_parts_are_sorted_by_account_then_size_and_sum_to_one() -> None:
    listed = parts(PeriodReport(**SPENT))
    assert [part.name for part in listed][:3] == ["adc_verify", "cell_set", "adc_forward"]
    assert listed[-1].name == "twin_memory"
    assert sum(part.share for part in listed[:-1]) == pytest.approx(1)


def test_the_sentence_names_what_dominates_and_the_twin() -> None:
    sentence = dominance(PeriodReport(**SPENT))
    assert sentence is not None
    assert "Largest component of the 5.00 J of the whole system: forward conversions (ADC), 60.0 %." in sentence
    assert "Writing takes 20.0 %." in sentence
    assert "The twin's memory on the host takes another 10.0 J." in sentence
    assert dominance(PeriodReport()) is None


def test_a_ledger_that_does_not_balance_is_told() -> None:
    assert imbalance(PeriodReport(**SPENT)) is None
    wrong = deepcopy(SPENT)
    wrong["energy_j"]["write"] = 1.1
    assert "accounts sum to 5.10000 J" in str(imbalance(PeriodReport(**wrong)))
    wrong = deepcopy(SPENT)
    wrong["energy_j"]["total_with_host"] = 5.0
    assert "accounts sum to 15.0000 J, its total with host is 5.00000 J" in str(imbalance(PeriodReport(**wrong)))
    wrong = deepcopy(SPENT)
    del wrong["energy_breakdown_j"]["commands"]
    assert "components sum to 4.50000 J" in str(imbalance(PeriodReport(**wrong)))


def test_savings_are_told_with_and_without_the_twin() -> None:
    less = deepcopy(SPENT)
    less["energy_j"] |= {"write": 0.01, "total": 4.01, "total_with_host": 14.01}
    less["energy_breakdown_j"] |= {"cell_set": 0.0025, "adc_verify": 0.0075}
    compare = parse_compare(
        {
            "schema": 1,
            "policies": {
                "closed-loop": {"schema": 1, "epochs": [], "totals": SPENT},
                "siamese": {"schema": 1, "epochs": [], "totals": less},
            },
            "reduction_vs_closed_loop": {"siamese": {"write_energy": 0.99, "total_energy": 0.198}},
        }
    )
    assert reduction_with_host(compare, "siamese", "closed-loop") == pytest.approx(1 - 14.01 / 15)
    sentence = savings(compare, "siamese", "closed-loop")
    assert sentence is not None
    assert "write energy down 99.0 %, whole-system energy down 19.8 %" in sentence
    assert "with the memory of the twin down 6.6 %" in sentence
    assert "Largest component of what is left: forward conversions (ADC), 74.8 %" in sentence
    assert savings(compare, "closed-loop", "closed-loop") is None


@pytest.mark.parametrize(
    ("interval", "text"),
    [((0.977, 0.9849), "97.7 to 98.5 %"), ((0.743, 0.777), "74.3 to 77.7 %"), ((-0.05, 0.5), "−5.0 to 50.0 %")],
)
def test_the_interval_of_a_saving_is_written_with_the_digits_of_its_ends(
    interval: tuple[float, float], text: str
) -> None:
    assert saving_range(interval) == text
    assert saving_range((interval[0], interval[0])).endswith(" %")


def test_a_comparison_says_how_far_its_savings_may_be_off() -> None:
    one = {"schema": 1, "epochs": [], "totals": SPENT}
    off = {"independent": [0.7, 0.9], "worst_case": [0.6, 0.95]}
    compare = parse_compare(
        {
            "schema": 1,
            "policies": {"closed-loop": one, "siamese": one},
            "reduction_vs_closed_loop": {"closed-loop": {}, "siamese": {"write_energy": 0.8, "total_energy": 0.5}},
            "reduction_uncertainty_vs_closed_loop": {"siamese": {"write_energy": off, "total_energy": None}},
        }
    )
    sentence = savings(compare, "siamese", "closed-loop")
    assert sentence is not None
    assert "write energy down 80.0 % (70.0 to 90.0 %), whole-system energy down 50.0 %, " in sentence
    assert interval_table(compare) == [["siamese", "Write energy", "80.0 %", "70.0 to 90.0 %", "60.0 to 95.0 %"]]


def test_the_interval_of_an_increase_is_one_of_increases() -> None:
    one = {"schema": 1, "epochs": [], "totals": SPENT}
    off = {"independent": [-0.262, 0.365], "worst_case": [-0.335, 0.589]}
    compare = parse_compare(
        {
            "schema": 1,
            "policies": {"closed-loop": one, "chi": one},
            "reduction_vs_closed_loop": {"chi": {"write_energy": 0.8, "total_energy": -0.03}},
            "reduction_uncertainty_vs_closed_loop": {"chi": {"write_energy": None, "total_energy": off}},
        }
    )
    # 3 % more at the nominal prices: between 36.5 % less and 26.2 % more.
    assert "whole-system energy up 3.0 % (−36.5 to 26.2 %)" in str(savings(compare, "chi", "closed-loop"))
    assert interval_table(compare)[0][2:4] == ["−3.0 %", "−26.2 to 36.5 %"]


def test_key_figures_name_energy_per_multiplication_and_area() -> None:
    efficiency = {
        "macs": 1000,
        "pj_per_mac": {"forward": 0.1, "system": 0.5},
        "tops_per_w": {"forward": 20.0, "system": 4.0},
        "uncertainty_pj": {"forward": {"independent": [0.05, 0.2], "worst_case": [0.04, 0.3]}},
    }
    area = {"mm2": 1.25, "uncertainty_mm2": {"independent": [1.0, 1.6], "worst_case": [0.8, 2.0]}}
    epoch = {"epoch": 1, "cells": 2, "energy_j": {"total": 1.0}}
    report = {"schema": 1, "epochs": [epoch], "totals": {**SPENT, "efficiency": efficiency}, "area": area}
    found = {figure.label: (figure.value, figure.note) for figure in key_figures(parse_report(report))}
    assert found["Energy per MAC, forward pass"] == ("100 fJ", "20.0 TOPS/W; 50 fJ to 200 fJ")
    assert found["Energy per MAC, with controller"] == ("500 fJ", "4.00 TOPS/W")
    assert found["Area"] == ("1.25 mm²", "1.0 to 1.6 mm²; without the twin")
