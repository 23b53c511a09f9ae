"""The engines give the same: responses, cycles, phases, actions, energy and cells."""

import pytest

from twinbar.emulator.verify.campaign import Coverage, compare, sessions
from twinbar.emulator.verify.compared_engines import engine_of
from twinbar.emulator.verify.elaborations import ELABORATIONS, Elaboration, with_tiles
from twinbar.emulator.verify.show import show

COMPILED = [ELABORATIONS["plain"], ELABORATIONS["queues"]]
"""What the engine rtl compiles in a normal test run: a flat netlist and a composed one."""


def assert_equal(names: tuple[str, ...], programs: int, seed: int, elaborations: list[Elaboration]) -> None:
    coverage = Coverage()
    engines = {name: engine_of(name) for name in names}
    finding = compare(engines, sessions(seed, programs, elaborations), coverage)
    assert finding is None, f"{finding.difference}\n{show(finding.session)}"
    assert coverage.programs == programs


def test_fast_and_events_agree() -> None:
    assert_equal(("fast", "events"), 250, 1, with_tiles(None))


def test_fast_and_the_compiled_netlist_agree() -> None:
    assert_equal(("fast", "rtl"), 200, 2, COMPILED)


@pytest.mark.parametrize("tiles", [1, 2, 3, 4])
def test_fast_and_the_simulated_netlist_agree(tiles: int) -> None:
    assert_equal(("fast", "pysim"), 8, 3, with_tiles(tiles))


@pytest.mark.slow
@pytest.mark.parametrize("tiles", [1, 2, 3, 4])
def test_all_quick_engines_agree_on_thousands(tiles: int) -> None:
    assert_equal(("fast", "events", "rtl"), 3000, 10, with_tiles(tiles))


@pytest.mark.slow
@pytest.mark.parametrize("tiles", [1, 2, 3, 4])
def test_the_simulated_netlist_agrees_on_hundreds(tiles: int) -> None:
    assert_equal(("fast", "pysim"), 250, 11, with_tiles(tiles))
