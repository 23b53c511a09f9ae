import json
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from twinbar.host.report import si
from twinbar.host.report.page import build_report

PLOTS = (
    "accuracy",
    "loss",
    "updates",
    "energy-epochs",
    "energy-run",
    "wear-map",
    "wear-distribution",
    "conductance",
)


def unbroken(text: str) -> str:
    return " ".join(text.split())  # the page keeps number and unit together with a no-break space


def test_the_page_shows_the_figures_of_the_report(built_run: Path, read_page: Callable) -> None:
    report = json.loads((built_run / "report.json").read_text())
    text = read_page(built_run / "index.html").text
    totals, first, last = report["totals"], report["epochs"][0], report["epochs"][-1]
    assert "MLP 96-40-10 on MNIST" in text
    expected = [
        f"Accuracy, crossbar {100 * last['test_accuracy']:.2f} %",
        f"Accuracy, float twin {100 * last['twin_test_accuracy']:.2f} %",
        f"Update elimination, first epoch {si.near_one(first['update_elimination'])}",
        f"Update elimination, last epoch {si.near_one(last['update_elimination'])}",
        f"Updates per weight {si.ratio(totals['updates_per_weight'])} {totals['weight_updates']:,} updates",
        f"Write energy {si.si(totals['energy_j']['write'], 'J')}",
        f"Whole-system energy {si.si(totals['energy_j']['total'], 'J')}",
        f"Write latency {si.duration(totals['seconds']['write'])}",
        f"{report['wear']['max_pulses_per_cell']:,} pulses mean {si.ratio(report['wear']['mean_pulses_per_cell'])}",
    ]
    for figure in expected:
        assert figure in text


def test_write_only_and_whole_system_stand_side_by_side(built_run: Path, read_page: Callable) -> None:
    totals = json.loads((built_run / "report.json").read_text())["totals"]
    text = read_page(built_run / "index.html").text
    energy, seconds = totals["energy_j"], totals["seconds"]
    share, besides = si.share(energy["write"] / energy["total"]), si.si(energy["total_with_host"], "J")
    assert f"Energy {si.si(energy['write'], 'J')} {si.si(energy['total'], 'J')} {share} {besides}" in text
    share = si.share(seconds["write"] / seconds["total"])
    assert f"Latency {si.duration(seconds['write'])} {si.duration(seconds['total'])} {share}" in text


def test_every_component_has_its_energy_and_share(built_run: Path, read_page: Callable) -> None:
    totals = json.loads((built_run / "report.json").read_text())["totals"]
    text = read_page(built_run / "index.html").text
    for name, label in (("adc_verify", "Verify conversions (ADC)"), ("static_adc", "Static power of ADC")):
        energy_j = totals["energy_breakdown_j"][name]
        assert f"{label} {si.si(energy_j, 'J')} {si.share(energy_j / totals['energy_j']['total'])}" in text
    assert "Largest component of the" in text


def test_epochs_configuration_environment_and_warnings_are_there(built_run: Path, read_page: Callable) -> None:
    report = json.loads((built_run / "report.json").read_text())
    text = read_page(built_run / "index.html").text
    for epoch in report["epochs"]:
        assert f"{epoch['cell_writes']:,} {si.share(epoch['failed_writes'] / epoch['cell_writes'])}" in text
    assert "training.batch_size 64" in text
    assert "torch 2.13.0+cpu" in text
    assert "Warning Codes of layers.1 were clipped: <2 in 10,000>." in text
    assert "is not included in the totals" in text


def test_the_page_loads_nothing(built_run: Path, read_page: Callable) -> None:
    page = read_page(built_run / "index.html")
    for name in ("src", "srcset", "data", "action", "xlink:href"):
        for tag, value in page.values(name):
            assert value.startswith(("data:", "#")), f"<{tag} {name}={value[:60]}>"
    for tag, value in page.values("href"):
        assert tag in ("a", "use")
        assert "://" not in value
        if tag == "a" and value.startswith("#"):
            assert ("h2", value.removeprefix("#")) in page.values("id")
        elif tag == "a":
            assert (built_run / value).exists()
    raw = (built_run / "index.html").read_text()
    assert raw.count("<script") == 2  # the values of the plots, and the page's own program
    assert "<link" not in raw
    assert "@import" not in raw
    assert all(target.startswith("#") for target in re.findall(r"url\(['\"]?([^)]*)", raw))


