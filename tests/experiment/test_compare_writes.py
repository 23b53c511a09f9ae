"""Write algorithms side by side: what a comparison holds, names as the best, and refuses."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from twinbar.emulator.sections.write_section import WriteConfig
from twinbar.host.experiment.config import CompareConfig, ExperimentConfig
from twinbar.host.experiment.progress_display import SilentProgress
from twinbar.host.experiment.run_folder import RunFolder
from twinbar.host.experiment.write_comparison import best, compare_writes, write_figures
from twinbar.host.experiment.write_names import write_named
from twinbar.host.report.page import build_report
from twinbar.host.report.summary import print_comparison
from twinbar.hw.errors import ConfigError

pytestmark = pytest.mark.usefixtures("compiled_kernels")

SMALL: dict[str, Any] = {
    "data": {"limit": 60},
    "model": {"hidden": (6,)},
    "training": {"epochs": 1, "batch_size": 20},
    "array": {"rows": 32, "columns": 32},
}


def config(writes: str, **sections: Any) -> CompareConfig:
    return CompareConfig.from_mapping({**SMALL, "writes": writes, **sections})


def test_names_stand_for_settings() -> None:
    write = write_named("strong+first+compare+read-back", WriteConfig(tolerance=0.4))
    assert (write.algorithm, write.first, write.verify, write.read_back) == ("strong", True, "compare", True)
    assert (write.patience, write.tolerance) == (None, 0.4)
    assert write_named("distance+patience", WriteConfig()).patience == 3
    assert write_named("distance+patience", WriteConfig(algorithm="strong", patience=7)).patience == 7
    assert write_named("preset", WriteConfig(algorithm="distance", patience=7)) == WriteConfig()


@pytest.mark.parametrize(
    ("writes", "sections", "message"),
    [
        ("preset,fastest", {}, "writes holds 'fastest'; it must begin with one of preset, strong"),
        ("preset+soon", {}, r"writes holds 'preset\+soon'; behind preset may come \+first"),
        ("preset,preset", {}, "writes is preset, preset; name each of them once"),
        ("distance+compare", {}, "gives none; choose preset"),
        ("preset", {"policies": "siamese,float"}, "compared with one policy, and policies is siamese, float"),
        ("strong+compare", {"policy": {"compensation": "read-back"}}, "compensates by the code that is read back"),
    ],
)
def test_what_cannot_be_compared_is_refused(writes: str, sections: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        config(writes, **sections)


def test_read_back_compensation_needs_a_code() -> None:
    values = {"policy": {"name": "siamese", "compensation": "read-back"}}
    for write in ({"algorithm": "strong", "verify": "compare"}, {"algorithm": "blind"}):
        with pytest.raises(ConfigError, match=r"policy siamese compensates .* set write.read_back = true"):
            ExperimentConfig.from_mapping({**values, "write": write})
    kept = {"algorithm": "strong", "verify": "compare", "read_back": True}
    assert ExperimentConfig.from_mapping({**values, "write": kept}).write.gives_codes
    assert ExperimentConfig.from_mapping({"write": {"algorithm": "strong", "verify": "compare"}}).write.compare


def test_one_policy_is_the_default() -> None:
    chosen = config("preset,strong")
    assert chosen.policies == ("siamese",)
    assert CompareConfig().merge({"writes": "preset,strong"}).policies == ("siamese",)
    assert config("preset", policies="closed-loop").for_write("preset").policy.name == "closed-loop"
    assert CompareConfig().writes == ()
    again = CompareConfig.from_toml_text(chosen.to_toml(), "config.toml")
    assert again == chosen


def test_figures_are_means_per_write(tmp_path: Path) -> None:
    target = np.array([[0, 2, -1]], np.int16)
    levels = np.array([1.0, 2.0, 3.0])
    np.savez(tmp_path / "arrays.npz", target_level=target, levels_s=levels, conductance_s=np.array([[1.3, 3.4, 9.0]]))
    phases = {"idle": 900, "stall": 50, "decide": 30, "select": 10, "settle": 60, "convert": 40, "pulse": 20}
    report = {
        "totals": {
            "cell_writes": 10,
            "pulses": {"set": 15, "reset": 10},
            "actions": {"drive_update": 5, "compare": 40},
            "phase_cycles": {"write": phases},
            "verify_reads": 2,
            "energy_j": {"write": 2e-9},
            "seconds": {"write": 0.25},
            "failed_writes": 1,
        },
        "wear": {"max_pulses_per_cell": 7, "mean_pulses_per_cell": 0.5},
    }
    found = write_figures(report, tmp_path / "arrays.npz")
    assert found["pulses"] == pytest.approx(2.5)
    assert found["reads"] == pytest.approx(3)  # 30 cycles of `decide`
    assert (found["conversions"], found["comparisons"]) == (0.2, 4)
    assert found["cycles"] == pytest.approx(16)  # without idle and stall
    assert found["energy_j"] == pytest.approx(2e-10, rel=1e-9, abs=0)
    assert found["failed"] == pytest.approx(0.1)
    assert found["final_error_levels"] == pytest.approx(((0.3**2 + 0.4**2) / 2) ** 0.5)
    assert found["max_pulses_per_cell"] == 7


def test_optima_are_named_one_by_one() -> None:
    one = {"pulses": 2.0, "reads": 4.0, "energy_j": 3.0, "cycles": 5.0, "final_error_levels": 0.2}
    other = {"pulses": 3.0, "reads": 3.0, "energy_j": 1.0, "cycles": 9.0, "final_error_levels": None}
    assert best({"a": one, "b": other}) == {
        "fewest_pulses": "a",
        "fewest_reads": "b",
        "least_energy": "b",
        "least_latency": "a",
        "closest": "a",
    }


def test_a_comparison_of_writes_trains_and_shows_itself(tmp_path: Path) -> None:
    chosen = config("preset,distance+patience,strong+first+compare")
    with RunFolder.create(tmp_path / "runs", chosen) as folder:
        comparison = compare_writes(chosen, folder, SilentProgress())
    figures = comparison["writes"]
    assert list(figures) == ["preset", "distance+patience", "strong+first+compare"]
    assert figures["distance+patience"]["pulses"] < figures["preset"]["pulses"]
    compared = figures["strong+first+compare"]
    assert compared["energy_j"] < figures["preset"]["energy_j"] / 2
    assert compared["comparisons"] >= compared["reads"] > 0
    assert compared["conversions"] == pytest.approx(compared["failed"])  # only cells that failed are converted
    assert comparison["best_writes"]["least_energy"] == "strong+first+compare"
    assert json.loads((tmp_path / "runs" / "compare.json").read_text())["writes"].keys() == figures.keys()
    console = Console(record=True, width=200)
    print_comparison(comparison, console)
    text = console.export_text()
    assert "Per write" in text
    assert "least energy: strong+first+compare" in text
    page = build_report(tmp_path / "runs").read_text(encoding="utf-8")
    assert "comparison of write algorithms" in page
    assert "strong+first+compare" in page
