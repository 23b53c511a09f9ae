"""The write algorithms that a configuration names: their tables, what they save, and what they refuse."""

from collections.abc import Callable

import numpy as np
import pytest

from twinbar.emulator.contract.bulk_operations import WriteList
from twinbar.emulator.crossbar.configuration import CrossbarConfig, build_config
from twinbar.emulator.crossbar.pulse_table import PulseTable
from twinbar.emulator.crossbar.register_settings import write_settings
from twinbar.emulator.crossbar.write_algorithms import ALGORITHMS
from twinbar.emulator.devices.amplitude_response import AmplitudeResponse
from twinbar.emulator.devices.layout import RESET, SET
from twinbar.emulator.devices.preset import load_preset
from twinbar.emulator.engines.bulk.engine import FastEngine
from twinbar.emulator.sections.write_section import WriteConfig
from twinbar.hw.actions import Action
from twinbar.hw.errors import ConfigError
from twinbar.hw.protocol import registers
from twinbar.hw.protocol.packing import lines_of
from twinbar.hw.protocol.vocabulary import Record

Crossbars = Callable[..., CrossbarConfig]


def table_in(config: CrossbarConfig) -> PulseTable:
    assert config.pulse_table is not None
    return config.pulse_table


def one_level_moves(config: CrossbarConfig) -> tuple[np.ndarray, float]:
    """Pulses of each of many one-level moves, and reads per move."""
    cells, levels = config.array.cells, len(config.levels)
    engine = FastEngine(config, 1, np.array([config.array.columns]))
    rng = np.random.default_rng(3)
    at = rng.integers(0, levels, cells)
    offsets, places = np.array([0, cells]), np.arange(cells, dtype=np.int32)
    for _ in range(10):  # until nearly all cells are where they should be
        engine.write(WriteList(offsets, places, at.astype(np.uint8)))
    pulses, reads = [], 0
    for number in range(4):
        to = np.where(at == 0, 1, np.where(at == levels - 1, levels - 2, at + rng.choice([-1, 1], cells)))
        done = engine.write(WriteList(offsets, places, to.astype(np.uint8), at.astype(np.int16)))
        if number:  # cells begin where such a move has left them
            pulses.append(done.sets.astype(int) + done.resets)
            reads += int(done.activity.actions[Action.CONVERT_VERIFY])
        at = to
    return np.concatenate(pulses), reads / (3 * cells)


def test_by_default_writes_go_by_the_ramp_of_the_preset() -> None:
    assert WriteConfig().algorithm == "preset"
    assert build_config(load_preset("taox-hfox")).pulse_table is None


def test_an_amplitude_from_the_distance_saves_pulses_and_reads(make_crossbar: Crossbars) -> None:
    shape = {"rows": 128, "columns": 128, "levels": 16}
    own, own_reads = one_level_moves(make_crossbar("taox-hfox", **shape))
    assert 6 < own.mean() < 7
    assert own_reads > 7
    pulses, reads = one_level_moves(make_crossbar("taox-hfox", algorithm="distance", patience=3, **shape))
    assert pulses.mean() < 3.4
    assert reads < 3.75
    assert np.percentile(pulses, 99) < 20
    strict, strict_reads = one_level_moves(make_crossbar("taox-hfox", algorithm="distance", **shape))
    assert strict.mean() < 3.4
    assert strict_reads == pytest.approx(strict.mean() + 1)
    known, known_reads = one_level_moves(make_crossbar("taox-hfox", algorithm="distance", first=True, **shape))
    assert known_reads < strict_reads - 0.3
    assert known.mean() < 4


@pytest.mark.parametrize("algorithm", ["gate-by-level", "two-pulse"])
def test_a_gate_voltage_by_level_saves_the_ramp(make_crossbar: Crossbars, algorithm: str) -> None:
    shape = {"rows": 32, "columns": 32, "levels": 16}
    own, _ = one_level_moves(make_crossbar("umass-hfo2", **shape))
    pulses, reads = one_level_moves(make_crossbar("umass-hfo2", algorithm=algorithm, first=True, **shape))
    assert own.mean() > 12
    assert pulses.mean() < 3
    assert reads < 2


