"""The write algorithms that a configuration names: their tables, what they save, and what they refuse."""

from collections.abc import Callable

import numpy as np
import pytest

from twinbar.emulator.contract.beats import set_registers
from twinbar.emulator.contract.bulk_operations import WriteList
from twinbar.emulator.crossbar.configuration import CrossbarConfig, build_config
from twinbar.emulator.crossbar.pulse_table import PulseTable
from twinbar.emulator.crossbar.write_algorithms import ALGORITHMS
from twinbar.emulator.devices.amplitude_response import AmplitudeResponse
from twinbar.emulator.devices.layout import RESET, SET
from twinbar.emulator.devices.preset import load_preset
from twinbar.emulator.engines.bulk.engine import FastEngine
from twinbar.emulator.sections.write_section import WriteConfig
from twinbar.hw.actions import Action
from twinbar.hw.errors import ConfigError

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


@pytest.mark.parametrize("name", ["taox-hfox", "neurram", "epiram"])
def test_entries_step_by_a_part_of_the_distance(make_crossbar: Crossbars, name: str) -> None:
    config = make_crossbar(name, levels=16, adc_bits=8, algorithm="distance")
    table, preset = table_in(config), load_preset(name)
    law = preset.amplitude
    assert law is not None
    window_s = preset.window.g_max.si - preset.window.g_min.si
    for polarity, side in ((SET, "set"), (RESET, "reset")):
        codes = table.entries.amplitude[polarity]
        assert (np.diff(codes) >= 0).all()
        response = AmplitudeResponse(
            getattr(preset.pulse, f"{side}_voltage").si,
            getattr(law, f"{side}_threshold").si,
            getattr(law, f"{side}_scale").si,
        )
        volts = codes * config.cells.drive_full_scale_v / 4096
        step = abs(preset.response.mean(np.array([0.5]), polarity, window_s)[0]) * 15  # in levels
        moved = np.minimum(response.factor(volts), law.highest.si) * step
        # Entry 0 stands for a distance of 1 code, entry k for one of 2 k + 1, as seen from the edge of the window.
        wanted = np.minimum(0.2 + 0.5 * (2 * np.arange(64) + 1) / config.levels.spacing, law.highest.si * step)
        assert moved == pytest.approx(wanted, rel=0.03)


def test_a_strong_pulse_is_one_entry(make_crossbar: Crossbars) -> None:
    table = table_in(make_crossbar("taox-hfox", levels=16, algorithm="strong", first=True))
    assert table.entries.amplitude.shape == (2, 1)
    assert table.first
    assert not table_in(make_crossbar("taox-hfox", algorithm="strong")).first


def test_a_ramp_that_turns_starts_again(make_crossbar: Crossbars) -> None:
    rules = table_in(make_crossbar("neurram", algorithm="proportional-integral")).rules
    assert rules.rise > 0
    assert rules.fall >= 64
    assert table_in(make_crossbar("neurram", algorithm="distance")).rules.rise == 0


def test_the_gate_of_a_level_allows_its_conductance(make_crossbar: Crossbars) -> None:
    config = make_crossbar("umass-hfo2", levels=5, algorithm="two-pulse")
    table = table_in(config)
    volts = table.entries.gate[SET] * config.cells.drive_full_scale_v / 4096
    # 98 uS per volt from 0.4 V on; levels from 4 to 137.2 uS.
    assert (volts - 0.4) * 98 == pytest.approx(np.linspace(4, 137.2, 5), abs=0.2)
    assert table.entries.turns.tolist() == [[0] * 5, [1] * 5]
    assert not table_in(make_crossbar("umass-hfo2", algorithm="gate-by-level")).entries.turns.any()


def test_patience_and_slack(make_crossbar: Crossbars) -> None:
    config = make_crossbar("taox-hfox", levels=16, algorithm="distance", patience=4, slack=0.5)
    rules = table_in(config).rules
    assert rules.patience == 4
    assert rules.slack == round(config.levels.spacing / 2)
    assert table_in(make_crossbar("taox-hfox", algorithm="distance")).rules.patience > 255


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
        ({"first": True}, "write.first is for pulse tables"),
        ({"patience": 3}, "write.patience is for pulse tables"),
        ({"algorithm": "distance", "set_ramp_v": (1, 0.1, 2)}, "write.set_ramp_v is a ramp"),
        ({"algorithm": "distance", "patience": 0}, "write.patience is 0; it must be a whole number from 1 to 254"),
        ({"algorithm": "fastest"}, "it must be one of preset, strong, distance"),
    ],
)
def test_settings_that_do_not_go_together(keys: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        WriteConfig(**keys)  # type: ignore[arg-type]


def test_every_algorithm_can_be_configured() -> None:
    names = WriteConfig.model_fields["algorithm"].annotation.__args__  # type: ignore[union-attr]
    assert set(names) == {"preset", *ALGORITHMS}


def test_a_controller_refuses_a_table(make_crossbar: Crossbars) -> None:
    with pytest.raises(ConfigError, match=r"write\.algorithm needs a pulse table"):
        set_registers(make_crossbar("taox-hfox", algorithm="distance"), 1)
