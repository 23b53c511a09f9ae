"""The verbs on an emulated chip: shapes, units, what is told, and what is refused in one sentence."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.crossbar.write_registers import Ramp
from twinbar.host.cells.bias_record import BiasRecord
from twinbar.host.cells.chip import Chip
from twinbar.host.transport.controller_state import read_registers
from twinbar.hw.errors import ConfigError, RefusedError, TwinbarError
from twinbar.hw.protocol.registers import LEVEL_WINDOW

LEVELS = 5


@pytest.fixture
def config(make_crossbar: Any) -> CrossbarConfig:
    found: CrossbarConfig = make_crossbar("ideal", levels=LEVELS, adc_noise_codes=0.0)
    return found


@pytest.fixture
def chip(config: CrossbarConfig) -> Chip:
    return Chip.of(config, config.array.controller(2))


class Bare:
    """Runs commands on a chip's controller, past the verbs."""

    def __init__(self, chip: Chip) -> None:
        self._chip = chip

    def run(self, beats: Any) -> Any:
        from twinbar.emulator.contract.program import Program

        return self._chip.emulated.run(Program(beats)).responses


def test_a_chip_is_made_without_torch(compiled_kernels: None) -> None:
    program = (
        "import sys; from twinbar.host.cells.chip import Chip\n"
        "from twinbar.host.board.board_crossbar import crossbar_of\n"
        "chip = Chip('taox-hfox', 4, 4); chip.write_levels(1); chip.read()\n"
        "print('torch' in sys.modules, 'numba' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert ran.stdout.split() == ["False", "True"]


def test_levels_lie_where_they_are_spaced(compiled_kernels: None) -> None:
    """Of a window from 1 to 10 uS, a tenth and two fifths are 1.9 and 4.6 uS."""
    spaced = {"device.level_spacing": [0, 0.1, 0.4, 1], "device.variation": False, "device.without": "read_noise"}
    chip = Chip("taox-hfox", 8, 8, levels=4, settings=spaced)
    levels = np.arange(64).reshape(8, 8) % 4
    written = chip.write_levels(levels)
    assert written.ok.mean() > 0.9
    found = chip.conductance()[0]
    # Windows reach half way: 0.45 uS below 1.9, and 1.35 above it. A code is 0.04 uS.
    low, high = np.array([0, 1.45e-6, 3.25e-6, 7.3e-6]), np.array([1.45e-6, 3.25e-6, 7.3e-6, 12e-6])
    inside = (found > low[levels] - 0.1e-6) & (found < high[levels] + 0.1e-6)
    assert inside[written.ok].all()
    # Half a spacing on average is a sixth of the window.
    assert chip.scale.tolerance_s == pytest.approx(1.5e-6)


def test_results_have_the_shape_that_was_asked_for(chip: Chip) -> None:
    assert chip.read().shape == (8, 8)
    assert chip.read(tile=[1, 0]).shape == (2, 8, 8)
    assert chip.read(3, 4).shape == ()
    assert chip.read([[1], [2]], [3, 4, 5], tile=1).shape == (2, 3)
    assert chip.read([], []).shape == (0,)
    assert chip.write_levels([], [], []).ok.shape == (0,)
    assert chip.write_levels(2).codes.shape == (8, 8)
    assert chip.write_levels([[0], [3]], 1, [4, 5]).sets.shape == (2, 2)
    assert chip.write_conductance(chip.scale.g_max_s, [1, 2], 3).error_s.shape == (2,)
    assert chip.write_conductance([], [], []).error_s.shape == (0,)
    assert chip.pulse("set", 1, [2, 3]).shape == (2,)
    assert chip.multiply(np.zeros((3, 2, 5), int)).shape == (3, 2, 4)
    assert chip.multiply(np.zeros((2, 1, 5), int), 3, subtract=False, tile=[0, 1, 1]).shape == (2, 3, 3)
    assert chip.iv_sweep([0, 0], [[1], [2]], [3, 4, 5]).codes.shape == (2, 3, 2)
    assert chip.iv_sweep([0], 1, 2).deviation.shape == (1,)
    assert chip.conductance().shape == chip.pulse_counts().shape == (2, 8, 8)


def test_every_tile_gets_its_own_values(chip: Chip) -> None:
    levels = np.random.default_rng(1).integers(0, LEVELS, (2, 8, 8))
    written = chip.write_levels(levels[::-1], tile=[1, 0])
    assert written.ok.all()
    step_s = (chip.scale.g_max_s - chip.scale.g_min_s) / (LEVELS - 1)
    true = (chip.conductance() - chip.scale.g_min_s) / step_s
    # Half a level, and half a code of rounding.
    assert np.abs(true - levels).max() < 0.5 + 0.5 * chip.scale.siemens_per_code / step_s
    assert (written.sets + written.resets == chip.pulse_counts()[::-1]).all()
    codes = chip.read(tile=[0, 1])
    assert codes.tolist() == written.codes[::-1].tolist()
    for tile in (0, 1):
        assert chip.read(tile=tile).tolist() == codes[tile].tolist()
        assert chip.read([1, 7], [2, 0], tile=tile).tolist() == codes[tile, [1, 7], [2, 0]].tolist()
    assert chip.read([1, 7], [2, 0], tile=[0, 1]).tolist() == [codes[0, 1, 2], codes[1, 7, 0]]
    assert chip.read([2, 2, 2], [0, 1, 2], tile=[1, 0, 1]).tolist() == [codes[1, 2, 0], codes[0, 2, 1], codes[1, 2, 2]]


def test_siemens_come_back_as_they_were_written(chip: Chip) -> None:
    scale = chip.scale
    asked = np.random.default_rng(2).uniform(scale.g_min_s, scale.g_max_s, (8, 8))
    written = chip.write_conductance(asked, tile=1)
    assert written.ok.all()
    assert all(index.size == 0 for index in written.missed)
    assert np.abs(written.error_s).max() <= scale.tolerance_s
    assert written.error_s == pytest.approx(chip.read_conductance(tile=1) - asked, rel=1e-6, abs=0)
    # The read is exact but for half a code of rounding.
    assert np.abs(chip.conductance()[1] - written.conductance_s).max() <= 0.51 * scale.siemens_per_code
    finer = chip.write_conductance(asked, tile=1, tolerance_s=scale.siemens_per_code)
    assert np.abs(finer.error_s[finer.ok]).max() <= 1.001 * scale.siemens_per_code
    assert np.abs(finer.error_s).mean() < np.abs(written.error_s).mean()
    assert not chip.pulse_counts()[0].any()


def test_cells_that_were_missed_are_named(make_crossbar: Any) -> None:
    config = make_crossbar("ideal", levels=LEVELS, adc_noise_codes=0.0, limit=1, attempts=2)
    chip = Chip.of(config)
    start, scale = chip.conductance()[0], chip.scale
    asked = start.clip(scale.g_min_s, scale.g_max_s)
    asked[3, 5] = asked[6, 0] = scale.g_max_s
    written = chip.write_conductance(asked, tolerance_s=scale.siemens_per_code)
    assert [index.tolist() for index in written.missed] == [[3, 6], [5, 0]]
    # Two attempts, of one pulse each.
    assert written.sets[written.missed].tolist() == [2, 2]
    assert (written.error_s[written.missed] < -scale.siemens_per_code).all()
    missing_s = chip.conductance()[0, 3, 5] - scale.g_max_s
    assert written.error_s[3, 5] == pytest.approx(missing_s, abs=scale.siemens_per_code)


def test_more_windows_than_a_table_holds_are_written_in_turns(make_crossbar: Any) -> None:
    config = make_crossbar("ideal", rows=24, columns=24, levels=LEVELS, adc_bits=12, adc_noise_codes=0.0)
    chip = Chip.of(config)
    asked = np.linspace(chip.scale.g_min_s, chip.scale.g_max_s, 576).reshape(24, 24)
    told: list[tuple[int, int]] = []
    written = chip.write_conductance(asked, progress=lambda *now: told.append(now))
    assert len(np.unique(np.ceil((asked - chip.scale.tolerance_s) / chip.scale.siemens_per_code))) > 256
    assert written.ok.all()
    assert np.abs(written.error_s).max() <= chip.scale.tolerance_s
    assert told[-1] == (576, 576)
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_levels_and_arming_are_as_before_afterwards(chip: Chip, config: CrossbarConfig) -> None:
    def windows() -> list[int]:
        return read_registers(Bare(chip), 1, ["LEVELS", *range(0x100, 0x100 + LEVELS)])

    table = zip(config.levels.low.tolist(), config.levels.high.tolist(), strict=True)
    expected = [LEVELS, *(LEVEL_WINDOW.pack(low=low, high=high) for low, high in table)]
    assert windows() == expected
    chip.write_conductance(np.linspace(chip.scale.g_min_s, chip.scale.g_max_s, 8), np.arange(8), 0, tile=1)
    assert windows() == expected
    assert chip.write_levels(LEVELS - 1, 0, 0, tile=1).ok
    chip.disarm(1)
    chip.arm("read", tile=1)
    chip.iv_sweep([0], 0, 0, tile=1)
    chip.read(tile=1)
    with pytest.raises(RefusedError, match=r'tile 1 is not armed for this \(it needs "write"\); arm it first'):
        chip.write_conductance(chip.scale.g_max_s, 0, 0, tile=1)
    with pytest.raises(RefusedError, match="tile 1 answered PULSE with DISARMED; arm it first"):
        chip.pulse("set", 0, 0, tile=1)
    # The other tile is still armed.
    assert chip.pulse("set", 0, 0) == 1


def test_forming_needs_a_record(chip: Chip, config: CrossbarConfig) -> None:
    with pytest.raises(ConfigError, match='the record "form" of tile 1 drives nothing; set_record'):
        chip.form(2, 0, 0, tile=1)
    volts = config.cells.code_to_volts
    start, stop = config.registers.set_amplitude.start, config.registers.set_amplitude.stop
    step = max(1, config.registers.set_amplitude.step)
    gate = config.registers.set_gate.stop
    lines = {"bit_line": chip.ramp(volts(start), volts(step), volts(stop)), "word_line": chip.ramp(volts(gate))}
    assert lines == {"bit_line": Ramp(start, step, stop), "word_line": Ramp(gate, 0, gate)}
    width_s = config.timing.width_set / config.clock_hz
    chip.set_record("form", BiasRecord(**lines, width_cycles=chip.pulse_cycles(width_s)), tile=1)
    chip.arm()
    formed = chip.form(2, [0, 1], [0, 1], tile=1)
    assert formed.ok.all()
    assert (formed.codes >= config.levels.low[2]).all()
    assert (formed.sets > 0).all()
    assert not formed.resets.any()
    with pytest.raises(ConfigError, match="is not a whole number of cycles of 100 MHz"):
        chip.pulse_cycles(1.5 / config.clock_hz)


def test_products_are_those_of_the_conductances(chip: Chip) -> None:
    levels = np.random.default_rng(3).integers(0, LEVELS, (2, 8, 8))
    chip.write_levels(levels, tile=[0, 1])
    inputs = np.random.default_rng(4).integers(0, 16, (5, 1, 8))
    true = np.einsum("bir,trc->btc", inputs, chip.conductance())
    expected_s = true[..., 0::2] - true[..., 1::2]
    top_s = 1.1 * np.abs(expected_s).max()
    sums = chip.multiply(inputs, tile=[0, 1], full_scale_s=top_s)
    # Signed codes of 8 bits, and a range with four significant bits that is at most 1/16 off.
    scale = np.abs(expected_s).sum() / np.abs(sums).sum()
    assert scale == pytest.approx(top_s / 127, rel=1 / 16)
    assert np.abs(sums * scale - expected_s).max() < 2 * scale
    assert chip.multiply(inputs[0, 0], tile=1).tolist() == sums[0, 1].tolist()


def test_counters_and_cost_are_those_of_the_verbs(chip: Chip) -> None:
    assert chip.cost["cycles"]["total"] == 0
    assert chip.cost["energy_j"]["total"] == 0
    assert sum(chip.counters()["actions"].values()) == 0
    chip.read(tile=1)
    counted = chip.counters([[0], [1]])
    assert counted["actions"]["convert_verify"].tolist() == [[0], [64]]
    assert counted["actions"]["response_beat"].tolist() == [[0], [64]]
    pulses = int(chip.pulse("set", 0, 0, count=7)) + int(chip.pulse("reset", [0, 1], 1, count=[2, 3]).sum())
    assert pulses == 12
    assert chip.counters(0)["actions"]["pulse_set"] == 7
    cost = chip.cost
    assert cost["pulses"] == {"set": 7, "reset": 5}
    assert cost["verify_reads"] == 64
    working = sum(
        count.sum() for name, count in chip.counters([0, 1])["cycles"].items() if name not in ("idle", "stall")
    )
    assert cost["cycles"]["write"] == working
    assert cost["seconds"]["write"] == pytest.approx(working / 100e6)
    assert cost["energy_j"]["write"] > 0
    assert cost["energy_breakdown_j"]["cell_set"] > 0
    assert cost["cycles"]["forward"] == 0
    chip.multiply(np.full(8, 3))
    assert chip.cost["cycles"]["forward"] > 0
    assert chip.cost["cycles"]["write"] == working


def test_a_chip_is_named_by_device_and_size() -> None:
    chip = Chip("epiram", 16, 8, levels=4, tiles=2, seed=7, settings={"array.adc_bits": 7})
    assert (chip.tiles, chip.rows, chip.columns) == (2, 16, 8)
    assert chip.scale.code_max == 127
    assert chip.write_levels(3, 0, 0).codes.shape == ()
    with pytest.raises(ConfigError, match="level 4 is outside the table; tile 0 has levels 0 to 3"):
        chip.write_levels(4, 0, 0)
    twin, other = (Chip("epiram", 16, 8, levels=4, tiles=2, seed=seed) for seed in (7, 8))
    assert (chip.pulse("set", 1, 1, 20), twin.pulse("set", 1, 1, 20), other.pulse("set", 1, 1, 20)) == (20, 20, 20)
    assert chip.conductance()[0, 1, 1] == twin.conductance()[0, 1, 1] != other.conductance()[0, 1, 1]
    with pytest.raises(ConfigError, match="unheard-of"):
        Chip("unheard-of")
    with pytest.raises(ConfigError, match="there is no engine 'quick'"):
        Chip("epiram", 16, 8, engine="quick")


BAD: dict[str, tuple[Callable[[Chip], Any], type[TwinbarError], str]] = {
    "row": (lambda chip: chip.read([0, 8], 0), ConfigError, "row 8 is outside the array; its rows are 0 to 7"),
    "column": (lambda chip: chip.read(0, -1), ConfigError, "column -1 is outside the array; its columns are 0 to 7"),
    "tile": (lambda chip: chip.read(tile=2), ConfigError, "tile 2 is outside the array; its tiles are 0 to 1"),
    "tile of faults": (lambda chip: chip.faults(9), ConfigError, "tile 9 is outside the array"),
    "columns only": (lambda chip: chip.read(columns=1), ConfigError, "rows are missing; give rows and columns, or"),
    "fraction": (lambda chip: chip.read(0.5, 0), ConfigError, "rows are of type float64; give whole numbers"),
    "ragged": (lambda chip: chip.read([[0], [1, 2]], 0), ConfigError, "rows are lists of different lengths"),
    "shapes": (
        lambda chip: chip.read([0, 1], [0, 1, 2]),
        ConfigError,
        r"these shapes do not fit each other: tile \(\), rows \(2,\), columns \(3,\); give shapes that broadcast",
    ),
    "shape of levels": (
        lambda chip: chip.write_levels(np.zeros(7, int)),
        ConfigError,
        r"these shapes do not fit each other: .*levels \(7,\)",
    ),
    "levels of many tiles": (
        lambda chip: chip.write_levels(np.zeros((2, 8, 8), int)),
        ConfigError,
        r"levels have the shape \(2, 8, 8\), and the cells \(8, 8\)",
    ),
    "level": (lambda chip: chip.write_levels(5), ConfigError, "level 5 is outside the table; tile 0 has levels 0 to 4"),
    "negative level": (lambda chip: chip.write_levels(-1, 0, 0), ConfigError, "level -1 is outside the table"),
    "no level": (lambda chip: chip.write_levels(1.0, 0, 0), ConfigError, "levels are of type float64"),
    "not a number": (lambda chip: chip.write_conductance([np.nan], 0, 0), ConfigError, "a conductance is not a number"),
    "no number": (lambda chip: chip.write_conductance("much", 0, 0), ConfigError, "conductances must be numbers"),
    "too much": (lambda chip: chip.write_conductance(1.0, 0, 0), ConfigError, "a conductance of 1 S cannot be written"),
    "negative": (lambda chip: chip.write_conductance(-1e-6, 0, 0), ConfigError, "of -1e-06 S cannot be written"),
    "tolerance": (
        lambda chip: chip.write_conductance(chip.scale.g_max_s, 0, 0, tolerance_s=1e-12),
        ConfigError,
        "a tolerance of 1e-12 S cannot be measured; half an ADC code",
    ),
    "no tolerance": (
        lambda chip: chip.write_conductance(chip.scale.g_max_s, 0, 0, tolerance_s=float("nan")),
        ConfigError,
        "a tolerance of nan S cannot be measured",
    ),
    "pulse": (lambda chip: chip.pulse("read", 0, 0), ConfigError, "a pulse is one of"),  # type: ignore[arg-type]
    "count": (lambda chip: chip.pulse("set", 0, 0, 999), ConfigError, "PULSE.count holds a value that does not fit"),
    "no pulse": (lambda chip: chip.pulse("set", 0, 0, 0), RefusedError, "tile 0 answered PULSE with BAD_VALUE"),
    "mode": (lambda chip: chip.arm("form"), ConfigError, "a tile is armed for"),  # type: ignore[arg-type]
    "inputs": (
        lambda chip: chip.multiply(np.full(8, 16)),
        ConfigError,
        "must be whole numbers from 0 to 15, at most 8",
    ),
    "no inputs": (lambda chip: chip.multiply(3), ConfigError, "must be whole numbers from 0 to 15, at most 8"),
    "inputs and tiles": (
        lambda chip: chip.multiply(np.ones((3, 8), int), tile=[0, 1]),
        ConfigError,
        r"inputs of shape \(3, 8\) and tiles of shape \(2,\) do not fit each other",
    ),
    "outputs": (lambda chip: chip.multiply([1], 5), ConfigError, "5 outputs are asked for; a tile has 1 to 4"),
    "full scale": (lambda chip: chip.multiply([1], full_scale_s=0.0), ConfigError, "a full scale of 0.0 cannot be"),
    "sweep": (lambda chip: chip.iv_sweep([4096], 0, 0), ConfigError, "a sweep needs points from code 0 to 4095"),
    "sweep of nothing": (lambda chip: chip.iv_sweep([], 0, 0), ConfigError, "a sweep needs points"),
    "samples": (lambda chip: chip.iv_sweep([0], 0, 0, samples=0), ConfigError, "1 sample or more"),
    "volts": (lambda chip: chip.iv_sweep([-1.0], 0, 0), ConfigError, "V"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_in_one_sentence(name: str, chip: Chip) -> None:
    use, kind, text = BAD[name]
    before = chip.pulse_counts()
    with pytest.raises(kind, match=text) as caught:
        use(chip)
    assert "\n" not in str(caught.value)
    # Nothing was pulsed, and the chip goes on.
    assert (chip.pulse_counts() == before).all()
    assert chip.read(0, 0).shape == ()


def test_what_was_stopped_says_so(chip: Chip) -> None:
    assert chip.safe() == 2
    for use in (chip.read, lambda: chip.write_levels(1), lambda: chip.multiply([1])):
        with pytest.raises(RefusedError, match="DISARMED; arm it first"):
            use()
    assert chip.faults() == set()
    chip.clear()
    chip.arm("read")
    chip.read()
