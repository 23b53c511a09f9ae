"""A comparison is several runs of the same machinery, and what they save."""

import json
from pathlib import Path
from typing import Any

import pytest

from twinbar.host.experiment.config import CompareConfig
from twinbar.host.experiment.policy_comparison import compare
from twinbar.host.experiment.progress_display import SilentProgress
from twinbar.host.experiment.reductions import reduction_intervals, reductions
from twinbar.host.experiment.run_folder import RunFolder

POLICIES = ("closed-loop", "closed-loop-analog", "siamese", "float")
SMALL: dict[str, Any] = {
    "policies": POLICIES,
    "data.limit": 200,
    "model.hidden": (16,),
    "array.rows": 32,
    "array.columns": 32,
    "training.epochs": 1,
    "training.batch_size": 20,
    "engine.threads": 1,
}


class CountingProgress(SilentProgress):
    """Counts training steps."""

    def __init__(self) -> None:
        super().__init__()
        self.steps = 0

    def advance(self, n: int, **figures: Any) -> None:
        self.steps += "loss" in figures


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("compare") / "run"
    config = CompareConfig().merge(SMALL)
    with RunFolder.create(path, config) as run:
        compare(config, config.policies, run, SilentProgress())
    return path


@pytest.fixture(scope="module")
def comparison(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "compare.json").read_text())
    return found


def test_every_policy_has_its_report_and_its_folder(comparison: dict[str, Any], folder: Path) -> None:
    assert comparison["schema"] == 1
    assert tuple(comparison["policies"]) == POLICIES
    for name, report in comparison["policies"].items():
        assert json.loads((folder / name / "report.json").read_text()) == report
        assert report["config"]["policy"]["name"] == name
        assert {key: value for key, value in report["config"].items() if key != "policy"} == {
            key: value for key, value in comparison["policies"]["float"]["config"].items() if key != "policy"
        }


@pytest.mark.parametrize(
    ("key", "yardstick"),
    [("reduction_vs_closed_loop", "closed-loop"), ("reduction_vs_closed_loop_analog", "closed-loop-analog")],
)
def test_savings_are_relative_to_the_yardstick(comparison: dict[str, Any], key: str, yardstick: str) -> None:
    basis = comparison["policies"][yardstick]["totals"]
    assert set(comparison[key]) == set(POLICIES) - {"float"}  # software writes nothing that could be saved
    for name, saved in comparison[key].items():
        totals = comparison["policies"][name]["totals"]
        assert saved["cell_writes"] == pytest.approx(1 - totals["cell_writes"] / basis["cell_writes"])
        energies = totals["energy_j"]["total_with_host"], basis["energy_j"]["total_with_host"]
        assert saved["total_with_host"] == pytest.approx(1 - energies[0] / energies[1])
        for account in ("write", "total"):
            assert saved[f"{account}_energy"] == pytest.approx(
                1 - totals["energy_j"][account] / basis["energy_j"][account]
            )
            assert saved[f"{account}_latency"] == pytest.approx(
                1 - totals["seconds"][account] / basis["seconds"][account]
            )
        assert saved["pulses"] == pytest.approx(1 - sum(totals["pulses"].values()) / sum(basis["pulses"].values()))
    assert set(comparison[key][yardstick].values()) == {0.0}
    assert comparison[key]["siamese"]["cell_writes"] > 0.9
    assert comparison[key]["siamese"]["total_energy"] < comparison[key]["siamese"]["write_energy"]


def test_savings_of_energies_have_intervals_that_hold_them(comparison: dict[str, Any]) -> None:
    for yardstick in ("", "_analog"):
        found = comparison[f"reduction_uncertainty_vs_closed_loop{yardstick}"]
        saved = comparison[f"reduction_vs_closed_loop{yardstick}"]
        assert set(found) == set(saved)
        for name, intervals in found.items():
            assert set(intervals) == {"write_energy", "total_energy", "total_with_host"}
            for quantity, ends in intervals.items():
                lowest, low, high, highest = ends["worst_case"][0], *ends["independent"], ends["worst_case"][1]
                assert lowest <= low <= saved[name][quantity] + 1e-12
                assert saved[name][quantity] - 1e-12 <= high <= highest
    # A policy against itself saves nothing, whatever the table is off by.
    same = comparison["reduction_uncertainty_vs_closed_loop"]["closed-loop"]["total_energy"]
    assert same == {"independent": [0.0, 0.0], "worst_case": [0.0, 0.0]}
    # Reports of an earlier version have no parts.
    bare = {name: {"totals": {"energy_j": {}}} for name in ("closed-loop", "siamese")}
    assert reduction_intervals(bare, "closed-loop") == {}


def test_multiplications_and_area_are_those_of_the_network(comparison: dict[str, Any]) -> None:
    report = comparison["policies"]["siamese"]
    # 200 images through 64 x 16 and 16 x 10 weights; test images are not in it.
    trained = 200
    (epoch,) = report["epochs"]
    assert epoch["efficiency"]["macs"] == report["totals"]["efficiency"]["macs"] == trained * (64 * 16 + 16 * 10)
    per_mac = report["totals"]["energy_j"]["forward"] / (trained * (64 * 16 + 16 * 10))
    assert epoch["efficiency"]["pj_per_mac"]["forward"] == pytest.approx(per_mac / 1e-12)
    # 32 x 32 cells of 0.53 um^2, 64 lines of 119 um^2, a converter, an amplifier and a sequencer to a tile.
    tile_um2 = 1024 * 0.53 + 64 * 119 + 1940 + 175 + 20100 + 26500
    assert report["area"]["mm2"] == pytest.approx((report["tiles"] * tile_um2 + 60300) * 1e-6)
    assert "area" not in comparison["policies"]["float"]


def test_without_the_yardstick_nothing_is_saved(comparison: dict[str, Any]) -> None:
    reports = {name: comparison["policies"][name] for name in ("siamese", "float")}
    assert reductions(reports, "closed-loop") == {}


def test_what_cost_nothing_cannot_be_undercut(comparison: dict[str, Any]) -> None:
    # Ideal cells whose levels never change take no pulses.
    still = json.loads(json.dumps(comparison["policies"]["closed-loop"]))
    still["totals"]["pulses"] = {"set": 0, "reset": 0}
    saved = reductions({"closed-loop": still, "siamese": comparison["policies"]["siamese"]}, "closed-loop")
    assert saved["closed-loop"]["pulses"] == 0.0
    assert saved["siamese"]["pulses"] is None


def test_warnings_say_which_policy_they_are_about(comparison: dict[str, Any]) -> None:
    expected = [
        f"{name}: {sentence}" for name, report in comparison["policies"].items() for sentence in report["warnings"]
    ]
    assert comparison["warnings"] == expected


def test_a_finished_comparison_is_not_trained_again(folder: Path, comparison: dict[str, Any]) -> None:
    progress = CountingProgress()
    with RunFolder.open(folder, CompareConfig) as run:
        assert isinstance(run.config, CompareConfig)
        again = compare(run.config, run.config.policies, run, progress)
    assert progress.steps == 0
    assert json.loads(json.dumps(again)) == comparison


def test_policies_start_from_the_same_weights_on_the_same_cells(folder: Path) -> None:
    first = {
        name: json.loads((folder / name / "report.json").read_text()).get("initialization")
        for name in ("closed-loop", "siamese")
    }
    for value in first.values():
        value.pop("host_seconds")
    assert first["closed-loop"] == first["siamese"]
