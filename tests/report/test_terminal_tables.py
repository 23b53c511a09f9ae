import io
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from twinbar.host.report import si
from twinbar.host.report.summary import print_comparison, print_summary
from twinbar.hw.errors import ConfigError


def printed(show: Callable, data: dict, width: int = 120) -> str:
    out = io.StringIO()
    show(data, Console(file=out, width=width))
    return out.getvalue()


def test_the_summary_has_the_figures_with_units(tmp_path: Path, make_run: Callable) -> None:
    report = make_run(tmp_path, warnings=["Half of [all] codes were clipped."])
    text = printed(print_summary, report)
    totals = report["totals"]
    for value in (
        f"{100 * report['epochs'][-1]['test_accuracy']:.2f} %",
        si.near_one(report["epochs"][0]["update_elimination"]),
        si.si(totals["energy_j"]["write"], "J"),
        si.si(totals["energy_j"]["total"], "J"),
        si.si(totals["energy_j"]["total_with_host"], "J"),
        si.duration(totals["seconds"]["write"]),
        f"{report['wear']['max_pulses_per_cell']} pulses",
        "Largest component of the",
        "Warning: Half of [all] codes were clipped.",
    ):
        assert value in text


def test_the_summary_of_a_float_run_speaks_of_no_crossbar(tmp_path: Path, make_run: Callable) -> None:
    text = printed(print_summary, make_run(tmp_path, "float"))
    assert "Final test accuracy" in text
    assert "energy" not in text


def test_the_comparison_has_a_column_for_each_policy(tmp_path: Path, make_compare: Callable) -> None:
    compare = make_compare(tmp_path, ("closed-loop", "siamese", "float"), epochs=1)
    lines = printed(print_comparison, compare).splitlines()
    energies = [report["totals"].get("energy_j", {}).get("write") for report in compare["policies"].values()]
    (line,) = [line for line in lines if all(si.si(energy, "J") in line for energy in energies)]
    assert "Write energy" in line
    saved = compare["reduction_vs_closed_loop"]["siamese"]["write_energy"]
    assert any(si.reduction(saved, with_factor=False) in line and "Write energy" in line for line in lines)
    assert any("siamese against closed-loop: write energy down" in line for line in lines)


def test_names_are_not_cut_on_a_narrow_terminal(tmp_path: Path, make_compare: Callable) -> None:
    compare = make_compare(tmp_path, ("closed-loop", "closed-loop-analog", "siamese", "float"), epochs=1)
    text = printed(print_comparison, compare, width=80)
    assert "closed-loop-analog" in text
    assert "…" not in text


def test_what_is_no_report_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"report\.json has schema None"):
        printed(print_summary, {})
    with pytest.raises(ConfigError, match=r"at policies"):
        printed(print_comparison, {"schema": 1})
