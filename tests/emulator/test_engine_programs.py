"""The compiled engine gives what the readable reference gives: same answers, same cells, same cycles, same actions."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from program_runner import Pair, random_program

from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.crossbar.write_registers import Ramp
from twinbar.emulator.devices.preset import load_preset, preset_names

TILES = 3
EFFECTS = Path(__file__).with_name("many_effects.toml")
"""Traps, tails and wear, so fast that short programs meet them."""
OF_AMPLITUDE = Path(__file__).with_name("amplitude_effects.toml")
"""What needs a law of other amplitudes."""


@st.composite
def ramps(draw: st.DrawFn) -> Ramp:
    """A ramp that reaches its end within a few pulses."""
    start = draw(st.integers(500, 3500))
    return Ramp(start, draw(st.sampled_from([0, 70, 400])), start + draw(st.sampled_from([0, 100, 500])))


@st.composite
def choices(draw: st.DrawFn) -> dict[str, object]:
    """Every option of geometry, timing and registers that the engine treats in a way of its own."""
    discard = draw(st.integers(0, 2))
    lines = ("set_amplitude", "reset_amplitude", "set_gate", "reset_gate")
    own_ramps = {line: draw(ramps()) for line in lines} if draw(st.booleans()) else {}
    return own_ramps | {
        "rows": draw(st.sampled_from([1, 3, 8])),
        "columns": draw(st.sampled_from([4, 8])),
        "adc_channels": draw(st.sampled_from([1, 2])),
        "command_depth": draw(st.sampled_from([2, 5, 256])),
        "adc_bits": draw(st.sampled_from([6, 8])),
        "input_bits": draw(st.sampled_from([1, 3])),
        "inputs": draw(st.sampled_from(["planes", "dac"])),
        "pairs": draw(st.sampled_from(["separate", "subtract"])),
        "skip_empty": draw(st.booleans()),
        "sample_and_hold": draw(st.booleans()),
        "grid_bits": draw(st.sampled_from([8, 10, 12])),
        "levels": draw(st.sampled_from([2, 5, 16])),
        "tolerance": draw(st.sampled_from([0.25, 0.5, 1.0])),
        "samples": discard + draw(st.sampled_from([1, 2, 4])),
        "discard": discard,
        "limit": draw(st.sampled_from([1, 3, 20])),
        "select": draw(st.integers(1, 3)),
        "settle_read": draw(st.integers(1, 20)),
        "settle_drive": draw(st.integers(2, 20)),
        "settle_multiply": draw(st.integers(1, 20)),
        "convert": draw(st.integers(1, 20)),
        "recover": draw(st.integers(1, 5)),
        "wire_resistance_ohm": draw(st.sampled_from([0.0, 50.0])),
        "adc_noise_codes": draw(st.sampled_from([0.0, 0.3])),
        "seed": draw(st.integers(0, 2**63 - 1)),
    }


@pytest.mark.parametrize("preset", preset_names())
@settings(max_examples=4)
@given(choices=choices(), program=st.integers(0, 2**32 - 1))
def test_random_programs_agree(
    make_crossbar: Callable[..., CrossbarConfig], preset: str, choices: dict[str, Any], program: int
) -> None:
    rng = np.random.default_rng(program)
    if rng.random() < 0.5:
        bent = ("sinh-current",) if choices["sample_and_hold"] else ()
        choices["effects"] = (str(EFFECTS), *bent, *((str(OF_AMPLITUDE),) if load_preset(preset).amplitude else ()))
    model = load_preset(preset)
    if model.gate is None and model.access is None and rng.random() < 0.5:
        choices["bias_scheme"] = str(rng.choice(["half", "third"]))
        without_transistor = (name for name in choices.get("effects", ()) if name != str(OF_AMPLITUDE))
        choices["effects"] = (*without_transistor, *(("threshold-spread",) if model.amplitude else ()))
    config = make_crossbar(preset, **choices)
    mapped = 2 * rng.integers(1, config.array.columns // 2 + 1, size=TILES)
    faults = None
    if rng.random() < 0.5:
        faults = rng.choice(4, p=[0.7, 0.1, 0.1, 0.1], size=(TILES, config.array.cells)).astype(np.uint8)
    random_program(Pair(config, TILES, mapped, faults), rng, operations=8)
