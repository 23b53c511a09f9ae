import copy
import re
import tomllib
from importlib.resources import files

import pytest
import tomli_w
from ledger_samples import approx, change

from twinbar.emulator.ledger.energy_table import POWER_UNITS, EnergyTable, energy_table_names, load_energy_table
from twinbar.hw.actions import PRICED, Action
from twinbar.hw.errors import ConfigError


def raw(name="macro-65nm"):
    return tomllib.loads(
        (files("twinbar.emulator.ledger") / "energy_tables" / f"{name}.toml").read_text(encoding="utf-8")
    )


@pytest.fixture
def write_table(tmp_path):
    def write(data):
        path = tmp_path / "own.toml"
        path.write_bytes(data if isinstance(data, bytes) else tomli_w.dumps(data).encode())
        return path

    return write


def test_there_is_an_integrated_macro_and_a_laboratory_board():
    assert {"macro-65nm", "lab-board"} <= set(energy_table_names())


@pytest.mark.parametrize("name", energy_table_names())
def test_every_figure_has_a_unit_a_source_and_an_uncertainty(name):
    data = raw(name)
    assert set(load_energy_table(name).actions) == set(PRICED)
    powers = {(entry["component"], entry.get("state")): entry for entry in data.get("static_power", [])}
    figures = {**data.get("actions", {}), **powers}
    for key, entry in figures.items():
        assert entry["unit"], key
        assert len(entry["source"]) > 8 or entry["source"].startswith("as "), key
        assert ("uncertainty" in entry) != ("factor" in entry), key
        # What was chosen rather than found says so in its text as well.
        assert (entry["certainty"] == "assumed") == ("assumed" in entry["source"]), key


@pytest.mark.parametrize("name", energy_table_names())
def test_both_conversions_of_the_one_converter_agree(name):
    actions = load_energy_table(name).actions
    verify, forward = actions["convert_verify"], actions["convert_forward"]
    assert verify.by_adc_bits == forward.by_adc_bits
    assert verify.part == forward.part is not None


@pytest.mark.parametrize("name", energy_table_names())
def test_finer_conversion_never_costs_less(name):
    table = load_energy_table(name)
    for action, figures in [
        (Action.CONVERT_FORWARD, table.actions["convert_forward"].by_adc_bits),
        (Action.ROW_DRIVE, table.actions["row_drive"].by_input_bits),
    ]:
        costs = [table.energy_j(action, bits, bits) for bits in sorted(figures or ())]
        assert costs == sorted(costs)


def test_the_quoted_figures_are_in_the_tables():
    # Accelergy's ADC model at 65 nm and 130 nm; AD7476A: 3.6 nJ and 16 SPI clocks of 272 pJ.
    macro, older, board = (load_energy_table(name) for name in ("macro-65nm", "macro-130nm", "lab-board"))
    assert macro.energy_j(Action.CONVERT_VERIFY, 8, 1) == approx(6.5e-12)
    assert macro.energy_j(Action.CONVERT_VERIFY, 6, 1) == approx(4.0e-12, rel=0.02)
    assert macro.energy_j(Action.CONVERT_VERIFY, 12, 1) == approx(27e-12, rel=0.02)
    assert older.energy_j(Action.CONVERT_VERIFY, 8, 1) == approx(24e-12, rel=0.02)
    assert board.energy_j(Action.CONVERT_VERIFY, 12, 1) == approx(3.6e-9 + 16 * 272e-12, rel=0.01)
    assert macro.clock.hz == 100e6


def test_a_user_s_file_is_read_and_named_after_itself(write_table):
    data = raw()
    data["actions"]["select_cell"]["value"] = 2
    data["actions"]["select_cell"]["unit"] = "nJ"
    del data["actions"]["select_cell"]["line"]
    path = write_table(data)
    table = load_energy_table(path)
    assert table.name == "own"
    assert table.energy_j(Action.SELECT_CELL, 8, 1) == approx(2e-9)
    assert load_energy_table(str(path)) == table


@pytest.mark.parametrize("name", energy_table_names())
def test_a_table_survives_being_written_into_a_configuration(name):
    table = load_energy_table(name)
    dumped = tomllib.loads(tomli_w.dumps(table.model_dump(mode="json", exclude_none=True)))
    assert EnergyTable.model_validate(dumped) == table


