"""Verbs on a chip that writes by pulse table: commands carry what the algorithm needs."""

import numpy as np
import pytest

import twinbar as tb
from twinbar.hw.errors import ConfigError

pytestmark = pytest.mark.usefixtures("compiled_kernels")

SMALL = {"array.rows": 4, "array.columns": 4, "device.levels": 8}


def chip(device: str, **write: object) -> tb.Chip:
    settings = SMALL | {f"write.{name}": value for name, value in write.items()}
    return tb.Chip(device=device, settings=settings)


@pytest.mark.parametrize("verify", ["convert", "compare"])
def test_levels_are_written_with_their_gate_and_give_codes(verify: str) -> None:
    levels = np.arange(16).reshape(4, 4) % 8
    with chip("umass-hfo2", algorithm="gate-by-level", verify=verify) as written:
        found = written.write_levels(levels)
        codes = written.read()
    good = found.ok
    assert good.mean() > 0.8
    assert np.abs(found.codes - codes)[good].max() < 25
    assert (found.sets + found.resets).max() < 12


def test_conductances_need_a_code_and_pulses_for_any_of_them() -> None:
    for device, write in (
        ("umass-hfo2", {"algorithm": "gate-by-level"}),
        ("taox-hfox", {"algorithm": "strong", "verify": "compare"}),
    ):
        with chip(device, **write) as written, pytest.raises(ConfigError, match="to write any conductance choose"):
            written.write_conductance(written.scale.g_max_s / 2)
    with chip("taox-hfox", algorithm="distance") as written:
        assert written.write_conductance(written.scale.g_max_s / 2).ok.any()
