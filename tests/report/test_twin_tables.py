"""The memory of the twin in terminal and page."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from twinbar.host.report.figures import compare_table, key_figures, reduction_table, twin_table
from twinbar.host.report.page import build_report
from twinbar.host.report.schema import parse_compare, parse_report
from twinbar.host.report.summary import print_summary

# 96 x 40 + 40 x 10 weights and 2 x 40 steps, of which each has 8 bits read and 1.5 written of its weight.
OPPORTUNITIES = 4240 * 80
TWIN: dict[str, Any] = {
    "kind": "residual",
    "bits": {
        "weight": {"read": 8 * OPPORTUNITIES, "written": OPPORTUNITIES * 3 // 2},
        "state": {"read": 8 * OPPORTUNITIES, "written": 3 * OPPORTUNITIES},
        "gradient": {"read": 0, "written": 0},
        "backward": {"read": OPPORTUNITIES // 4, "written": 0},
        "level": {"read": OPPORTUNITIES // 8, "written": OPPORTUNITIES // 8},
        "digital": {"read": 12345, "written": 12345},
    },
    "random_bits": 16 * OPPORTUNITIES,
    "bits_per_weight_and_step": {"total": 21.0},
}
ROWS = [
    ["Weights, by the optimizer", "8.00", "1.50"],
    ["State of the optimizer", "8.00", "3.00"],
    ["Gradients", "0", "0"],
    ["Weights, by the backward pass", "0.250", "0"],
    ["Levels that the cells hold", "0.125", "0.125"],
    ["Total", "16.4", "4.62"],
]


@pytest.fixture
def with_twin(make_run: Callable[..., dict[str, Any]], tmp_path: Path) -> tuple[dict[str, Any], Path]:
    """A run folder whose report counts the memory of the twin."""
    report = make_run(tmp_path / "run")
    report["totals"]["twin"] = TWIN
    (tmp_path / "run" / "report.json").write_text(json.dumps(report), encoding="utf-8")
    return report, tmp_path / "run"


def test_the_table_says_what_a_weight_takes_at_a_step(with_twin: tuple[dict[str, Any], Path]) -> None:
    assert twin_table(parse_report(with_twin[0])) == ROWS


def test_the_energy_with_the_twin_is_a_key_figure(with_twin: tuple[dict[str, Any], Path]) -> None:
    report = parse_report(with_twin[0])
    labels = [figure.label for figure in key_figures(report)]
    assert labels.index("Energy with twin memory") == labels.index("Whole-system energy") + 1
    (figure,) = [figure for figure in key_figures(report) if figure.label == "Energy with twin memory"]
    assert figure.note == "residual: 21.0 bits per weight, step"


def test_terminal_and_page_show_both(with_twin: tuple[dict[str, Any], Path], read_page: Callable[[Path], Any]) -> None:
    report, folder = with_twin
    out = io.StringIO()
    print_summary(report, Console(file=out, width=88))
    build_report(folder)
    for text in (out.getvalue(), read_page(folder / "index.html").text):
        assert "Memory of the twin" in text
        assert "Energy with twin memory" in text
        for row in ROWS:
            assert all(value in text for value in row)


def test_a_report_that_does_not_count_it_has_no_table(make_run: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    assert twin_table(parse_report(make_run(tmp_path / "run"))) == []
    assert twin_table(parse_report(make_run(tmp_path / "float", "float"))) == []


def test_a_comparison_has_it_beside_the_total(make_compare: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    compare = parse_compare(make_compare(tmp_path))
    for row in compare_table(compare):
        energy = compare.policies[row[0]].totals.energy_j
        assert (row[8] == "–") == ("total_with_host" not in energy)
    assert [len(row) for row in reduction_table(compare)] == [7]
