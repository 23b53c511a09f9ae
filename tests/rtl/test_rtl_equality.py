import numpy as np
import pytest
from rtl_samples import crossbar, random_block, random_inputs, random_writes

from twinbar.emulator.fast.engine import FastEngine
from twinbar.emulator.rtl.engine import RtlEngine
from twinbar.hw.actions import Action

CASES = {
    "one tile, bit planes": ({}, 1, False),
    "one tile, composed": ({}, 1, True),
    "two tiles, flat": ({"preset": "milo-hfo2", "limit": 20}, 2, False),
    "two tiles, composed": ({"preset": "milo-hfo2", "limit": 20}, 2, True),
    "three tiles, pairs, averaging": (
        {"discard": 1, "cycles": {"samples": 5, "convert": 1}, "adc_channels": 3, "subtract_pairs": True, "limit": 30},
        3,
        True,
    ),
    "DAC inputs, pairs, no sample-and-hold": (
        {"dac_inputs": True, "subtract_pairs": True, "sample_and_hold": False, "input_bits": 3, "limit": 25},
        1,
        True,
    ),
    "empty planes kept, odd input bits": (
        {"skip_empty": False, "input_bits": 5, "rows": 9, "adc_channels": 2},
        1,
        False,
    ),
    "long latencies": (
        {
            "cycles": {
                "select": 4,
                "settle_read": 7,
                "settle_drive": 9,
                "settle_multiply": 5,
                "convert": 5,
                "recover": 3,
            }
        },
        1,
        False,
    ),
}


def assert_same(left, right):
    assert left.state_dict().keys() == right.state_dict().keys()
    for name, value in left.state_dict().items():
        assert np.array_equal(value, right.state_dict()[name]), name
    assert np.array_equal(left.conductances_s(), right.conductances_s())
    assert np.array_equal(left.pulse_counts(), right.pulse_counts())


@pytest.mark.parametrize("case", CASES)
def test_programs_give_what_the_fast_engine_gives(case):
    changes, tiles, composed = CASES[case]
    config = crossbar(**changes)
    rng = np.random.default_rng(len(case))
    columns = config.geometry.columns
    mapped = np.full(tiles, columns - 2)
    fast, rtl = FastEngine(config, tiles, mapped), RtlEngine(config, tiles, mapped, composed=composed)
    pulses = np.zeros(2, np.int64)
    for step in range(6):
        for engine in (fast, rtl):
            engine.set_tick(step)
        todo = random_writes(config, tiles, rng)
        expected, got = fast.write(todo), rtl.write(todo)
        for name in ("codes", "sets", "resets", "ok"):
            assert np.array_equal(getattr(expected, name), getattr(got, name)), name
        assert got.activity == expected.activity
        pulses += expected.activity.actions[[Action.PULSE_SET, Action.PULSE_RESET]]

        todo = random_writes(config, tiles, rng)
        (codes, activity), (rtl_codes, rtl_activity) = (engine.read(todo.offsets, todo.cells) for engine in (fast, rtl))
        assert codes.tolist() == rtl_codes.tolist()
        assert rtl_activity == activity

        block = random_block(config, tiles, rng)
        inputs = random_inputs(config, block, rng, 5)
        expected, got = (engine.multiply(block, inputs, 700.0) for engine in (fast, rtl))
        assert np.array_equal(expected.codes, got.codes)
        for name in ("lowest", "highest", "clipped", "conversions"):
            assert getattr(expected, name) == getattr(got, name), name
        assert got.activity == expected.activity
        assert_same(fast, rtl)
    # The comparison is worth something only where pulses of both polarities were given.
    assert pulses.min() > 0


def test_a_restored_engine_goes_on_as_the_one_that_was_saved():
    config = crossbar(limit=20)
    rng = np.random.default_rng(5)
    first, second = (RtlEngine(config, 1, np.array([8])) for _ in range(2))
    first.write(random_writes(config, 1, rng))
    second.load_state_dict(first.state_dict())
    assert_same(first, second)
    todo = random_writes(config, 1, rng)
    left, right = first.write(todo), second.write(todo)
    assert left.activity == right.activity
    assert_same(first, second)


def test_an_empty_program_does_nothing():
    config = crossbar()
    fast, rtl = (kind(config, 1, np.array([8])) for kind in (FastEngine, RtlEngine))
    empty = np.zeros(0, np.int32)
    for engine in (fast, rtl):
        codes, activity = engine.read(np.zeros(2, np.int64), empty)
        assert len(codes) == 0
        assert activity == fast.read(np.zeros(2, np.int64), empty)[1]
