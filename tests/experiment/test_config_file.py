import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinbar.emulator.sections.config_errors import dotted_keys
from twinbar.host.experiment.config import CompareConfig, ExperimentConfig
from twinbar.host.experiment.config_file import flatten
from twinbar.hw.errors import ConfigError


@pytest.mark.parametrize("kind", [ExperimentConfig, CompareConfig])
def test_every_key_is_written(kind: type[ExperimentConfig]) -> None:
    # TOML wants plain keys before sections, wherever the model declares them.
    assert sorted(flatten(tomllib.loads(kind().to_toml()))) == sorted(dotted_keys(kind.layout()))


@given(
    lr=st.floats(min_value=1e-300, max_value=1e38),
    seed=st.integers(0, 2**63 - 1),
    name=st.text(min_size=1, alphabet=st.characters(exclude_categories=["Cs"])),
    widths=st.lists(st.integers(1, 10**6), max_size=4),
    bound=st.none() | st.floats(min_value=0.01, max_value=100),
    ramp=st.none() | st.just([0.5, 0.1 + 0.2, 3.0]),
)
def test_a_file_gives_back_exactly_what_was_written(
    lr: float, seed: int, name: str, widths: list[int], bound: float | None, ramp: list[float] | None
) -> None:
    config = CompareConfig().merge(
        {
            "training.lr": lr,
            "engine.seed": seed,
            "data.name": name,
            "model.hidden": widths,
            "policy.twin_bound": bound,
            "write.set_ramp_v": ramp,
            "policies": ["float"],
        }
    )
    assert CompareConfig.from_mapping(tomllib.loads(config.to_toml())) == config


def test_keys_that_a_file_leaves_out_have_their_defaults(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("[device]\nlevels = 8\n")
    config = ExperimentConfig.from_toml(path)
    assert ExperimentConfig().differences(config) == ["device.levels"]


def test_a_byte_order_mark_is_no_part_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(b"\xef\xbb\xbf[device]\r\nlevels = 8\r\n")  # as editors of Windows save it
    assert ExperimentConfig.from_toml(path).device.levels == 8


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"[device\n", "is not TOML"),
        (b"\xff\xfe", "is not TOML"),
        (b"# line 1\n# Ger\xe4t\n", "is not TOML: line 2 has a character that is not UTF-8; save the file as UTF-8"),
        (b"[device]\nlevels = 999\n", "device.levels is 999; it must be a whole number from 2 to 256"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=sentence) as caught:
        ExperimentConfig.from_toml(path)
    assert str(caught.value).startswith(str(path))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml cannot be read: No such file"):
        ExperimentConfig.from_toml(tmp_path / "none.toml")


def test_lines_of_a_file_stay_readable() -> None:
    assert max(map(len, ExperimentConfig().to_toml().splitlines())) <= 100