def strongest(name: str, *, levels: int) -> list[float]:
    """Return by how many levels the strongest pulses move an average cell, of SET and RESET."""
    preset = load_preset(name)
    law = preset.amplitude
    assert law is not None
    window_s = preset.window.g_max.si - preset.window.g_min.si
    means = [abs(preset.response.mean(np.array([0.5]), polarity, window_s)[0]) for polarity in (SET, RESET)]
    return [law.highest.si * mean * (levels - 1) for mean in means]


def mean_steps(config: CrossbarConfig, name: str) -> list[list[float]]:
    """Return by how many levels each entry moves an average cell in the middle of its window, of SET and RESET."""
    preset = load_preset(name)
    law = preset.amplitude
    assert law is not None
    window_s = preset.window.g_max.si - preset.window.g_min.si
    found = []
    for polarity, side in ((SET, "set"), (RESET, "reset")):
        volts = table_in(config).entries.amplitude[polarity] * config.cells.drive_full_scale_v / 4096
        response = AmplitudeResponse(
            getattr(preset.pulse, f"{side}_voltage").si,
            getattr(law, f"{side}_threshold").si,
            getattr(law, f"{side}_scale").si,
        )
        step = abs(preset.response.mean(np.array([0.5]), polarity, window_s)[0]) * (len(config.levels) - 1)
        found.append((np.minimum(response.factor(volts), law.highest.si) * step).tolist())
    return found


@pytest.mark.parametrize("name", ["taox-hfox", "neurram", "epiram"])
def test_entries_step_by_a_part_of_the_distance(make_crossbar: Crossbars, name: str) -> None:
    config = make_crossbar(name, levels=16, adc_bits=8, algorithm="distance")
    assert (np.diff(table_in(config).entries.amplitude) >= 0).all()
    for side, most in zip(mean_steps(config, name), strongest(name, levels=16), strict=True):
        # Entry 0 stands for a distance of 1 code, entry k for one of 2 k + 1, as seen from the edge of the window.
        wanted = np.minimum(0.2 + 0.5 * (2 * np.arange(64) + 1) / config.levels.spacing, most)
        assert side == pytest.approx(wanted.tolist(), rel=0.03)


def test_a_strong_pulse_is_one_entry(make_crossbar: Crossbars) -> None:
    config = make_crossbar("taox-hfox", levels=16, algorithm="strong", first=True)
    table = table_in(config)
    # The smallest table of a controller, filled with the one entry; nothing leads to another one.
    assert (len(table), config.array.pulse_entries) == (16, 16)
    assert (np.diff(table.entries.amplitude) == 0).all()
    assert (table.rules.shift, table.rules.rise, table.rules.keep) == (15, 0, 0)
    assert table.first
    assert not table_in(make_crossbar("taox-hfox", algorithm="strong")).first


def test_the_step_of_a_pulse_can_be_chosen(make_crossbar: Crossbars) -> None:
    for side in mean_steps(make_crossbar("taox-hfox", levels=16, algorithm="strong", step=0.5), "taox-hfox"):
        assert side == pytest.approx([0.5] * 16, rel=0.03)
    # The other entries of coarse-fine go twice and four times as far; by the distance, half of it comes on top.
    for side in mean_steps(make_crossbar("taox-hfox", levels=16, algorithm="coarse-fine", step=0.2), "taox-hfox"):
        assert side[:3] == pytest.approx([0.2, 0.4, 0.8], rel=0.03)
    for name in ("distance", "proportional-integral"):
        config = make_crossbar("taox-hfox", levels=16, adc_bits=8, algorithm=name, step=0.4)
        for side in mean_steps(config, "taox-hfox"):
            assert side[0] == pytest.approx(0.4 + 0.5 / config.levels.spacing, rel=0.03)


