"""The compiled models of parts and those of hw/parts, on the same pins: words, and edges that come too early."""

import ctypes
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from twinbar.emulator.engines.rtl.netlist_library import cached_library
from twinbar.emulator.pins import part_tables
from twinbar.emulator.pins.breach import Breach
from twinbar.emulator.pins.harness_text import model_text
from twinbar.hw.parts.ad5628 import AD5628
from twinbar.hw.parts.ad5686r import AD5686R
from twinbar.hw.parts.ad7476a import AD7476A
from twinbar.hw.parts.adg714 import ADG714
from twinbar.hw.parts.adg1414 import ADG1414
from twinbar.hw.parts.ads8688 import ADS8688
from twinbar.hw.parts.dac8568 import DAC8568
from twinbar.hw.parts.hc595 import HC595_2V, HC595_4V5
from twinbar.hw.parts.mcp4822 import MCP4822
from twinbar.hw.parts.part_model import SerialDevice
from twinbar.hw.parts.switch import SWITCHES

pytestmark = pytest.mark.compiler

DACS = (AD5628(), AD5686R(), DAC8568(), MCP4822())
ADCS = (AD7476A(), ADS8688())
SWITCH_PARTS = (HC595_2V, HC595_4V5, ADG1414, ADG714)
CHAIN = 3
FRAMES = 60


def by_name(part: Any) -> str:
    return str(part.name)


@pytest.fixture(scope="module")
def library() -> ctypes.CDLL:
    harness = Path(__file__).with_name("models_harness.cc").read_text()
    text = f"#include <memory>\n#include <algorithm>\n#include <cstdint>\n{model_text()}\n{harness}"
    found = ctypes.CDLL(str(cached_library([text], lambda folder: text)))
    for kind in ("dac", "adc", "chain"):
        getattr(found, f"bench_{kind}").restype = ctypes.c_void_p
    for name in ("code", "closed", "complaints"):
        getattr(found, f"bench_{name}").restype = ctypes.c_int64
    return found


@dataclass
class Both:
    """A model in either language at the same pins."""

    library: ctypes.CDLL
    bench: ctypes.c_void_p
    model: SerialDevice

    def drive(self, time_ns: float, selected: bool, clock: int, data: int) -> None:
        self.model.drive(time_ns, selected=selected, clock=clock, data=data)
        self.library.bench_drive(self.bench, ctypes.c_double(time_ns), int(selected), clock, data)

    def check_output(self, time_ns: float) -> None:
        shown = self.library.bench_output(self.bench, ctypes.c_double(time_ns))
        assert shown == self.model.output(time_ns)

    def check_limits(self) -> set[str]:
        """Compare the limits of times that were broken; what frames did wrong has words of its own."""
        found = (part_tables.Complaint * 1000)()
        count = self.library.bench_complaints(self.bench, found)
        assert count < 1000
        times = [(c.time_ns, limit, c.found, c.needed) for c in found[:count] if (limit := Breach(c.breach).limit)]
        expected = [(v.time_ns, v.limit, v.found_ns, v.needed_ns) for v in self.model.violations]
        assert times == [violation for violation in expected if violation[2] is not None]
        frames = sum(not Breach(c.breach).limit for c in found[:count])
        assert frames == sum(violation[2] is None for violation in expected)
        return {limit for _, limit, _, _ in times}


def frame(both: Both, rng: random.Random, time_ns: float, word: int, bits: int, hasty: bool) -> float:
    """Send a frame, with times that are long enough, or some that are not; gives the time after it."""
    timing = both.model.timing
    halves = {0: max(timing.low_ns, timing.data_setup_ns, 5.0), 1: max(timing.high_ns, timing.data_hold_ns, 5.0)}
    slack = timing.period_ns + (timing.access_ns or 0.0)

    def wait(least: float) -> None:
        nonlocal time_ns
        time_ns += (rng.uniform(0.3, 1.5) if hasty else rng.uniform(1.0, 2.0)) * (least + slack / 2)

    clock = timing.cpol
    # In modes 0 and 2 a bit is taken at the first edge of its period.
    first = 1 - clock
    data = word >> (bits - 1) & 1
    both.drive(time_ns, True, clock, data)
    wait(timing.select_setup_ns + timing.select_access_ns)
    for place in reversed(range(bits)):
        data = word >> place & 1
        if not timing.cpha:
            both.drive(time_ns, True, clock, data)
            wait(halves[clock])
        both.check_output(time_ns)
        both.drive(time_ns, True, first, data)
        wait(halves[first])
        both.check_output(time_ns)
        both.drive(time_ns, True, clock, data)
        if timing.cpha:
            wait(halves[clock])
    wait(timing.select_hold_ns)
    both.drive(time_ns, False, clock, data)
    wait(timing.select_high_ns + timing.select_period_ns)
    return time_ns


