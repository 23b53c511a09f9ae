import json
from collections.abc import Callable
from pathlib import Path

import pytest

from twinbar.host.report import si
from twinbar.host.report.page import build_report


def test_policies_stand_side_by_side_with_their_figures(built_compare: Path, read_page: Callable) -> None:
    compare = json.loads((built_compare / "compare.json").read_text())
    text = read_page(built_compare / "index.html").text
    for name, report in compare["policies"].items():
        if name == "float":
            assert f"float {100 * report['epochs'][-1]['test_accuracy']:.2f} % –" in text
            continue
        totals = report["totals"]
        cost = [
            si.count(totals["cell_writes"]),
            si.si(totals["energy_j"]["write"], "J"),
            si.duration(totals["seconds"]["write"]),
            si.si(totals["energy_j"]["total"], "J"),
            si.si(totals["energy_j"]["total_with_host"], "J"),
            si.duration(totals["seconds"]["total"]),
        ]
        assert " ".join(cost) in text


def test_reductions_are_those_of_the_comparison(built_compare: Path, read_page: Callable) -> None:
    compare = json.loads((built_compare / "compare.json").read_text())
    text = read_page(built_compare / "index.html").text
    saved = compare["reduction_vs_closed_loop"]["siamese"]
    order = ("cell_writes", "write_energy", "write_latency", "total_energy", "total_latency")
    assert "siamese " + " ".join(si.reduction(saved[key]) for key in order) in text
    mine, reference = (compare["policies"][name]["totals"]["energy_j"] for name in ("siamese", "closed-loop"))
    assert si.reduction(1 - mine["total_with_host"] / reference["total_with_host"]) in text
    assert "siamese against closed-loop: write energy down" in text
    assert "Largest component of what is left" in text


def test_each_policy_has_a_page_of_its_own(built_compare: Path, read_page: Callable) -> None:
    page = read_page(built_compare / "index.html")
    links = [value for tag, value in page.values("href") if tag == "a" and value.endswith("/index.html")]
    assert len(links) == 3
    for link in links:
        assert "MLP 40-20-10 on MNIST" in read_page(built_compare / link).text


def test_the_page_loads_nothing_and_is_well_formed(built_compare: Path, read_page: Callable) -> None:
    page = read_page(built_compare / "index.html")
    assert page.unbalanced == []
    for name in ("src", "xlink:href"):
        assert all(value.startswith(("data:", "#")) for _, value in page.values(name))
    assert all("://" not in value for _, value in page.values("href"))
    ids = [value for _, value in page.values("id")]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("name", ["cost", "energy-accounts", "accuracy", "accuracy-epochs", "writes"])
def test_plots_name_every_policy(built_compare: Path, name: str) -> None:
    assert (built_compare / "plots" / f"{name}.png").stat().st_size > 5000
    drawing = (built_compare / "plots" / f"{name}.svg").read_text()
    for policy in ("closed-loop", "siamese"):
        assert f">{policy}" in drawing
    if name in ("cost", "accuracy", "accuracy-epochs"):
        assert ">float" in drawing


def test_the_cost_plot_says_the_values(built_compare: Path) -> None:
    compare = json.loads((built_compare / "compare.json").read_text())
    drawing = (built_compare / "plots" / "cost.svg").read_text()
    for name in ("closed-loop", "siamese"):
        assert si.si(compare["policies"][name]["totals"]["energy_j"]["write"], "J") in drawing
    assert "no crossbar" in drawing


def test_a_comparison_without_run_folders_or_reference_still_has_a_page(
    tmp_path: Path, make_compare: Callable, read_page: Callable
) -> None:
    compare = make_compare(tmp_path / "full", ("closed-loop", "float"), epochs=1, layers=(20, 10))
    del compare["policies"]["closed-loop"]
    compare["reduction_vs_closed_loop"] = {}
    (tmp_path / "compare.json").write_text(json.dumps(compare))
    text = read_page(build_report(tmp_path)).text
    assert "nothing to relate savings to" in text
