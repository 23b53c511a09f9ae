"""Area by hand: one entry for each kind of owner."""

import re
from typing import Any

import pytest
from crossbar_choices import crossbar_of
from ledger_samples import approx

from twinbar.emulator.ledger.chip_area import area_figures
from twinbar.emulator.ledger.energy_table import EnergyTable, load_energy_table
from twinbar.emulator.ledger.ledger import Ledger
from twinbar.emulator.sections.array_section import ArrayConfig
from twinbar.hw.errors import ConfigError

SOURCE = {"certainty": "assumed", "source": "assumed: test", "uncertainty": 0.5}
ENTRIES: list[dict[str, Any]] = [
    {"component": "cells", "value": 2.0, "unit": "um2", "per": "cell", **SOURCE},
    {"component": "drivers", "value": 100.0, "unit": "um2", "per": "line", **SOURCE},
    {"component": "converters", "by_adc_bits": {8: 2000.0}, "unit": "um2", "per": "channel", **SOURCE},
    {"component": "sequencer", "value": 0.02, "unit": "mm2", "per": "tile", **SOURCE},
    {"component": "dispatcher", "value": 0.05, "unit": "mm2", **SOURCE},
]


def table(entries: list[dict[str, Any]]) -> EnergyTable:
    values = load_energy_table("macro-65nm").model_dump(exclude_none=True)
    return EnergyTable.model_validate({**values, "area": entries})


def test_components_are_counted_by_their_owner():
    array = ArrayConfig(rows=100, columns=50, adc_channels=1, adc_bits=8)
    found = area_figures(table(ENTRIES), array, 3)
    assert found is not None
    assert found["breakdown_mm2"] == approx(
        {
            "cells": 3 * 5000 * 2e-6,
            "drivers": 3 * 150 * 100e-6,
            "converters": 3 * 1 * 2000e-6,
            "sequencer": 3 * 0.02,
            "dispatcher": 0.05,
        }
    )
    # 0.03 + 0.045 + 0.006 + 0.06 + 0.05, each by half: half of the root of the sum of squares, or of the sum.
    assert found["mm2"] == approx(0.191)
    half = 0.5 * (0.03**2 + 0.045**2 + 0.006**2 + 0.06**2 + 0.05**2) ** 0.5
    assert found["uncertainty_mm2"]["independent"] == approx([0.191 - half, 0.191 + half])
    assert found["uncertainty_mm2"]["worst_case"] == approx([0.0955, 0.2865])


def test_neurrams_core_has_the_area_of_its_parts():
    # 12 % cells and 21 % drivers of a core, 28 % of which are 256 neurons of 1270 um^2; circular: the table is of it.
    found = area_figures(load_energy_table("macro-130nm"), ArrayConfig(rows=256, columns=256), 1)
    assert found is not None
    core_mm2 = 1270e-6 * 256 / 0.28
    assert found["breakdown_mm2"]["cells"] == approx(0.12 * core_mm2, rel=0.01)
    assert found["breakdown_mm2"]["line_drivers"] == approx(0.21 * core_mm2, rel=0.01)


def test_a_board_is_no_chip():
    assert area_figures(load_energy_table("lab-board"), ArrayConfig(), 1) is None


def test_the_ledger_of_a_crossbar_knows_its_area():
    config = crossbar_of("taox-hfox", rows=8, columns=8)
    ledger = Ledger.of_crossbar(load_energy_table("macro-65nm"), config, 2)
    assert ledger.area == area_figures(load_energy_table("macro-65nm"), config.array, 2)


def test_a_resolution_without_a_figure_is_refused():
    with pytest.raises(ConfigError, match=re.escape("area converters.by_adc_bits has no figure for 6 bits")):
        area_figures(table(ENTRIES), ArrayConfig(adc_bits=6), 1)


@pytest.mark.parametrize(
    ("changes", "text"),
    [({"value": 1.0}, "exactly one of value and by_adc_bits"), ({"component": "cells"}, "names cells more than once")],
)
def test_entries_that_contradict_themselves_are_refused(changes: dict[str, Any], text: str):
    entries = [*ENTRIES[:2], {**ENTRIES[2], **changes}]
    with pytest.raises(ValueError, match=text):
        table(entries)