def run(
    both: Both, rng: random.Random, next_frame: Callable[[], tuple[int, int]], after: Callable[[float], None]
) -> set[str]:
    """Send frames, some of them too short, some too fast; give the limits that were broken."""
    time_ns = 1e6
    for number in range(FRAMES):
        word, bits = next_frame()
        cut = number % 7 == 6
        time_ns = frame(both, rng, time_ns, word >> 3 if cut else word, bits - 3 * cut, hasty=number % 3 == 2)
        after(time_ns)
        time_ns += rng.choice((0.0, 1e4))
    return both.check_limits()


@pytest.mark.parametrize("part", DACS, ids=by_name)
def test_dacs(part: Any, library: ctypes.CDLL) -> None:
    rng = random.Random(1)
    kept = part_tables.Memory()
    table = part_tables.dac_table(part, kept)
    both = Both(library, ctypes.c_void_p(library.bench_dac(ctypes.byref(table))), part.device())
    words = [(word, part.word_bits) for word in part.start_up()]

    def next_frame() -> tuple[int, int]:
        word = part.write_and_update(rng.randrange(part.channels), rng.randrange(1 << part.bits))
        return words.pop() if words else (word, part.word_bits)

    def after(time_ns: float) -> None:
        codes = [library.bench_code(both.bench, ctypes.c_int64(n)) for n in range(part.channels)]
        assert codes == both.model.outputs  # type: ignore[attr-defined]
        settled = library.bench_settled(both.bench, ctypes.c_double(time_ns))
        assert bool(settled) == both.model.settled(time_ns)  # type: ignore[attr-defined]

    broken = run(both, rng, next_frame, after)
    assert "period_ns" in broken
    assert any(both.model.outputs)  # type: ignore[attr-defined]
    library.bench_delete(both.bench)


@pytest.mark.parametrize("part", ADCS, ids=by_name)
def test_adcs(part: Any, library: ctypes.CDLL) -> None:
    rng = random.Random(2)
    kept = part_tables.Memory()
    table = part_tables.adc_table(part, 8, kept)
    levels = [rng.randrange(1 << part.bits) for _ in range(part.channels)]
    both = Both(library, ctypes.c_void_p(library.bench_adc(ctypes.byref(table))), part.device(levels.__getitem__))
    words = list(part.start_up())[::-1]

    def next_frame() -> tuple[int, int]:
        for channel in range(part.channels):
            levels[channel] = rng.randrange(1 << part.bits)
            library.bench_level(both.bench, ctypes.c_int64(channel), ctypes.c_int64(levels[channel]))
        return tuple(words.pop()) if words else (part.command(rng.randrange(part.channels)), part.frame_bits)

    broken = run(both, rng, next_frame, lambda time_ns: None)
    assert broken
    assert len(both.model.conversions) > FRAMES // 2  # type: ignore[attr-defined]
    library.bench_delete(both.bench)


@pytest.mark.parametrize("part", SWITCH_PARTS, ids=by_name)
def test_chains_of_switches(part: Any, library: ctypes.CDLL) -> None:
    rng = random.Random(3)
    table = part_tables.switch_table(part)
    length = CHAIN * SWITCHES
    both = Both(
        library,
        ctypes.c_void_p(library.bench_chain(ctypes.byref(table), ctypes.c_int64(length))),
        part.device(CHAIN),
    )
    places = (ctypes.c_int64 * length)()
    active = False

    def after(time_ns: float) -> None:
        nonlocal active
        count = library.bench_closed(both.bench, places)
        assert places[:count] == both.model.closed  # type: ignore[attr-defined]
        if rng.random() < 0.4:
            active = not active
            both.model.open(time_ns, active)  # type: ignore[attr-defined]
            library.bench_open(both.bench, ctypes.c_double(time_ns), int(active))

    run(both, rng, lambda: (rng.getrandbits(length), length), after)
    library.bench_delete(both.bench)
