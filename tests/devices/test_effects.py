"""Effects beside those of a preset, and sections that are left out."""

from pathlib import Path

import pytest

from twinbar.emulator.crossbar.configuration import build_config
from twinbar.emulator.devices.disturb import set_share
from twinbar.emulator.devices.effects import SECTIONS, effect_names, load_effect, with_effects
from twinbar.emulator.devices.preset import load_preset
from twinbar.emulator.sections.device_section import DeviceConfig
from twinbar.hw.errors import ConfigError


@pytest.mark.parametrize("name", effect_names())
def test_every_built_in_effect_fits_a_preset(name: str) -> None:
    one = load_effect(name)
    assert one.name == name
    given = [section for section in SECTIONS if getattr(one, section) is not None]
    assert given
    preset = with_effects(load_preset("neurram"), [name], [])
    assert [getattr(preset, section) for section in given] == [getattr(one, section) for section in given]
    assert preset.sources.items() >= one.sources.items()
    build_config(load_preset("neurram"), DeviceConfig(effects=name, levels=4))


def test_effects_are_off_by_default() -> None:
    preset = load_preset("taox-hfox")
    assert with_effects(preset, [], []) is preset
    scalars = build_config(preset).cells.scalars[0]
    names = ("access_at", "threshold_varies", "pulse_tails", "relaxation_tails", "wears", "fails", "trap_share")
    assert not any(scalars[name] for name in names)


def test_sections_can_be_left_out() -> None:
    cells = build_config(load_preset("neurram"), DeviceConfig(without="relaxation,faults")).cells
    assert not cells.scalars[0].ages
    assert not cells.scalars[0].non_responding
    with_both = build_config(load_preset("neurram")).cells
    assert with_both.scalars[0].ages
    assert with_both.scalars[0].non_responding


def test_an_effect_of_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "stuck.toml"
    file.write_text(
        'name = "stuck"\ntitle = "a test"\n[faults]\n'
        + "".join(
            f'{key} = {{ value = {value}, unit = "%", certainty = "assumed", note = "a test" }}\n'
            for key, value in (("stuck_low", 9.04), ("stuck_high", 1.75), ("non_responding", 0))
        )
    )
    cells = build_config(load_preset("taox-hfox"), DeviceConfig(effects=(str(file),))).cells
    assert cells.scalars[0].stuck_low == round(0.0904 * 2**32)


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"effects": "heavy-tail"}, "there is no effect 'heavy-tail' .*did you mean 'heavy-tails'"),
        ({"effects": "no-such.toml"}, "no-such.toml"),
        ({"without": "window"}, "device.without names 'window'; what can be left out are"),
        ({"without": "drift"}, "which preset taox-hfox does not have; it has"),
    ],
)
def test_bad_names_are_refused(keys: dict[str, str], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        build_config(load_preset("taox-hfox"), DeviceConfig(**keys))


def test_an_effect_with_an_unknown_key_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "odd.toml"
    file.write_text('name = "odd"\ntitle = "a test"\n[tail]\npulse = "logistic"\n')
    with pytest.raises(ConfigError, match="tail"):
        load_effect(file)


def test_reads_that_disturb_are_warned_of_with_the_figure() -> None:
    # gst-pcm is read at 0.5 V, 0.15 V above its SET threshold.
    law = load_preset("gst-pcm").amplitude
    assert law is not None
    share = set_share(load_preset("gst-pcm"), 0.5)
    assert 0.1 < share < 0.15
    warnings = build_config(load_preset("gst-pcm")).warnings
    (sentence,) = (each for each in warnings if "above its SET threshold of 0.35 V" in each)
    assert f"{share:.2g} of a SET step" in sentence
    assert set_share(load_preset("taox-hfox"), load_preset("taox-hfox").read.voltage.si) == 0
    assert set_share(load_preset("taox-hfox"), 1.6) == 1
    assert not any("threshold" in each for each in build_config(load_preset("taox-hfox")).warnings)
