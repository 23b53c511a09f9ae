"""The package in ``examples/plugin``, used by ``package.module:Name``: one of each kind does what it says."""

import json
import re
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from twinbar.boards.core_of_board import core_of
from twinbar.boards.known_boards import find
from twinbar.boards.module import find_part
from twinbar.boards.top import design
from twinbar.boards.wiring import find_wiring
from twinbar.emulator.devices.layout import RESET, SET
from twinbar.emulator.devices.preset import Preset, load_preset
from twinbar.emulator.devices.preset_toml import preset_toml
from twinbar.emulator.ledger.energy_table import load_energy_table
from twinbar.host.experiment import resolved_crossbar
from twinbar.host.experiment.config import CompareConfig, ExperimentConfig
from twinbar.host.experiment.policy_state import policy_state, restore_policy
from twinbar.host.experiment.progress_display import SilentProgress
from twinbar.host.experiment.run_folder import RunFolder
from twinbar.host.nn.mapping import map_layers
from twinbar.host.registries import REGISTRIES
from twinbar.host.report.page import build_report
from twinbar.host.update.programmed import ProgrammedLayer
from twinbar.hw.errors import ConfigError
from twinbar.hw.parts.assembly import DrivenLine

POLICY = "twinbar_example.policy:Smoothed"
PRESET = "twinbar_example.device:PRESET"
TABLE = "twinbar_example.energy_table:TABLE"
PART = "twinbar_example.part:MCP4922"
BOARD = "twinbar_example.board:BOARD"
PLOT = "twinbar_example.plot:PLOT"


def test_it_adds_one_of_every_kind(example: Path) -> None:
    groups = tomllib.loads((example / "pyproject.toml").read_text())["project"]["entry-points"]
    assert set(groups) == {registry.group for registry in REGISTRIES}
    assert len(groups) == 7
    for registry in REGISTRIES:
        ((name, reference),) = groups[registry.group].items()
        assert name not in registry.built_in_names()
        registry.load(reference)


def cells_of(held: list[list[int]], name: str = "layer") -> ProgrammedLayer:
    """Make a layer of 8 levels, each a quarter of a weight, whose pairs hold some levels."""
    from twinbar.emulator.sections.array_section import ArrayConfig

    values = np.array(held)
    (place,) = map_layers([(name, *values.shape)], ArrayConfig(rows=4, columns=6), "interleaved")
    cells = ProgrammedLayer.blank(place, 8, 0.25, keep_read_back=False)
    cells.plus[:], cells.minus[:] = np.maximum(values, 0), np.maximum(-values, 0)
    return cells


def smoothed(**settings: float) -> Any:
    return resolved_crossbar.build_policy(
        ExperimentConfig().merge({"policy.name": POLICY} | {f"policy.{key}": value for key, value in settings.items()})
    )


def test_the_policy_writes_what_has_wanted_another_level_for_long_enough() -> None:
    policy = smoothed(momentum=0.5, distance=0.7)
    cells = cells_of([[0, 3, -2]])
    policy.prepare([cells])
    # Weight 0 wants one level more for good, weight 1 now more and now less, weight 2 nothing.
    calls = [np.array([[1.0, 3 + sign, -2.0]], np.float32) * 0.25 for sign in (1, -1, 1, -1)]
    # The average of weight 0 is 0.5, then 0.75; that of weight 1 is 0.5, -0.25, 0.375, -0.3125.
    updates = [policy.decide(weights, cells, 0.0) for weights in calls]
    assert [decision.weight_updates for decision in updates] == [0, 1, 0, 0]
    written = updates[1]
    assert (written.levels.tolist(), written.origins.tolist()) == ([1], [0])
    assert written.addresses.tolist() == [cells.map.output_address[0] + cells.map.input_address[0]]
    assert (cells.plus[0].tolist(), cells.minus[0].tolist()) == ([1, 3, 0], [0, 0, 2])
    assert policy.state_dict()["averages"]["layer"][0].tolist() == [0.0, -0.3125, 0.0]


