import json

import numpy as np
import pytest

from twinbar.emulator.devices.preset import load_preset, preset_names
from twinbar.host.cli import main

PULSES = ["--set-voltage", "1.6V", "--reset-voltage", "1.5V", "--set-width", "50ns", "--reset-width", "0.1us"]


@pytest.fixture
def command(capsys):
    """Run ``twinbar device ...``; give exit status, standard output and standard error."""

    def run(*arguments):
        with pytest.raises(SystemExit) as ended:
            main(["device", *map(str, arguments)])
        out, err = capsys.readouterr()
        return ended.value.code or 0, out, err

    return run


@pytest.fixture
def csv_file(tmp_path):
    """Measured pulses of one cell: a linear staircase of 60 pulses read with 1 % noise, four times."""
    rng = np.random.default_rng(0)
    rows = ["polarity,pulse,conductance_uS"]
    for _ in range(4):
        for polarity, ramp in (("SET", np.linspace(1, 10, 61)), ("RESET", np.linspace(10, 1, 61))):
            readings = ramp * (1 + 0.01 * rng.standard_normal(61))
            rows += [f"{polarity},{number},{value:.5f}" for number, value in enumerate(readings)]
    path = tmp_path / "pulses.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


def test_list(command):
    status, out, _ = command("list")
    assert status == 0
    for name in preset_names():
        assert name in out
    assert "1 to 10 uS" in out
    assert "1.6 V, 50 ns" in out


def test_list_as_json(command):
    status, out, _ = command("list", "--json")
    rows = {row["name"]: row for row in json.loads(out)}
    assert status == 0
    assert set(rows) == set(preset_names())
    assert rows["taox-hfox"]["g_max_s"] == pytest.approx(1e-5)
    assert rows["taox-hfox"]["on_off"] == pytest.approx(10)
    assert rows["taox-hfox"]["set"] == {"voltage_v": 1.6, "width_s": pytest.approx(50e-9)}
    assert rows["taox-hfox"]["pulses"] == [128, 128]


def test_show(command, tmp_path):
    plot = tmp_path / "stairs.png"
    status, out, _ = command("show", "stellar", "--pulses", 50, "--cells", 20, "--plot", plot)
    assert status == 0
    for text in ("0.325", "published", "assumed", "stellar-code", "common.py", "•", "20 cells", "SET 1 to 50"):
        assert text in out
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_show_overwrites_no_plot(command, tmp_path):
    plot = tmp_path / "stairs.svg"
    plot.write_text("mine")
    status, out, err = command("show", "ideal", "--cells", 3, "--plot", plot)
    assert (status, out) == (2, "")
    assert f"{plot} exists already; give --plot another name, or --force to overwrite it" in err
    assert plot.read_text() == "mine"
    assert command("show", "ideal", "--cells", 3, "--plot", plot, "--force")[0] == 0
    assert "<svg" in plot.read_text()


def test_show_as_json(command):
    status, out, _ = command("show", "neurram", "--json", "--cells", 10)
    content = json.loads(out)
    assert status == 0
    preset = load_preset("neurram")
    parameters = content["parameters"]
    assert set(parameters) == {path for path, _ in preset.quantities()}
    assert parameters["window.g_max"] == {
        "value": 40.0,
        "unit": "uS",
        "certainty": "published",
        "source": "neurram-code",
        "note": None,
        "si": pytest.approx(40e-6),
    }
    assert content["settings"]["write.algorithm"] == "ispp"
    assert len(content["staircase"]["median_s"]) == 2 * content["staircase"]["pulses"] + 1
    assert content["sources"] == preset.sources


def test_show_a_file_of_ones_own(command, tmp_path):
    from twinbar.emulator.devices.preset_toml import preset_toml

    path = tmp_path / "mine.toml"
    path.write_text(preset_toml(load_preset("ideal")).replace('name = "ideal"', 'name = "mine"'))
    status, out, _ = command("show", path, "--cells", 3)
    assert status == 0
    assert out.startswith("mine  ")


def test_fit_writes_a_preset_that_loads(command, csv_file):
    status, out, _ = command("fit", csv_file, *PULSES, "--material", "HfO2")
    assert status == 0
    target = csv_file.with_suffix(".toml")
    assert f"Preset: {target}" in out
    preset = load_preset(target)
    assert preset.name == "pulses"
    assert preset.window.g_max.si == pytest.approx(1e-5, rel=0.02)
    assert preset.response.set.pulses.si == pytest.approx(60, rel=0.05)
    assert preset.pulse.reset_width.si == pytest.approx(100e-9)
    assert preset.read_noise.relative.si == pytest.approx(0.01, rel=0.2)
    assert command("show", target)[0] == 0


def test_fit_of_a_jump_table_as_json(command, csv_file, tmp_path):
    out_file = tmp_path / "table.toml"
    status, out, _ = command("fit", csv_file, *PULSES, "--jump-table", 5, "--out", out_file, "--name", "t1", "--json")
    assert status == 0
    content = json.loads(out)
    assert content["name"] == "t1"
    assert content["file"] == str(out_file)
    assert content["parameters"]["response.set.mean"]["value"] == pytest.approx([0.15] * 5, rel=0.1)
    assert load_preset(out_file).response.kind == "jump-table"


def test_fit_overwrites_nothing(command, csv_file):
    target = csv_file.with_suffix(".toml")
    target.write_text("mine")
    status, _, err = command("fit", csv_file, *PULSES)
    assert status == 2
    assert "exists already" in err
    assert target.read_text() == "mine"
    assert command("fit", csv_file, *PULSES, "--force")[0] == 0
    assert load_preset(target).name == "pulses"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["show", "taox-hfo"], "there is no device preset 'taox-hfo'; did you mean 'taox-hfox'?"),
        (["show", "none.toml"], "the device preset none.toml cannot be read"),
        (["show", "ideal", "--cells", "0"], "cells is 0"),
        (["show", "ideal", "--cells", "1000000000000"], "are simulated: ask for fewer cells"),
        (["show", "ideal", "--plot", "x.gif"], "a plot is a .png, .svg or .pdf file"),
        (["fit", "none.csv", *PULSES], "cannot read none.csv"),
        (["fit", "none.csv", *PULSES, "--out", "x.json"], "a preset is a .toml file"),
        (["fit", "none.csv", *PULSES, "--jump-table", "1"], "2 bins or more"),
        (["fit", "none.csv", *PULSES, "--name", "A b"], "lower-case letters, digits and hyphens"),
        (["fit", "none.csv", "./none.csv", *PULSES], "none.csv is given twice"),
        (["fit", "none.csv", *PULSES, "--read-voltage", "0.2"], "--read-voltage is '0.2'; write a positive number"),
        (["fit", "none.csv", *PULSES, "--read-voltage", "0.2ns"], "its unit (V, mV)"),
    ],
)
def test_bad_requests_end_in_one_sentence_and_status_2(command, monkeypatch, tmp_path, arguments, sentence):
    monkeypatch.chdir(tmp_path)
    status, out, err = command(*arguments)
    assert status == 2
    assert sentence in err
    assert err.count("\n") == 1
    assert out == ""
    assert list(tmp_path.iterdir()) == []
