"""Lines, selector and pumps follow the voltages of the cells; by hand, with the capacitances of `macro-65nm`."""

import math
import re
from typing import Any

import pytest
from crossbar_choices import crossbar_of
from ledger_samples import approx, change

from twinbar.emulator.contract.activity import Activity
from twinbar.emulator.crossbar.cell_energy import CellEnergy
from twinbar.emulator.ledger.energy_table import EnergyTable, load_energy_table
from twinbar.emulator.ledger.ledger import Ledger
from twinbar.emulator.ledger.line_voltages import REFERENCE, LineVoltage, LineVoltages
from twinbar.hw.actions import Action

TABLE = load_energy_table("macro-65nm")
PJ = 1e-12


def ledger_of(preset: str, table: EnergyTable = TABLE, **choices: Any) -> Ledger:
    return Ledger.of_crossbar(table, crossbar_of(preset, rows=8, columns=8, **choices), tiles=1)


def spent(ledger: Ledger, activity: Activity) -> dict[str, float]:
    before = ledger.snapshot()
    ledger.add("write", activity)
    parts: dict[str, float] = ledger.summary(since=before)["energy_breakdown_j"]
    return parts


def test_pulses_of_more_volts_cost_more_on_the_lines():
    # 0.1 pF: 0.7 V take 0.049 pJ, 3 V take 0.9 pJ.
    ledger = ledger_of("gst-pcm")
    assert spent(ledger, Activity.of({Action.PULSE_SET: 1}))["pulse_lines"] == approx(0.049 * PJ, rel=2e-3)
    assert spent(ledger, Activity.of({Action.PULSE_RESET: 1}))["pulse_lines"] == approx(0.9 * PJ, rel=2e-3)


def test_what_is_above_the_supply_comes_from_a_pump():
    # The supply has 2.5 V, and the pump loses as much as it gives. A SET of 0.7 V needs none.
    ledger = ledger_of("gst-pcm")
    assert spent(ledger, Activity.of({Action.PULSE_SET: 1}))["charge_pump"] == 0.0
    assert spent(ledger, Activity.of({Action.PULSE_RESET: 1}))["charge_pump"] == approx(0.9 * PJ, rel=2e-3)
    heat = Activity()
    heat.cell_energy[CellEnergy.RESET] = 1000
    parts = spent(ledger, heat)
    assert parts["charge_pump"] == approx(parts["cell_reset"]) != 0.0
    # Word lines are a threshold of 0.7 V above the pulses: 0.148 pF at 3.7 V take 2.026 pJ, the decoder 0.5 pJ.
    parts = spent(ledger, Activity.of({Action.SELECT_CELL: 1}))
    assert parts["select"] == approx((0.5 + 0.148 * 3.7**2) * PJ, rel=2e-3)
    assert parts["charge_pump"] == approx(0.148 * 3.7**2 * PJ, rel=2e-3)
    # The drive is supplied with 3 V: 0.512 pF and 1.6 pC.
    parts = spent(ledger, Activity.of({Action.DRIVE_UPDATE: 1}))
    assert parts["drive"] == approx((0.512 * 9 + 1.6 * 3) * PJ, rel=2e-3) == parts["charge_pump"]


def test_the_cells_of_the_headline_figures_need_no_pump():
    ledger = ledger_of("taox-hfox")
    parts = spent(ledger, Activity.of(dict.fromkeys((Action.PULSE_SET, Action.SELECT_CELL, Action.DRIVE_UPDATE), 1)))
    assert parts["charge_pump"] == 0.0
    assert parts["pulse_lines"] == approx(0.1 * 1.6**2 * PJ, rel=2e-3)
    assert parts["select"] == approx((0.5 + 0.148 * 2.3**2) * PJ, rel=2e-3)
    assert parts["drive"] == approx((0.512 * 2.5**2 + 1.6 * 2.5) * PJ)


