from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from program_runner import write_list

from twinbar.emulator.contract.bulk_operations import TileBlock
from twinbar.emulator.crossbar.cell_energy import CellEnergy
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.crossbar.levels import Targets
from twinbar.emulator.crossbar.register_settings import check_settings
from twinbar.emulator.crossbar.write_registers import Ramp
from twinbar.emulator.devices.layout import CODES, G_ONE
from twinbar.emulator.devices.preset import load_preset
from twinbar.emulator.engines.bulk.engine import FastEngine
from twinbar.emulator.sections.array_section import ArrayConfig
from twinbar.hw.errors import ConfigError

CLOCK_HZ = 100e6


@pytest.mark.parametrize(
    ("choice", "sentence"),
    [
        ({"rows": 0}, "array.rows is 0; it must be a whole number from 1 to 1024"),
        ({"columns": 5}, "array.columns is 5; it must be a whole number from 2 to 1024, a multiple of 2"),
        ({"adc_channels": 8}, "array.adc_channels is 8; it must be a power of two that divides the 4 column pairs"),
        ({"adc_channels": 3, "columns": 6}, "array.adc_channels is 3; it must be a power of two that divides the 3"),
        ({"adc_bits": 2}, "array.adc_bits is 2; it must be a whole number from 3 to 15"),
        ({"adc_bits": 16}, "array.adc_bits is 16; it must be a whole number from 3 to 15"),
        ({"input_bits": 9}, "array.input_bits is 9; it must be a whole number from 1 to 8"),
        ({"grid_bits": 17}, "array.grid_bits is 17; it must be a whole number from 6 to 16"),
        ({"command_depth": 1}, "array.command_depth is 1; it must be a whole number from 2 to 32768"),
    ],
)
def test_an_array_that_cannot_be_is_refused(choice: dict[str, int], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        ArrayConfig(**{"rows": 8, "columns": 8} | choice)


def test_what_follows_from_an_array() -> None:
    planes = ArrayConfig(rows=4, columns=6, input_bits=3, adc_bits=8, inputs="planes", pairs="separate")
    assert (planes.input_max, planes.step_input_max, planes.planes) == (7, 1, 3)
    assert (planes.outputs, planes.code_range) == (6, (0, 255))
    dac = ArrayConfig(rows=4, columns=6, input_bits=3, adc_bits=8, inputs="dac", pairs="subtract")
    assert (dac.step_input_max, dac.planes) == (7, 1)
    assert (dac.outputs, dac.code_range) == (3, (-128, 127))


def test_an_array_is_one_controller() -> None:
    array = ArrayConfig(rows=24, columns=16, adc_channels=4, adc_bits=6, input_bits=3, command_depth=32)
    controller = array.controller(5)
    assert (controller.tiles, controller.rows, controller.columns) == (5, 24, 16)
    assert (controller.adc_channels, controller.adc_bits, controller.input_bits) == (4, 6, 3)
    assert (controller.command_depth, controller.dac_bits, controller.rows_per_word) == (32, 12, 8)
    with pytest.raises(ConfigError, match="tiles is 257"):
        array.controller(257)


@pytest.mark.parametrize(
    ("choice", "sentence"),
    [
        ({"settle_drive": 1}, "settle_drive is 1; a controller takes 2 to 65535"),
        ({"convert": 1 << 16}, "convert is 65536; a controller takes 1 to 65535"),
        ({"limit": 256}, "pulse_limit is 256; a controller takes 1 to 255"),
        ({"samples": 17, "discard": 16}, "16 samples of a read would be thrown away; at most 15 can be"),
        ({"samples": 32}, "32 of the 32 samples of a read would be averaged"),
    ],
)
def test_what_no_register_holds_is_refused(
    make_crossbar: Callable[..., CrossbarConfig], choice: dict[str, int], sentence: str
) -> None:
    config = make_crossbar()
    of_the_writes = {name: value for name, value in choice.items() if name in ("limit", "discard")}
    timing = replace(config.timing, **{name: choice[name] for name in choice.keys() - of_the_writes})
    registers = replace(config.registers, **of_the_writes)
    with pytest.raises(ConfigError, match=sentence):
        check_settings(timing, registers)
    with pytest.raises(ConfigError, match=sentence):
        replace(config, timing=timing, registers=registers)


def test_a_large_pulse_limit_is_shared_among_several_writes(make_crossbar: Callable[..., CrossbarConfig]) -> None:
    registers = make_crossbar("ecram").registers
    assert (registers.limit, registers.attempts) == (255, 4)
    registers = make_crossbar("taox-hfox").registers
    assert (registers.limit, registers.attempts) == (100, 1)


@pytest.mark.parametrize(("samples", "discard"), [(3, 0), (4, 1), (2, 2), (1, 3)])
def test_only_powers_of_two_are_averaged(
    make_crossbar: Callable[..., CrossbarConfig], samples: int, discard: int
) -> None:
    config = make_crossbar()
    timing, registers = replace(config.timing, samples=samples), replace(config.registers, discard=discard)
    with pytest.raises(ConfigError, match=f"{samples - discard} of the {samples} samples .* keep 1, 2, 4, 8"):
        check_settings(timing, registers)
    with pytest.raises(ConfigError, match=r"timing\.discard"):
        make_crossbar(samples=samples, discard=discard)


@pytest.mark.parametrize("ramp", [(10, 1, 5), (-1, 1, 5), (1, -1, 5)])
def test_a_ramp_that_cannot_be_driven_is_refused(ramp: tuple[int, int, int]) -> None:
    with pytest.raises(ConfigError, match="start must not exceed stop and the step must not be negative"):
        Ramp(*ramp)


def test_a_pulse_limit_of_zero_is_refused(make_crossbar: Callable[..., CrossbarConfig]) -> None:
    with pytest.raises(ConfigError, match="a pulse limit of 0 with 0 discarded samples cannot be used"):
        make_crossbar(limit=0)


def test_the_register_record_holds_every_ramp_at_its_place(make_crossbar: Callable[..., CrossbarConfig]) -> None:
    ramps = {
        "set_amplitude": Ramp(100, 7, 200),
        "set_gate": Ramp(300, 11, 400),
        "reset_amplitude": Ramp(500, 13, 600),
        "reset_gate": Ramp(700, 17, 800),
    }
    record = make_crossbar(limit=9, discard=1, samples=3, **ramps).registers.record()
    assert record["amplitude"].tolist() == [(100, 7, 200), (500, 13, 600)]
    assert record["gate"].tolist() == [(300, 11, 400), (700, 17, 800)]
    assert (record["limit"], record["discard"]) == (9, 1)


def test_the_range_registers_map_the_full_scale_to_the_largest_code(
    make_crossbar: Callable[..., CrossbarConfig],
) -> None:
    config = make_crossbar(pairs="subtract")
    for full_scale in (127.0, 5000.0, 3e10):
        adc = config.adc_range(full_scale)
        # A range code has a mantissa of 12 bits.
        assert full_scale * adc.codes_per_grid == pytest.approx(127, rel=2**-12)
        expected = config.cells.variance_unit * (adc.codes_per_grid * 256) ** 2
        assert adc.ku / 2**adc.ku_shift == pytest.approx(expected, rel=1e-4, abs=0)
    # A code per read-grid unit is as fine as it gets.
    assert config.adc_range(1.0) == config.adc_range(127.0)


def test_read_noise_of_a_level_is_that_of_the_preset(make_crossbar: Callable[..., CrossbarConfig]) -> None:
    config = make_crossbar("taox-hfox", adc_noise_codes=0.3)
    noise = load_preset("taox-hfox").read_noise
    assert noise is not None
    assert noise.relative is not None
    codes = config.levels.centre
    expected = np.sqrt((noise.relative.si * codes) ** 2 + 0.3**2 + 1 / 12)
    assert config.read_noise_codes == pytest.approx(expected, rel=0.02)


def test_reads_scatter_as_the_configuration_says(make_crossbar: Callable[..., CrossbarConfig]) -> None:
    engine = FastEngine(make_crossbar("taox-hfox"), 1, np.array([8]))
    engine.write(write_list([[(0, 7)]]))
    grid = engine.conductances_s()[0, 0, 0] / engine.config.cells.g_max_s
    codes, _ = engine.read(np.array([0, 20000]), np.zeros(20000, np.int32))
    code = grid * 255 / 1.15
    assert codes.mean() == pytest.approx(code, abs=0.3)
    assert codes.std() == pytest.approx(
        engine.config.read_noise_codes[7] * code / engine.config.levels.centre[7], rel=0.05
    )


def test_levels_that_cannot_be_told_apart_are_warned_of(make_crossbar: Callable[..., CrossbarConfig]) -> None:
    assert make_crossbar("taox-hfox", levels=8).warnings == ()
    (sentence,) = make_crossbar("taox-hfox", levels=32).warnings
    assert sentence.startswith(
        "32 levels lie 6.4 ADC codes apart, but a read of the highest level scatters by 6.4 codes"
    )
    # Averaging is what the sentence advises.
    assert make_crossbar("taox-hfox", levels=32, samples=8).warnings == ()


def test_the_analog_policy_writes_to_finer_targets_with_the_same_tolerance(
    make_crossbar: Callable[..., CrossbarConfig],
) -> None:
    coarse = make_crossbar(levels=8, tolerance=0.25)
    fine = make_crossbar(levels=8, tolerance=0.25, targets=Targets(levels=256))
    assert (len(coarse.levels), len(fine.levels)) == (8, 256)
    half = (coarse.levels.high - coarse.levels.low)[3] / 2
    assert (fine.levels.high - fine.levels.low)[100] / 2 == pytest.approx(half, abs=1)
    assert (fine.levels.centre[0], fine.levels.centre[-1]) == (coarse.levels.centre[0], coarse.levels.centre[-1])


# --- joules of the integer units, against V^2 G t -------------------------------------------------------------------


def ideal_engine(make_crossbar: Callable[..., CrossbarConfig], **choices: Any) -> FastEngine:
    return FastEngine(make_crossbar("ideal", adc_noise_codes=0.0, **choices), 1, np.array([8]))


def test_energy_of_a_pulse(make_crossbar: Callable[..., CrossbarConfig]) -> None:
    engine = ideal_engine(make_crossbar, limit=1)
    config, preset = engine.config, load_preset("ideal")
    before = int(engine.state_dict()["g"][0, 0]) / G_ONE * config.cells.g_max_s
    activity = engine.write(write_list([[(0, 7)]])).activity
    after = int(engine.state_dict()["g"][0, 0]) / G_ONE * config.cells.g_max_s
    assert after > before
    code = config.registers.set_amplitude.start
    volts = code * config.cells.drive_full_scale_v / CODES
    assert volts == pytest.approx(preset.pulse.set_voltage.si, rel=1e-3)
    joules = int(activity.cell_energy[CellEnergy.SET]) * config.cell_energy_unit_j[CellEnergy.SET]
    exact = volts**2 * (before + after) / 2 * preset.pulse.set_width.si
    # Conductances are summed, and counted in whole units of Gmax / 2048.
    unit = volts**2 * config.cells.g_max_s / 2048 / 2 * preset.pulse.set_width.si
    assert exact - unit < joules <= exact


def test_energy_of_a_read(make_crossbar: Callable[..., CrossbarConfig]) -> None:
    engine = ideal_engine(make_crossbar, samples=2, settle_read=7, convert=5)
    engine.write(write_list([[(0, 7)]]))
    _, activity = engine.read(np.array([0, 1]), np.zeros(1, np.int32))
    joules = int(activity.cell_energy[CellEnergy.VERIFY]) * engine.config.cell_energy_unit_j[CellEnergy.VERIFY]
    read_v = load_preset("ideal").read.voltage.si
    assert joules == pytest.approx(
        read_v**2 * engine.conductances_s()[0, 0, 0] * (7 + 2 * 5) / CLOCK_HZ, rel=1e-9, abs=0
    )


@pytest.mark.parametrize("sample_and_hold", [True, False])
@pytest.mark.parametrize("driven", ["dac", "planes"])
def test_energy_of_a_multiplication(
    make_crossbar: Callable[..., CrossbarConfig], driven: str, sample_and_hold: bool
) -> None:
    engine = ideal_engine(
        make_crossbar,
        settle_multiply=6,
        convert=10,
        adc_channels=2,
        input_bits=2,
        pairs="separate",
        inputs=driven,
        sample_and_hold=sample_and_hold,
    )
    engine.write(write_list([[(cell, cell % 8) for cell in range(64)]]))
    inputs = np.array([0, 1, 2, 3, 0, 3, 1, 2])
    block = TileBlock(0, np.arange(8)[None], np.array([8]), np.array([8]), 8)
    activity = engine.multiply(block, inputs[None], 10000.0).activity
    joules = int(activity.cell_energy[CellEnergy.FORWARD]) * engine.config.cell_energy_unit_j[CellEnergy.FORWARD]
    # Eight columns on two channels: four conversions, with a cycle to decide between them and, in the last step, two
    # responses (docs/controller.md); rows are driven up to the end of the last one.
    cycles = 6 if sample_and_hold else 6 + 4 * 10 + 3 * 1
    last = cycles if sample_and_hold else cycles + 3 * 2
    per_row = engine.conductances_s()[0].sum(axis=1)
    # With a DAC, rows are driven to a part of the read voltage; else once per plane that holds a one.
    steps = [(inputs / 3) ** 2] if driven == "dac" else [inputs & 1, inputs >> 1]
    squares_cycles = sum(step * driven_for for step, driven_for in zip(steps[::-1], (last, cycles), strict=False))
    read_v = load_preset("ideal").read.voltage.si
    assert joules == pytest.approx(read_v**2 * float(per_row @ squares_cycles) / CLOCK_HZ, rel=1e-9, abs=0)
