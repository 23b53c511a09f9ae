"""Boards whose array is emulated: what they are built of, and what is refused."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from twinbar.boards.emulated import room_of
from twinbar.boards.known_boards import boards, find
from twinbar.boards.top import design
from twinbar.host.board.emulated_board import emulated_core, emulated_run
from twinbar.host.experiment.resolved_crossbar import build_crossbar
from twinbar.hw.gateware.array.memory_map import MemoryMap


def _core(name: str, **changes: Any) -> Any:
    board = find(name)
    return emulated_core(board, emulated_run(board, None, changes))


TOO_SMALL = ("ice40-hx8k-b-evn", "tang-nano-9k")
"""Boards whose block RAMs hold no array of a useful size."""


@pytest.mark.parametrize("name", [name for name in boards() if name not in TOO_SMALL])
def test_a_board_emulates_the_array_of_a_run(name: str) -> None:
    board = find(name)
    run = emulated_run(board, None, {"engine.seed": 4})
    core, crossbar = emulated_core(board, run), build_crossbar(run)
    expected = crossbar.array.controller(1)
    for field in ("tiles", "rows", "columns", "adc_channels", "adc_bits", "dac_bits", "input_bits", "safe_codes"):
        assert getattr(core.controller, field) == getattr(expected, field)
    assert core.link.clock_hz == crossbar.clock_hz
    assert core.array is not None
    assert core.array.model.seed == int(crossbar.cells.scalars[0].seed) % (1 << 64)
    least = core.describe()["front_end"]["emulated"]["least_cycles"]
    timing = crossbar.timing
    assert (timing.convert, timing.settle_multiply, timing.recover) == (
        least["convert"],
        least["multiply"],
        least["pulse"],
    )
    # Four large RAMs of the iCE40UP5K hold 65,536 words, 56 block RAMs of the smallest ECP5 57,344.
    assert MemoryMap.of(core.controller, core.array.model).words < 50_000


def test_the_small_board_keeps_the_cells_in_its_large_rams() -> None:
    core = _core("icebreaker", **{"array.rows": 4, "array.columns": 4})
    made = design(find("icebreaker"), core, None)
    files = made.platform.prepare(made.top(), "board").files
    netlist = files["board.il"]
    assert netlist.count("SB_SPRAM256KA") == -(-MemoryMap.of(core.controller, core.array.model).words // (1 << 14))
    assert "front_" not in files["board.pcf"]
    assert room_of(find("icebreaker")).receive_bytes == core.link.receive_bytes


def test_equal_runs_give_equal_arrays_and_other_cells_another() -> None:
    described = [_core("ulx3s-85f", **{"engine.seed": seed}).describe()["front_end"] for seed in (1, 1, 2)]
    assert described[0] == described[1] != described[2]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["icebreaker", "--array", "emulated", "--wiring", "icebreaker"], "an emulated array has no wires"),
        (["icebreaker", "--set", "engine.seed=3"], "--config and --set are for an emulated array"),
        (["icebreaker", "--array", "emulated", "--dac-bits", "8"], "leave out --dac-bits"),
        (["icebreaker", "--array", "emulated", "--set", "device.preset=ecram"], "width|cannot compute this device"),
        *(([name, "--array", "emulated"], "too little memory for an emulated array") for name in TOO_SMALL),
        (["ulx3s-85f", "--array", "emulated", "--rows", "9", "--set", "array.rows=9"], "array.rows is given by --rows"),
    ],
)
def test_what_cannot_be_built_is_said_in_a_sentence(
    twinbar: Callable[..., Any], arguments: list[str], sentence: str
) -> None:
    outcome = twinbar("board", "build", *arguments)
    assert outcome.status == 2
    assert re.search(sentence, outcome.err)
    assert outcome.err.count("\n") == 1
