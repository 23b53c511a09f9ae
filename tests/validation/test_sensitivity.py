"""What assumed values of a preset change: those that act move a figure, those that do not leave it alone."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from twinbar.emulator.devices.preset import load_preset
from twinbar.host.experiment.progress_display import SilentProgress
from twinbar.host.report.sensitivity_tables import sensitive_rows
from twinbar.host.validation.sensitivity import FIGURES, moved, sensitivity


def test_one_value_is_moved_and_no_other() -> None:
    preset = load_preset("neurram")
    changed = moved(preset, "pulse.set_voltage", 1.1)
    assert changed is not None
    before, after = dict(preset.quantities()), dict(changed.quantities())
    assert after["pulse.set_voltage"].value == pytest.approx(2.2)
    assert {key for key in before if before[key] != after[key]} == {"pulse.set_voltage"}
    # Of a list every number.
    lists = moved(load_preset("neurram"), "relaxation.sigma[0]", 2.0)
    assert lists is not None
    assert dict(lists.quantities())["relaxation.sigma[0]"].value == pytest.approx(
        [0.696, 32.06, -87.706, 90.786, -33.63]
    )
    # Initially cells must lie within the window.
    assert moved(load_preset("taox-hfox"), "initial.mean", 0.5) is None


def test_a_value_that_acts_moves_its_figure() -> None:
    found = sensitivity(["taox-hfox"], SilentProgress())["devices"]["taox-hfox"]
    changes = {row["key"]: row["change"] for row in found["values"]}
    # The fewer pulses a write may take, the more writes fail.
    less, more = changes["write.pulse_limit"]["failed"]
    assert less > 0.5
    assert more < 0
    # The response to other voltages does not act where all pulses have the nominal one.
    assert changes["amplitude.set_scale"] == {figure: [0.0, 0.0] for figure in FIGURES}
    assert all(chance is not None for chance in found["chance"].values())
    rows = {row[1]: row for row in sensitive_rows("taox-hfox", found)}
    assert "write.pulse_limit" in rows
    assert "amplitude.set_scale" not in rows


def test_the_command_lists_them_and_writes_a_page(twinbar: Callable[..., Any], tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    outcome = twinbar("validate", "--sensitivity", "--only", "vteam", "--page", str(page))
    assert outcome.status == 0, outcome.err
    assert "pulse.set_voltage" in page.read_text()
    outcome = twinbar("validate", "--sensitivity", "--only", "nothing")
    assert outcome.status == 2
    assert "no preset has 'nothing' in its name" in outcome.err
