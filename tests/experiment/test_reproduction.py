"""The paper's claims beside what is measured: the grid, the figures over seeds, and the result on digits."""

import json
from pathlib import Path
from typing import Any

import pytest

import twinbar as tb
from twinbar.host.experiment import reproduction_from_python
from twinbar.host.experiment.mean_interval import mean_interval
from twinbar.host.experiment.progress_display import SilentProgress
from twinbar.host.experiment.reproduction import parts_of, reproduce, seconds_left
from twinbar.host.experiment.reproduction_config import READINGS, ReproductionConfig
from twinbar.host.experiment.reproduction_figures import claims, network_figures, verdict
from twinbar.host.experiment.run_folder import RunFolder
from twinbar.host.report.energy import near_one_or_percent
from twinbar.host.report.page import build_report
from twinbar.host.report.reproduction_tables import network_sentences, with_interval
from twinbar.hw.errors import ConfigError

SMALL: dict[str, Any] = {
    "data.name": "digits",
    "data.limit": 200,
    "networks": ("mlp-256",),
    "seeds": 2,
    "baseline_seeds": 1,
    "array.rows": 32,
    "array.columns": 32,
    "training.epochs": 2,
    "training.batch_size": 50,
    "engine.threads": 1,
}


def test_the_interval_is_students() -> None:
    # Mean 2, standard deviation 1, t(2) = 4.303: 4.303 / sqrt(3) = 2.484.
    figure = mean_interval([1.0, 2.0, 3.0])
    assert (figure["mean"], figure["runs"], figure["values"]) == (2.0, 3, [1.0, 2.0, 3.0])
    assert figure["low"] == pytest.approx(2 - 2.4843, abs=1e-4)
    assert figure["high"] == pytest.approx(2 + 2.4843, abs=1e-4)
    assert mean_interval([0.5]) == {"mean": 0.5, "low": None, "high": None, "runs": 1, "values": [0.5]}


@pytest.mark.parametrize(
    ("values", "holds"),
    [([0.99, 0.991], True), ([0.96, 0.961], False), ([0.97, 0.995], None), ([0.981], True), ([0.98], False)],
)
def test_a_claim_holds_where_the_whole_interval_does(values: list[float], holds: bool | None) -> None:
    assert verdict(mean_interval(values), 0.98).holds is holds


def test_every_network_is_trained_with_every_reading_of_the_baseline() -> None:
    config = ReproductionConfig()
    parts = parts_of(config)
    # 3 networks, 5 seeds: float and siamese each, and three readings for 3 seeds.
    assert len(parts) == len({part.name for part in parts}) == 3 * (5 * 2 + 3 * 3)
    for part in parts:
        baseline = part.policy in READINGS
        assert part.config.policy.name == part.policy
        assert part.config.engine.seed == part.seed
        assert (part.config.training.epochs, part.config.training.epochs_trained) == (8, 1 if baseline else 8)
        assert part.config.data.name == "mnist"
    sizes = {part.network: (part.config.model.kind, part.config.model.hidden) for part in parts}
    assert sizes["mlp-256"] == ("mlp", (256,))
    assert sizes["mlp-256-128"] == ("mlp", (256, 128))
    assert sizes["lenet"][0] == "lenet"


def test_quick_takes_less_unless_told_otherwise() -> None:
    quick = ReproductionConfig().merge({"quick": True, "seeds": 3})
    assert (quick.data.limit, quick.training.epochs, quick.seeds, quick.baseline_seeds) == (3200, 2, 3, 1)
    assert ReproductionConfig.from_mapping({"quick": True, "training": {"epochs": 4}}).training.epochs == 4
    assert ReproductionConfig.from_toml_text(quick.to_toml(), "config.toml") == quick


