"""Reads are calibrated against resistors of known values, through serial parts that have no trim."""

from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from twinbar.boards.analog.front_end_figures import find_figures
from twinbar.boards.wiring import find_wiring
from twinbar.emulator.crossbar.levels import LevelTable
from twinbar.emulator.crossbar.needed_calibrations import GAIN, calibrations
from twinbar.host.board.board_crossbar import settling_times, use_of
from twinbar.host.cells.bias_record import BiasRecord
from twinbar.host.cells.calibrated_levels import calibrated_windows
from twinbar.host.cells.chip import Chip
from twinbar.host.cells.conductance import ConductanceScale
from twinbar.host.cells.read_calibration import ChannelLine, ReadCalibration, load_calibration
from twinbar.host.cells.reference_resistors import fit_calibration, read_resistors
from twinbar.hw.errors import ConfigError

WIRING = "icebreaker-reference"
CLOCK_HZ = 12e6
RESISTORS = (np.arange(16) * 2 % 16, np.arange(16))
"""Rows and columns of the cells whose values are known."""


def made(engine: str = "fast", preset: str = "chip", tiles: int = 1, **settings: object) -> Chip:
    parts = find_wiring(WIRING).serial_parts(CLOCK_HZ)
    assert parts is not None
    keys = {"array.front_end": WIRING, "timing.clock_hz": CLOCK_HZ, **use_of(parts), **settling_times(parts, 16, 1)}
    more = {f"array.{name}": value for name, value in settings.items()}
    return Chip(preset, 16, 16, engine=engine, seed=3, tiles=tiles, settings=keys | more)


def spread(chip: Chip) -> Chip:
    """Cells of all levels, so that there is something to tell apart."""
    chip.write_levels(np.arange(256).reshape(16, 16) % 16)
    return chip


def relative_error(chip: Chip) -> np.ndarray:
    """How far the larger conductances are off, each read sixteen times."""
    true = chip.conductance()[0]
    read = np.mean([chip.read_conductance() for _ in range(16)], axis=0)
    return (read / true - 1)[true > 8e-6]


def test_a_gain_error_is_found_and_taken_off() -> None:
    chip = spread(made(adc_gain_error=0.05))
    before = relative_error(chip)
    assert abs(np.median(before)) > 0.02
    known = chip.conductance()[0][RESISTORS]
    found = chip.calibrate_reads(known, *RESISTORS)
    after = relative_error(chip)
    # 69.3 uS are 256 codes: half a code is 1.7 % of 8 uS, the mean of many is better.
    assert abs(np.median(after)) < 0.004
    codes_per_siemens = 1 / chip.scale.siemens_per_code
    assert 1 / found.channels[0].siemens_per_code == pytest.approx(
        codes_per_siemens * (1 + np.median(before)), rel=0.01
    )
    assert chip.calibration is found
    chip.use_calibration(None)
    assert np.median(relative_error(chip)) == pytest.approx(np.median(before), abs=0.003)


def test_conductances_are_written_to_what_the_resistors_say() -> None:
    chip = spread(made(adc_gain_error=0.05))
    chip.calibrate_reads(chip.conductance()[0][RESISTORS], *RESISTORS)
    asked = np.linspace(6e-6, 18e-6, 16)
    written = chip.write_conductance(asked, np.arange(16), 5, tolerance_s=0.6e-6)
    true = chip.conductance()[0, :, 5]
    assert written.ok.all()
    assert abs(np.mean(true - asked)) < 0.35e-6
    np.testing.assert_allclose(written.conductance_s, true, atol=1e-6)


def median_error(chip: Chip) -> float:
    """Write cells up to six levels in the middle, and return how far their conductances are off."""
    level = np.repeat(np.arange(6, 12), 16).reshape(6, 16)
    places = np.arange(6)[:, None], np.arange(16)[None, :]
    chip.write_levels(np.zeros_like(level), *places)
    assert chip.write_levels(level, *places).ok.all()
    assert chip.config is not None
    return float(
        np.median(chip.conductance()[0, :6] / (chip.config.levels.centre[level] * chip.scale.siemens_per_code))
    )