def test_a_change_of_sign_writes_both_cells_and_a_cell_that_refuses_is_left_alone() -> None:
    policy = smoothed(momentum=0.0)
    cells = cells_of([[2, 2], [2, 2]])
    cells.failures[1, 1, 1] = 3
    policy.prepare([cells])
    decision = policy.decide(np.full((2, 2), -0.75, np.float32), cells, 0.0)
    assert decision.weight_updates == 3
    assert decision.origins.tolist() == [0, 1, 2, 3, 4, 5]
    assert decision.levels.tolist() == [0, 3, 0, 3, 0, 3]
    assert (cells.plus[1, 1], cells.minus[1, 1]) == (2, 0)


def test_its_settings_are_keys_of_the_section_and_mistakes_name_them() -> None:
    base = ExperimentConfig().merge({"policy.name": POLICY, "policy.momentum": 0.25})
    assert base.policy.model_dump() == {
        "name": POLICY,
        "weight_range": 8.0,
        "write_every": 1,
        "write_every_end": None,
        "momentum": 0.25,
        "distance": 0.5,
    }
    assert ExperimentConfig.from_toml_text(base.to_toml(), "f") == base
    assert base.merge({"policy.name": "siamese"}) == ExperimentConfig()
    for changes, sentence in (
        ({"policy.momentum": 1}, "policy.momentum is 1; it must be a number, at least 0 and below 1"),
        ({"policy.momentun": 0}, "there is no configuration key policy.momentun; did you mean "),
        ({"policy.threshold": 1}, "there is no configuration key policy.threshold; "),
        ({"policy.distance": ExperimentConfig.value_from_text("policy.distance", "far")}, 'policy.distance is "far"; '),
    ):
        with pytest.raises(ConfigError) as caught:
            base.merge(changes)
        assert str(caught.value).startswith(sentence)


def test_a_comparison_has_the_settings_of_all_its_policies() -> None:
    config = CompareConfig().merge({"policies": f"siamese,{POLICY}", "policy.momentum": 0.25, "policy.threshold": 0.75})
    assert CompareConfig.from_toml_text(config.to_toml(), "f") == config
    mine, theirs = config.for_policy(POLICY).policy, config.for_policy("siamese").policy
    assert (mine.name, mine.model_dump()["momentum"], "threshold" in mine.model_dump()) == (POLICY, 0.25, False)
    assert theirs == ExperimentConfig().merge({"policy.threshold": 0.75}).policy


def test_settings_of_one_name_have_the_default_of_each_policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "stepped_policy.py").write_text(
        "from pydantic import Field\n"
        "from twinbar.host.update.policy import PolicySettings\n"
        "from twinbar_example.policy import Smoothed\n"
        "class Settings(PolicySettings):\n"
        "    threshold: float = Field(default=3.0, ge=2, description='another one')\n"
        "class Stepped(Smoothed):\n"
        "    settings_model = Settings\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    both = CompareConfig().merge({"policies": "siamese,stepped_policy:Stepped"})

    def thresholds(config: CompareConfig) -> list[float]:
        return [config.for_policy(name).policy.model_dump()["threshold"] for name in config.policies]

    assert thresholds(both) == [1.75, 3.0]
    assert "policy.threshold" not in both.flat()
    given = both.merge({"policy.threshold": 2.5})
    assert thresholds(given) == [2.5, 2.5]
    for config in (both, given):
        assert CompareConfig.from_toml_text(config.to_toml(), "f") == config
    with pytest.raises(ConfigError, match=r"policy\.threshold is 1\.5; it must be a number, 2 or more"):
        both.merge({"policy.threshold": 1.5})


def averages(state: dict[str, Any]) -> dict[str, Any]:
    return state["policy"]["averages"]


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda state: state.update(policy={}), "averages is missing"),
        (lambda state: averages(state).pop("layer"), r"averages\.layer is missing"),
        (lambda state: averages(state).update(other=1), r"averages\.other is unknown to the policy"),
        (
            lambda state: averages(state).update(layer=np.zeros((2, 3), np.float32)),
            r"averages\.layer is \[2, 3\] of float32, and must be \[1, 3\] of float32",
        ),
        (
            lambda state: averages(state).update(layer=np.zeros((1, 3))),
            r"averages\.layer is \[1, 3\] of float64, and must be \[1, 3\] of float32",
        ),
        (lambda state: averages(state).update(layer=None), r"averages\.layer is not an array"),
        (lambda state: state.update(policy_class="Siamese"), "written by the update policy Siamese, not by Smoothed"),
    ],
)
def test_a_state_that_does_not_fit_is_refused(spoil: Callable[[dict[str, Any]], object], sentence: str) -> None:
    policy = smoothed()
    policy.prepare([cells_of([[1, 2, 3]])])
    state = policy_state(policy)
    restore_policy(policy, state)
    spoil(state)
    with pytest.raises(ConfigError, match=sentence) as caught:
        restore_policy(policy, state)
    assert "\n" not in str(caught.value)


