"""An engine that is a little wrong is caught, and the program that shows it is small."""

import pytest
from wrong_engines import CHANGES, Change, wrong

from twinbar.emulator.verify.campaign import Coverage, compare, sessions
from twinbar.emulator.verify.elaborations import with_tiles
from twinbar.emulator.verify.engines import engine_of
from twinbar.emulator.verify.show import show


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_it_is_caught_and_shrunk(change: Change) -> None:
    right = engine_of("fast")
    engines = {"right": right, "wrong": wrong(right, change)}
    finding = compare(engines, sessions(0, 200, with_tiles(1)), Coverage(), seconds=30)
    assert finding is not None
    text = f"{finding.difference}\n{show(finding.session)}"
    # Two records with their windows, arming, and the command that shows it.
    assert finding.session.commands <= 10, text
    assert finding.session.commands < finding.drawn.commands
    assert len(finding.session.steps) == 1, text


def test_a_right_engine_is_not_blamed() -> None:
    right = engine_of("fast")
    coverage = Coverage()
    assert compare({"one": right, "two": right}, sessions(0, 100, with_tiles(None)), coverage) is None
    assert coverage.programs == 100


def test_an_engine_that_fails_is_a_difference() -> None:
    right = engine_of("fast")

    def fails(result: object) -> object:
        raise IndexError("no such cell")

    engines = {"right": right, "wrong": wrong(right, fails)}  # type: ignore[arg-type]
    finding = compare(engines, sessions(0, 5, with_tiles(1)), Coverage(), seconds=5)
    assert finding is not None
    assert "wrong failed with IndexError: no such cell" in finding.difference.text
    assert finding.session.commands == 0
