import numpy as np
import pytest
from amaranth.hdl import Const
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twinbar.host.transport.packing import leaves, pack, unpack
from twinbar.hw.errors import ConfigError
from twinbar.hw.gateware.config import ControllerConfig
from twinbar.hw.protocol.commands import CONTROLLER_TILE, Command, Opcode, Polarity, PulseArgument, RawArgument
from twinbar.hw.protocol.faults import Fault, Reason
from twinbar.hw.protocol.registers import LEVEL_BASE, TILE_REGISTERS
from twinbar.hw.protocol.responses import CellResult, Product, Response
from twinbar.hw.timing import MAX_WIDTH, Timing

ENUMERATIONS = {"opcode": Opcode, "polarity": Polarity}
LAYOUTS = [Command, CellResult, Product, PulseArgument, RawArgument]


def values_of(layout):
    ranges = {}
    for name, _, shape in leaves(layout):
        low = -(1 << shape.width - 1) if shape.signed else 0
        ranges[name] = st.integers(low, (1 << shape.width - shape.signed) - 1)
        if name in ENUMERATIONS:
            ranges[name] = st.sampled_from([int(value) for value in ENUMERATIONS[name]])
    return st.lists(st.fixed_dictionaries(ranges), min_size=1, max_size=5)


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.__name__)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(content=st.data())
def test_what_is_packed_is_unpacked_and_is_what_the_gateware_sees(layout, content):
    beats = content.draw(values_of(layout))
    packed = pack(layout, **{name: [beat[name] for beat in beats] for name in beats[0]})
    back = unpack(layout, packed)
    for i, beat in enumerate(beats):
        assert {name: int(back[name][i]) for name in beat} == beat
        constant = layout.as_shape().const(dict(beat))
        assert Const.cast(constant).value == int(packed[i])


def test_nested_payload_names():
    beat = pack(Response, kind=Opcode.WRITE, **{"payload.cell.code": -5, "payload.cell.resets": 4095}, ok=1)
    seen = unpack(Response, beat)
    assert int(seen["payload.cell.code"]) == -5
    assert int(seen["payload.cell.resets"]) == 4095
    assert (int(seen["kind"]), int(seen["ok"]), int(seen["tile"])) == (Opcode.WRITE, 1, 0)


def test_beats_are_64_bits_and_packing_refuses_what_does_not_fit():
    assert Command.as_shape().size == Response.as_shape().size == 64
    with pytest.raises(ConfigError, match="row"):
        pack(Command, row=1024)
    with pytest.raises(ConfigError, match="no field"):
        pack(Command, rows=1)
    assert pack(Command, row=np.arange(3), tile=1).shape == (3,)


def test_registers_have_distinct_addresses_below_the_level_table_and_legal_reset_values():
    assert [register.address for register in TILE_REGISTERS] == list(range(len(TILE_REGISTERS)))
    assert len(TILE_REGISTERS) <= LEVEL_BASE
    assert len({register.name for register in TILE_REGISTERS}) == len(TILE_REGISTERS)
    for register in TILE_REGISTERS:
        assert register.minimum <= register.reset < 1 << register.width
        assert register.doc
    widths = {register.name: register.width for register in TILE_REGISTERS}
    assert (1 << widths["width_set"]) - 1 == MAX_WIDTH
    resets = {register.name: register.reset for register in TILE_REGISTERS}
    timing = Timing()
    for name in ("select", "settle_read", "settle_drive", "settle_multiply", "convert", "recover", "width_set"):
        assert resets[name] == getattr(timing, name)


def test_enumerations_fit_their_fields():
    assert max(Opcode) < 1 << 4
    assert max(Reason) < 1 << 5
    assert sum(Fault) < 1 << 6


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rows": 1025}, "row field"),
        ({"columns": 1026}, "column field"),
        ({"tiles": CONTROLLER_TILE + 1}, "tile field"),
        ({"tiles": 0}, "tiles"),
        ({"adc_channels": 65}, "one channel for every output"),
        ({"adc_bits": 16}, "15 bits"),
        ({"input_bits": 9}, "input_bits"),
        ({"columns": 7}, "even"),
        ({"command_depth": 0}, "command_depth"),
    ],
)
def test_what_cannot_be_built_is_refused_when_the_configuration_is_made(changes, said):
    with pytest.raises(ConfigError, match=said):
        ControllerConfig(**changes)


def test_the_hash_depends_on_every_parameter():
    base = ControllerConfig()
    changes = [{"rows": 64}, {"tiles": 2}, {"dac_inputs": True}, {"subtract_pairs": False}, {"response_depth": 8}]
    assert len({base.hash, *(ControllerConfig(**change).hash for change in changes)}) == len(changes) + 1
    assert ControllerConfig().hash == base.hash
