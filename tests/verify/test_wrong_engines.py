"""An engine that is a little wrong is caught, and the program that shows it is small."""

from typing import Any

import numpy as np
import pytest
from wrong_engines import CHANGES, Change, wrong

from twinbar.emulator.contract.program import ProgramController
from twinbar.emulator.verify.campaign import Coverage, compare, sessions
from twinbar.emulator.verify.compared_engines import engine_of
from twinbar.emulator.verify.elaborations import SERIAL, with_tiles
from twinbar.emulator.verify.show import show


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_it_is_caught_and_shrunk(change: Change) -> None:
    right = engine_of("fast")
    engines = {"right": right, "wrong": wrong(right, change)}
    finding = compare(engines, sessions(0, 200, with_tiles(1)), Coverage())
    assert finding is not None
    text = f"{finding.difference}\n{show(finding.session)}"
    # Two records with their windows, arming, and the command that shows it.
    assert finding.session.commands <= 10, text
    assert finding.session.commands < finding.drawn.commands
    assert len(finding.session.steps) == 1, text


class Silent:
    """A controller that does not tell something of its cells."""

    def __init__(self, right: ProgramController, field: str) -> None:
        self._right = right
        self._field = field

    def __getattr__(self, name: str) -> Any:
        return getattr(self._right, name)

    def cells(self) -> dict[str, np.ndarray]:
        return {name: value for name, value in self._right.cells().items() if name != self._field}


@pytest.mark.parametrize("name", ["wrong", "rtl"])
@pytest.mark.parametrize("field", ["driven", "front_end", "pulses"])
def test_what_an_engine_no_longer_tells_is_noticed(name: str, field: str) -> None:
    right = engine_of("fast")
    engines = {"right": right, name: lambda session: Silent(right(session), field)}
    finding = compare(engines, sessions(0, 2, [SERIAL["octal"]]), Coverage(), tries=0)  # type: ignore[arg-type]
    if (name, field) == ("rtl", "front_end"):
        assert finding is None  # models of parts at the pins do not tell it
    else:
        assert finding is not None
        assert f"cells: {name} gives no {field}" in finding.difference.text


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
    finding = compare(engines, sessions(0, 5, with_tiles(1)), Coverage())
    assert finding is not None
    assert "wrong failed with IndexError: no such cell" in finding.difference.text
    assert finding.session.commands == 0
