"""Absurd values in a preset end in one sentence when it is loaded, or in cells that can be simulated."""

import copy
import math
import tomllib
import warnings

import numpy as np
import pytest

from twinbar.emulator.devices.effects import EFFECT_FOLDER
from twinbar.emulator.devices.preset import PRESET_FOLDER, check_preset, preset_names
from twinbar.emulator.devices.quantity import RANGES, UNITS
from twinbar.emulator.devices.staircase import staircase
from twinbar.hw.errors import ConfigError, TwinbarError

# Every response law, both relaxations, drift, gates, tables of read noise; the first with every effect beside.
SAMPLES = ("taox-hfox", "ibm-pcm", "stellar", "reram-es", "ecram-mo", "ibm-cmo-hfox", "radar-hfo2", "neurram")
NUMBERS = (-1.0, 0, 1e300, -1e300, 1e-300, 1e30, 1e9, 1e-9, 1e4, 1e-4, math.nan, math.inf, 10**400)
OTHERS = ("text", "", [], [1.0], {}, True, -1.0, math.nan)


def content(name, *, effects=False):
    data = tomllib.loads((PRESET_FOLDER / f"{name}.toml").read_text())
    for path in sorted(EFFECT_FOLDER.glob("*.toml")) if effects else ():
        effect = tomllib.loads(path.read_text())
        data["sources"].update(effect.pop("sources", {}))
        data.update({key: value for key, value in effect.items() if key not in ("name", "title")})
    return data


def places(node, path=()):
    if path:
        yield path
    # Of a list, the first two: the others are checked alike.
    items = node.items() if isinstance(node, dict) else enumerate(node[:2]) if isinstance(node, list) else ()
    for key, below in items:
        yield from places(below, (*path, key))


def at(data, path):
    for key in path:
        data = data[key]
    return data


def replaced(data, path, value):
    data = copy.deepcopy(data)
    at(data, path[:-1])[path[-1]] = value
    return data


def mutants(data):
    for path in places(data):
        old = at(data, path)
        if path[0] == "sources" and len(path) > 1:
            continue
        if path[-1] == "unit":
            values = [unit for units in UNITS.values() for unit in units]
        elif isinstance(old, (int, float)) and not isinstance(old, bool):
            values = [*NUMBERS, *OTHERS, old * 1e4, old * 1e-4, -old]
        else:
            values = OTHERS
        for value in values:
            yield path, value


def one_sentence(error):
    text = str(error)
    assert "\n" not in text
    assert len(text) < 600
    assert error.exit_status == 2


@pytest.mark.parametrize("name", SAMPLES)
def test_every_mutated_value_is_refused_in_a_sentence_or_can_be_simulated(name):
    data = content(name, effects=name == "taox-hfox")
    simulated = refused = 0
    for path, value in mutants(data):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                staircase(check_preset(replaced(data, path, value), "mine.toml"), cells=2)
            except TwinbarError as error:
                one_sentence(error)
                refused += 1
            else:
                simulated += 1
    assert refused > 200
    assert simulated > 20


