import csv
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from twinbar.host.report.metrics import write_metrics
from twinbar.hw.errors import ConfigError

DIMENSIONLESS = {"train_loss", "test_accuracy", "twin_test_accuracy", "agreement", "updates_per_weight"}
COUNTS = {"epoch", "steps", "weights", "cells", "weight_updates", "cell_writes", "failed_writes", "verify_reads"}


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_one_line_per_epoch_with_the_figures_of_the_report(tmp_path: Path, make_run: Callable) -> None:
    report = make_run(tmp_path / "run", epochs=3)
    write_metrics(report, tmp_path / "metrics.csv")
    rows = rows_of(tmp_path / "metrics.csv")
    assert next(iter(rows[0])) == "epoch"
    assert [int(row["epoch"]) for row in rows] == [1, 2, 3]
    for row, epoch in zip(rows, report["epochs"], strict=True):
        # Written with all digits: a script computes with the very numbers of the report.
        assert float(row["test_accuracy"]) == epoch["test_accuracy"]
        assert int(row["pulses_set"]) == epoch["pulses"]["set"]
        assert int(row["write_cycles"]) == epoch["cycles"]["write"]
        assert float(row["write_latency_s"]) == epoch["seconds"]["write"]
        assert float(row["total_energy_j"]) == epoch["energy_j"]["total"]
        assert float(row["component_adc_verify_energy_j"]) == epoch["energy_breakdown_j"]["adc_verify"]
        low, _ = epoch["energy_uncertainty_j"]["total"]["independent"]
        assert float(row["energy_bound_total_independent_low_j"]) == low
        assert float(row["host_time_s"]) == epoch["host_seconds"]


def test_what_intervals_of_savings_are_made_from_is_no_column(tmp_path: Path, make_run: Callable) -> None:
    report = make_run(tmp_path / "run", epochs=1)
    report["epochs"][0] |= {
        "energy_parts_j": {"write": {"adc": [1.0, 0.5, 2.0]}},
        "efficiency": {"macs": 10, "pj_per_mac": {"forward": 0.5}},
    }
    write_metrics(report, tmp_path / "metrics.csv")
    (row,) = rows_of(tmp_path / "metrics.csv")
    assert not [name for name in row if "parts" in name]
    assert (row["mac_macs"], row["mac_pj_per_mac_forward"]) == ("10", "0.5")


def test_every_column_has_a_unit_or_is_a_count_or_a_ratio(tmp_path: Path, make_run: Callable) -> None:
    write_metrics(make_run(tmp_path / "run", epochs=1), tmp_path / "metrics.csv")
    for name in rows_of(tmp_path / "metrics.csv")[0]:
        has_unit = re.search(r"_(s|j|cycles)$", name)
        assert has_unit or name in DIMENSIONLESS | COUNTS or name.startswith("pulses_") or name.endswith("elimination")


def test_epochs_with_different_keys_share_a_table(tmp_path: Path) -> None:
    report = {"epochs": [{"epoch": 1, "steps": 5}, {"epoch": 2, "steps": 5, "phase_cycles": {"write": {"pulse": 7}}}]}
    write_metrics(report, tmp_path / "metrics.csv")
    first, second = rows_of(tmp_path / "metrics.csv")
    assert first["phase_write_pulse_cycles"] == ""
    assert second["phase_write_pulse_cycles"] == "7"


def test_a_run_without_epochs_gives_a_header(tmp_path: Path) -> None:
    write_metrics({"epochs": []}, tmp_path / "metrics.csv")
    assert (tmp_path / "metrics.csv").read_text() == "epoch\n"


def test_a_path_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"metrics\.csv cannot be written"):
        write_metrics({"epochs": []}, tmp_path / "file" / "metrics.csv")