def test_a_state_is_refused_if_the_policy_fails_on_it_or_forgets_it() -> None:
    policy = smoothed()
    cells = cells_of([[1, 2, 3]])
    policy.prepare([cells])
    policy.decide(np.full((1, 3), 0.3, np.float32), cells, 0.0)
    state = policy_state(policy)
    policy.load_state_dict = lambda state: state["velocities"]
    with pytest.raises(ConfigError, match=r"Smoothed cannot take the state .*\(KeyError: 'velocities'\)"):
        restore_policy(policy, state)
    policy.load_state_dict = lambda state: policy.prepare([cells])
    with pytest.raises(ConfigError, match="Smoothed does not restore the state"):
        restore_policy(policy, state)


def test_the_response_is_a_power_of_the_distance_from_the_bound() -> None:
    response = load_preset(PRESET).response
    position = np.array([0.0, 0.25, 0.5, 1.0])
    # 0.05 * 0.75^0.7 = 0.05 * 0.817597, 0.05 * 0.5^0.7 = 0.05 * 0.615572, 0.05 * 0.25^0.7 = 0.05 * 0.378929
    np.testing.assert_allclose(response.mean(position, SET, 1.0), [0.05, 0.04087985, 0.0307786, 0.0], rtol=1e-5)
    np.testing.assert_allclose(response.mean(position, RESET, 1.0), [0.0, -0.01894645, -0.0307786, -0.05], rtol=1e-5)
    assert response.spread(position, SET, 1.0) is None


def test_a_power_of_one_is_the_built_in_law_of_soft_bounds() -> None:
    content = load_preset(PRESET).model_dump()
    one = {"value": 1.0, "unit": "1", "certainty": "assumed", "note": "for comparison"}
    law = Preset.model_validate(
        {**content, "response": {**content["response"], "set_power": one, "reset_power": one}}
    ).response
    half = {
        key: {**one, "value": value} for key, value in (("set_step", 0.025), ("reset_step", 0.025), ("origin", 0.5))
    }
    soft = Preset.model_validate({**content, "response": {"kind": "soft-bounds", **half}}).response
    position = np.linspace(0, 1, 9)
    for polarity in (SET, RESET):
        np.testing.assert_allclose(law.mean(position, polarity, 1.0), soft.mean(position, polarity, 1.0), atol=1e-15)


def test_the_preset_is_written_and_read_with_the_law_of_the_package(tmp_path: Path) -> None:
    preset = load_preset(PRESET)
    (tmp_path / "copy.toml").write_text(preset_toml(preset))
    assert load_preset(tmp_path / "copy.toml") == preset
    assert dict(preset.quantities())["response.set_power"].si == 0.7


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("set_power =", "set_pwer =", r"unknown key response\.set_pwer; did you mean 'set_power'\?"),
        ("0.7, unit", "-0.7, unit", r"response\.set_power is -0\.7; it must not be negative"),
        (":PowerStep", ":PowerStop", r"response\.kind: the response law .* cannot be imported: AttributeError"),
        ("response:PowerStep", "policy:Smoothed", r"response\.kind: the response law .* is <class .*Smoothed.*it must"),
        ("twinbar_example.response:PowerStep", "power-stop", r"response\.kind is 'power-stop'; it is one of 'expon"),
    ],
)
def test_mistakes_in_the_preset_name_the_key(example: Path, tmp_path: Path, old: str, new: str, sentence: str) -> None:
    text = (example / "twinbar_example" / "power-step-oxide.toml").read_text()
    assert old in text
    (tmp_path / "mine.toml").write_text(text.replace(old, new, 1))
    with pytest.raises(ConfigError, match=sentence) as caught:
        load_preset(tmp_path / "mine.toml")
    assert "\n" not in str(caught.value)


