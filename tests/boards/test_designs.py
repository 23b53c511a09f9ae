"""Every board: a wiring that fits, a clock and a baud rate that can be made, and every pin in its place."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cores import core_of

from twinbar.boards.board_clock import ecp5_dividers
from twinbar.boards.known_boards import boards, find
from twinbar.boards.module import find_module, find_part, module_names
from twinbar.boards.placement import sockets_of
from twinbar.boards.top import design
from twinbar.boards.wiring import find_wiring, wiring_names
from twinbar.hw.errors import ConfigError

FURTHER_WIRINGS = {"icebreaker-reference": "icebreaker", "openmena": "ice40-hx8k-b-evn"}
"""Wirings that no board takes unless it is told to."""
ONE_OF_EACH_WIRING = {board.wiring: name for name, board in boards().items()} | FURTHER_WIRINGS


def test_the_boards_are_those_that_are_promised() -> None:
    assert set(boards()) >= {
        *("icebreaker", "icesugar", "ice40-hx8k-b-evn", "colorlight-i5", "ecpix5-45", "ecpix5-85"),
        *("ulx3s-12f", "ulx3s-25f", "ulx3s-45f", "ulx3s-85f"),
        "tang-nano-9k",
    }
    assert set(ONE_OF_EACH_WIRING) == set(wiring_names())
    with pytest.raises(ConfigError, match="there is no board 'arduino'; choose one of colorlight-i5, "):
        find("arduino")


@pytest.mark.parametrize("name", boards())
def test_a_board_takes_its_wiring(name: str) -> None:
    board = find(name)
    made = design(board, core_of(board, find_wiring(board.wiring)), find_wiring(board.wiring))
    sockets = sockets_of(made.platform)
    used = [sockets[socket] for places in made.placement.places.values() for socket in places]
    assert len(set(used)) == len(used) > 10
    assert made.placement.places["write_gate"]


@pytest.mark.parametrize("name", boards())
def test_the_clock_makes_the_baud_rate(name: str) -> None:
    board = find(name)
    link = core_of(board, find_wiring(board.wiring)).link
    assert link.divisor * board.baud == pytest.approx(board.clock_hz, rel=0.005)


@pytest.mark.parametrize(("wired", "name"), ONE_OF_EACH_WIRING.items())
def test_every_pin_is_in_the_netlist_and_has_its_place(wired: str, name: str) -> None:
    board = find(name)
    wiring = find_wiring(wired)
    # Small, so that it takes little time; what is wired does not depend on it.
    sizes = {} if wiring.front_end == "direct" else {"rows": 8, "columns": 8}
    made = design(board, core_of(board, wiring, **sizes), wiring)
    plan = made.platform.prepare(made.top(), "board")
    if "board.pcf" in plan.files:
        found = dict(re.findall(r"^set_io (\S+) (\S+)$", plan.files["board.pcf"], re.MULTILINE))
    elif "board.cst" in plan.files:
        found = dict(re.findall(r'^IO_LOC "(\S+)" (\S+);$', plan.files["board.cst"], re.MULTILINE))
    else:
        found = dict(re.findall(r'^LOCATE COMP "(\S+)" SITE "(\S+)";$', plan.files["board.lpf"], re.MULTILINE))
    found = {port: pin for port, pin in found.items() if port.startswith("front_")}
    sockets = sockets_of(made.platform)
    assert found == {
        f"front_{pin.replace('.', '_')}_{number}__io": sockets[socket]
        for pin, places in made.placement.places.items()
        for number, socket in enumerate(places)
    }


def test_lines_of_i2c_are_pulled_low_and_never_driven_high() -> None:
    """A line that is driven high would fight a part that acknowledges: its pin puts out 0, or nothing."""
    wiring, board = find_wiring("openmena"), find("ice40-hx8k-b-evn")
    made = design(board, core_of(board, wiring), wiring)
    netlist = made.platform.prepare(made.top(), "board").files["board.il"]
    cells = re.findall(r"cell \\SB_IO [^\n]*\n(.*?)\n  end\n", netlist, re.DOTALL)
    for line in ("clock", "data"):
        (found,) = (cell for cell in cells if f"front_dac_{line}_0__io" in cell)
        assert "connect \\D_OUT_0 1'0\n" in found
        assert "connect \\OUTPUT_ENABLE \\" in found


NETLIST = """
import hashlib
from cores import core_of
from twinbar.boards.known_boards import find
from twinbar.boards.top import design
from twinbar.boards.wiring import find_wiring
board = find("icebreaker")
wiring = find_wiring(board.wiring)
made = design(board, core_of(board, wiring, rows=8, columns=8), wiring)
plan = made.platform.prepare(made.top(), "board", emit_src=False)
print(hashlib.sha256(plan.files["board.il"].encode()).hexdigest())
"""


def test_every_process_makes_the_same_netlist() -> None:
    """Texts have other hashes in every process, and sets of them, or of members of an enumeration, another order."""
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", NETLIST],
            env=os.environ | {"PYTHONPATH": path, "PYTHONHASHSEED": seed},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in ("0", "1")
    ]
    first, second = (run.communicate()[0] for run in runs)
    assert len(first) == len("0" * 64 + "\n")
    assert first == second


@pytest.mark.parametrize("name", module_names())
def test_a_module_has_a_part_with_a_driver(name: str) -> None:
    module = find_module(name)
    assert find_part(module.part, module.bus).name == module.part
    assert len(set(module.pins.values())) == len(module.pins)


@pytest.mark.parametrize(("input_hz", "output_hz"), [(25_000_000, 50_000_000), (100_000_000, 50_000_000)])
def test_the_dividers_of_a_pll_give_the_clock(input_hz: int, output_hz: int) -> None:
    found = ecp5_dividers(input_hz, output_hz)
    assert input_hz * found.feedback == output_hz * found.reference
    assert 400e6 <= output_hz * found.post <= 800e6


def test_a_clock_that_no_pll_makes_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"a PLL cannot make 48.1 MHz of 25 MHz; choose a multiple of it"):
        ecp5_dividers(25_000_000, 48_100_000)