def test_levels_are_written_to_what_the_resistors_say() -> None:
    """With a wrong gain, levels come to what they come to with a right one: at the near edges of their windows."""
    right = median_error(spread(made(adc_gain_error=0.0)))
    chip = spread(made(adc_gain_error=0.05))
    wrong = median_error(chip)
    assert abs(wrong / right - 1) > 0.02
    chip.calibrate_reads(chip.conductance()[0][RESISTORS], *RESISTORS)
    assert abs(median_error(chip) / right - 1) < 0.01
    # The tile's own windows are there again.
    chip.use_calibration(None)
    assert median_error(chip) == pytest.approx(wrong, rel=0.012)


def test_a_gain_error_cancels_in_products_of_cells_that_the_same_channel_has_verified() -> None:
    """Why trainings write with nominal windows: with corrected ones, cells are right and products wrong."""
    levels = np.arange(256).reshape(16, 16) % 16
    inputs = np.random.default_rng(0).integers(0, 16, (40, 16))

    def written(chip: Chip, *, corrected: bool = False) -> tuple[float, float]:
        if corrected:
            spread(chip)
            chip.calibrate_reads(chip.conductance()[0][RESISTORS], *RESISTORS)
            chip.write_levels(np.zeros_like(levels))
        chip.write_levels(levels)
        products = np.mean([chip.multiply(inputs, full_scale_s=16 * 16 * 10e-6) for _ in range(4)], axis=0)
        return float(chip.conductance().mean()), float(products.sum())

    right_s, right = written(made())
    nominal_s, nominal = written(made(adc_gain_error=0.05))
    corrected_s, corrected = written(made(adc_gain_error=0.05), corrected=True)
    # The one channel of this seed reads 5 to 6 % too little.
    assert nominal_s / right_s - 1 == pytest.approx(0.05, abs=0.015)
    assert nominal / right - 1 == pytest.approx(0, abs=0.02)
    assert corrected_s / right_s - 1 == pytest.approx(0, abs=0.015)
    assert corrected / right - 1 == pytest.approx(-0.055, abs=0.02)


def test_windows_of_ones_own_are_codes() -> None:
    chip = spread(made(adc_gain_error=0.05))
    chip.calibrate_reads(chip.conductance()[0][RESISTORS], *RESISTORS)
    chip.set_levels([0, 40], [10, 44])
    chip.arm("write")
    written = chip.write_levels(1, np.arange(16), 3)
    assert written.ok.all()
    assert ((written.codes >= 40) & (written.codes <= 44)).all()


def test_corrected_windows_by_hand() -> None:
    """Codes come out twice as large and 3 higher: a window of 10 to 14 holds the codes 22 to 31."""
    levels = LevelTable(
        low=np.array([0, 10, 250]),
        high=np.array([4, 14, 255]),
        centre=np.array([2.0, 12.0, 252.0]),
        spacing=125.0,
        positions=np.array([0, 0.08, 2]),
    )
    scale = ConductanceScale(1e-6, 1e-3, 1e-6, 1e-7, 255, 1e-6)
    line = ChannelLine(offset_codes=3, siemens_per_code=0.5e-6, deviation_codes=0)
    other = ChannelLine(offset_codes=0, siemens_per_code=1e-6, deviation_codes=0)
    calibration = ReadCalibration(adc_bits=8, channels=[line, other])
    # 9.5 and 14.5 uS are codes 22 and 32; what begins or ends with the converter still does.
    low, high = calibrated_windows(levels, scale, calibration, 0)
    assert (low.tolist(), high.tolist()) == ([0, 22, 255], [11, 31, 255])
    low, high = calibrated_windows(levels, scale, calibration, 1)
    assert (low.tolist(), high.tolist()) == ([0, 10, 250], [4, 14, 255])


def test_no_trim_is_asked_for_and_offsets_always_are() -> None:
    """An amplifier with a pedestal has offsets, whatever the emulated converters have."""
    config = made().config
    assert config is not None
    _, arguments = calibrations(config, np.array([16]))
    assert len(arguments) == 16
    assert not arguments[:, GAIN].any()


def test_engines_agree_on_a_calibration() -> None:
    found = []
    for engine in ("fast", "events"):
        chip = made(engine, adc_gain_error=0.05, adc_offset_codes=2.0)
        places = (np.arange(8), np.arange(8))
        chip.write_levels([0, 2, 4, 6, 9, 11, 13, 15], *places)
        found.append(chip.calibrate_reads(chip.conductance()[0][places], *places, samples=2))
    assert found[0] == found[1]