def test_the_energy_table_has_its_logic_at_another_supply() -> None:
    table, nominal = load_energy_table(TABLE), load_energy_table("macro-65nm")
    # (0.9 V / 1.2 V)^2 = 0.5625
    assert table.actions["shift_add"].energy_j(8, 4) == pytest.approx(0.5625 * 0.72e-12, rel=1e-6, abs=0)
    assert table.actions["input_step"].energy_j(8, 4) == pytest.approx(
        0.5625 * nominal.actions["input_step"].energy_j(8, 4), rel=1e-6, abs=0
    )
    for unchanged in ("convert_verify", "pulse_set", "select_cell"):
        assert table.actions[unchanged] == nominal.actions[unchanged]
    powers = {(entry.component, entry.state): entry.value for entry in table.static_power}
    assert powers["sequencer_clock", "clocked"] == pytest.approx(0.5625 * 70)
    assert powers["sequencer_clock", "gated"] == pytest.approx(0.5625 * 20)
    assert powers["sequencer_leakage", "always"] == 15


def test_the_part_takes_the_words_of_its_sheet() -> None:
    part: Any = find_part(PART, "dac")
    # Output B, unbuffered, single gain, active, code 0xABC.
    assert part.write_and_update(1, 0xABC) == 0b1011_1010_1011_1100
    assert part.code_offset() == 0
    device = part.device()
    device.execute(part.write_and_update(1, 0xABC), 0.0)
    assert (device.outputs, device.violations) == ([0, 0xABC], [])
    device.execute(0xA000, 5.0)
    assert [violation.limit for violation in device.violations] == [
        "the word 0xa000 shuts an output down, which is not modelled"
    ]
    with pytest.raises(ConfigError, match=r"there is no driver for 'twinbar_example\.part:MCP4922' on the bus adc; "):
        find_part(PART, "adc")


def test_the_board_has_a_place_for_every_pin_of_its_parts() -> None:
    board = find(BOARD)
    wiring = find_wiring(board.wiring)
    core = core_of(board, wiring)
    made = design(board, core, wiring)
    assert core.parts is not None
    assert (core.parts.dac.name, core.parts.dacs) == ("MCP4922", 3)
    assert [output.line for output in core.parts.outputs if output.chip == 1] == [
        DrivenLine.WORD_LINE,
        DrivenLine.BIT_LINE,
    ]
    assert made.placement.places["dac.select_n.2"] == ["gpio_0:24"]
    assert made.platform.device == "LFE5U-25F"


def test_a_training_takes_the_parts_of_its_wiring(example: Path) -> None:
    wiring = str(example / "twinbar_example" / "icepi-zero.toml")
    config = ExperimentConfig().merge({"array.front_end": wiring, "timing.clock_hz": 50e6})
    parts = resolved_crossbar.build_parts(config)
    assert parts is not None
    assert parts.dac.name == "MCP4922"