def test_the_first_programming_has_the_step_of_its_own_algorithm(make_crossbar: Crossbars) -> None:
    usual = make_crossbar("taox-hfox", levels=16, algorithm="strong", step=0.5)
    default = make_crossbar("taox-hfox", levels=16, algorithm="strong")
    other = make_crossbar("taox-hfox", levels=16, algorithm="coarse-fine", initial_algorithm="strong", step=0.4)
    for config, first in ((usual, usual), (other, default)):
        assert config.initial is not None
        assert config.initial.table is not None
        assert config.initial.table.entries.amplitude.tolist() == table_in(first).entries.amplitude.tolist()
    assert table_in(usual).entries.amplitude.tolist() != table_in(default).entries.amplitude.tolist()


@pytest.mark.parametrize("algorithm", ["strong", "coarse-fine", "distance"])
@pytest.mark.parametrize(("preset", "levels"), [("taox-hfox", 16), ("taox-hfox", 4), ("ecram", 16), ("milo-hfo2", 16)])
def test_a_step_that_no_pulse_makes_is_refused(
    make_crossbar: Crossbars, preset: str, levels: int, algorithm: str
) -> None:
    most = min(strongest(preset, levels=levels)) / (4 if algorithm == "coarse-fine" else 1)
    for step in (1.01 * most, 50.0, 1e-9):
        with pytest.raises(ConfigError, match=rf"write.step is {step:g} level spacings, but .*preset {preset} go") as e:
            make_crossbar(preset, levels=levels, algorithm=algorithm, step=step)
        # What it says would be right is right.
        low, high = (float(bound) for bound in str(e.value).rsplit("give ", 1)[1].split(" to "))
        assert low < high
        assert high == pytest.approx(most, rel=0.02)
        for bound in (low, high):
            config = make_crossbar(preset, levels=levels, algorithm=algorithm, step=bound)
            assert (table_in(config).entries.amplitude > 0).all()


@pytest.mark.parametrize("name", ["preset", "burst", "gate-by-level", "two-pulse", "blind"])
def test_a_step_of_pulses_that_do_not_follow_from_one_is_refused(make_crossbar: Crossbars, name: str) -> None:
    with pytest.raises(ConfigError, match=rf"write.step is 0.5 level spacings, but .*'{name}' .*choose strong, coarse"):
        make_crossbar("taox-hfox", levels=16, algorithm=name, step=0.5)


def test_bursts_are_nominal_pulses_as_many_as_the_distance_asks_for(make_crossbar: Crossbars) -> None:
    config = make_crossbar("taox-hfox", levels=16, adc_bits=8, algorithm="burst")
    entries, preset = table_in(config).entries, load_preset("taox-hfox")
    assert preset.amplitude is not None
    window_s = preset.window.g_max.si - preset.window.g_min.si
    for polarity, volts in ((SET, preset.pulse.set_voltage.si), (RESET, preset.pulse.reset_voltage.si)):
        assert entries.amplitude[polarity] * config.cells.drive_full_scale_v / 4096 == pytest.approx(volts, abs=1e-3)
        step = (
            abs(preset.response.mean(np.array([0.5]), polarity, window_s)[0]) * 15 * config.levels.spacing
        )  # in codes
        # Entry k stands for 2 k + 1 codes; half of them are given at once.
        wanted = np.clip(np.round(0.5 * (2 * np.arange(64) + 1) / step), 1, 255)
        assert np.abs(entries.pulses[polarity] - wanted).max() <= 1
    assert entries.pulses.max() > 5


def test_coarse_then_fine(make_crossbar: Crossbars) -> None:
    table = table_in(make_crossbar("taox-hfox", levels=16, algorithm="coarse-fine", verify="compare", first=True))
    assert (np.diff(table.entries.amplitude[:, :3]) > 0).all()
    assert (table.rules.keep, table.rules.fall, table.rules.rise, table.rules.compare) == (1, 1, 0, 1)
    fields = table.begin(np.array([5, 5, 5, 5], np.uint8), np.array([5, 4, 7, 0], np.int16))
    # The further, the coarser; a cell that nothing is known of begins with the coarsest.
    assert fields.entry.tolist() == [0, 1, 2, 2]
    assert table.begin(np.array([5], np.uint8), None).entry.tolist() == [2]


