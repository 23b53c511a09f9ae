import itertools
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from twinbar.emulator.sections.config_errors import dotted_keys
from twinbar.host.experiment.config import CompareConfig, ExperimentConfig
from twinbar.host.experiment.optimizers import optimizer_class, optimizer_name
from twinbar.hw.errors import ConfigError
from twinbar.hw.gateware.controller_config import ControllerConfig


def refusal(changes: dict[str, Any], kind: type[ExperimentConfig] = ExperimentConfig) -> str:
    with pytest.raises(ConfigError) as caught:
        kind().merge(changes)
    sentence = str(caught.value)
    assert "\n" not in sentence
    return sentence


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("device.levels", 300, "device.levels is 300; it must be a whole number from 2 to 256"),
        ("device.levels", 1, "device.levels is 1; it must be a whole number from 2 to 256"),
        ("device.levels", "8", 'device.levels is "8"; it must be a whole number from 2 to 256'),
        ("device.levels", True, "device.levels is true; it must be a whole number from 2 to 256"),
        ("device.levels", 8.0, "device.levels is 8.0; it must be a whole number from 2 to 256"),
        ("training.batch_size", 0, "training.batch_size is 0; it must be a whole number from 1 to 1000000"),
        ("training.lr", 0, "training.lr is 0; it must be a number, above 0"),
        ("training.lr", math.nan, "training.lr is nan; it must be a number, above 0"),
        ("training.momentum", 1.0, "training.momentum is 1.0; it must be a number, at least 0 and below 1"),
        ("data.limit", 0, "data.limit is 0; it must be a whole number from 1 to 1000000000, or none"),
        ("data.name", "", 'data.name is ""; it must be a text that is not empty'),
        ("array.columns", 127, "array.columns is 127; it must be a whole number from 2 to 1024, a multiple of 2"),
        ("array.inputs", "dacs", 'array.inputs is "dacs"; it must be one of planes, dac'),
        ("array.skip_empty", 1, "array.skip_empty is 1; it must be true or false"),
        ("model.hidden", [256, 1.5], "model.hidden holds 1.5; each item must be a whole number"),
        ("model.hidden", "256,0", "model.hidden is 256, 0; every width must be from 1 to 1,000,000"),
        ("write.set_ramp_v", [1, 2], "write.set_ramp_v is [1, 2]; it must be a list of 3 numbers, or none"),
        ("array", 3, "array is a section; name one of its keys: array.rows, array.columns, "),
        ("device.lvels", 8, "there is no configuration key device.lvels; did you mean device.levels?"),
        ("levels", 8, "there is no configuration key levels; did you mean device.levels?"),
        ("training.threshold", 1, "there is no configuration key training.threshold; did you mean policy.threshold?"),
        ("device.qqq", 8, "there is no configuration key device.qqq; its section has preset, levels, level_spacing"),
        ("polcy.name", "x", "there is no configuration key polcy.name; did you mean policy.name?"),
        ("device.levels.x", 8, "there is no configuration key device.levels.x; its section has preset, levels"),
        ("qqq.qqq", 8, "there is no configuration key qqq.qqq; the sections are data, model, device, "),
        ("training.optimizer", "adm", "training.optimizer is adm, which torch.optim does not have; did you mean adam?"),
        ("training.optimizer", "LBFGS", "training.optimizer is LBFGS, which evaluates the loss several times"),
        (
            "engine.name",
            "board",
            "engine.port is missing; a board needs one, such as --port /dev/ttyUSB1",
        ),
        ("engine.name", "rlt", 'engine.name is "rlt"; it must be one of fast, events, rtl, pysim, board'),
        ("engine.port", "/dev/x", "engine.port is /dev/x, but engine fast has no port"),
    ],
)
def test_a_mistake_is_one_sentence(key: str, value: object, sentence: str) -> None:
    assert refusal({key: value}).startswith(sentence)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"timing.discard": 2, "timing.samples": 2}, "timing.discard is 2, but a read has 2 conversions"),
        ({"timing.samples": 4, "timing.discard": 1}, "timing.samples less timing.discard is 3"),
        (
            {"array.columns": 8, "array.adc_channels": 8},
            "array.adc_channels is 8; it must be a power of two that divides",
        ),
        (
            {"array.adc_channels": 3},
            "array.adc_channels is 3; it must be a power of two that divides the 64 column pairs",
        ),
        ({"write.set_ramp_v": [2.0, 0.1, 1.0]}, "write.set_ramp_v is [2.0, 0.1, 1.0]; it must start at 0 V or more"),
        ({"write.reset_ramp_v": [1.0, 0.0, 2.0]}, "write.reset_ramp_v is [1.0, 0.0, 2.0]; it must start"),
    ],
)
def test_values_that_contradict_each_other_are_one_sentence(changes: dict[str, Any], sentence: str) -> None:
    assert refusal(changes).startswith(sentence)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"data": "mnist"}, 'f.toml: data is "mnist"; it must be a section, with keys such as data.name'),
        ({"dat": {"name": "mnist"}}, "f.toml: there is no configuration section dat; did you mean data?"),
        ({"levels": 8}, "f.toml: there is no configuration key levels; did you mean device.levels?"),
        ({"device": {"level": 8}}, "f.toml: there is no configuration key device.level; did you mean device.levels?"),
    ],
)
def test_a_mistake_in_a_file_names_the_file(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        ExperimentConfig.from_mapping(values, "f.toml")
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("text", "widths"), [("256", (256,)), ("256,128", (256, 128)), (64, (64,)), ([8, 4], (8, 4)), ([], ())]
)
def test_hidden_widths_are_read_from_the_command_line_and_from_lists(text: object, widths: tuple[int, ...]) -> None:
    assert ExperimentConfig().merge({"model.hidden": text}).model.hidden == widths


