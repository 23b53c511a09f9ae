"""Whatever generated code does with values, those of narrow.h give what CXXRTL's own give."""

import ctypes
from pathlib import Path

import numpy as np
import pytest

from twinbar.emulator.engines.rtl import netlist_library
from twinbar.emulator.engines.rtl.netlist_library import TRANSLATORS, cached_library, translator_texts

pytestmark = pytest.mark.compiler

FLAGS = ("-std=c++17", "-O0", "-fPIC", "-shared", "-w")
HARNESS = Path(__file__).with_name("values_harness.cc").read_text()
NARROW = translator_texts()[TRANSLATORS.index("narrow.h")]
OPERANDS = 20
"""Words that all operands of a width take together, at most."""
ROOM = 1 << 11
EXTREME = np.array([0, 1, 2, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF], np.uint32)


def results_of(text: str, given: np.ndarray) -> list[list[int]]:
    library = ctypes.CDLL(str(cached_library([text], lambda folder: text, FLAGS)))
    library.results.restype = ctypes.c_size_t
    found = []
    for operands in given:
        words = np.zeros(ROOM, np.uint32)
        count = library.results(operands.ctypes.data_as(ctypes.c_void_p), words.ctypes.data_as(ctypes.c_void_p))
        assert 900 < count < ROOM
        found.append(words[:count].tolist())
    return found


@pytest.fixture
def given() -> np.ndarray:
    rng = np.random.default_rng(1)
    words = rng.integers(0, 1 << 32, (2000, OPERANDS), np.uint32)
    return np.where(rng.random(words.shape) < 0.3, rng.choice(EXTREME, words.shape), words)


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(netlist_library, "cache_folder", lambda: tmp_path)


def test_narrow_values_compute_what_those_of_cxxrtl_do(given: np.ndarray) -> None:
    assert results_of(NARROW + HARNESS, given) == results_of(HARNESS, given)
