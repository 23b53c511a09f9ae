import dataclasses
import hashlib

import numpy as np
import pytest

from twinbar.emulator.devices import layout as at
from twinbar.emulator.devices.deviates import normal_quantiles
from twinbar.emulator.devices.physics import mix
from twinbar.emulator.devices.preset import load_preset, preset_names
from twinbar.hw.errors import ConfigError


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_builds(tables_of, name):
    cell = tables_of(name, clock_hz=100e6, drive_full_scale_v=None)
    assert cell.scalars.shape == (1,)
    assert cell.scalars.dtype == at.SCALARS
    assert cell.tables.shape == (at.TABLE_SIZE,)
    assert cell.tables.dtype == np.int32
    sections = {"mean": at.O_MEAN, "sigma": at.O_SIGMA}
    mean = cell.tables[sections["mean"] :][: 2 * at.STEP_BINS].reshape(2, -1)
    assert mean[at.SET].min() >= 0
    assert mean[at.SET].max() > 0
    assert mean[at.RESET].max() <= 0
    assert mean[at.RESET].min() < 0
    assert cell.tables[at.O_SIGMA : at.O_SHAPE].min() >= 0
    assert cell.tables[at.O_GAIN : at.O_LOW].min() > 0
    assert (cell.tables[at.O_LOW : at.O_HIGH] < cell.tables[at.O_HIGH : at.O_TRAIT_Z]).all()
    assert cell.grid_limit >> cell.scalars[0].var_shift < at.VAR_BINS
    assert all(longest >= nominal for longest, nominal in zip(cell.max_width_cycles, cell.width_cycles, strict=True))


def test_seed_is_mixed_to_a_bit_pattern(tables_of):
    for seed in (0, 1, 12345, -1, 1 << 80):
        pattern = np.uint64(tables_of("ideal", seed=seed).scalars[0].seed.view(np.uint64))
        assert pattern == np.uint64(mix(np.uint64(seed % 2**64)))


def test_quantiles_have_unit_variance():
    for bins in (at.GAUSS_BINS, at.TRAIT_BINS):
        z = normal_quantiles(bins)
        assert z.mean() == pytest.approx(0, abs=1e-12)
        assert np.mean(z**2) == pytest.approx(1, abs=1e-12)
        assert np.all(np.diff(z) > 0)


def test_gauss_table_after_rounding(tables_of):
    z = tables_of("ideal").tables[at.O_GAUSS : at.O_GAUSS + at.GAUSS_BINS] / at.Q12
    assert z.mean() == pytest.approx(0, abs=1e-4)
    assert z.std() == pytest.approx(1, abs=1e-5)


def test_write_energy_is_v_squared_g_t(tables_of):
    cell = tables_of("taox-hfox", clock_hz=100e6)
    code = cell.drive.amplitude_start[at.SET]
    middle = sum(cell.window) // 2
    units = ((middle + middle) >> 13) * int(cell.tables[at.O_ENERGY + code])
    expected = 1.6**2 * 5.5e-6 * 50e-9
    assert units * cell.pulse_energy_unit_j[at.SET] == pytest.approx(expected, rel=1e-3, abs=0)
    # The figure of the reference: 0.70 pJ.
    assert expected == pytest.approx(0.70e-12, rel=0.01, abs=0)


def test_read_energy(tables_of):
    cell = tables_of("taox-hfox")
    assert cell.read_energy_unit_j * 1024 * 100e-9 == pytest.approx(0.5**2 * 10e-6 * 100e-9, rel=1e-6, abs=0)


def test_drive_codes_cover_the_presets_voltages(tables_of):
    cell = tables_of("neurram")
    drive = cell.drive
    assert cell.code_to_volts(drive.amplitude_start[at.SET]) == pytest.approx(1.2, abs=1e-3)
    assert cell.code_to_volts(drive.amplitude_step[at.SET]) == pytest.approx(0.1, abs=1e-3)
    assert cell.code_to_volts(drive.amplitude_stop[at.RESET]) == pytest.approx(4.0, abs=1e-3)
    assert cell.code_to_volts(drive.gate_start[at.SET]) == pytest.approx(3.0, abs=1e-3)
    assert cell.code_to_volts(drive.gate_start[at.RESET]) == pytest.approx(5.0, abs=1e-3)
    assert cell.volts_to_code(cell.code_to_volts(1234)) == 1234
    with pytest.raises(ConfigError, match="beyond the write drive"):
        cell.volts_to_code(cell.drive_full_scale_v)


def test_a_ramp_moves_even_on_a_coarse_drive(tables_of):
    cell = tables_of("neurram", drive_full_scale_v=2000.0)
    assert cell.drive.amplitude_step == (1, 1)


def test_presets_without_a_gate_have_no_cap(tables_of):
    cell = tables_of("taox-hfox")
    assert set(cell.tables[at.O_GATE_CAP : at.O_GATE_CAP + at.CODES]) == {2**31 - 1}
    assert cell.drive.gate_start == (4095, 4095)