def test_the_page_is_well_formed_and_ids_are_unique(built_run: Path, read_page: Callable) -> None:
    page = read_page(built_run / "index.html")
    assert page.unbalanced == []
    assert page.open == []
    ids = [value for _, value in page.values("id")]
    assert len(ids) == len(set(ids))
    targets = {value.removeprefix("#") for tag, value in page.values("xlink:href") if value.startswith("#")}
    raw = (built_run / "index.html").read_text()
    targets |= set(re.findall(r"url\(#([^)]*)\)", raw))
    assert targets
    assert targets <= set(ids)


@pytest.mark.parametrize("name", PLOTS)
def test_plots_are_written_and_show_something(built_run: Path, name: str, read_page: Callable) -> None:
    pixels = imread(built_run / "plots" / f"{name}.png")[:, :, :3]
    background = np.all(pixels == 1.0, axis=2).mean()
    assert 0.05 < background < 0.99
    colours = (pixels * 15).astype(int) @ [256, 16, 1]
    assert len(np.unique(colours)) > 8
    assert (built_run / "plots" / f"{name}.pdf").read_bytes().startswith(b"%PDF")
    root = ElementTree.parse(built_run / "plots" / f"{name}.svg").getroot()
    assert len(list(root.iter("{http://www.w3.org/2000/svg}path"))) > 5
    labels = [value for tag, value in read_page(built_run / "index.html").values("aria-label") if tag == "svg"]
    # The conductances of each of the two layers have drawings of their own.
    assert len(labels) == len(PLOTS) + 2


def test_plots_tell_figures_in_text(built_run: Path) -> None:
    report = json.loads((built_run / "report.json").read_text())
    accuracy = (built_run / "plots" / "accuracy.svg").read_text()
    assert f"crossbar ({100 * report['epochs'][-1]['test_accuracy']:.2f} %)" in accuracy
    energy = (built_run / "plots" / "energy-run.svg").read_text()
    assert si.si(report["totals"]["energy_breakdown_j"]["adc_forward"], "J") in energy
    wear = (built_run / "plots" / "wear-map.svg").read_text()
    assert "layers.0" in wear
    assert ">r2<" in wear


def test_png_and_pdf_are_drawn_on_request_and_again_with_the_page(tmp_path: Path, make_run: Callable) -> None:
    make_run(tmp_path, "float", epochs=1)
    build_report(tmp_path)
    assert {path.suffix for path in (tmp_path / "plots").iterdir()} == {".svg", ".csv"}
    build_report(tmp_path, formats=["png"])
    names = {path.name for path in (tmp_path / "plots").iterdir()}
    assert names == {f"{name}.{suffix}" for name in ("accuracy", "loss") for suffix in ("svg", "csv", "png")}
    drawn = (tmp_path / "plots" / "loss.png").read_bytes()
    (tmp_path / "plots" / "loss.png").write_bytes(b"of an earlier state")
    build_report(tmp_path)
    assert (tmp_path / "plots" / "loss.png").read_bytes() == drawn


def test_building_again_gives_the_same_bytes(tmp_path: Path, make_run: Callable) -> None:
    make_run(tmp_path, epochs=1, layers=(20, 10))
    page = build_report(tmp_path)
    files = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    before = {path: path.read_bytes() for path in files}
    assert build_report(tmp_path) == page
    assert {path: path.read_bytes() for path in sorted(tmp_path.rglob("*")) if path.is_file()} == before


def test_a_float_run_has_a_page_without_crossbar(tmp_path: Path, make_run: Callable, read_page: Callable) -> None:
    report = make_run(tmp_path, "float")
    page = read_page(build_report(tmp_path))
    assert f"Final test accuracy {100 * report['epochs'][-1]['test_accuracy']:.2f} %" in page.text
    assert "Energy" not in page.text
    assert "Write" not in page.text
    assert "arrays.npz" not in page.text
    assert sorted(path.stem for path in (tmp_path / "plots").glob("*.svg")) == ["accuracy", "loss"]


def test_a_bare_report_is_enough(tmp_path: Path, read_page: Callable) -> None:
    report = {"schema": 1, "epochs": [{"epoch": 1, "steps": 3, "test_accuracy": 0.5, "cells": 8, "cell_writes": 0}]}
    (tmp_path / "report.json").write_text(json.dumps(report))
    text = read_page(build_report(tmp_path)).text
    assert "Accuracy, crossbar 50.00 %" in text
    assert "no steps.csv" in text
    assert "no arrays.npz" in text


