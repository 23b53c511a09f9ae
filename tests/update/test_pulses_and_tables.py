"""Policies that pulse without reading go by the bias records, which a pulse table replaces."""

import pytest

from twinbar.host.experiment.config import ExperimentConfig
from twinbar.host.experiment.resolved_crossbar import build_crossbar
from twinbar.host.update.policies.open_loop import OpenLoop
from twinbar.host.update.policies.siamese import Siamese
from twinbar.hw.errors import ConfigError


def test_pulses_without_a_read_do_not_go_with_a_pulse_table() -> None:
    config = build_crossbar(ExperimentConfig().merge({"write.algorithm": "strong"}))
    assert config.pulse_table is not None
    with pytest.raises(ConfigError, match="gives pulses without reading, by the ramps of the bias records"):
        OpenLoop().attach_to(config)
    Siamese().attach_to(config)
    OpenLoop().attach_to(build_crossbar(ExperimentConfig()))
