"""The packed forms give back every beat, and are as short as they are meant to be."""

import dataclasses
import zlib

import numpy as np
import pytest
from amaranth.hdl import Shape
from amaranth.lib import data
from beats import MNIST, AnsweringController, any_beats, as_beats, product, sparse_writes, widths_of
from hypothesis import given, settings
from hypothesis import strategies as st

from twinbar.hw.errors import LinkError
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.link import check_word, cobs, command_codec, crc, expectation, frames, responses
from twinbar.hw.link.command_codec import CommandUnpacker
from twinbar.hw.link.expectation import Expectation
from twinbar.hw.link.frames import MOST_TO_BOARD, MOST_TO_HOST, BoardFrame, Deframer, FrameKind, HostFrame
from twinbar.hw.link.responses import ResponseDecoder, ResponseEncoder
from twinbar.hw.protocol.layouts import COMMAND_BODIES, RESPONSE_BODIES, Command, Response
from twinbar.hw.protocol.packing import pack
from twinbar.hw.protocol.vocabulary import Opcode

CONFIGS = [
    MNIST,
    ControllerConfig(),
    ControllerConfig(tiles=256, rows=1024, columns=1024, adc_bits=16, input_bits=8),
    ControllerConfig(tiles=3, rows=5, columns=2, adc_bits=3, input_bits=1),
    ControllerConfig(tiles=2, rows=100, columns=70, input_bits=8),
]


def test_bit_positions_are_those_of_the_layouts() -> None:
    command, response = data.Layout.cast(Command), data.Layout.cast(Response)
    cell, body = COMMAND_BODIES["cell"], command["body"].offset
    assert command["tile"].offset == command_codec.TILE_START
    starts = [body + cell[name].offset for name in ("row", "column", "level")]
    assert starts == [command_codec.ROW_START, command_codec.COLUMN_START, command_codec.LEVEL_START]
    assert body + COMMAND_BODIES["input"]["word"].offset == command_codec.ROW_START
    assert command_codec.after(1 << body + COMMAND_BODIES["input"]["clear"].offset) == 1 << command_codec.ROW_START
    answered = response["body"].offset
    assert response["tile"].offset == expectation.TILE_START
    assert response["status"].offset == expectation.STATUS_START
    assert response["faults"].offset == responses.CONTEXT_START
    assert responses.CONTEXT_START + responses.CONTEXT_BITS == answered == expectation.ECHO_START
    fields = {name: answered + field.offset for name, field in RESPONSE_BODIES["cell"]}
    assert (fields["code"], fields["sets"]) == (expectation.VALUE_START, responses.SETS_START)
    assert fields["resets"] == responses.RESETS_START
    assert Shape.cast(RESPONSE_BODIES["cell"]["code"].shape).width == responses.CODE_BITS
    assert answered + RESPONSE_BODIES["product"]["sum"].offset == expectation.VALUE_START


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("level_bits", [1, 4, 8])
def test_any_commands_come_back(config: ControllerConfig, level_bits: int) -> None:
    widths = widths_of(config, level_bits)
    rng = np.random.default_rng(level_bits)
    for count in (0, 1, 2, 3, 60, 900):
        beats = any_beats(rng, count, config) if count else np.zeros(0, np.uint64)
        assert command_codec.decode(command_codec.encode(beats, widths), widths).tolist() == beats.tolist()


@settings(max_examples=200)
@given(st.lists(st.integers(0, (1 << 64) - 1), max_size=12), st.sampled_from(CONFIGS))
def test_beats_of_any_bits_come_back(beats: list[int], config: ControllerConfig) -> None:
    widths = widths_of(config)
    assert command_codec.decode(command_codec.encode(np.array(beats, np.uint64), widths), widths).tolist() == beats


