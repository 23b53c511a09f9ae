"""The number by which a board says what its front end is: it tells apart whatever the gateware differs in."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from twinbar.boards.wiring import find_wiring
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.link.front_end_number import DIRECT, EMULATED, front_end_number
from twinbar.hw.link.hello import Hello
from twinbar.hw.link.link_config import LinkConfig
from twinbar.hw.parts.ad5686r import AD5686R
from twinbar.hw.parts.ads8688 import ADS8688, Range
from twinbar.hw.parts.assembly import SerialParts
from twinbar.hw.parts.bus import Wires
from twinbar.hw.parts.hc595 import HC595_4V5


def parts() -> SerialParts:
    found = find_wiring("icebreaker").serial_parts(12e6)
    assert found is not None
    return replace(found, adc=ADS8688())


CHANGES: dict[str, Callable[[SerialParts], Any]] = {
    "another ADC range": lambda now: {"adc": ADS8688(input_range=Range.BIPOLAR_2V56)},
    "a unipolar range": lambda now: {"adc": ADS8688(bipolar=False, input_range=Range.UNIPOLAR_5V12)},
    "another DAC": lambda now: {"dac": AD5686R(), "outputs": now.outputs[:4]},
    "other switches": lambda now: {"switch": HC595_4V5},
    "switches for pairs": lambda now: {"pairs": True},
    "outputs in another order": lambda now: {"outputs": now.outputs[::-1]},
    "a longer way": lambda now: {"adc_board": Wires(round_trip_ns=400)},
    "a longer power-up": lambda now: {"power_up_ns": 2 * now.power_up_ns + 1},
    "another clock": lambda now: {"clock_hz": 50e6},
}


@pytest.mark.parametrize("change", CHANGES)
def test_front_ends_that_differ_have_other_numbers(change: str) -> None:
    now = parts()
    numbers = {DIRECT, EMULATED, front_end_number(now), front_end_number(replace(now, **CHANGES[change](now)))}
    assert len(numbers) == 4
    assert max(numbers) < 1 << 32


def test_it_is_the_same_in_every_process() -> None:
    """Sets have another order in each, and this number is in bitstreams."""
    print_it = "import test_front_end_number as own; print(own.front_end_number(own.parts()))"
    for seed in ("1", "2"):
        environment = os.environ | {"PYTHONHASHSEED": seed}
        run = [sys.executable, "-c", print_it]
        said = subprocess.run(run, cwd=Path(__file__).parent, env=environment, capture_output=True, check=True).stdout
        assert int(said) == front_end_number(parts())


def test_it_travels_with_the_identity() -> None:
    hello = Hello.of(ControllerConfig(), LinkConfig(), front_end_number(parts()))
    assert Hello.unpack(hello.pack()) == hello