SELECT = ("actions", "select_cell")
MISTAKES = [
    (change(*SELECT, "unit"), "actions.select_cell.unit is missing; write one of J, mJ, uJ, nJ, pJ, fJ"),
    (change("static_power", 0, "unit"), f"static_power.0.unit is missing; write one of {', '.join(POWER_UNITS)}"),
    (change("clock", "unit"), "clock.unit is missing; write one of Hz"),
    (change(*SELECT, "source"), "actions.select_cell.source is missing"),
    (change(*SELECT, "source", value="  "), "actions.select_cell.source is '  '"),
    (change(*SELECT, "factor"), "actions.select_cell needs exactly one of uncertainty"),
    (change(*SELECT, "uncertainty", value=0.1), "actions.select_cell needs exactly one of uncertainty"),
    (change(*SELECT, "factor", value=0.5), "actions.select_cell.factor is 0.5; it must be 1 or more"),
    (change(*SELECT, "value", value=-1), "actions.select_cell.value is -1; it must be 0 or more"),
    (change(*SELECT, "value", value=float("nan")), "actions.select_cell.value is nan"),
    (change(*SELECT, "value", value="much"), "actions.select_cell.value is 'much'"),
    (
        change(*SELECT, "value"),
        "actions.select_cell needs exactly one of value, by_adc_bits, by_input_bits and by_lane",
    ),
    (change(*SELECT, "unit", value="kWh"), "actions.select_cell.unit is 'kWh'; write 'J', 'mJ'"),
    (change(*SELECT, "certainty", value="sure"), "actions.select_cell.certainty is 'sure'; write 'published'"),
    (change(*SELECT, "vaule", value=1), "actions.select_cell.vaule is not a known key"),
    (change(*SELECT), "actions has no entry for select_cell"),
    (
        change("actions", "selct_cell", value={}),
        "actions has an unknown action 'selct_cell'; did you mean 'select_cell'?",
    ),
    (change("actions", "convert_verify", "by_adc_bits", value={"8": -2}), "convert_verify.by_adc_bits.8 is -2"),
    (change("actions", "convert_verify", "by_adc_bits", value={"many": 2}), "convert_verify.by_adc_bits.many"),
    (
        change("static_power", 2, "state", value="clocked"),
        "static_power names sequencer_clock more than once; give each component one entry, or one for each state",
    ),
    (change("clock", "value", value=0), "clock.value is 0; it must be greater than 0"),
    (change("actions"), "actions is missing"),
    (change("actions", value=3), "actions is 3"),
    (change("cell"), "cell is missing"),
    (change("colour", value="red"), "colour is not a known key"),
]


@pytest.mark.parametrize(("apply", "text"), MISTAKES, ids=[text for _, text in MISTAKES])
def test_a_mistake_is_refused_in_one_sentence_with_file_and_key(apply, text, write_table):
    data = copy.deepcopy(raw())
    apply(data)
    path = write_table(data)
    with pytest.raises(ConfigError, match=re.escape(text)) as refusal:
        load_energy_table(path)
    sentence = str(refusal.value)
    assert str(path) in sentence
    assert "\n" not in sentence
    assert len(sentence) < 400


def test_several_mistakes_are_counted(write_table):
    data = raw()
    del data["actions"]["select_cell"]["unit"]
    data["clock"]["value"] = -1
    with pytest.raises(ConfigError, match=re.escape("(and 1 more mistake)")):
        load_energy_table(write_table(data))


@pytest.mark.parametrize(
    ("content", "text"),
    [(b"a = [", "is not TOML"), (b"\xff\xfe", "is not TOML"), (b"", "description is missing")],
)
def test_what_is_not_a_table_is_refused(content, text, write_table):
    with pytest.raises(ConfigError, match=text):
        load_energy_table(write_table(content))


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"energy table .*nowhere\.toml cannot be read: No such file"):
        load_energy_table(tmp_path / "nowhere.toml")


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(ConfigError, match=re.escape("no energy table 'macro-66nm'; did you mean 'macro-65nm'?")):
        load_energy_table("macro-66nm")
    with pytest.raises(
        ConfigError, match="known are lab-board, macro-130nm, macro-65nm, macro-65nm-sampled, neurram-130nm"
    ):
        load_energy_table("xyz")