@settings(max_examples=100)
@given(st.data())
def test_cells_near_every_bound_come_back(draws: st.DataObject) -> None:
    widths = widths_of(MNIST)
    row = st.sampled_from([0, 1, 29, 30, 31, 32, 126, 127, 128])
    cells = st.tuples(st.sampled_from([0, 1, 15, 16, 29, 30]), row, st.sampled_from([0, 63, 64, 127, 128]))
    found = draws.draw(st.lists(st.tuples(cells, st.sampled_from([0, 15, 16])), min_size=1, max_size=20))
    if draws.draw(st.booleans()):
        found.sort()
    (tile, row, column), level = zip(*(cell for cell, _ in found), strict=True), [level for _, level in found]
    beats = pack(Opcode.WRITE, tile, row=row, column=column, level=level)
    assert command_codec.decode(command_codec.encode(beats, widths), widths).tolist() == beats.tolist()


def test_a_stream_may_be_cut_anywhere() -> None:
    widths = widths_of(MNIST)
    rng = np.random.default_rng(3)
    beats = any_beats(rng, 300, MNIST)
    packed = command_codec.encode(beats, widths)
    decoder, found, position = CommandUnpacker(widths), [], 0
    while position < len(packed):
        size = int(rng.integers(1, 9))
        found += decoder.feed(packed[position : position + size])
        position += size
    assert found == beats.tolist()
    assert decoder.at_rest


def test_zeros_are_noticed() -> None:
    decoder = CommandUnpacker(widths_of(MNIST))
    assert decoder.feed(bytes(64)) == []
    assert decoder.malformed


