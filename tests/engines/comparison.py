"""Runs the same operations on the fast engine and on another one, and compares all that either tells."""

from typing import Any

import numpy as np
from layer_samples import random_layer, random_writes

from twinbar.emulator.contract.activity import Activity
from twinbar.emulator.contract.bulk_operations import Engine, MultiplyResult
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.engines.bulk.engine import FastEngine
from twinbar.emulator.engines.controller_engine import ControllerEngine, MakeController
from twinbar.hw.actions import Action


def assert_same_activity(expected: Activity, got: Activity) -> None:
    """Compare part by part, so that a difference shows where it is."""
    for name in ("phases", "actions", "cell_energy"):
        assert getattr(got, name).tolist() == getattr(expected, name).tolist(), name
    assert (got.cycles, got.link_cycles) == (expected.cycles, expected.link_cycles)


def assert_same_state(expected: Engine, got: Engine) -> None:
    """Everything that later operations depend on."""
    states = expected.state_dict(), got.state_dict()
    # Parts at the pins of a netlist do not tell what they remember; commands bring it back, and what is driven with it.
    tells_parts = all("front_end" in state for state in states)
    for state in states:
        state.pop("drive_codes" if tells_parts else "front_end", None)
    assert states[0].keys() == states[1].keys()
    tells = not isinstance(got, ControllerEngine) or "driven" in got.controller.cells()
    for name, value in states[0].items():
        if name == "driven" and not tells:
            continue
        assert np.array_equal(value, states[1][name]), name
    assert np.array_equal(expected.conductances_s(), got.conductances_s())
    assert np.array_equal(expected.pulse_counts(), got.pulse_counts())


def compare(
    config: CrossbarConfig, tiles: int, make: MakeController, *, rounds: int = 3, batch: int = 4, seed: int = 0
) -> dict[str, Any]:
    """Bring up both engines and run writes, reads and multiplications; gives what the comparison was worth."""
    rng = np.random.default_rng(seed)
    mapped = np.full(tiles, config.array.columns)
    mapped[0] -= 2
    fast = FastEngine(config, tiles, mapped)
    other = ControllerEngine(config, tiles, mapped, make=make)
    assert_same_activity(fast.calibration, other.calibration)
    pulses, waited = np.zeros(2, np.int64), 0
    for step in range(rounds):
        for engine in (fast, other):
            engine.set_tick(3 * step)
        todo = random_writes(config, tiles, rng)
        expected, got = fast.write(todo), other.write(todo)
        for name in ("codes", "sets", "resets", "ok"):
            assert getattr(got, name).tolist() == getattr(expected, name).tolist(), name
        assert_same_activity(expected.activity, got.activity)
        pulses += expected.activity.actions[[Action.PULSE_SET, Action.PULSE_RESET]]

        todo = random_writes(config, tiles, rng)
        (codes, activity), (other_codes, other_activity) = (
            engine.read(todo.offsets, todo.cells) for engine in (fast, other)
        )
        assert other_codes.tolist() == codes.tolist()
        assert_same_activity(activity, other_activity)

        block, inputs = random_layer(config, tiles, rng, batch)
        full_scale = float(rng.choice([2000.0, 9000.0]))
        product, other_product = (engine.multiply(block, inputs, full_scale) for engine in (fast, other))
        assert other_product.codes.tolist() == product.codes.tolist()
        for name in ("lowest", "highest", "clipped", "conversions"):
            assert getattr(other_product, name) == getattr(product, name), name
        assert_same_activity(product.activity, other_product.activity)
        waited += product.activity.link_cycles
        assert_same_state(fast, other)
    return {"pulses": pulses, "waited": waited, "fast": fast, "other": other}


def assert_same_product(one: MultiplyResult, other: MultiplyResult) -> None:
    """Check that two engines have given the same sums, extremes and activity."""
    assert one.codes.tolist() == other.codes.tolist()
    for name in ("lowest", "highest", "clipped", "conversions"):
        assert getattr(one, name) == getattr(other, name), name
    assert_same_activity(one.activity, other.activity)
