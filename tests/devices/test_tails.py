"""Deviates with heavier tails than normal, of unit variance all the same."""

import numpy as np
import pytest
from cell_sampling import seen, single_pulses

from twinbar.emulator.devices.deviates import deviates
from twinbar.emulator.devices.layout import CODES, G_ONE, SET


@pytest.mark.parametrize("kind", ["normal", "logistic", "student-4"])
def test_variance_is_one(kind) -> None:
    z = deviates(kind, 4096)
    assert np.mean(z) == pytest.approx(0, abs=1e-12)
    assert np.mean(z**2) == pytest.approx(1, abs=1e-12)
    assert (np.diff(z) > 0).all()


@pytest.mark.parametrize(
    ("kind", "beyond_three", "beyond_five"),
    [
        ("normal", 2.70e-3, 0.0),
        # 2 / (1 + exp(3 pi / sqrt 3)), and of 5.
        ("logistic", 8.63e-3, 2.3e-4),
        # Student's t of 4 degrees of freedom: 2 P(t > 3 sqrt 2) and 2 P(t > 5 sqrt 2), from its distribution function
        # 1/2 + 3/8 s (2 - 2/3 s^2) with s = t / sqrt(4 + t^2).
        ("student-4", None, None),
    ],
)
def test_shares_of_the_tails(kind, beyond_three, beyond_five) -> None:
    z = np.abs(deviates(kind, 4096))
    if kind == "student-4":

        def beyond(t: float) -> float:
            s = t / np.sqrt(4 + t * t)
            return 1 - 0.75 * s * (2 - 2 / 3 * s * s)

        beyond_three, beyond_five = beyond(3 * np.sqrt(2)), beyond(5 * np.sqrt(2))
        assert beyond_three > 0.01
    # The ends of a table of 4,096 are those of the bins' middles, and its variance is scaled to 1 for them.
    assert (z > 3).mean() == pytest.approx(beyond_three, abs=1e-3)
    assert (z > 5).mean() == pytest.approx(beyond_five, abs=8e-4)


def test_pulses_and_relaxation_take_them(tables_of, changed) -> None:
    normal = tables_of("neurram")
    heavy = tables_of(changed("neurram", tails={"pulse": "student-4", "relaxation": "logistic"}))

    def tail(x: np.ndarray) -> float:
        # Excess kurtosis: 0 for the normal distribution, 1.2 for the logistic one.
        z = (x - x.mean()) / x.std()
        return float(np.mean(z**4)) - 3

    code = normal.volts_to_code(2.0)
    pulses = [
        single_pulses(40_000, SET, G_ONE // 2, code, CODES - 1, cell.width_cycles[SET], cell.scalars, cell.tables)
        for cell in (normal, heavy)
    ]
    relaxed = [seen(40_000, G_ONE // 2, 86400, cell.scalars, cell.tables) for cell in (normal, heavy)]
    assert abs(tail(relaxed[0])) < 0.1
    assert tail(relaxed[1]) == pytest.approx(1.2, abs=0.25)
    assert relaxed[1].std() == pytest.approx(relaxed[0].std(), rel=0.02)
    assert abs(tail(pulses[0])) < 0.1
    assert tail(pulses[1]) > 3
