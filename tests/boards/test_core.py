"""The core of a board, pin by pin: it answers over its UART, drives its front end, stops, and shows that it lives."""

from typing import Any

import numpy as np
import pytest
from cores import core_of
from gateware_line import PinLine

from twinbar.boards.known_boards import find
from twinbar.boards.wiring import find_wiring
from twinbar.host.board.board_state import board_state, make_safe
from twinbar.host.transport.link import Link
from twinbar.hw.errors import ConfigError
from twinbar.hw.gateware.board_core import Core, CoreConfig
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.link.link_config import LinkConfig
from twinbar.hw.protocol.packing import pack, unpack
from twinbar.hw.protocol.vocabulary import Mode, Opcode, Status

# A slow clock, and no long pauses: every cycle is simulated.
LINK = LinkConfig(clock_hz=1_000_000, baud=250_000, linger_s=2e-4)
DIRECT = CoreConfig(ControllerConfig(tiles=2, rows=4, columns=4), LINK)
SMALL = CoreConfig(ControllerConfig(rows=4, columns=4), LINK)


def test_a_board_says_what_it_is_and_is_made_safe() -> None:
    link = Link(PinLine(Core(DIRECT), LINK), DIRECT.controller.hash)
    armed = unpack(link.run(pack(Opcode.ARM, 1, mode=Mode.READ)))
    assert armed["status"].tolist() == [Status.OK.value]
    assert make_safe(link) == 2
    assert unpack(link.run(pack(Opcode.READ, 1)))["status"].tolist() == [Status.DISARMED.value]
    state = board_state(link)
    assert state["board"]["configuration"] == f"{DIRECT.controller.hash:016x}"
    assert (state["board"]["tiles"], state["board"]["rows"], state["board"]["baud"]) == (2, 4, 250_000)
    assert [tile["faults"] for tile in state["tiles"]] == [[], []]
    # ARM, SAFE, READ, and the counters that were read before this one.
    assert state["tiles"][1]["actions"]["command_beat"] > 3
    assert state["tiles"][0]["actions"]["pulse_set"] == 0


def test_the_stop_pin_forbids_arming() -> None:
    line = PinLine(Core(SMALL), LINK)

    async def press(ctx: Any) -> None:
        ctx.set(line.dut.stop, 1)

    line.simulator.add_testbench(press)
    refused = unpack(Link(line).run(pack(Opcode.ARM, 0, mode=Mode.READ)))
    # Without it, the first test arms.
    assert refused["status"].tolist() != [Status.OK.value]
    assert refused["stop"].tolist() == [1]


def test_the_light_blinks_at_rest_and_is_on_at_work() -> None:
    line = PinLine(Core(SMALL), LINK)
    levels: list[int] = []

    async def watch(ctx: Any) -> None:
        while True:
            *_, light = await ctx.tick().sample(line.dut.light)
            levels.append(int(light))

    line.simulator.add_testbench(watch, background=True)
    link = Link(line)
    before = len(levels)
    assert not any(levels)
    link.run(pack(Opcode.READ_REGISTER, 0, address=np.arange(2)))
    assert levels[-1] == 1
    assert 0 < levels[before:].index(1) < len(levels) - before


def test_a_core_of_serial_parts_knows_its_clock() -> None:
    board = find("icebreaker")
    wiring = find_wiring("icebreaker")
    core = core_of(board, wiring)
    assert core.describe()["front_end"] == {"dac": "AD5628", "adc": "AD7476A", "switches": "74HC595 at 2 V"}
    with pytest.raises(ConfigError, match="the parts are for a clock of 50 MHz, the core has 12 MHz"):
        CoreConfig(core.controller, core.link, wiring.serial_parts(50_000_000))
