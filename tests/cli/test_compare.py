import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twinbar.host.experiment.config import CompareConfig


def test_each_policy_is_trained_in_its_own_folder(twinbar: Callable[..., Any], trainer: Any, tmp_path: Path) -> None:
    outcome = twinbar("compare", "--policies", "closed-loop,siamese", "--levels", "8", "--out", "c1", "--json")
    assert outcome.status == 0, outcome.err
    assert [(call.config.policy.name, call.path.name) for call in trainer.calls] == [
        ("closed-loop", "closed-loop"),
        ("siamese", "siamese"),
    ]
    assert all(call.config.device.levels == 8 and not call.resume for call in trainer.calls)
    assert list(json.loads(outcome.out)["policies"]) == ["closed-loop", "siamese"]
    config = CompareConfig.from_toml(tmp_path / "c1" / "config.toml")
    assert config.policies == ("closed-loop", "siamese")
    assert {"config.toml", "closed-loop", "siamese"} <= set(os.listdir(tmp_path / "c1"))


def test_a_stopped_comparison_goes_on(twinbar: Callable[..., Any], trainer: Any) -> None:
    trainer.error = KeyboardInterrupt()
    assert twinbar("compare", "--policies", "float,siamese", "--out", "c1").status == 130
    trainer.error = None
    assert twinbar("compare", "--resume", "c1").status == 0
    assert [(call.config.policy.name, call.resume) for call in trainer.calls] == [
        ("float", False),
        ("float", True),
        ("siamese", False),
    ]


def test_other_policies_are_another_comparison(twinbar: Callable[..., Any], trainer: Any) -> None:
    twinbar("compare", "--policies", "float,siamese", "--out", "c1")
    outcome = twinbar("compare", "--policies", "float", "--resume", "c1")
    assert outcome.status == 2
    assert 'policies = ["float", "siamese"] (not ["float"])' in outcome.err


def test_policies_are_checked(twinbar: Callable[..., Any], trainer: Any, tmp_path: Path) -> None:
    outcome = twinbar("compare", "--policies", "siamese,simese")
    assert outcome.status == 2
    assert outcome.err.startswith('Error: policies holds "simese"; each item must be one of siamese,')
    assert os.listdir(tmp_path) == []


def test_the_result_is_a_table(twinbar: Callable[..., Any], trainer: Any) -> None:
    outcome = twinbar("compare", "--policies", "float,siamese", "--out", "c1")
    assert outcome.out.count("50.00 %") == 2
    assert outcome.out.splitlines()[-1] == "Results: c1"
    assert trainer.built == [Path("c1")]


def test_a_training_run_is_not_resumed_as_a_comparison(twinbar: Callable[..., Any], trainer: Any) -> None:
    twinbar("train", "--out", "r1")
    outcome = twinbar("compare", "--resume", "r1")
    assert outcome.status == 2
    assert "resume it with twinbar train --resume r1" in outcome.err
