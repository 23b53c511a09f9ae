"""Sessions are drawn from their seed alone, and survive being written down."""

import json

import numpy as np
import pytest

from twinbar.emulator.verify.beat_fields import beat, fields_of, opcode_of, rest_of, with_fields
from twinbar.emulator.verify.campaign import sessions
from twinbar.emulator.verify.elaborations import ELABORATIONS, with_tiles
from twinbar.emulator.verify.session import Session, SessionStep
from twinbar.emulator.verify.show import describe, show
from twinbar.hw.errors import ConfigError
from twinbar.hw.protocol.packing import pack
from twinbar.hw.protocol.registers import BY_NAME
from twinbar.hw.protocol.vocabulary import Mode, Opcode


def test_the_seed_decides() -> None:
    one, two, other = (list(sessions(seed, 40, with_tiles(None))) for seed in (4, 4, 5))
    assert one == two
    assert one != other


def test_as_many_programs_as_asked_for() -> None:
    assert sum(len(session.steps) for session in sessions(0, 41, with_tiles(2))) == 41


def test_tiles_are_those_asked_for() -> None:
    drawn = {session.elaboration for session in sessions(0, 60, with_tiles(3))}
    assert {ELABORATIONS[name].controller.tiles for name in drawn} == {3}
    with pytest.raises(ConfigError, match="no controller with 9 tiles is compared; choose 1 to 4 tiles"):
        with_tiles(9)


def test_sessions_survive_json() -> None:
    for session in sessions(2, 60, with_tiles(None)):
        again = Session.from_state_dict(json.loads(json.dumps(session.state_dict())))
        assert again.state_dict() == session.state_dict()
        for step, restored in zip(session.steps, again.steps, strict=True):
            program, other = step.program(), restored.program()
            assert np.array_equal(program.commands, other.commands)
            assert np.array_equal(program.arrivals, other.arrivals)  # type: ignore[arg-type]


@pytest.mark.parametrize("opcode", list(Opcode))
def test_beats_are_those_of_the_protocol(opcode: Opcode) -> None:
    fields = {name: 1 for name in fields_of(opcode.value) if name not in ("opcode", "tile", "reserved")}
    packed = int(pack(opcode, 2, **fields)[0])
    assert beat(opcode, 2, **fields) == packed
    assert fields_of(packed) == {"opcode": opcode.value, "tile": 2, "reserved": 0, **fields}
    assert opcode_of(packed) is opcode
    assert rest_of(packed) == 0
    assert fields_of(with_fields(packed, tile=5))["tile"] == 5


@pytest.mark.parametrize(
    ("command", "text"),
    [
        (beat(Opcode.WRITE, 1, row=2, column=3, level=4), "WRITE tile 1 row 2 column 3 level 4"),
        (beat(Opcode.ARM, 0, mode=Mode.WRITE.value), "ARM tile 0 WRITE"),
        (beat(Opcode.PULSE, 0, record=2, count=3), "PULSE tile 0 RESET count 3"),
        (
            beat(Opcode.WRITE_REGISTER, 0, address=BY_NAME["SET_CODES"].address, value=5 | 6 << 12 | 7 << 24),
            "WRITE_REGISTER tile 0 SET_CODES = (5, 6, 7)",
        ),
        (beat(Opcode.READ_REGISTER, 0, address=0x402), "READ_REGISTER tile 0 trim 2"),
        (beat(Opcode.READ_REGISTER, 0, address=0x83), "READ_REGISTER tile 0 counter of settle"),
        (31 | 1 << 5 | 3 << 40, "opcode 31 tile 1 unused bits 0x30000000000"),
    ],
)
def test_commands_in_words(command: int, text: str) -> None:
    assert describe(command) == text


def test_a_session_in_words() -> None:
    step = SessionStep((beat(Opcode.CLEAR, 0), beat(Opcode.READ, 0, row=1)), (0, 7), (True, True, False), tick=3)
    lines = show(Session("plain", (step,))).splitlines()
    assert lines[1:] == [
        "program 0",
        "  tick 3",
        "  responses are taken: 2 ready, 1 not, repeated",
        "    0  from cycle    0  CLEAR tile 0",
        "    1  from cycle    7  READ tile 0 row 1",
    ]
