"""Energy tables as component models of `hwcomponents`, and its actions as entries of a table."""

import importlib
import sys
from typing import Any

import pytest
from crossbar_choices import crossbar_of
from ledger_samples import approx

from twinbar.emulator.ledger.energy_table import EnergyTable, load_energy_table
from twinbar.emulator.ledger.hwcomponents_exchange import entry_of, tile_model
from twinbar.hw.actions import PRICED
from twinbar.hw.errors import ConfigError, ToolMissingError

TABLE = load_energy_table("macro-65nm")


def test_without_the_package_a_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hwcomponents", None)
    with pytest.raises(ToolMissingError, match=r"Python 3.12 or newer, install twinbar\[components\]"):
        tile_model(TABLE, crossbar_of("taox-hfox", rows=8, columns=8))


@pytest.fixture
def package() -> Any:
    return importlib.import_module("hwcomponents")


@pytest.mark.hwcomponents
def test_a_tile_is_a_component(package: Any) -> None:
    kind = tile_model(TABLE, crossbar_of("gst-pcm", rows=128, columns=128, adc_channels=4))
    assert issubclass(kind, package.ComponentModel)
    tile: Any = kind()
    # An 8-bit conversion is 6.5 pJ. A RESET of 3 V charges 0.1 pF (0.9 pJ), and the pump loses as much.
    assert tile.convert_forward().energy == approx(6.5e-12)
    assert tile.pulse_reset().energy == approx(1.8e-12, rel=2e-3)
    # 16,384 cells, 256 lines, 4 converters with amplifiers, and the sequencer with its memories.
    um2 = 16384 * 0.53 + 256 * 119 + 4 * (1940 + 175) + 20100 + 26500
    assert tile.area == approx(um2 * 1e-12)
    # Leakage 15 uW, gated clock 20 uW, and of four channels 0.1 + 0.5 uW.
    assert tile.leak_power == approx(37.4e-6)
    for name in PRICED:
        assert getattr(tile, name)().energy >= 0


@pytest.mark.hwcomponents
def test_the_package_finds_a_tile_by_its_name(package: Any) -> None:
    kind = tile_model(TABLE, crossbar_of("taox-hfox", rows=8, columns=8))
    found = package.get_model("twinbar_tile_macro_65nm", {}, models=[kind])
    assert isinstance(found, kind)


@pytest.mark.hwcomponents
def test_an_action_becomes_an_entry(package: Any) -> None:
    class Register(package.ComponentModel):
        """A register of 40 nm, 9 fJ a bit (Aladdin)."""

        def __init__(self, width: int) -> None:
            super().__init__(leak_power=0.0, area=5.98e-12 * width)
            self.width = width

        @package.action
        def write(self) -> Any:
            return package.ActionCost(energy=9e-15 * self.width, latency=0.0, throughput=1e9)

    entry = entry_of(Register(32), "write", factor=3, part="logic")
    assert entry.energy_j(8, 4) == approx(0.288e-12)
    assert entry.certainty == "derived"
    assert entry.source.endswith("Register.write (width 32)")
    values = TABLE.model_dump(exclude_none=True)
    values["actions"]["write_ok"] = entry.model_dump(exclude_none=True)
    assert EnergyTable.model_validate(values).actions["write_ok"] == entry
    with pytest.raises(ConfigError, match="Register has no action 'read'; it has write"):
        entry_of(Register(32), "read", factor=3)