def test_a_table_of_steps_that_was_cut_off_is_told(tmp_path: Path, make_run: Callable, read_page: Callable) -> None:
    report = make_run(tmp_path)
    steps = report["totals"]["steps"]
    assert "of report.json" not in read_page(build_report(tmp_path)).text
    lines = (tmp_path / "steps.csv").read_text().splitlines(keepends=True)
    (tmp_path / "steps.csv").write_text("".join(lines[:3]) + lines[3][:5])
    assert f"steps.csv has 2 of the {steps} steps of report.json" in read_page(build_report(tmp_path)).text


def test_a_run_before_its_first_epoch_says_so(tmp_path: Path, read_page: Callable) -> None:
    (tmp_path / "report.json").write_text(json.dumps({"schema": 1, "epochs": []}))
    assert "No epoch has been completed yet." in read_page(build_report(tmp_path)).text


def test_no_write_and_no_pulse_is_drawn_too(tmp_path: Path, make_run: Callable, read_page: Callable) -> None:
    make_run(tmp_path, epochs=1, layers=(20, 10))
    report = json.loads((tmp_path / "report.json").read_text())
    for account in (report["epochs"][0], report["totals"]):
        account |= {"weight_updates": 0, "cell_writes": 0, "updates_per_weight": 0.0, "update_elimination": 1.0}
        for name in ("energy_j", "energy_breakdown_j", "seconds", "cycles", "pulses"):
            account[name] = dict.fromkeys(account[name], 0)
    (tmp_path / "report.json").write_text(json.dumps(report))
    with np.load(tmp_path / "arrays.npz") as archive:
        arrays = dict(archive)
    arrays["pulses"][:] = 0
    np.savez(tmp_path / "arrays.npz", **arrays)
    (tmp_path / "steps.csv").write_text("step,epoch,loss,weight_updates,cell_writes\n1,1,nan,0,0\n")
    text = read_page(build_report(tmp_path)).text
    assert "Update elimination 100 %" in text
    assert "Write energy 0 J" in text


def test_text_from_the_configuration_stays_text(tmp_path: Path, make_run: Callable, read_page: Callable) -> None:
    hostile = {"data": {"name": "<script>alert(1)</script>"}, "note": "$x_{1}$ & <b>"}
    make_run(tmp_path, "float", epochs=1, config=hostile, layer_sizes=None)
    page = read_page(build_report(tmp_path))
    assert (tmp_path / "index.html").read_text(encoding="utf-8").count("<script") == 2
    assert "$x_{1}$ & <b>" in page.text


def test_a_ledger_that_does_not_balance_is_a_warning(tmp_path: Path, make_run: Callable, read_page: Callable) -> None:
    make_run(tmp_path, epochs=1, layers=(20, 10))
    report = json.loads((tmp_path / "report.json").read_text())
    report["totals"]["energy_j"]["total"] *= 1.5
    (tmp_path / "report.json").write_text(json.dumps(report))
    (tmp_path / "arrays.npz").unlink()
    (tmp_path / "steps.csv").unlink()
    assert "The energy ledger does not balance" in read_page(build_report(tmp_path)).text


def test_the_style_of_the_user_neither_changes_plots_nor_is_changed(tmp_path: Path, make_run: Callable) -> None:
    import matplotlib

    make_run(tmp_path, "float", epochs=1)
    build_report(tmp_path)
    plain = (tmp_path / "plots" / "accuracy.svg").read_bytes()
    with matplotlib.rc_context({"font.size": 20, "axes.grid": False, "svg.fonttype": "path"}):
        build_report(tmp_path)
        assert matplotlib.rcParams["font.size"] == 20
    assert (tmp_path / "plots" / "accuracy.svg").read_bytes() == plain


def test_the_area_has_its_components_and_figures_per_mac_a_definition(
    tmp_path: Path, make_run: Callable, read_page: Callable
) -> None:
    area = {"mm2": 0.5, "breakdown_mm2": {"cells": 0.1, "sequencer_memories": 0.4}}
    report = make_run(tmp_path / "run", energy_table="macro-65nm", tiles=6, area=area)
    report["totals"]["efficiency"] = {"macs": 1000, "pj_per_mac": {"forward": 0.1, "system": 0.5}, "tops_per_w": {}}
    (tmp_path / "run" / "report.json").write_text(json.dumps(report))
    build_report(tmp_path / "run")
    text = read_page(tmp_path / "run" / "index.html").text
    assert "Area by component sequencer memories 0.400 mm² 80.0 % cells 0.100 mm² 20.0 %" in unbroken(text)
    assert "Of all tiles (6) and the controller, by the energy table macro-65nm" in unbroken(text)
    assert "which TOPS/W count as two operations" in unbroken(text)