def test_a_blind_write_ends_with_the_set(make_crossbar: Crossbars) -> None:
    config = make_crossbar("umass-hfo2", levels=5, algorithm="blind")
    table = table_in(config)
    assert table.entries.ends[:, :5].tolist() == [[1] * 5, [0] * 5]
    assert table.entries.turns[:, :5].tolist() == [[0] * 5, [1] * 5]
    assert table.first
    assert not config.gives_codes
    # The first programming is verified: a cell whose level is not known cannot be written blind.
    assert config.initial is not None
    assert config.initial.table is not None
    assert not config.initial.table.is_blind
    assert config.initial.registers.limit == 255


def test_the_first_programming_has_a_limit_and_an_algorithm_of_its_own(make_crossbar: Crossbars) -> None:
    plain = make_crossbar("taox-hfox", levels=16)
    assert plain.initial is None
    assert plain.registers.limit == 100
    limited = make_crossbar("taox-hfox", levels=16, initial_pulse_limit=600)
    assert limited.initial is not None
    # A controller counts 255 pulses: three writes.
    assert (limited.initial.registers.limit, limited.initial.registers.attempts) == (255, 3)
    other = make_crossbar("taox-hfox", levels=16, initial_algorithm="distance")
    assert other.pulse_table is None
    assert other.initial is not None
    assert other.initial.table is not None
    assert len(other.initial.table) == 64
    patient = make_crossbar("taox-hfox", levels=16, algorithm="distance", patience=3).initial
    assert patient is not None
    assert patient.table is not None
    assert patient.table.rules.patience == 255


def test_a_ramp_that_turns_starts_again(make_crossbar: Crossbars) -> None:
    rules = table_in(make_crossbar("neurram", algorithm="proportional-integral")).rules
    assert rules.rise > 0
    assert rules.fall == 63  # from any entry to the first
    assert table_in(make_crossbar("neurram", algorithm="distance")).rules.rise == 0


def test_the_gate_of_a_level_allows_its_conductance(make_crossbar: Crossbars) -> None:
    config = make_crossbar("umass-hfo2", levels=5, algorithm="two-pulse")
    table = table_in(config)
    volts = table.entries.gate[SET, :5] * config.cells.drive_full_scale_v / 4096
    # 98 uS per volt from 0.4 V on; levels from 4 to 137.2 uS.
    assert (volts - 0.4) * 98 == pytest.approx(np.linspace(4, 137.2, 5), abs=0.2)
    assert table.entries.turns[:, :5].tolist() == [[0] * 5, [1] * 5]
    assert not table_in(make_crossbar("umass-hfo2", algorithm="gate-by-level")).entries.turns.any()


def test_patience_and_slack(make_crossbar: Crossbars) -> None:
    config = make_crossbar("taox-hfox", levels=16, algorithm="distance", patience=4, slack=0.5)
    rules = table_in(config).rules
    assert rules.patience == 4
    assert rules.slack == round(config.levels.spacing / 2)
    assert table_in(make_crossbar("taox-hfox", algorithm="distance")).rules.patience == 255


