"""What writes and reads do to other cells is the same on every engine, to the last bit."""

import numpy as np
import pytest
from crossbar_choices import crossbar_of, shape_of
from shared_netlists import ALONE

from twinbar.emulator.crossbar.write_registers import Ramp
from twinbar.emulator.verify.elaborations import STRONG_READS
from twinbar.host.cells.chip import Chip

ENGINES = ["events", pytest.param("rtl", marks=pytest.mark.compiler), pytest.param("pysim", marks=pytest.mark.slow)]
STRONG = {"set_amplitude": Ramp(3200, 0, 3200), "reset_amplitude": Ramp(3200, 0, 3200)}
"""Pulses of 3.9 V, so that a third of it is above the thresholds."""


def course(engine: str, scheme: str) -> dict[str, np.ndarray]:
    """Write some cells, multiply, and read after a while; gives all that was seen, and the cells."""
    effects = (STRONG_READS, "threshold-spread")
    chip = Chip.of(
        crossbar_of(
            "neurram", **shape_of(ALONE), bias_scheme=scheme, effects=effects, levels=8, limit=6, seed=3, **STRONG
        ),
        ALONE,
        engine=engine,
    )
    found = {"written": chip.write_levels([3, 5, 1], [0, 1, 8], [1, 2, 7]).codes}
    found["sums"] = chip.multiply(np.array([[3, 0, 1, 2, 0, 3, 0, 0, 1]]))
    chip.wait(1)
    found["read"] = chip.read([0, 1, 2], [1, 2, 7])
    found["energy"] = np.array(chip.cost["energy_j"]["total"])
    return found | chip.emulated.cells()


@pytest.mark.parametrize("scheme", ["half", "third"])
@pytest.mark.parametrize("engine", ENGINES)
def test_engines_agree(engine: str, scheme: str) -> None:
    expected, found = course("fast", scheme), course(engine, scheme)
    for name in ("written", "sums", "read", "energy", "g", "pulses", "conversions", "stress", "row_stress"):
        assert np.array_equal(found[name], expected[name]), name
    pulsed = expected["pulses"] > 0
    still = course("fast", "transistor")["g"]
    # Beside the pulsed ones, the scheme has moved cells.
    assert (expected["g"] != still)[~pulsed].any()
