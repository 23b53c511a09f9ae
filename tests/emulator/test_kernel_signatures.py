"""Kernels are compiled for one kind of integer."""

import importlib
import pkgutil
from collections import Counter
from typing import Any, NamedTuple

import numpy as np
import pytest
from numba import types
from numba.core.dispatcher import Dispatcher

from twinbar.emulator.engines import bulk, program
from twinbar.emulator.kernels.compiled import cache_of, for_types_of, inline, kernel
from twinbar.emulator.warm_up import warm_up

CONSTANT = 3


@inline
def half(x):  # type: ignore[no-untyped-def]
    return x // 2


@kernel
def halves(a, b, c):  # type: ignore[no-untyped-def]
    return half(a[0]) + half(b[0]) + half(c) + half(CONSTANT) + half(CONSTANT + 1)


def dispatchers() -> dict[str, Dispatcher]:
    found = {}
    for package in (bulk, program):
        for info in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            for value in vars(importlib.import_module(info.name)).values():
                if isinstance(value, Dispatcher) and value.__module__ == info.name:
                    found[f"{info.name}.{value.__name__}"] = value
    return found


def without_integers(signature: Any) -> str:
    arguments = getattr(signature, "args", signature)
    return str(tuple("integer" if isinstance(each, types.Integer) else str(each) for each in arguments))


def test_integers_of_any_width_and_constants_share_one_compilation() -> None:
    assert halves(np.ones(1, np.int32), np.ones(1, np.uint8), True + 6) == 0 + 0 + 3 + 1 + 2
    # What an earlier run has kept is not compiled again.
    assert cache_of(half).signatures() == [(types.int64,)]


class Pair(NamedTuple):
    low: np.ndarray
    high: np.ndarray


@kernel
def add_pair(pair, times):  # type: ignore[no-untyped-def]
    total = np.int64(0)
    for n in range(pair.low.shape[0]):
        total += pair.low[n] * times + pair.high[n, 0]
    return total


def test_what_is_made_for_the_types_of_some_arguments_takes_others_of_these_types() -> None:
    first = Pair(np.arange(3, dtype=np.int32), np.ones((3, 1), np.int64))
    run = for_types_of(add_pair, (first, 2))
    assert run(first, 2) == add_pair(first, 2) == 2 * (0 + 1 + 2) + 3
    # Other shapes and values, the same types and layouts.
    second = Pair(np.array([5, 7], np.int32), np.array([[10], [20]], np.int64))
    assert run(second, -1) == -12 + 30
    assert len(cache_of(add_pair).signatures()) == 1
    with pytest.raises(TypeError):
        run(second)


def test_a_function_that_is_not_compiled_stays_what_it_is() -> None:
    # As with NUMBA_DISABLE_JIT, where kernels are functions of Python.
    assert for_types_of(without_integers, ()) is without_integers


def test_no_kernel_is_kept_twice_for_two_kinds_of_integers() -> None:
    warm_up()
    kept = {name: cache_of(found).signatures() for name, found in dispatchers().items()}
    twice = {
        name: signatures
        for name, signatures in kept.items()
        if max(Counter(map(without_integers, signatures)).values(), default=0) > 1
    }
    assert twice == {}
    used = [name for name, signatures in kept.items() if signatures]
    assert len(used) > 90  # all but those that stand in their callers
    assert any(name.endswith(".program_kernel.run") for name in used)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_parts_cover_every_tile_once(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from twinbar.emulator.kernels import tile_threads

    parts: list[tuple[int, int]] = []
    monkeypatch.setattr(tile_threads.numba, "get_num_threads", lambda: 3)
    tile_threads.for_tiles(lambda first, last: parts.append((first, last)), count)
    assert sorted(tile for first, last in parts for tile in range(first, last)) == list(range(count))
    assert len(parts) == min(count, 3)