def test_what_the_preset_must_know(make_crossbar: Crossbars) -> None:
    with pytest.raises(ConfigError, match=r"'distance'.*ideal does not say.*\[amplitude\]"):
        make_crossbar("ideal", algorithm="distance")
    with pytest.raises(ConfigError, match=r"taox-hfox does not say what conductance.*\[gate\]"):
        make_crossbar("taox-hfox", algorithm="two-pulse")
    with pytest.raises(ConfigError, match=r"each of the 100 levels.*has 64"):
        make_crossbar("umass-hfo2", levels=100, algorithm="two-pulse")
    with pytest.raises(ConfigError, match=r"write\.slack is 1 levels, 3\d\d\d codes; at most 511"):
        make_crossbar("taox-hfox", levels=2, adc_bits=12, slack=1.0, algorithm="distance")


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"algorithm": "distance", "set_ramp_v": (1, 0.1, 2)}, "write.set_ramp_v is a ramp"),
        ({"algorithm": "distance", "patience": 0}, "write.patience is 0; it must be a whole number from 1 to 254"),
        ({"algorithm": "fastest"}, "it must be one of preset, strong, distance"),
        ({"algorithm": "distance", "verify": "compare"}, "'distance', which goes by the distance .* gives none"),
        ({"verify": "compare", "patience": 3}, "write.patience is 3, for codes up to write.slack"),
        ({"read_back": True}, "write.read_back is a conversion after comparisons; it needs write.verify = 'compare'"),
        ({"set_window_v": (2.0, 1.0)}, r"write.set_window_v is \[2.0, 1.0\]; it must be two voltages"),
    ],
)
def test_settings_that_do_not_go_together(keys: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        WriteConfig(**keys)  # type: ignore[arg-type]


def test_every_algorithm_can_be_configured() -> None:
    names = WriteConfig.model_fields["algorithm"].annotation.__args__  # type: ignore[union-attr]
    assert set(names) == {"preset", *ALGORITHMS}


def test_a_pulse_that_leaves_its_window_is_refused_with_its_voltage(make_crossbar: Crossbars) -> None:
    keys = {"levels": 16, "algorithm": "distance"}
    highest = table_in(make_crossbar("taox-hfox", **keys)).entries.amplitude[SET].max()
    full_scale = make_crossbar("taox-hfox", **keys).cells.drive_full_scale_v
    top = highest * full_scale / 4096
    assert make_crossbar("taox-hfox", **keys, set_window_v=(0.0, top + 0.01)).pulse_table is not None
    too_high = r"SET pulses of write.algorithm .distance. has [\d.]+ V, outside write.set_window_v, 0 to 1 V"
    with pytest.raises(ConfigError, match=too_high):
        make_crossbar("taox-hfox", **keys, set_window_v=(0.0, 1.0))
    with pytest.raises(ConfigError, match=r"RESET pulses of write.algorithm 'preset' .* outside write.reset_window_v"):
        make_crossbar("taox-hfox", levels=16, reset_window_v=(0.0, 0.1))


def test_what_a_controller_lacks_is_refused(make_crossbar: Crossbars) -> None:
    with pytest.raises(ConfigError, match=r"needs a pulse table; array\.pulse_entries is 0, so give 64"):
        make_crossbar("taox-hfox", algorithm="distance", pulse_entries=0)
    with pytest.raises(ConfigError, match=r"a pulse table of 20 entries, and array\.pulse_entries is 16; give 32"):
        make_crossbar("umass-hfo2", levels=20, algorithm="two-pulse", pulse_entries=16)
    with pytest.raises(ConfigError, match=r"array\.compare is false: the front end has no comparisons"):
        make_crossbar("taox-hfox", algorithm="strong", verify="compare", compare=False)
    # A smaller table is used where it was said to be smaller.
    small = make_crossbar("taox-hfox", algorithm="distance", pulse_entries=16)
    assert len(table_in(small)) == 16


def test_registers_hold_the_table(make_crossbar: Crossbars) -> None:
    config = make_crossbar("taox-hfox", levels=16, algorithm="distance", patience=3)
    table, values = table_in(config), write_settings(config.timing, config.algorithm())
    fields = registers.WRITE_TABLE.word.unpack(values[registers.WRITE_TABLE.address])
    assert fields == {
        "use": 1, "compare": 0, "keep": 0, "shift": 1, "rise": 0, "fall": 63, "patience": 3,
        "slack": round(0.15 * config.levels.spacing),
    }  # fmt: skip
    codes = lines_of(values[registers.entry_address(Record.RESET, 63)])
    assert codes == (0, int(table.entries.amplitude[RESET, 63]), int(table.entries.gate[RESET, 63]))
    for record in (Record.SET, Record.RESET):
        low, stop = (lines_of(values[registers.record_address(record, field)]) for field in (1, 3))
        for number in range(64):
            entry = lines_of(values[registers.entry_address(record, number)])
            assert all(a <= code <= b for a, code, b in zip(low, entry, stop, strict=True))