def test_nominal_amplitude_has_factor_one(tables_of):
    for name in preset_names():
        cell = tables_of(name)
        # Ramps that begin below the nominal voltage.
        if name in ("neurram", "radar-hfo2"):
            pulse = load_preset(name).pulse
            codes = cell.volts_to_code(pulse.set_voltage.si), cell.volts_to_code(pulse.reset_voltage.si)
        else:
            codes = cell.drive.amplitude_start
        for polarity, code in enumerate(codes):
            assert cell.tables[at.O_AMP_MEAN + polarity * at.CODES + code] == at.Q12, name
            assert cell.tables[at.O_AMP_SIGMA + polarity * at.CODES + code] == at.Q12, name


def test_a_width_that_the_clock_cannot_make_is_refused(tables_of):
    with pytest.raises(ConfigError, match=r"set_width 50 ns is 0\.5 cycles of the 10 MHz clock.*100\.0% off"):
        tables_of("taox-hfox", clock_hz=10e6)
    # 125 ns at 100 MHz are 12.5 cycles: 13 are 4 % off, which is allowed.
    assert tables_of("gst-pcm", clock_hz=100e6).width_cycles == (600, 13)
    with pytest.raises(ConfigError, match="at most 268435455 can be counted"):
        tables_of("taox-tio2", clock_hz=10e9)
    with pytest.raises(ConfigError, match=r"set_width is 5e\+292 cycles of the 1e\+294 MHz clock"):
        tables_of("taox-hfox", clock_hz=1e300)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"grid_bits": 3}, "array.grid_bits is 3; it must be a whole number from 6 to 16"),
        ({"adc_bits": 0}, "adc_bits is 0"),
        ({"variance_max": 0}, "variance_max is 0"),
        ({"clock_hz": 0.0}, "clock_hz is 0.0; it must be a number greater than zero"),
        ({"tick_s": float("nan")}, "tick_s is nan"),
        ({"read_range": -1.0}, "read_range is -1.0"),
        ({"adc_noise_codes": -1.0}, "adc_noise_codes is -1.0"),
        ({"adc_noise_codes": 1e6}, "more than the physics can hold"),
        ({"read_range": 1e9}, "less than 2"),
        ({"drive_full_scale_v": 1.0}, "1.6 V is beyond the write drive"),
        ({"drive_full_scale_v": 0.0}, "drive_full_scale_v is 0.0"),
        ({"drive_full_scale_v": 20000.0}, "too coarse to tell the set voltage 1.6 V from its threshold 0.8 V"),
    ],
)
def test_bad_arguments_are_refused(tables_of, changes, text):
    with pytest.raises(ConfigError, match=text):
        tables_of("taox-hfox", **changes)


def test_a_preset_that_would_overflow_is_refused(tables_of, changed, assumed):
    from twinbar.emulator.devices.preset import load_preset

    law = load_preset("taox-hfox").amplitude.model_dump()
    with pytest.raises(ConfigError, match=r"does not fit its 32-bit table; check the values of \[amplitude\]"):
        tables_of(changed("taox-hfox", amplitude={**law, "highest": assumed(1e6, "1")}), drive_full_scale_v=10.0)


def test_longest_width_keeps_products_in_64_bits(tables_of, changed, assumed):
    gain = {"distribution": "lognormal", "set": assumed(3, "1"), "reset": assumed(3, "1"), "shared": True}
    preset = changed("ideal", device_to_device={"gain": gain})
    cell = tables_of(preset)
    widest = cell.max_width_cycles[at.SET]
    tables = cell.tables.astype(object)
    change = max(tables[at.O_MEAN :][: at.STEP_BINS]) * max(tables[at.O_GAIN :][: at.TRAIT_BINS]) >> 12
    change = change * max(tables[at.O_AMP_MEAN :][: at.CODES]) >> 12
    assert change * ((widest << 12) // cell.width_cycles[at.SET]) < 2**63
    assert widest > cell.width_cycles[at.SET]


def test_tables_do_not_depend_on_the_seed(tables_of):
    first, second = tables_of("taox-hfox", seed=1), tables_of("taox-hfox", seed=2)
    assert np.array_equal(first.tables, second.tables)
    assert [name for name in at.SCALARS.names if np.any(first.scalars[name] != second.scalars[name])] == ["seed"]


def test_cell_tables_are_frozen(tables_of):
    with pytest.raises(dataclasses.FrozenInstanceError):
        tables_of("ideal").grid_bits = 3


def test_tables_are_the_same_bits_on_every_processor(tables_of):
    cell = tables_of("taox-hfox")
    digest = hashlib.sha256(cell.tables.astype("<i4").tobytes() + cell.scalars.tobytes()).hexdigest()
    assert digest == "1230e0690f11ac120283cf5da7df34a7905dc7619918d3951815f1bb77c1308a"


def test_cmo_hfox_has_the_published_steps_at_its_symmetry_point(tables_of):
    # 22 states, window / step where SET and RESET do the same, 61 % below the top; steps there scatter by 90 %.
    tables = tables_of("ibm-cmo-hfox", variation=False).tables
    bin_at = round(0.39 * at.STEP_BINS)
    mean, sigma = (tables[start : start + 2 * at.STEP_BINS].reshape(2, -1) for start in (at.O_MEAN, at.O_SIGMA))
    step = at.G_ONE * (90 - 8) / 90 / 22
    assert mean[:, bin_at] == pytest.approx([step, -step], rel=0.01)
    assert sigma[:, bin_at] == pytest.approx([0.9 * step, 0.9 * step], rel=0.01)
