"""``twinbar reproduce``: its options, and its one sentence for each mistake."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from twinbar.host.experiment.reproduction_config import ReproductionConfig


def test_the_configuration_is_that_of_the_paper(twinbar: Callable[..., Any]) -> None:
    outcome = twinbar("reproduce", "--print-config", "--quick", "--device", "epiram")
    assert outcome.status == 0, outcome.err
    config = ReproductionConfig.from_toml_text(outcome.out, "printed")
    assert (config.data.name, config.data.limit, config.device.preset) == ("mnist", 3200, "epiram")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--networks", "alexnet"], 'Error: networks holds "alexnet"; each item must be one of mlp-256,'),
        (["--seeds", "many"], 'Error: seeds is "many"; it must be a whole number from 1 to 31'),
        (["--seeds", "99"], "Error: seeds is 99; it must be a whole number from 1 to 31"),
        (["--set", "model.kind=lenet"], 'Error: model.kind is "lenet", but a reproduction decides it; leave it out'),
        (["--data", "package:factory"], "Error: data.name is package:factory; a reproduction takes a set of images"),
        (["--data", "digits"], "Error: images of 8x8 pixels are too small for lenet;"),
        (["--resume", "nowhere"], "Error: nowhere cannot be resumed: there is no such folder"),
    ],
)
def test_a_mistake_is_one_sentence(
    twinbar: Callable[..., Any], tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    outcome = twinbar("reproduce", *arguments)
    assert outcome.status == 2
    assert outcome.err.startswith(sentence), outcome.err
    assert len(outcome.err.strip().splitlines()) == 1
    assert [name for name in os.listdir(tmp_path) if name != "runs"] == []


def test_help_states_the_defaults_of_a_reproduction(twinbar: Callable[..., Any]) -> None:
    text = " ".join(twinbar("reproduce", "--help").out.replace("│", " ").split())
    for option, default in {"--data": "mnist", "--epochs": "8", "--out": "runs/<date>-<data>-reproduce"}.items():
        assert f"[default: {default}]" in text.partition(f" {option} ")[2].partition(" --")[0], option


def test_without_mnist_it_says_what_to_set(
    twinbar: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWINBAR_DATA", str(tmp_path / "none"))
    outcome = twinbar("reproduce", "--out", "r1")
    assert outcome.status == 2
    assert outcome.err.startswith("Error: TWINBAR_DATA is ")
    assert "put the four IDX files of MNIST there, or unset TWINBAR_DATA" in outcome.err
    assert not (tmp_path / "r1").exists()


def test_a_training_run_is_not_resumed_as_a_reproduction(twinbar: Callable[..., Any], trainer: Any) -> None:
    twinbar("train", "--out", "r1")
    outcome = twinbar("reproduce", "--resume", "r1")
    assert outcome.status == 2
    assert "resume it with twinbar train --resume r1" in outcome.err
