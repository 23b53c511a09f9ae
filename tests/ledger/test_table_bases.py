"""Energy tables that state what differs from another one, and lines that an action switches."""

from pathlib import Path

import pytest
from ledger_samples import approx

from twinbar.emulator.ledger.energy_table import EnergyTable, load_energy_table
from twinbar.emulator.ledger.table_entries import ArraySize
from twinbar.hw.actions import Action
from twinbar.hw.errors import ConfigError

SOURCED = 'certainty = "assumed"\nsource = "me"\nfactor = 2\n'


def table_of(folder: Path, text: str) -> EnergyTable:
    path = folder / "mine.toml"
    path.write_text(text)
    return load_energy_table(path)


def test_word_lines_switch_once_for_each_plane() -> None:
    table = load_energy_table("neurram-130nm")
    # 256 lines of 48 fF + 256 x 2.1 fF = 585.6 fF, from 0.9 to 2.2 V.
    for planes in (1, 3, 5):
        cost = table.energy_j(Action.INPUT_STEP, 8, planes, size=ArraySize(256, 256))
        assert cost == approx(planes * 256 * 585.6e-15 * 1.3 * 2.2)
    # Half the columns: 48 + 128 x 2.1 = 316.8 fF; half the rows: half as many lines.
    assert table.energy_j(Action.INPUT_STEP, 8, 1, size=ArraySize(128, 128)) == approx(128 * 316.8e-15 * 2.86)


def test_a_neuron_follows_the_bits() -> None:
    table = load_energy_table("neurram-130nm")
    # A step of 0.3 + 0.1 pJ for each bit. Three planes: three samples of 1.2 pJ and 7 integrations of 0.25 pJ; five
    # come in two phases: 5 samples, 7 + 3 integrations.
    for adc_bits, planes, integrations in ((4, 1, 1), (8, 1, 1), (8, 3, 7), (8, 5, 10)):
        neuron = sum(table.energy_j(action, adc_bits, planes) for action in (Action.CONVERT_FORWARD, Action.SHIFT_ADD))
        assert neuron == approx((adc_bits * 0.4 + planes * 1.2 + integrations * 0.25) * 1e-12)
    assert not {"transimpedance_amplifier", "converter"} & {entry.component for entry in table.static_power}


def test_what_a_table_does_not_state_is_that_of_its_base(tmp_path: Path) -> None:
    base = load_energy_table("macro-65nm")
    mine = table_of(
        tmp_path,
        'base = "macro-65nm"\nwithout = ["converter"]\ndescription = "mine"\n'
        f'[actions.shift_add]\nvalue = 7\nunit = "pJ"\n{SOURCED}'
        f'[[static_power]]\ncomponent = "dispatcher_clock"\nvalue = 5\nunit = "uW"\n{SOURCED}',
    )
    assert (mine.name, mine.description) == ("mine", "mine")
    assert mine.energy_j(Action.SHIFT_ADD, 8, 4) == approx(7e-12)
    assert {**mine.actions, "shift_add": None} == {**base.actions, "shift_add": None}
    powers = {entry.component: entry.value for entry in mine.static_power if entry.state == "always"}
    assert powers["dispatcher_clock"] == 5
    assert "converter" not in {entry.component for entry in mine.static_power}
    assert mine.area == base.area


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('without = ["converter"]', "without is for a table that names another one as its base"),
        ('base = "mine"', "base is 'mine'; it must be the name of another energy table"),
        ("base = 3", "base is 3; it must be the name of another energy table"),
        ('base = "macro-65"', "there is no energy table 'macro-65'; did you mean 'macro-65nm'"),
        (
            'base = "macro-65nm"\nwithout = ["amplifier"]',
            "without names 'amplifier'; macro-65nm has amplifiers, cells, converter",
        ),
        ('base = "macro-65nm"\nactions = 3', "actions"),
        ('base = "macro-65nm"\nstatic_power = 3', "static_power"),
        ('base = "neurram-130nm"\n[actions.input_step.lines]\nlow = 3', "actions.input_step"),
    ],
)
def test_a_wrong_base_is_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as error:
        table_of(tmp_path, text)
    assert sentence in str(error.value)


def test_lines_that_do_not_rise_are_refused(tmp_path: Path) -> None:
    lines = (
        'lines = { per = "row", capacitance = 1, per_cell = 0, unit = "fF", low = 2, high = 1, by_input_bits.1 = 1 }'
    )
    with pytest.raises(ConfigError, match=r"low must be below high"):
        table_of(
            tmp_path,
            f'base = "macro-65nm"\n[actions.input_step]\nvalue = 0\nunit = "pJ"\n{SOURCED}{lines}\n',
        )