@pytest.mark.parametrize(("given", "range_of_lenet"), [({}, 4.0), ({"policy.weight_range": 8.0}, 8.0)])
def test_what_is_read_back_has_the_same_parts(given: dict[str, Any], range_of_lenet: float) -> None:
    """Settings that were not given follow the network of each part, also when resumed."""
    config = ReproductionConfig().merge(given)
    again = ReproductionConfig.from_toml_text(config.to_toml(), "config.toml")
    assert [part.config.flat() for part in parts_of(again)] == [part.config.flat() for part in parts_of(config)]
    ranges = {part.config.policy.weight_range for part in parts_of(again) if part.network == "lenet"}
    assert ranges == {range_of_lenet}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"networks": "mlp"}, 'networks holds "mlp"; each item must be one of mlp-256, mlp-256-128, lenet'),
        ({"networks": "lenet,lenet"}, "name one or more, each of them once"),
        ({"policies": "siamese,chi"}, 'policies holds "chi"; a reproduction has float, siamese, closed-loop'),
        ({"policies": "siamese,foo"}, 'policies holds "foo"; a reproduction has float, siamese, closed-loop'),
        ({"policies": "float,closed-loop"}, "siamese, whose claims are examined, must be among them"),
        ({"seeds": 0}, "seeds is 0; it must be a whole number from 1 to 31"),
        ({"baseline_epochs": 9}, "baseline_epochs is 9 and training.epochs 8; it must not be more"),
        ({"model.kind": "lenet"}, "but a reproduction decides it"),
        ({"training.stop_after": 1}, "but a reproduction decides it"),
    ],
)
def test_what_cannot_be_reproduced_is_refused(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        ReproductionConfig().merge(changes)


def test_a_network_that_does_not_fit_is_refused_before_another_is_trained(tmp_path: Path) -> None:
    config = ReproductionConfig().merge(SMALL | {"networks": "mlp-256,lenet"})
    with (
        pytest.raises(ConfigError, match=r"too small for lenet; .*leave lenet out: --networks mlp-256$"),
        RunFolder.create(tmp_path / "r", config) as folder,
    ):
        reproduce(config, folder, SilentProgress())
    assert not (tmp_path / "r").exists()


def epoch(number: int, accuracy: float, **figures: float) -> dict[str, Any]:
    """An entry of a report; with ``updates``, of a run on a crossbar."""
    entry: dict[str, Any] = {"epoch": number, "weights": 100, "test_accuracy": accuracy}
    if not figures:
        return entry
    cost = figures["cost"]
    return entry | {
        "twin_test_accuracy": accuracy,
        "agreement": 1.0,
        "update_elimination": figures["elimination"],
        "updates_per_weight": 1.0,
        "cell_writes": 10 * cost,
        "pulses": {"set": 3 * cost, "reset": cost},
        "phase_cycles": {"write": {"decide": 8 * cost}},
        "energy_j": {"write": cost, "total": 10 + cost, "total_with_host": 110 + cost},
        "seconds": {"write": cost, "total": 5 + cost},
    }


def reports() -> dict[tuple[str, int], dict[str, Any]]:
    def report(*epochs: dict[str, Any]) -> dict[str, Any]:
        return {"epochs": list(epochs), "totals": {"updates_per_weight": 1.5, "update_elimination": 0.99}}

    return {
        ("float", 0): report(epoch(1, 0.95), epoch(2, 0.98)),
        ("siamese", 0): report(epoch(1, 0.90, cost=1, elimination=0.999), epoch(2, 0.975, cost=1, elimination=0.9)),
        ("siamese", 1): report(epoch(1, 0.92, cost=1, elimination=0.997), epoch(2, 0.970, cost=1, elimination=0.9)),
        ("closed-loop", 0): report(epoch(1, 0.95, cost=100, elimination=0.0)),
    }


def test_an_interval_is_not_rounded_to_nothing() -> None:
    saved = {"mean": 0.79483, "low": 0.79480, "high": 0.79486}
    assert with_interval(saved, near_one_or_percent) == "79.483 ± 0.003 %"
    assert with_interval(saved | {"high": 0.81483}, near_one_or_percent) == "79.5 ± 2.0 %"
    assert with_interval({"mean": -2.0, "low": -2.04, "high": -1.96}, lambda value: f"{value:.1f}") == "−2.00 ± 0.04"
    same = {"mean": 0.5, "low": 0.5, "high": 0.5}
    assert with_interval(same, near_one_or_percent) == "50.0 ± 0.0 %"


def test_points_below_float_have_their_interval_in_points() -> None:
    """0.5 and 0.9 points: 0.7, and 12.706 (Student, one degree of freedom) times 0.2828 over the root of 2."""
    both = reports() | {("float", 1): {"epochs": [epoch(1, 0.95), epoch(2, 0.979)], "totals": {}}}
    assert network_sentences(network_figures(both))[0] == (
        "At the end the crossbar is 0.70 ± 2.54 points below the same network without a crossbar."
    )
    assert "is 0.50 points below" in network_sentences(network_figures(reports()))[0]


def test_savings_are_those_of_epoch_1_of_the_same_seed() -> None:
    figures = network_figures(reports())
    saved = {quantity: figure["values"] for quantity, figure in figures["savings"]["closed-loop"].items()}
    assert saved == {
        "cell_writes": [pytest.approx(0.99)],
        "pulses": [pytest.approx(0.99)],
        "reads": [pytest.approx(0.99)],
        "write_energy": [pytest.approx(0.99)],
        "total_energy": [pytest.approx(1 - 11 / 110)],
        "total_with_host": [pytest.approx(1 - 111 / 210)],
        "write_latency": [pytest.approx(0.99)],
        "total_latency": [pytest.approx(1 - 6 / 105)],
    }
    assert list(figures["savings"]) == ["closed-loop"]
    assert figures["below_float"]["values"] == [pytest.approx(0.005)]  # only seed 0 has both
    # 0.98 less one point is reached in epoch 2, by the crossbar too.
    assert {name: took["values"] for name, took in figures["converged_after"].items()} == {
        "float": [2],
        "siamese": [2],
    }
    first = figures["epochs"]["siamese"][0]
    assert first["update_elimination"]["values"] == [0.999, 0.997]
    assert first["pulses"]["mean"] == 4
    assert figures["epochs"]["float"][1]["test_accuracy"]["values"] == [0.98]


def test_each_claim_stands_beside_its_measurement() -> None:
    rows = claims({"mlp-256": network_figures(reports())})
    found = {(row["reading"], row["quantity"]): row["holds"] for row in rows}
    assert found == {
        (None, "weight updates"): True,  # 0.998, and 12.706 * 0.001414 / sqrt(2) = 0.0127 around it
        ("closed-loop", "energy of writing"): True,
        ("closed-loop", "energy of the whole system"): False,
        ("closed-loop", "energy with the twin's memory"): False,
        ("closed-loop", "delay of writing"): True,
        ("closed-loop", "delay of the whole system"): False,
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("reproduction") / "run"
    config = ReproductionConfig().merge(SMALL)
    with RunFolder.create(path, config) as run:
        reproduce(config, run, SilentProgress())
    return path


def test_the_result_holds_every_training(folder: Path) -> None:
    result = json.loads((folder / "reproduction.json").read_text())
    parts = [part.name for part in parts_of(ReproductionConfig().merge(SMALL))]
    assert result["finished"] == parts
    assert result["parts"] == len(parts) == 2 * 2 + 3
    for name in parts:
        report = json.loads((folder / name / "report.json").read_text())
        network, policy, _ = name.split(".")
        assert len(report["epochs"]) == (1 if policy in READINGS else 2)
        assert (
            report["epochs"][0]["test_accuracy"]
            in (result["networks"][network]["epochs"][policy][0]["test_accuracy"]["values"])
        )
    savings = result["networks"]["mlp-256"]["savings"]
    assert set(savings) == set(READINGS)
    # Erasing costs pulses that the other readings do not need.
    assert savings["closed-loop-erase"]["pulses"]["mean"] > savings["closed-loop"]["pulses"]["mean"]
    # Those of energies say how far they may be off as the prices are; counts and times have no price.
    for quantity, figure in savings["closed-loop"].items():
        assert ("table" in figure) == (quantity in ("write_energy", "total_energy", "total_with_host"))
    written = savings["closed-loop"]["write_energy"]
    assert written["table"]["worst_case"][0] < written["mean"] < written["table"]["worst_case"][1]


def test_the_page_shows_claims_and_figures(folder: Path) -> None:
    page = build_report(folder)
    text = page.read_text()
    assert page.name == "reproduction.md"
    assert "every cell erased and rewritten" in text
    for name in ("convergence-mlp-256", "elimination", "energy", "delay", "pulses-and-reads"):
        assert (folder / "plots" / f"{name}.svg").read_text().startswith("<?xml")
        assert f"plots/{name}.svg" in text


def test_a_damaged_result_is_one_sentence(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "reproduction.json").write_text('{"networks": {}}')
    with pytest.raises(ConfigError, match=r"reproduction.json is damaged: KeyError"):
        build_report(tmp_path)


def test_what_is_trained_tells_how_long_other_seeds_will_take() -> None:
    parts = [part for part in parts_of(ReproductionConfig().merge({"networks": "mlp-256"})) if part.policy == "siamese"]
    report = {"totals": {"host_seconds": 80.0}, "epochs": [{}] * 8}
    # Ten seconds an epoch, eight epochs, four more seeds.
    assert seconds_left(parts[1:], {parts[0]: report}, 60_000) == pytest.approx(320)


def test_python_takes_up_what_the_command_began(folder: Path) -> None:
    settings = {key: value for key, value in SMALL.items() if key not in ("data.name", "networks", "seeds")}
    result = tb.reproduce("digits", networks=["mlp-256"], seeds=2, settings=settings, out=folder, progress=False)
    assert json.loads((folder / "reproduction.json").read_text()) == json.loads(json.dumps(result))
    with pytest.raises(ConfigError, match="was started with seeds = 2"):
        tb.reproduce("digits", networks=["mlp-256"], seeds=1, settings=settings, out=folder, progress=False)


def test_arguments_from_python_are_checked_as_those_of_a_training(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="out is int; it must name a folder"):
        tb.reproduce("digits", out=3, progress=False)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match='networks holds "resnet"'):
        tb.reproduce("digits", networks="resnet", out=tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


def test_an_interrupted_reproduction_says_how_to_continue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(reproduction_from_python, "reproduce_paper", interrupt)
    with pytest.raises(KeyboardInterrupt) as interrupted:
        tb.reproduce("digits", networks="mlp-256", out=tmp_path / "run", progress=False)
    assert interrupted.value.__notes__ == [f"Continue with out={str(tmp_path / 'run')!r}."]
