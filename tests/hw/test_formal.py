import pytest
from amaranth import Module
from amaranth.hdl import Assert
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from twinbar.hw.errors import ToolMissingError, TwinbarError
from twinbar.hw.formal.prove import SMTBMC, SOLVER, YOSYS, prove, tool
from twinbar.hw.gateware.config import ControllerConfig
from twinbar.hw.gateware.tile import Tile

SMALL = ControllerConfig(rows=2, columns=2, adc_bits=3, input_bits=2, command_depth=2, response_depth=2)


@pytest.fixture(scope="module", autouse=True)
def tools():
    try:
        for names in (YOSYS, SMTBMC, (SOLVER,)):
            tool(names)
    except ToolMissingError as error:
        pytest.skip(str(error))


class Overflowing(wiring.Component):
    """A counter with an assertion that fails in its fifth cycle."""

    count: Out(4)

    def elaborate(self, platform):
        m = Module()
        m.d.sync += self.count.eq(self.count + 1)
        m.d.comb += Assert(self.count < 4, "the count stays below four")
        return m


def test_a_wrong_property_is_found():
    with pytest.raises(TwinbarError, match="failed"):
        prove(Overflowing(), 8)


def test_the_write_gate_of_a_tile_is_safe():
    prove(Tile(SMALL, 0), 3)