def frame_payloads(records: list[tuple[int, int]]) -> list[bytes]:
    """Fill frames as the board does: a record is begun while the longest one has room."""
    payloads, bits, length = [], 0, 0
    for record, size in records:
        if length > 8 * (MOST_TO_HOST - 1) - responses.LONGEST_BITS:
            payloads.append(bits.to_bytes(-(-length // 8), "little"))
            bits, length = 0, 0
        bits, length = bits | record << length, length + size
    return [*payloads, bits.to_bytes(-(-length // 8), "little")]


@pytest.mark.parametrize("config", CONFIGS)
def test_any_responses_come_back(config: ControllerConfig) -> None:
    widths = widths_of(config)
    rng = np.random.default_rng(1)
    beats = any_beats(rng, 400, config)
    # Bits that no response can echo: opcodes are answered as they are, addresses are 20 bits.
    controller = AnsweringController(config, seed=2)
    for beat in beats.tolist():
        controller.take(beat)
    answered = []
    while controller.busy:
        answered += controller.step()
    encoder = ResponseEncoder(widths)
    expected = Expectation(config.tiles)
    expected.add(beats)
    decoder = ResponseDecoder(widths, expected)
    payloads = frame_payloads([encoder.encode(beat) for beat in answered])
    assert max(map(len, payloads)) <= MOST_TO_HOST
    found = np.concatenate([decoder.decode(payload) for payload in payloads])
    np.testing.assert_array_equal(found, as_beats(answered))
    assert len(expected) == 0


def test_an_answer_to_nothing_is_refused() -> None:
    widths = widths_of(MNIST)
    expected = Expectation(MNIST.tiles)
    expected.add(pack(Opcode.READ, 3, row=1, column=2))
    record, bits = ResponseEncoder(widths).encode(Opcode.READ.value | 4 << 5)
    with pytest.raises(LinkError, match="tile 4 answers more than it was asked"):
        ResponseDecoder(widths, expected).decode(record.to_bytes(-(-bits // 8), "little"))


def test_the_check_word_notices_any_changed_beat() -> None:
    rng = np.random.default_rng(0)
    beats = rng.integers(256, size=(50, 10), dtype=np.uint8)
    word = check_word.updated(0x1234, beats)
    assert word == check_word.updated(check_word.updated(0x1234, beats[:20]), beats[20:])
    one_by_one = 0x1234
    for beat in beats:
        one_by_one = check_word.after(one_by_one, int.from_bytes(beat.tobytes(), "little"))
    assert word == one_by_one
    for bit in range(80):
        changed = beats.copy()
        changed[7, bit // 8] ^= 1 << bit % 8
        assert check_word.updated(0x1234, changed) != word
    assert check_word.updated(0x1234, beats[[1, 0, *range(2, 50)]]) != word


@given(st.lists(st.sampled_from([b"\0", b"a", b"\1\2\xff", b"x" * 253, b"y" * 254, b"z" * 255]), max_size=6))
def test_stuffing(parts: list[bytes]) -> None:
    contents = b"".join(parts)
    stuffed = cobs.encode(contents)
    assert 0 not in stuffed
    assert cobs.decode(stuffed) == contents
    assert len(stuffed) <= len(contents) + 1 + len(contents) // cobs.BLOCK


def test_the_crc_is_the_bit_serial_one_and_leaves_its_residue() -> None:
    register = crc.INIT
    for byte in crc.sealed(b"123456789"):
        for place in range(8):
            feedback = (register ^ byte >> place) & 1
            register = register >> 1 ^ crc.POLYNOMIAL * feedback
    assert register == crc.RESIDUE
    assert crc.crc32(b"123456789") == 0xCBF43926 == zlib.crc32(b"123456789")


def test_up_to_four_flipped_bits_are_found() -> None:
    contents = crc.sealed(bytes(range(250)))
    rng = np.random.default_rng(0)
    for _ in range(3000):
        flipped = bytearray(contents)
        for place in rng.choice(8 * len(contents), rng.integers(1, 5), replace=False):
            flipped[place >> 3] ^= 1 << (place & 7)
        assert not crc.intact(bytes(flipped))


def test_frames_come_back_through_noise() -> None:
    host = HostFrame(FrameKind.DATA, 5, 200, 100, bytes(MOST_TO_BOARD), push=True)
    board = BoardFrame(FrameKind.DATA, 9, 3, 4, 5, 2, 0xBEEF, b"\xff" * MOST_TO_HOST)
    for frame in (host, board):
        assert len(frame.pack()) == frames.LONGEST_FRAME
        deframer = Deframer()
        noise = bytes([1, 2, 3, 0, 250, 7, 0, 0])
        found = [unpacked for byte in noise + frame.pack() * 2 for unpacked in deframer.feed(bytes([byte]))]
        assert [type(frame).unpack(contents) for contents in found] == [frame, frame]
        assert deframer.damaged == 2


def test_bytes_per_sparse_write() -> None:
    rng = np.random.default_rng(0)
    widths = widths_of(MNIST)
    for writes in (400, 1000):
        beats = np.stack([sparse_writes(rng, writes) for _ in range(20)])
        sent = 0
        for step in beats:
            packed = command_codec.encode(step, widths)
            cut = [packed[start : start + MOST_TO_BOARD] for start in range(0, len(packed), MOST_TO_BOARD)]
            sent += sum(len(HostFrame(FrameKind.DATA, 0, payload=part).pack()) for part in cut)
        print(f"{writes} writes: {sent / beats.size:.3f} bytes per write")
        assert sent / beats.size <= 2.2


def test_an_input_vector_costs_little_more_than_its_bits() -> None:
    widths = widths_of(MNIST)
    beats = product(np.random.default_rng(0), MNIST, 3)
    words = len(beats) - 1
    assert len(command_codec.encode(beats[:-1], widths)) == 4 * words + 5
    assert len(command_codec.encode(beats[-1:], widths)) == 9


def test_any_geometry_has_widths_that_fit() -> None:
    for config in CONFIGS:
        for level_bits in range(1, 9):
            widths = dataclasses.replace(widths_of(config), level_bits=level_bits)
            assert widths.low_bits + widths.gap_bits <= 8 * widths.entry_bytes
            assert 1023 + max(widths.escape, (1 << widths.skip_bits) - 1) < 1 << 12
            assert widths.gap_bits >= 4
            assert widths.short_bits >= 8
            assert responses.medium_bits(widths) <= 57


@pytest.mark.parametrize("stuffed", [b"\x05\x01", b"\x03\x01\x01\x02", b"\xff\x01"])
def test_a_block_that_is_cut_short_is_no_frame(stuffed: bytes) -> None:
    assert cobs.decode(stuffed) is None
