"""What holds for every part: the forms that the gateware builds on, and plain Python without Amaranth."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Fragment
from hypothesis import given
from hypothesis import strategies as st

import twinbar.hw.parts
from twinbar.boards.wiring import find_wiring
from twinbar.host.board.board_crossbar import settling_times
from twinbar.hw.parts.adc import AdcPart
from twinbar.hw.parts.ads8688 import ADS8688
from twinbar.hw.parts.bus import bus_cycles
from twinbar.hw.parts.dac import DacPart
from twinbar.hw.parts.known_parts import Part, catalogue, frame_bits

ROOT = Path(__file__).parent.parent.parent
DACS = [part for part in catalogue() if isinstance(part, DacPart)]
ADCS = [part for part in catalogue() if isinstance(part, AdcPart)]
FOLDER = Path(next(iter(twinbar.hw.parts.__path__)))


@pytest.mark.parametrize("part", DACS, ids=lambda part: part.name)
@given(data=st.data())
def test_a_word_is_that_of_code_zero_with_the_code_put_in(part: DacPart, data: st.DataObject) -> None:
    channel = data.draw(st.integers(0, part.channels - 1))
    code = data.draw(st.integers(0, (1 << part.bits) - 1))
    word = part.write_and_update(channel, code)
    assert word == part.write_and_update(channel, 0) | code << part.code_offset()
    assert 0 <= word < 1 << part.word_bits <= 1 << 32
    device = part.device()
    device.execute(word, 0.0)
    assert device.outputs[channel] == code
    assert device.violations == []


@pytest.mark.parametrize("part", DACS, ids=lambda part: part.name)
def test_the_start_up_of_a_dac_leaves_its_outputs(part: DacPart) -> None:
    device = part.device()
    for word in part.start_up():
        device.execute(word, 0.0)
    assert (device.writes, device.violations) == ([], [])


@pytest.mark.parametrize("part", ADCS, ids=lambda part: part.name)
@given(data=st.data())
def test_codes_of_an_adc_fit_a_tile(part: AdcPart, data: st.DataObject) -> None:
    adc_bits = data.draw(st.integers(3, 16))
    result = data.draw(st.integers(0, (1 << part.bits) - 1))
    code = part.code(result, adc_bits)
    assert -(1 << adc_bits) <= code < 1 << adc_bits
    assert part.code(part.zero, adc_bits) == 0
    assert result == 0 or part.code(result - 1, adc_bits) <= code


@pytest.mark.parametrize("module", sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__"))
def test_parts_need_no_amaranth(module: str) -> None:
    program = f"import sys, twinbar.hw.parts.{module}; print('amaranth' in sys.modules, 'numpy' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert ran.stdout.split() == ["False", "False"]


def test_every_part_has_a_file_and_a_test() -> None:
    names = {part.name.split()[0] for part in catalogue()}
    assert names >= {"AD5628", "AD5686R", "AD7476A", "ADG1414", "ADG714", "ADS8688", "DAC8568", "MCP4822", "74HC595"}
    subjects = [path.read_text(encoding="utf-8").splitlines()[0] for path in Path(__file__).parent.glob("test_*.py")]
    assert [name for name in names if not any(name in subject for subject in subjects)] == []


@pytest.mark.parametrize("clock_hz", [12e6, 27e6, 50e6, 100e6, 200e6])
@pytest.mark.parametrize("part", catalogue(), ids=lambda part: part.name)
def test_cycles_are_never_shorter_than_the_limits(part: Part, clock_hz: float) -> None:
    limits, bits = part.timing, frame_bits(part)
    cycles = bus_cycles(limits, clock_hz, bits)
    ns = 1e9 / clock_hz
    lasts = {
        "period_ns": cycles.bits(1),
        "select_setup_ns": cycles.setup + cycles.first,
        "select_hold_ns": cycles.second + cycles.hold,
        "select_high_ns": cycles.high,
        "select_period_ns": cycles.frame(bits),
        "data_setup_ns": cycles.first,
        "data_hold_ns": cycles.second,
        "low_ns" if limits.sampling_level else "high_ns": cycles.first,
        "high_ns" if limits.sampling_level else "low_ns": cycles.second,
    }
    assert [name for name, count in lasts.items() if count * ns < getattr(limits, name) - 1e-6] == []


def test_the_example_of_the_documentation_can_be_built() -> None:
    page = (ROOT / "docs" / "parts.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    names: dict[str, Any] = {}
    exec(example, names)
    assert {"dac", "adc", "switches"} <= set(names["controller"].tiles[0].signature.members)
    Fragment.get(names["controller"], None)


def test_what_lies_before_an_adc_settles_too() -> None:
    parts = find_wiring("icebreaker").serial_parts(12e6)
    assert parts is not None
    # A Pmod AD1 has two poles at 500 kHz, 318 ns each: half a step of 12 bits is left of (1 + x) exp(-x) at x = 11.6.
    assert parts.read_settle_ns == 3700 == pytest.approx(11.6 * 318.3, rel=0.01)
    assert (1 + 11.6) * np.exp(-11.6) < 2**-13 < (1 + 11.4) * np.exp(-11.4)
    # 3.7 us at 12 MHz are 44.4 cycles; between groups of columns they pass in SELECT, with the switches' own time.
    own = parts.switch.settle_ns
    assert parts.select_settle_ns(16, 1) == 3700 + own
    assert parts.select_settle_ns(2, 2) == own
    times = settling_times(parts, 16, 1)
    assert times["timing.settle_read"] == times["timing.settle_multiply"] == 45
    assert times["timing.select"] == int(np.ceil((3700 + own) * 12e-3))
    assert settling_times(replace(parts, adc=ADS8688()), 16, 1)["timing.settle_read"] == np.ceil(103.7e-6 * 12e6)


@pytest.mark.parametrize("part", DACS, ids=lambda part: part.name)
def test_a_dac_that_kept_its_supply_begins_anew(part: DacPart) -> None:
    device = part.device()
    for channel in range(part.channels):
        device.execute(part.write_and_update(channel, 5), 0.0)
    for word in part.start_up():
        device.execute(word, 1.0)
    # The MCP4822 has no reset, and that of the AD5593R takes long: they are written again, as every output in use is.
    assert device.outputs == [5 if part.name in ("MCP4822", "AD5593R") else 0] * part.channels
