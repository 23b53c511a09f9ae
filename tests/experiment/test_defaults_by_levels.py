"""Hysteresis and range follow the levels per cell, unless they are given."""

import pickle

import pytest

from twinbar.host.experiment.config import CompareConfig, ExperimentConfig


@pytest.mark.parametrize(
    ("levels", "weight_range", "threshold"),
    [(2, 1.0, 0.5), (4, 2.0, 0.5), (12, 6.0, 0.75), (16, 8.0, 1.0), (64, 8.0, 1.0)],
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