@pytest.mark.parametrize("key", ["data.limit", "policy.twin_bound", "write.pulse_limit", "engine.threads"])
def test_the_word_none_stands_for_nothing(key: str) -> None:
    assert ExperimentConfig().merge({key: 3}).merge({key: "none"}).flat()[key] is None


def test_a_key_with_a_choice_called_none_keeps_the_word() -> None:
    assert ExperimentConfig().merge({"policy.compensation": "none"}).policy.compensation == "none"


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("device.levels", "8", 8),
        ("training.lr", ".05", 0.05),
        ("training.lr", "1e-3", 0.001),
        ("array.skip_empty", "false", False),
        ("write.set_ramp_v", "[1, 0.1, 2]", [1, 0.1, 2]),
        ("data.name", "2024", "2024"),
        ("data.limit", "none", "none"),
        ("engine.port", "7", "7"),
        ("policy.name", "float", "float"),
        ("no.such", "x", "x"),
    ],
)
def test_values_are_read_from_text_by_the_type_of_their_key(key: str, text: str, value: object) -> None:
    read = ExperimentConfig.value_from_text(key, text)
    assert read == value
    assert type(read) is type(value)


def test_a_configuration_cannot_be_changed_in_place() -> None:
    with pytest.raises(ValueError, match="frozen"):
        ExperimentConfig().device.levels = 8  # type: ignore[misc]


def test_merging_changes_only_what_is_named() -> None:
    config = ExperimentConfig()
    merged = config.merge({"device.levels": 32, "training.lr": 0.1})
    assert sorted(config.differences(merged)) == ["device.levels", "training.lr"]
    assert (merged.device.levels, merged.training.lr) == (32, 0.1)
    assert merged.merge({"device.levels": 16, "training.lr": 0.05}) == config


def test_every_key_says_what_it_means() -> None:
    layout = CompareConfig.layout()
    for key in dotted_keys(layout):
        section, _, name = key.rpartition(".")
        owner: Any = layout.model_fields[section].annotation if section else layout
        assert owner.model_fields[name].description, key


SHARED_BOUNDS = ("rows", "columns", "adc_channels", "input_bits", "command_depth")
EDGES = (0, 1, 2, 3, 5, 6, 8, 9, 15, 16, 17, 63, 64, 65, 128, 129, 1023, 1024, 1025, 1026, 32767, 32768, 32769)


def array_takes(**values: int) -> bool:
    try:
        ExperimentConfig().merge({f"array.{name}": value for name, value in values.items()})
    except ConfigError as refused:
        if not str(refused).startswith("array."):
            raise
        return False
    return True


def controller_takes(**values: int) -> bool:
    try:
        ControllerConfig(**values)
    except ConfigError:
        return False
    return True


