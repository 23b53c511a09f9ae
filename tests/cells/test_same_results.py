"""The same verbs give the same on every engine and on virtual boards: codes, states, counters, cycles and cost."""

from typing import Any

import numpy as np
import pytest
from shared_netlists import PAIR
from verbs_script import flat, run_script, without_waiting

from twinbar.emulator.verify.elaborations import find_elaboration
from twinbar.host.board.board import Board
from twinbar.host.board.board_controller import BoardController
from twinbar.host.cells.chip import Chip
from twinbar.host.virtual.virtual_board import VirtualBoard
from twinbar.hw.errors import ConfigError, LinkError

CONVERTERS_DIFFER = find_elaboration("pair").config
"""The crossbar of two tiles of 6 x 8 cells."""
SERIAL = {"rows": 8, "columns": 8, "adc_channels": 1, "command_depth": 2}
"""The core of tests/virtual."""


ENGINES = ["events", pytest.param("rtl", marks=pytest.mark.compiler), pytest.param("pysim", marks=pytest.mark.slow)]


def states(chip: Chip) -> dict[str, Any]:
    return {name: values.tolist() for name, values in chip.emulated.cells().items()}


@pytest.mark.parametrize("engine", ENGINES)
def test_engines_give_the_same(engine: str, compiled_kernels: None) -> None:
    fast, other = (Chip.of(CONVERTERS_DIFFER, PAIR, engine=name) for name in ("fast", engine))
    expected, found = run_script(fast), run_script(other)
    assert flat(found) == flat(expected)
    assert states(other) == states(fast)
    assert expected["cost"]["cycles"]["total"] > 1000
    assert expected["written"].ok.all()


@pytest.mark.compiler
def test_a_virtual_board_that_emulates_its_array_gives_the_same(compiled_kernels: None) -> None:
    with VirtualBoard("icebreaker", array="emulated", rows=8, columns=8) as virtual:
        # The board says all but the cells; those are the preset and the seed that both have unless told otherwise.
        with Board(virtual.port, check=True) as board:
            found = run_script(board)
            assert isinstance(board.controller, BoardController)
            assert board.controller.responses > 100
            state = board.controller.cells()
        assert virtual.compiled.complaints() == (0, [])
    chip = Chip.of(virtual.crossbar, virtual.core.controller, armed=False)
    expected = run_script(chip)
    assert flat(without_waiting(found)) == flat(without_waiting(expected))
    for name, values in chip.emulated.cells().items():
        assert np.array_equal(state[name], values), name


# Programs of a virtual board with these parts are compared with `fast` in tests/virtual.
@pytest.mark.slow
@pytest.mark.compiler
def test_a_virtual_board_with_serial_parts_gives_the_same(compiled_kernels: None) -> None:
    with VirtualBoard("icebreaker", **SERIAL) as virtual:
        with Board(virtual.port, device="milo-hfo2") as board:
            found = run_script(board)
        assert virtual.compiled.complaints() == (0, [])
        cells = virtual.compiled.cells()
    chip = Chip.of(virtual.crossbar, virtual.core.controller, armed=False)
    expected = run_script(chip)
    for name, values in cells.items():
        assert np.array_equal(chip.emulated.cells()[name], values), name
    # While the line is silent, parts come to rest: what waits for them, in SELECT, takes less then.
    quick, slow = (flat(without_waiting(each)) for each in (found, expected))
    selecting = [".counters.cycles.select", ".cost.cycles.write"]
    assert [name for name in slow if quick[name] != slow[name]] in ([], selecting)
    assert quick[selecting[1]] <= slow[selecting[1]]


def test_a_virtual_board_has_a_port_only_while_it_runs() -> None:
    virtual = VirtualBoard("icebreaker", array="emulated", rows=8, columns=8)
    with pytest.raises(LinkError, match="the virtual board is not running; open it with a `with` block"):
        _ = virtual.port
    with pytest.raises(ConfigError, match='is "model" or "emulated", not \'wired\''):
        VirtualBoard("icebreaker", array="wired")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="an emulated array has no wires; leave out the wiring"):
        VirtualBoard("icebreaker", array="emulated", wiring="icebreaker")
    with pytest.raises(ConfigError, match="breadboard"):
        VirtualBoard("breadboard")
