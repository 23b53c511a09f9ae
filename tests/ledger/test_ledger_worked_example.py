"""An epoch of MNIST counted by hand.

784-100-10, two cells per weight, batch 64, every cell written at every step with 7 pulses and as many verify
conversions; TaOx/HfOx pulses of 0.70 pJ (1.6 V, 5.5 uS, 50 ns); 8-bit ADC at 65 nm with 6.5 pJ.
"""

from ledger_samples import UNIT_J, approx, make_ledger

from twinbar.emulator.contract.activity import Activity
from twinbar.emulator.crossbar.cell_energy import CellEnergy
from twinbar.hw.actions import Action

CELLS = 2 * (784 * 100 + 100 * 10)
STEPS = 938
PULSES = 7
PULSE_UNITS = 700
IMAGES = 60_000
COLUMNS = 2 * (100 + 10)


def epoch(written_share):
    """Run an epoch in which a share of the cells is written at each step."""
    ledger = make_ledger(cell_energy_unit_j={**UNIT_J, CellEnergy.SET: 1e-15, CellEnergy.RESET: 1e-15})
    writes = round(CELLS * written_share)
    for _ in range(STEPS):
        step = Activity.of(
            {
                Action.WRITE_OK: writes,
                Action.PULSE_SET: 4 * writes,
                Action.PULSE_RESET: (PULSES - 4) * writes,
                Action.CONVERT_VERIFY: PULSES * writes,
            }
        )
        step.cell_energy[CellEnergy.SET] = 4 * writes * PULSE_UNITS
        step.cell_energy[CellEnergy.RESET] = (PULSES - 4) * writes * PULSE_UNITS
        ledger.add("write", step)
    ledger.add("forward", Activity.of({Action.CONVERT_FORWARD: IMAGES * COLUMNS}))
    return ledger.summary()


def cells_and_converters(summary):
    parts = summary["energy_breakdown_j"]
    return sum(parts[name] for name in ("cell_set", "cell_reset", "adc_verify", "adc_forward"))


def test_counts_and_energies_of_every_cell_every_step():
    summary = epoch(1.0)
    parts = summary["energy_breakdown_j"]
    assert summary["cell_writes"] == 148_954_400
    assert summary["pulses"]["set"] + summary["pulses"]["reset"] == 1_042_680_800
    assert parts["cell_set"] + parts["cell_reset"] == approx(0.72988e-3, rel=1e-4)
    assert parts["adc_verify"] == approx(6.7774e-3, rel=1e-4)
    assert parts["adc_forward"] == approx(85.8e-6)
    # The lines that the pulses charge, and the write logic, which the estimate on paper leaves out.
    assert parts["pulse_lines"] == approx(1_042_680_800 * 0.1e-12 * 1.6**2)
    assert summary["energy_j"]["write"] == approx(
        sum(parts[name] for name in ("cell_set", "cell_reset", "adc_verify", "pulse_lines", "write_logic"))
    )


def test_98_percent_fewer_writes_save_less_than_98_percent_of_the_whole():
    before, after = epoch(1.0), epoch(0.02)
    writes_saved = 1 - after["energy_j"]["write"] / before["energy_j"]["write"]
    assert writes_saved == approx(0.98, abs=1e-4)
    assert cells_and_converters(before) / cells_and_converters(after) == approx(32.2, abs=0.1)
