"""Every update policy in training: it updates, it is accounted, and it goes on from a state as if never interrupted."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from twinbar.host.experiment.checkpoint import load_checkpoint, save_checkpoint
from twinbar.host.experiment.config import ExperimentConfig
from twinbar.host.experiment.progress_display import SilentProgress
from twinbar.host.experiment.task import Task, build_task
from twinbar.host.experiment.trainer import Trainer
from twinbar.host.update.known_policies import POLICIES

SMALL: dict[str, Any] = {
    "data.limit": 48,
    "data.pool": 2,
    "model.hidden": (5,),
    "training.batch_size": 8,
    "training.epochs": 1,
    "training.lr": 0.3,
    "engine.threads": 1,
    "array.rows": 16,
    "array.columns": 16,
}
CHOICES: dict[str, dict[str, Any]] = {
    "two-pulse": {"device.preset": "umass-hfo2"},
    "tiki-taka": {"policy.zero_shift_pulses": 3, "policy.transfer_rate": 3.0, "policy.read_every": 2},
    "tiki-taka-v2": {"policy.zero_shift_pulses": 3, "policy.transfer_rate": 3.0},
    "chi": {"policy.pairing": "set-only", "policy.refresh_at": 0.3},
    "low-rank": {"policy.flush_every": 2, "policy.least_density": 0.0, "policy.unbiased": True},
    "selective-verify": {"policy.threshold": 0.3, "policy.common_levels": 2},
    "siamese, less worn cell, drawn levels": {"policy.common_levels": 5, "policy.rounding": "stochastic"},
}
NAMES = [*(name for name in POLICIES.built_in_names() if name != "float"), *(name for name in CHOICES if "," in name)]


def config_of(name: str) -> ExperimentConfig:
    return ExperimentConfig().merge(SMALL | {"policy.name": name.partition(",")[0]} | CHOICES.get(name, {}))


@pytest.fixture(scope="module")
def task(compiled_kernels: None) -> Task:
    return build_task(config_of("siamese"))


@pytest.mark.parametrize("name", NAMES)
def test_a_policy_goes_on_from_its_state(name: str, task: Task, tmp_path: Path) -> None:
    config = config_of(name)
    one = Trainer(config, task, SilentProgress())
    one.initialize()
    batches = one.batches(1)
    for batch in batches[:3]:
        one.train_step([batch])
    save_checkpoint(tmp_path, one.state_dict())
    state = load_checkpoint(tmp_path)
    assert state is not None
    other = Trainer(config, task, SilentProgress(), restored=True)
    other.load_state_dict(state)
    for batch in batches[3:]:
        assert other.train_step([batch]) == one.train_step([batch])
    assert one.network is not None
    assert other.network is not None
    engines = one.network.session.engine, other.network.session.engine
    assert np.array_equal(engines[0].conductances_s(), engines[1].conductances_s())
    assert one.account is not None
    assert one.counts.weight_updates > 0
    pulses = engines[0].pulse_counts()
    assert pulses.sum() > 0
    # Every pulse that cells have had is in the ledger, those of further arrays included, and each array has its tiles.
    assert sum(one.account.ledger.summary()["pulses"].values()) == pulses.sum()
    # 16 x 5 weights take a tile of 16 x 16 cells, 5 x 10 weights two.
    assert engines[0].tiles == 3 * (1 + one.policy.auxiliary_arrays)
    assert (one.counts.pulse_trains > 0) == one.policy.gives_pulses
    assert (one.account.twin.policy_read > 0) == (name in MEMORIES)


MEMORIES = {
    "siamese, less worn cell, drawn levels",
    "chi",
    "fixed-device",
    "layer-threshold",
    "low-rank",
    "open-loop",
    "selective-verify",
    "stellar",
    "stochastic-sparse",
    "tiki-taka",
    "tiki-taka-v2",
    "two-pulse",
}
"""Policies that read memories of their own."""


def test_a_policy_that_takes_every_step_is_refused_with_rarer_decisions() -> None:
    with pytest.raises(ValueError, match=r"policy\.write_every is 3, but this policy takes the inputs"):
        ExperimentConfig().merge({"policy.name": "stellar", "policy.write_every": 3})
