"""Random telegraph noise: two states, exponential autocorrelation, lognormal amplitudes, the same at every look."""

import numpy as np
import pytest

from twinbar.emulator.devices import physics
from twinbar.emulator.devices.deviates import trap_slots
from twinbar.emulator.devices.layout import G_ONE
from twinbar.emulator.kernels.compiled import allocating_kernel

CELLS, TICKS = 1500, 400


@allocating_kernel
def taken_by_traps(cells, ticks, scalars, tables):
    out = np.empty((cells, ticks), np.int64)
    for cell in range(cells):
        key = physics.cell_key(np.uint64(scalars[0].seed), 0, cell)
        for tick in range(ticks):
            out[cell, tick] = physics.trapped(key, 3, tick, scalars, tables)
    return out


@pytest.fixture
def noisy(tables_of, changed, assumed):
    def tables(**changes):
        values = {"share": 1, "amplitude": 0.05, "spread": 0.5, "occupied": 0.3} | {
            key: value for key, value in changes.items() if key not in ("fastest", "slowest")
        }
        section = {key: assumed(value, "1") for key, value in values.items()}
        section |= {key: assumed(changes.get(key, 20.0), "s") for key in ("fastest", "slowest")}
        return tables_of(changed("taox-hfox", telegraph=section), tick_s=1.0)

    return tables


@pytest.mark.parametrize("tau_s", [3.0, 20.0])
def test_it_is_a_telegraph_signal(noisy, tau_s: float) -> None:
    cell = noisy(fastest=tau_s, slowest=tau_s)
    signal = taken_by_traps(CELLS, TICKS, cell.scalars, cell.tables)
    # Two states: nothing, and what the trap of the cell takes.
    assert all(len(set(row)) <= 2 for row in signal)
    on = (signal > 0).astype(float)
    # 400 ticks are 10 independent looks at the slower traps of 1,500 cells: a standard error of 0.004.
    assert on.mean() == pytest.approx(0.3, abs=0.016)
    centred = on - 0.3
    for lag in (1, round(tau_s), round(2 * tau_s)):
        found = np.mean(centred[:, lag:] * centred[:, :-lag]) / (0.3 * 0.7)
        # Within slots of up to tau the exponential is followed by straight lines, which lie up to 0.05 above it.
        assert found == pytest.approx(np.exp(-lag / tau_s), abs=0.07)


def test_amplitudes_are_lognormal(noisy) -> None:
    cell = noisy(fastest=0.01, slowest=0.01)
    largest = np.log(taken_by_traps(CELLS, 60, cell.scalars, cell.tables).max(axis=1) / 65536)
    assert np.exp(np.median(largest)) == pytest.approx(0.05, rel=0.05)
    assert largest.std() == pytest.approx(0.5, rel=0.06)


def test_a_share_of_the_cells_has_a_trap(noisy) -> None:
    cell = noisy(fastest=0.01, slowest=0.01, share=0.2)
    assert (taken_by_traps(4000, 40, cell.scalars, cell.tables).max(axis=1) > 0).mean() == pytest.approx(0.2, abs=0.02)


def test_it_does_not_average_away_in_reads_of_one_step(noisy, tables_of) -> None:
    cell = noisy()
    key = physics.cell_key(np.uint64(cell.scalars[0].seed), 0, 0)
    seen = [physics.effective_conductance(G_ONE, key, 1, 7, cell.scalars, cell.tables) for _ in range(8)]
    assert len(set(seen)) == 1
    share = physics.trapped(key, 1, 7, cell.scalars, cell.tables)
    assert seen[0] == G_ONE - (G_ONE * share >> 16)
    assert not tables_of("taox-hfox").scalars[0].ages


def test_time_constants_spread_evenly_in_their_logarithm() -> None:
    shift, chance = trap_slots(0.1, 1000.0, 1.0)
    tau = 2.0**shift / -np.log1p(-chance)
    # Four decades: a quarter of the traps in each.
    for low in (0.1, 1.0, 10.0, 100.0):
        assert ((tau >= low) & (tau < 10 * low)).mean() == pytest.approx(0.25, abs=0.01)
    slow = tau >= 1
    assert (chance[slow] > 0.39).all()
    assert (chance[slow] < 0.6322).all()
    assert (shift[~slow] == 0).all()