def test_a_ramp_is_priced_at_the_nominal_voltage_and_its_interval_spans_it():
    volts = LineVoltages.of_crossbar(crossbar_of("neurram", rows=8, columns=8), 2.5)
    # Published: pulses from 1.2 to 4.0 V; the preset's response holds at 2.0 and 2.5 V. Gates of 3 and 5 V.
    assert volts.set == approx((2.0, 1.2, 4.0), rel=2e-3)
    assert volts.reset == approx((2.5, 1.2, 4.0), rel=2e-3)
    assert volts.gate == approx((math.sqrt((9 + 25) / 2), 3.0, 5.0), rel=2e-3)
    assert volts.rail == approx((4.0, 4.0, 4.0), rel=2e-3)
    assert volts.read == LineVoltage.fixed(0.2)
    price = TABLE.price(Action.PULSE_SET, 8, 4, voltages=volts)
    assert price.nominal_j == approx(0.1 * 2.0**2 * PJ, rel=2e-3)
    # A factor of 3 either way, from the ends of the ramp.
    assert price.low_j == approx(0.1 * 1.2**2 / 3 * PJ, rel=2e-3)
    assert price.high_j == approx(0.1 * 4.0**2 * 3 * PJ, rel=2e-3)


def test_a_gate_that_ramps_takes_the_mean_of_its_squares():
    volts = LineVoltages.of_crossbar(crossbar_of("milo-hfo2", rows=8, columns=8), 2.5)
    # SET: 1 to 1.76 V, the mean of whose squares is (1 + 1.76 + 1.76^2) / 3; RESET: 2.7 V.
    assert volts.gate.nominal == approx(math.sqrt(((1 + 1.76 + 1.76**2) / 3 + 2.7**2) / 2), rel=2e-3)


def test_voltages_of_ones_own_count():
    ledger = ledger_of("taox-hfox", set_ramp_v=(1.8, 0.0, 1.8))
    assert spent(ledger, Activity.of({Action.PULSE_SET: 1}))["pulse_lines"] == approx(0.324 * PJ, rel=3e-3)


def test_a_table_of_pulses_has_the_range_of_its_entries():
    config = crossbar_of("taox-hfox", rows=8, columns=8, algorithm="distance")
    volts = LineVoltages.of_crossbar(config, 2.5)
    assert volts.set.low < volts.set.high
    assert volts.set.low <= volts.set.nominal <= volts.set.high


def test_rows_are_charged_to_the_read_voltage():
    # 14 fJ of the DAC, and 128 fF at 0.5 V or 0.2 V.
    assert TABLE.energy_j(Action.ROW_DRIVE, 8, 1) == approx(0.046 * PJ)
    at_200_mv = REFERENCE._replace(read=LineVoltage.fixed(0.2))
    assert TABLE.energy_j(Action.ROW_DRIVE, 8, 1, voltages=at_200_mv) == approx((0.014 + 0.00512) * PJ)


def test_steps_sum_to_the_account():
    ledger = ledger_of("gst-pcm")
    activity = Activity.of({Action.PULSE_RESET: 5, Action.SELECT_CELL: 3, Action.CONVERT_VERIFY: 7})
    activity.cell_energy[CellEnergy.RESET] = 1234
    ledger.add("write", activity)
    assert ledger.energy_j("write", activity) == approx(ledger.summary()["energy_j"]["write"], rel=1e-12)


@pytest.mark.parametrize(
    ("apply", "text"),
    [
        (change("supply", "pump_efficiency", value=0), "supply.pump_efficiency is 0; it must be greater than 0"),
        (change("supply", "pump_efficiency", value=1.5), "supply.pump_efficiency is 1.5; it must be at most 1"),
        (change("supply", "unit", value="kV"), "supply.unit is 'kV'; write 'V'"),
        (change("supply", "unit"), "supply.unit is missing; write one of V"),
        (change("actions", "pulse_set", "line", "voltage", value="st"), "pulse_set.line.voltage is 'st'; write 'set'"),
        (change("actions", "pulse_set", "line", "unit"), "pulse_set.line.unit is missing; write one of fF, pF, nF"),
        (change("actions", "pulse_set", "line", "capacitance", value=-1), "line.capacitance is -1; it must be 0 or"),
    ],
)
def test_mistakes_are_refused_in_one_sentence(apply, text, tmp_path):
    import tomli_w

    from twinbar.hw.errors import ConfigError

    data = TABLE.model_dump(mode="json", exclude_none=True)
    apply(data)
    path = tmp_path / "own.toml"
    path.write_bytes(tomli_w.dumps(data).encode())
    with pytest.raises(ConfigError, match=re.escape(text)) as refusal:
        load_energy_table(path)
    assert "\n" not in str(refusal.value)