def test_the_plot_stands_on_the_page(tmp_path: Path, train_run: Callable[..., Any]) -> None:
    run = train_run({"policy.name": "siamese"})
    folder = tmp_path / "run"
    folder.mkdir()
    for name in ("report.json", "steps.csv", "arrays.npz", "config.toml"):
        if (run.folder / name).exists():
            (folder / name).write_bytes((run.folder / name).read_bytes())
    build_report(folder)
    assert "Further plots" not in (folder / "index.html").read_text()
    build_report(folder, further=[PLOT])
    page = (folder / "index.html").read_text()
    assert re.search(r"<h2[^>]*>Further plots</h2>.*<h3>Accuracy by energy</h3>", page, re.DOTALL)
    report = json.loads((folder / "report.json").read_text())
    total_j = report["initialization"]["energy_j"]["total"] + sum(e["energy_j"]["total"] for e in report["epochs"])
    from twinbar.host.report import si

    assert f"the run took {si.si(total_j, 'J')}" in page
    assert (folder / "plots" / "accuracy-energy.svg").exists()


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("def draw(run): return run.nothing", "cannot be drawn: AttributeError: 'LoadedRun' object has no attribute"),
        ("def draw(run): return 3", "gave 3; it must be a twinbar.host.report.style.Plot, or None"),
    ],
)
def test_a_plot_that_cannot_be_drawn_is_one_sentence(
    tmp_path: Path, train_run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, body: str, reason: str
) -> None:
    run = train_run({"policy.name": "siamese"})
    (tmp_path / "bad_plot.py").write_text(
        f"from twinbar.host.report.plot_kinds import RunPlot\n{body}\nPLOT = RunPlot('bad', draw)\n"
    )
    monkeypatch.delitem(sys.modules, "bad_plot", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    before = sorted(path.name for path in run.folder.iterdir())
    with pytest.raises(ConfigError) as caught:
        build_report(run.folder, further=["bad_plot:PLOT"])
    assert str(caught.value).startswith(f"the plot bad_plot:PLOT {reason}")
    assert sorted(path.name for path in run.folder.iterdir()) == before


def test_a_comparison_has_a_folder_for_a_policy_by_reference(compiled_kernels: None, tmp_path: Path) -> None:
    from twinbar.host.experiment.policy_comparison import compare

    small = {"data.limit": 64, "model.hidden": (8,), "training.epochs": 1, "array.rows": 32, "array.columns": 32}
    config = CompareConfig().merge({**small, "policies": f"closed-loop,{POLICY}", "policy.momentum": 0.25})
    with RunFolder.create(tmp_path / "both", config) as folder:
        compare(config, config.policies, folder, SilentProgress())
    page = build_report(tmp_path / "both").read_text()
    assert 'href="twinbar_example.policy-Smoothed/index.html"' in page
    report = json.loads((tmp_path / "both" / "twinbar_example.policy-Smoothed" / "report.json").read_text())
    assert report["policy"] == POLICY
    assert report["config"]["policy"]["momentum"] == 0.25
    with RunFolder.open(tmp_path / "both", CompareConfig) as again:
        assert again.config == config


def test_engines_agree_on_a_training_with_policy_law_and_part(
    compiled_kernels: None, example: Path, tmp_path: Path
) -> None:
    from twinbar.host.experiment.train import train

    def timeless(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                key: timeless(item)
                for key, item in value.items()
                if key not in ("host_seconds", "environment", "config")
            }
        return [timeless(item) for item in value] if isinstance(value, list) else value

    config = ExperimentConfig().merge(
        {
            "policy.name": POLICY,
            "device.preset": PRESET,
            "engine.energy_table": TABLE,
            "array.front_end": str(example / "twinbar_example" / "icepi-zero.toml"),
            "timing.clock_hz": 50e6,
            "array.rows": 32,
            "array.columns": 32,
            "array.pairs": "separate",
            "array.inputs": "planes",
            "data.pool": 2,
            "data.limit": 32,
            "model.hidden": (8,),
            "training.epochs": 1,
            "training.batch_size": 8,
            "training.lr": 0.2,
        }
    )
    reports = []
    for engine in ("fast", "events"):
        run = config.merge({"engine.name": engine})
        with RunFolder.create(tmp_path / engine, run) as folder:
            reports.append(timeless(train(run, folder, SilentProgress(), resume=False)))
    assert reports[0] == reports[1]
    assert reports[0]["totals"]["cell_writes"] > 0