@pytest.mark.parametrize(
    ("key", "value", "unit", "sentence"),
    [
        ("window.g_max", 1e300, "uS", "window.g_max is 1e+300 uS; it must lie between 1e-15 and 1 S"),
        ("window.g_min", 1e-300, "S", "window.g_min is 1e-300 S; it must lie between 1e-15 and 1 S"),
        ("read.voltage", 1e6, "mV", "read.voltage is 1e+06 mV; it must lie between 1e-06 and 100 V"),
        ("pulse.set_width", 1e-9, "ns", "pulse.set_width is 1e-09 ns; it must lie between 1e-12 and 1e+10 s"),
        ("access.resistance", 1e300, "kOhm", "access.resistance is 1e+300 kOhm; it must lie between 0.001 and 1e+12"),
        ("access.resistance", 1e9, "kOhm", "it must be at most 1e+06 times that of a cell at window.g_max, 10 uS"),
        ("read_noise.relative", 1e9, "%", "read_noise.relative is 1e+09 %; it must lie between 0 and 10000 %"),
        ("response.set.norm_a", -1e300, "1", "response.set.norm_a is -1e+300; it must lie between -1e+06 and 1e+06"),
        (
            "endurance.cycles",
            1e-3,
            "cycles",
            "endurance.cycles is 0.001 cycles; it must lie between 1 and 1e+15 cycles",
        ),
        ("retention.temperature", 1e9, "K", "retention.temperature is 1e+09 K; it must lie between 1 and 5000 K"),
        ("retention.activation_energy", 1.0, "J", "is 1 J; it must lie between 1.6e-22 and 1.7e-17 J"),
        ("initial.sigma", 1e-2, "S", "initial.sigma is 0.01 S; it must be at most 100 times window.g_max, 10 uS"),
        ("amplitude.set_scale", 1, "mV", "amplitude.set_scale is 1 mV; it must be at least 1/700 of what is between"),
        ("amplitude.noise_exponent", 1e4, "1", "amplitude.noise_exponent is 10000; it must lie between 0 and 10"),
        ("telegraph.spread", 1e3, "1", "telegraph.spread is 1000; it must lie between 0 and 100"),
        ("endurance.shape", 1e-3, "1", "endurance: shape is 0.001; it must lie between 0.01 and 1000"),
    ],
)
def test_what_lies_outside_its_range_is_named_with_key_value_and_range(key, value, unit, sentence):
    data = content("taox-hfox", effects=True)
    quantity = at(data, key.split("."))
    quantity.update(value=value, unit=unit)
    with pytest.raises(ConfigError) as caught:
        check_preset(data, "mine.toml")
    one_sentence(caught.value)
    assert sentence in str(caught.value)


def test_exponentials_of_the_step_stay_finite():
    data = content("reram-es")
    data["response"]["set_rate"]["value"] = 1e4
    with pytest.raises(ConfigError, match=r"set_rate is 10000, a is -0.5 and b is -0.5: the step has exp\(1e\+04\)"):
        check_preset(data, "mine.toml")


def test_bounds_of_a_drift_are_in_order():
    data = content("ibm-pcm")
    data["drift"]["nu_lowest"]["value"] = 0.2
    with pytest.raises(
        ConfigError, match=r"drift: nu_lowest is 0.2 and nu_highest is 0.1; nu_lowest must be the smaller"
    ):
        check_preset(data, "mine.toml")


def test_a_section_of_two_kinds_must_be_a_section():
    data = content("ibm-pcm")
    data["relaxation"] = "none"
    with pytest.raises(ConfigError, match=r"relaxation is 'none'; it must be a section, \[relaxation\]"):
        check_preset(data, "mine.toml")


def test_read_noise_beyond_the_converter_is_refused(tables_of, changed, assumed):
    # 100 times a cell's conductance, at the finest grid and the finest converter.
    loud = changed("taox-hfox", read_noise={"relative": assumed(100, "1")})
    with pytest.raises(
        ConfigError, match=r"the noise of a single-cell read is .* codes, more than the physics can hold"
    ):
        tables_of(loud, grid_bits=16, adc_bits=15, variance_max=1)


def test_ranges_hold_every_shipped_value_with_room():
    kind_of = {unit: kind for kind, units in UNITS.items() for unit in units}
    for name in preset_names():
        preset = check_preset(content(name), name)
        for path, quantity in preset.quantities():
            assert np.max(np.abs(quantity.si_list)) <= RANGES[kind_of[quantity.unit]].most / 10, path


def test_the_share_of_a_voltage_far_above_a_pulse_is_the_largest(changed, assumed):
    from twinbar.emulator.devices.disturb import pulse_share
    from twinbar.emulator.devices.preset import load_preset

    law = load_preset("taox-hfox").amplitude.model_dump()
    # A scale of 2 mV: 100 V is 49,600 scales above the threshold of 0.8 V, whose exponential no float holds.
    steep = changed("taox-hfox", amplitude={**law, "set_scale": assumed(2, "mV"), "highest": assumed(16, "1")})
    assert pulse_share(steep, 100.0, "set") == 16.0
