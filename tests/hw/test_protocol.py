"""Layouts, packing and the generated reference."""

import re
from pathlib import Path

import numpy as np
import pytest
from amaranth.lib import data
from hypothesis import given, settings
from hypothesis import strategies as st

from twinbar.hw.errors import ConfigError
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.protocol.layouts import (
    COMMAND_BODIES,
    COMMAND_BODY_OF,
    RESPONSE_BODIES,
    RESPONSE_BODY_OF,
    Command,
    Response,
)
from twinbar.hw.protocol.packing import RESPONSE_BYTES, pack, triple, unpack, unpack_products, unpack_results
from twinbar.hw.protocol.reference import reference
from twinbar.hw.protocol.registers import REGISTERS
from twinbar.hw.protocol.vocabulary import Opcode, Status


def _shapes(layout: data.Layout) -> dict[str, tuple[int, int]]:
    found = {}
    for name, field in layout:
        bits, signed = data.Shape.cast(field.shape).width, data.Shape.cast(field.shape).signed
        found[name] = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    return found


@given(st.data())
@settings(max_examples=150)
def test_packed_commands_are_what_the_gateware_decodes(draw: st.DataObject) -> None:
    opcode = draw.draw(st.sampled_from(Opcode))
    group = COMMAND_BODY_OF[opcode]
    ranges = _shapes(COMMAND_BODIES[group]) if group else {}
    tile = draw.draw(st.integers(0, 255))
    fields = {name: draw.draw(st.integers(*bounds)) for name, bounds in ranges.items()}
    (word,) = pack(opcode, tile, **fields)
    command = data.Layout.cast(Command).from_bits(int(word))
    assert command["opcode"] is opcode
    assert command["tile"] == tile
    body = data.Layout.cast(Command)["body"]
    arguments = int(word) >> body.offset
    for name, value in fields.items():
        field = COMMAND_BODIES[group or ""][name]
        assert arguments >> field.offset & ((1 << data.Shape.cast(field.shape).width) - 1) == value


@given(st.data())
@settings(max_examples=150)
def test_responses_are_unpacked_as_they_were_packed(draw: st.DataObject) -> None:
    opcode = draw.draw(st.sampled_from([opcode for opcode in Opcode if RESPONSE_BODY_OF[opcode]]))
    group = RESPONSE_BODY_OF[opcode]
    fields = {name: draw.draw(st.integers(*bounds)) for name, bounds in _shapes(RESPONSE_BODIES[group]).items()}
    status, tile = draw.draw(st.sampled_from(Status)), draw.draw(st.integers(0, 255))
    layout = data.Layout.cast(Response)
    bits = layout.const({"opcode": opcode, "tile": tile, "status": status, "body": {group: fields}}).as_bits()
    beat = np.frombuffer(bits.to_bytes(RESPONSE_BYTES, "little"), np.uint8).reshape(1, -1)
    header = unpack(beat)
    assert (header["opcode"][0], header["tile"][0], header["status"][0]) == (opcode.value, tile, status.value)
    assert {name: int(value[0]) for name, value in unpack_results(opcode, beat).items()} == fields


def test_arguments_are_broadcast() -> None:
    words = pack(Opcode.WRITE, 3, row=np.arange(4), column=np.int32(9), level=[1, 2, 3, 4])
    singles = [pack(Opcode.WRITE, 3, row=row, column=9, level=row + 1)[0] for row in range(4)]
    assert words.tolist() == singles


@pytest.mark.parametrize(
    ("opcode", "fields", "message"),
    [
        (Opcode.WRITE, {"row": 1024}, "WRITE.row holds a value that does not fit its 10 bits"),
        (Opcode.WRITE, {"row": -1}, "does not fit"),
        (Opcode.READ, {"count": 1}, "no argument 'count'; it takes row, column, level"),
        (Opcode.CLEAR, {"row": 1}, "it takes none"),
        (Opcode.READ, {"tile": 256}, "READ.tile"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(opcode: Opcode, fields: dict[str, int], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        pack(opcode, **fields)


def test_codes_that_do_not_fit_a_triple_are_refused() -> None:
    with pytest.raises(ConfigError, match="12 bits"):
        triple(0, 4096, 0)


def test_the_reference_is_up_to_date() -> None:
    text = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text()
    assert text == reference(), "run `python -m twinbar.hw.protocol.reference > docs/protocol.md`"


def test_the_contract_names_commands_that_exist() -> None:
    text = (Path(__file__).parents[2] / "docs" / "controller.md").read_text()
    table = re.findall(r"^\| (`[A-Z_`, ]+)", text, re.MULTILINE)
    named = {name for row in table for name in re.findall(r"`([A-Z_]+)`", row)}
    assert {opcode.name for opcode in Opcode} <= named


def test_register_addresses_are_distinct() -> None:
    addresses = [register.address for register in REGISTERS]
    assert len(set(addresses)) == len(addresses)
    assert max(addresses) < 0x80


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"rows": 1025}, "controller.rows is 1025; it must be a whole number from 1 to 1024"),
        ({"columns": 7}, "must be even"),
        ({"adc_channels": 3}, "power of two"),
        ({"columns": 4, "adc_channels": 4}, "divides the 2 column pairs"),
        ({"adc_bits": 17}, "adc_bits"),
        ({"dac_bits": 13}, "dac_bits"),
        ({"command_depth": 1}, "command_depth"),
        ({"safe_codes": (0, 0, 4096)}, "three codes below 4096"),
        ({"outputs_per_beat": 4}, "controller.outputs_per_beat is 4; it must be a whole number from 1 to 3"),
        ({"cascade": 1}, "controller.cascade is 1; it must be true or false"),
    ],
)
def test_controllers_that_cannot_be_built_are_refused(choice: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ControllerConfig(**choice)


def test_configurations_differ_in_their_hash() -> None:
    assert ControllerConfig().hash == ControllerConfig(rows=128).hash
    assert len({ControllerConfig(rows=rows).hash for rows in range(1, 50)}) == 49
    options = ({}, {"cascade": True}, {"shared_inputs": True}, {"outputs_per_beat": 2}, {"outputs_per_beat": 3})
    assert len({ControllerConfig(**choice).hash for choice in options}) == 5


def test_a_controller_without_options_has_the_hash_that_it_had_before_there_were_any() -> None:
    assert ControllerConfig().hash == 0x28EFA2DF90721740
    small = ControllerConfig(tiles=2, rows=20, columns=8, adc_channels=2, dac_bits=10, cascade=False)
    assert small.hash == 0x8ABC2B06AF599012


def test_packed_sums_are_unpacked_lane_by_lane() -> None:
    def body(column: int, value: int) -> list[int]:
        return list((Opcode.MULTIPLY.value | column << 34 | value << 44).to_bytes(RESPONSE_BYTES, "little"))

    beats = np.array([body(5, 0xFFF | 0x7FF << 12 | 0x800 << 24), body(8, 3)], np.uint8)
    columns, sums = unpack_products(beats, 3)
    assert columns.tolist() == [5, 8]
    assert sums.tolist() == [[-1, 2047, -2048], [3, 0, 0]]
    assert unpack_products(beats[1:], 2)[1].tolist() == [[3, 0]]
    assert unpack_products(beats[1:], 1)[1].tolist() == [[3]]
