"""The wiring file that the page on boards shows: a reader who copies it gets a board, built or virtual."""

import importlib
import re
from pathlib import Path

import numpy as np
import pytest

from twinbar.boards.core_of_board import core_of
from twinbar.boards.known_boards import find
from twinbar.boards.top import design
from twinbar.boards.wiring import Wiring, find_wiring
from twinbar.emulator.contract import beats
from twinbar.emulator.contract.program import Program
from twinbar.emulator.engines.program.fast_controller import FastController
from twinbar.emulator.virtual.compiled_board import CompiledBoard
from twinbar.host.transport.link import Link
from twinbar.host.virtual.virtual_line import VirtualLine

BOARD = find("icebreaker")


@pytest.fixture
def example(root: Path, tmp_path: Path) -> Wiring:
    (text,) = re.findall(r"^```toml\n(title = .*?)^```$", (root / "docs" / "boards.md").read_text(), re.DOTALL | re.M)
    file = tmp_path / "mine.toml"
    file.write_text(text)
    return find_wiring(str(file))


def test_the_example_has_a_place_for_every_pin_and_fits(example: Wiring) -> None:
    core = core_of(BOARD, example)
    placement = design(BOARD, core, example).placement
    assert placement.places["stop"] == ["pmod_2:4"]
    # What fits this FPGA is what comes with Twinbar for it, and its front end takes as much.
    shipped = core_of(BOARD, find_wiring("icebreaker"))
    assert (core.controller, core.parts) == (shipped.controller, shipped.parts)


@pytest.mark.compiler
def test_the_example_runs_on_a_virtual_board(example: Wiring, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(root / "tests" / "virtual"))
    samples = importlib.import_module("virtual_samples")
    core = core_of(BOARD, example, **samples.SIZES)
    array = samples.crossbar(core)
    board, fast = CompiledBoard(core, array), FastController(array, core.controller)
    with Link(VirtualLine(board), core.controller.hash) as link:
        for commands in (beats.configure(array, 1), samples.writes(np.random.default_rng(5), 10)):
            assert np.array_equal(link.run(commands), fast.run(Program(commands)).responses)
    assert board.complaints() == (0, [])
