"""Hysteresis, range, batch and learning rate follow the levels per cell, unless they are given."""

import pickle

import pytest

from twinbar.host.experiment.config import CompareConfig, ExperimentConfig
from twinbar.host.experiment.sweep_config import SweepConfig


@pytest.mark.parametrize(
    ("levels", "weight_range", "threshold"),
    [(2, 1.0, 0.5), (8, 4.0, 0.5), (12, 6.0, 1.125), (16, 8.0, 1.75), (64, 8.0, 1.75)],
)
def test_few_levels_have_a_narrow_range_and_plain_rounding(levels: int, weight_range: float, threshold: float) -> None:
    config = ExperimentConfig().merge({"device.levels": levels})
    for one in (
        config,
        ExperimentConfig.from_toml_text(config.to_toml(), "file"),
        pickle.loads(pickle.dumps(config)),
        CompareConfig().merge({"device.levels": levels, "policies": "siamese,chi"}).for_policy("siamese"),
    ):
        values = one.policy.model_dump()
        assert (values["weight_range"], values["threshold"], values["threshold_end"]) == (weight_range, threshold, 0.5)
    # They are defaults: other levels have others.
    assert config.merge({"device.levels": 16}) == ExperimentConfig()


def test_values_that_are_given_are_kept() -> None:
    config = ExperimentConfig().merge({"device.levels": 4, "policy.weight_range": 8.0, "policy.threshold": 1.0})
    assert (config.policy.weight_range, config.policy.model_dump()["threshold"]) == (8.0, 1.0)
    assert config.merge({"device.levels": 8}).policy.weight_range == 8.0


@pytest.mark.parametrize(("levels", "batch", "rate"), [(2, 16, 0.1), (15, 16, 0.1), (16, 64, 0.05), (256, 64, 0.05)])
def test_few_levels_take_small_batches_at_twice_the_rate(levels: int, batch: int, rate: float) -> None:
    config = ExperimentConfig().merge({"device.levels": levels})
    for one in (
        config,
        config.merge({"engine.seed": 1}),
        ExperimentConfig.of(CompareConfig().merge({"device.levels": levels})),
        ExperimentConfig.from_toml_text(config.to_toml(), "file"),
        pickle.loads(pickle.dumps(config)),
        CompareConfig().merge({"device.levels": levels, "policies": "siamese,chi"}).for_policy("siamese"),
        SweepConfig().for_run({"device.levels": levels}, 0),
    ):
        assert (one.training.batch_size, one.training.lr) == (batch, rate)
    assert config.merge({"device.levels": 16}) == ExperimentConfig()


def test_a_batch_or_a_rate_that_is_given_is_kept() -> None:
    given = ExperimentConfig().merge({"device.levels": 4, "training.batch_size": 64})
    assert (given.training.batch_size, given.training.lr) == (64, 0.1)
    assert given.merge({"device.levels": 32}).training.batch_size == 64
    given = ExperimentConfig.from_toml_text("device.levels = 4\ntraining.lr = 0.05", "file")
    assert (given.training.batch_size, given.training.lr) == (16, 0.05)
    assert given.merge({"training.epochs": 1}).training.lr == 0.05
    # Twice the rate of sgd says nothing of another optimizer.
    other = ExperimentConfig().merge({"device.levels": 4, "training.optimizer": "adam"})
    assert (other.training.batch_size, other.training.lr) == (16, 0.05)


@pytest.mark.parametrize(
    ("model", "levels", "expected"),
    [("mlp", 16, (8.0, 0.0)), ("lenet", 16, (4.0, 0.05)), ("lenet", 6, (3.0, 0.05)), ("lenet", 64, (4.0, 0.05))],
)
def test_a_network_of_small_layers_has_a_narrower_range_and_no_hysteresis_in_them(
    model: str, levels: int, expected: tuple[float, float]
) -> None:
    config = ExperimentConfig().merge({"model.kind": model, "device.levels": levels})
    values = config.policy.model_dump()
    assert (values["weight_range"], values["narrow_share"]) == expected
    given = config.merge({"policy.weight_range": 6.0, "policy.narrow_share": 0.01}).policy.model_dump()
    assert (given["weight_range"], given["narrow_share"]) == (6.0, 0.01)