def test_bounds_of_the_array_are_those_of_the_controller() -> None:
    """What the configuration accepts or refuses of an array, a controller accepts or refuses too."""
    for name, value in itertools.product(SHARED_BOUNDS, EDGES):
        assert array_takes(**{name: value}) == controller_takes(**{name: value}), (name, value)
    for columns, channels in itertools.product((2, 4, 6, 12, 96, 128, 1024), (1, 2, 3, 4, 6, 32, 64)):
        choice = {"columns": columns, "adc_channels": channels}
        assert array_takes(**choice) == controller_takes(**choice), choice
    # An emulated conversion has at most 15 bits, a controller takes 16.
    for bits in EDGES:
        assert array_takes(adc_bits=bits) == (controller_takes(adc_bits=bits) and bits <= 15), bits
    assert [bits for bits in EDGES if controller_takes(adc_bits=bits)] == [3, 5, 6, 8, 9, 15, 16]


def test_paths_hold_from_any_folder_and_names_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fashion").mkdir()
    (tmp_path / "digits").mkdir()
    monkeypatch.chdir(tmp_path)
    config = ExperimentConfig().merge({"data.name": "fashion", "device.preset": "my.toml"}).with_absolute_paths()
    assert config.data.name == str(tmp_path / "fashion")
    assert config.device.preset == str(tmp_path / "my.toml")
    assert config.engine.energy_table == "macro-65nm"
    assert ExperimentConfig().with_absolute_paths() == ExperimentConfig()
    cells = ExperimentConfig().merge({"device.effects": "heavy-tails,mine.toml", "device.fault_map": "map.npz"})
    cells = cells.with_absolute_paths()
    assert cells.device.effects == ("heavy-tails", str(Path("mine.toml").absolute()))
    assert cells.device.fault_map == str(Path("map.npz").absolute())


def test_policies_of_a_comparison_become_single_runs() -> None:
    config = CompareConfig().merge({"policies": "closed-loop, float", "device.levels": 8})
    runs = [config.for_policy(name) for name in config.policies]
    assert [run.policy.name for run in runs] == ["closed-loop", "float"]
    assert all(type(run) is ExperimentConfig and run.device.levels == 8 for run in runs)


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("siamese,simese", 'policies holds "simese"; each item must be one of siamese, chi, closed-loop,'),
        ("siamese,siamese", "policies is siamese, siamese; name one or more, each of them once"),
        ([], "policies is empty; name one or more, each of them once"),
        (3, "policies is 3; it must be a list, each item one of siamese"),
    ],
)
def test_policies_that_cannot_be_compared_are_refused(value: object, sentence: str) -> None:
    assert refusal({"policies": value}, CompareConfig).startswith(sentence)


@pytest.mark.parametrize(
    ("name", "class_name"), [("sgd", "SGD"), ("Adam", "Adam"), ("ADAMW", "AdamW"), ("rmsprop", "RMSprop")]
)
def test_optimizers_are_found_in_any_capitals(name: str, class_name: str) -> None:
    assert optimizer_class(name).__name__ == class_name
    assert optimizer_name(name) == name.lower()


def test_an_optimizer_takes_the_steps_of_pytorch_without_importing_its_compiler() -> None:
    code = (
        "import sys, torch; from twinbar.host.experiment.optimizers import optimizer_class\n"
        "def train(cls):\n"
        "    weight = torch.nn.Parameter(torch.tensor([1.0, -2.0, 3.0]))\n"
        "    optimizer = cls([weight], lr=0.1)\n"
        "    for _ in range(3):\n"
        "        optimizer.zero_grad()\n"
        "        (weight**2).sum().backward()\n"
        "        optimizer.step()\n"
        "        optimizer.load_state_dict(optimizer.state_dict())\n"
        "    assert weight.requires_grad\n"
        "    return weight.tolist()\n"
        "ours = {name: train(optimizer_class(name)) for name in ('SGD', 'Adam', 'RMSprop')}\n"
        "print('torch._dynamo' in sys.modules)\n"
        "print(ours == {name: train(getattr(torch.optim, name)) for name in ours})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]


def test_a_configuration_imports_nothing_heavy() -> None:
    code = (
        "import sys; from twinbar.host.experiment.config import ExperimentConfig; ExperimentConfig()\n"
        "heavy = ('torch', 'numba', 'amaranth', 'scipy', 'sklearn', 'matplotlib')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