def test_a_line_through_codes_by_hand() -> None:
    # Codes 10 + G' / 0.25 uS, with 100 Ohm in series: 1 mS is seen as 1 / 1.1 mS.
    siemens = np.array([0, 10e-6, 20e-6, 40e-6, 1e-3])
    seen = siemens / (1 + 100 * siemens)
    codes = 10 + seen / 0.25e-6
    found = fit_calibration(codes, siemens, np.arange(5) * 2, adc_bits=8, channels=1, series_ohm=100)
    (line,) = found.channels
    assert line.offset_codes == pytest.approx(10)
    assert line.siemens_per_code == pytest.approx(0.25e-6)
    assert line.deviation_codes == pytest.approx(0, abs=1e-6)
    np.testing.assert_allclose(found.siemens(codes, np.zeros(5, np.int64)), siemens, atol=1e-12)
    np.testing.assert_allclose(found.codes(siemens, np.zeros(5, np.int64)), codes)


def test_codes_at_the_ends_say_nothing_and_each_channel_needs_two() -> None:
    siemens, column = np.array([0, 10e-6, 20e-6, 90e-6]), np.zeros(4, np.int64)
    # The first is cut off at 0, the last at 255.
    found = fit_calibration(np.array([0, 35.0, 75.0, 255.0]), siemens, column, adc_bits=8, channels=1)
    assert found.channels[0].offset_codes == pytest.approx(-5)
    with pytest.raises(
        ConfigError, match=r"^ADC channel 1 has 0 different resistors whose codes lie between 0 and 255"
    ):
        fit_calibration(np.array([0, 35.0, 75.0, 255.0]), siemens, column, adc_bits=8, channels=2)
    with pytest.raises(ConfigError, match="do not rise with the conductance"):
        fit_calibration(np.array([200.0, 100.0]), siemens[1:3], column[:2], adc_bits=8, channels=1)


def test_a_file_of_it_is_taken_where_it_belongs_and_nowhere_else(tmp_path: Path) -> None:
    chip = spread(made(adc_gain_error=0.05))
    found = chip.calibrate_reads(chip.conductance()[0][RESISTORS], *RESISTORS)
    file = tmp_path / "board.toml"
    found.save(file)
    other = made(adc_gain_error=0.05)
    other.use_calibration(file)
    assert other.calibration == load_calibration(file) == found
    with pytest.raises(
        ConfigError, match=r"was made in a range of 6.9\d+e-05 S, and reads are made in one of 1.7\d+e-05"
    ):
        made(preset="ideal").use_calibration(file)
    with pytest.raises(ConfigError, match="is for the front end of one tile, and there are 2"):
        made(tiles=2).use_calibration(file)
    file.write_text("adc_bits = 8\nchannels = [{ offset_codes = 1, siemens_per_code = -1, deviation_codes = 0 }]\n")
    with pytest.raises(ConfigError, match=r"^calibration .*board.toml: channels.0.siemens_per_code: input should be"):
        other.use_calibration(file)


