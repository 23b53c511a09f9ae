"""The netlist of a core in blocks: nothing is lost, and pins are found where they are made."""

from pathlib import Path

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from virtual_samples import core

from twinbar.emulator.engines.rtl.netlist import rtlil_text
from twinbar.emulator.engines.rtl.netlist_errors import BuildError
from twinbar.emulator.engines.rtl.rtlil import parse
from twinbar.emulator.virtual.partition import CORE, LINK, Partition, partition
from twinbar.hw.gateware.board_core import Core

pytestmark = pytest.mark.compiler


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Partition:
    return partition(rtlil_text(Core(core())), tmp_path_factory.mktemp("netlist"))


def test_every_serialiser_is_a_block(parts: Partition) -> None:
    front_end = "controller_controller_front_end_0"
    buses = {f"{front_end}_{bus}_bus" for bus in ("dac", "adc", "switch")}
    assert set(parts.texts) == {CORE, LINK, "controller_link_uart_receiver", "controller_link_uart_transmitter"} | buses


def test_pins_of_serialisers_pass_the_core_by(parts: Partition) -> None:
    made_by = {pin: port.block for pin, port in parts.pins.items()}
    assert made_by["rx"] == "controller_link_uart_receiver"
    assert made_by["tx"] == "controller_link_uart_transmitter"
    assert (
        made_by["tiles__0__adc__inputs"]
        == made_by["tiles__0__adc__clock"]
        == "controller_controller_front_end_0_adc_bus"
    )
    assert made_by["tiles__0__write_gate"] == made_by["stop"] == CORE
    told = {(wire.source.block, wire.source.name) for wire in parts.wires}
    assert not {name for _, name in told if name.startswith("pins__") or name == "tx"}


def test_wires_lead_from_outputs_to_inputs_and_feed_every_input(parts: Partition) -> None:
    netlists = {name: parse(text) for name, text in parts.texts.items()}
    fed: dict[str, set[str]] = {name: set() for name in netlists}
    for wire in parts.wires:
        source, target = netlists[wire.source.block], netlists[wire.target.block]
        assert f"\\{wire.source.name}" in source.ports - source.inputs
        assert f"\\{wire.target.name}" in target.inputs
        assert source.widths[f"\\{wire.source.name}"] == target.widths[f"\\{wire.target.name}"]
        fed[wire.target.block].add(wire.target.name)
    for port in parts.pins.values():
        fed[port.block].add(port.name)
    used = {
        (block, name[1:])
        for block, netlist in netlists.items()
        for name in netlist.inputs - {"\\clk", "\\rst"}
        if any(netlist.readers[name, bit] for bit in range(netlist.widths[name]))
    }
    assert not {(block, name) for block, name in used if name not in fed[block]}


class Hasty(wiring.Component):
    """What would be taken for a serialiser, and answers at once."""

    i: In(1)
    o: Out(1)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.comb += self.o.eq(~self.i)
        return m


class Around(wiring.Component):
    """Something around it."""

    i: In(1)
    o: Out(1)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.dac_bus = bus = Hasty()
        m.d.sync += self.o.eq(bus.o)
        m.d.comb += bus.i.eq(self.i)
        return m


def test_a_serialiser_that_answers_at_once_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"of top.dac_bus depends on its inputs in the same cycle"):
        partition(rtlil_text(Around()), tmp_path)