def test_the_dummy_load_reads_as_a_table_of_resistors(tmp_path: Path) -> None:
    with resources.as_file(resources.files("twinbar.boards.analog") / "dummy_load.csv") as table:
        row, column, siemens = read_resistors(table)
    assert (row == 0).all()
    assert column.tolist() == list(range(16))
    assert siemens[0] == 0
    assert siemens[5] == pytest.approx(10e-6)
    # Every range can be calibrated with it: from a twentieth of its full scale to its end there are three resistors.
    for each in find_figures("front_end").reading.ranges:
        full_s = (3.3 - each.offset_v) / each.transimpedance_ohm / 0.2
        assert ((siemens > full_s / 20) & (siemens < full_s)).sum() >= 3
    file = tmp_path / "mine.csv"
    file.write_text("row,column,ohm\n0,0,-5\n")
    with pytest.raises(ConfigError, match="a resistor has -5 Ohm; write inf where there is none"):
        read_resistors(file)
    file.write_text("column,ohm\n0,5\n")
    with pytest.raises(
        ConfigError, match="is not a table of resistors with the heading row,column,ohm: its heading is column,ohm"
    ):
        read_resistors(file)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "its heading is missing"),
        (b"row,column,ohm\n", "has no resistor below its heading"),
        (b"row,column,ohm\n0,0\n", "line 2 is '0,0'; it must be a row, a column and Ohm"),
        (b"row,column,ohm\n0,0,1000,5\n", "line 2 is '0,0,1000,5'; it must be"),
        (b"# mine\nrow,column,ohm\n0,0,1k\n", "line 3 is '0,0,1k'; it must be"),
        (b"row,column,ohm\n0,0,nan\n", "line 2: a resistor has nan Ohm"),
        (b"row,column,ohm\n0,0,1e-320\n", "Ohm; write inf where there is none"),
        (b"row,column,ohm\n99999999999999999999,0,1\n", "is outside of any array"),
        (b"row,column,ohm\n0,-1,1\n", "row 0, column -1 is outside of any array"),
        (b"row,column,ohm\n0,1,10\n0,2,10\n0,1,20\n", "has two resistors at row 0, column 1"),
        (b"\xff\xfe", "it is not text in UTF-8"),
    ],
)
def test_a_table_of_resistors_that_is_wrong(tmp_path: Path, content: bytes, sentence: str) -> None:
    file = tmp_path / "mine.csv"
    file.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        read_resistors(file)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_table_of_resistors_may_come_from_a_spreadsheet(tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_bytes(b"\xef\xbb\xbfrow, column, ohm\r\n0, 3, 1000\r\n1, 2, inf\r\n")
    row, column, siemens = read_resistors(file)
    assert (row.tolist(), column.tolist(), siemens.tolist()) == ([0, 1], [3, 2], [1e-3, 0.0])


@pytest.mark.parametrize("siemens", [-1e-6, np.nan, np.inf])
def test_conductances_that_no_resistor_has(siemens: float) -> None:
    codes, column = np.array([20.0, 35.0, 75.0]), np.zeros(3, np.int64)
    with pytest.raises(ConfigError, match=r"^a resistor has \S+ S; conductances are finite"):
        fit_calibration(codes, np.array([siemens, 10e-6, 20e-6]), column, adc_bits=8, channels=1)


def test_a_calibration_that_cannot_be_made_leaves_the_one_before(tmp_path: Path) -> None:
    chip = spread(made(adc_gain_error=0.05))
    known = chip.conductance()[0][RESISTORS]
    found = chip.calibrate_reads(known, *RESISTORS)
    table = tmp_path / "mine.csv"
    table.write_text("row,column,ohm\n0,0,100000\n0,1,50000\n")
    for arguments, choices in (
        ((known - 1, *RESISTORS), {}),
        ((["1k", "2k"], [0, 1], [0, 1]), {}),
        ((known, *RESISTORS), {"samples": 1.5}),
        ((known, *RESISTORS), {"samples": 0}),
        ((table, [0, 1], [0, 1]), {}),
    ):
        with pytest.raises(ConfigError):
            chip.calibrate_reads(*arguments, **choices)
    with pytest.raises(ConfigError, match=r"^a calibration is a ReadCalibration or its file, not int$"):
        chip.use_calibration(3)  # type: ignore[arg-type]
    assert chip.calibration is found
    found.save(tmp_path / "new" / "board.toml")
    assert load_calibration(tmp_path / "new" / "board.toml") == found
    with pytest.raises(ConfigError, match="cannot be written"):
        found.save(tmp_path)


@pytest.mark.parametrize("value", ["nan", "inf"])
def test_a_file_of_a_calibration_has_finite_numbers(tmp_path: Path, value: str) -> None:
    file = tmp_path / "board.toml"
    for line in ("offset_codes = 1.0", "siemens_per_code = 1e-7", "series_ohm = 9.0"):
        text = (
            "adc_bits = 8\nseries_ohm = 9.0\n[[channels]]\noffset_codes = 1.0\n"
            "siemens_per_code = 1e-7\ndeviation_codes = 0.0\n"
        )
        file.write_text(text.replace(line, f"{line.partition('=')[0]}= {value}"))
        with pytest.raises(ConfigError, match="input should be a finite number"):
            load_calibration(file)


def test_a_sweep_and_a_limit_go_by_the_drives_of_the_wiring() -> None:
    chip = made()
    chip.set_record("read", BiasRecord(bit_line=chip.ramp(0.0, 0.0, 0.3, reads=True)))
    chip.arm("read")
    curve = chip.iv_sweep([0.1, 0.3], 0, 0)
    # 0.498 V are 4096 codes.
    assert curve.drive_codes.tolist() == [822, 2467]
    # 10.93 uA and 1.939 uA for each step.
    assert chip.limit_code(100e-6) == 45
    with pytest.raises(ConfigError, match="this front end's limiter is not known; give the limit's code"):
        Chip("chip", 4, 4).limit_code(100e-6)
