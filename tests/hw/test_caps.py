"""Caps that are fixed when a controller is built: no register exceeds them, in gateware and engines alike."""

from dataclasses import replace

import numpy as np
import pytest

from twinbar.emulator.contract.program import Program
from twinbar.emulator.engines.events.events_controller import EventsController
from twinbar.emulator.engines.program.fast_controller import FastController
from twinbar.emulator.engines.program.program_registers import register_rules
from twinbar.emulator.engines.rtl.pysim import PysimController
from twinbar.emulator.verify.elaborations import ELABORATIONS
from twinbar.hw.errors import ParameterError
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.gateware.drive.bias_memory import initial_values
from twinbar.hw.protocol import registers
from twinbar.hw.protocol.packing import pack, unpack
from twinbar.hw.protocol.registers import BY_NAME
from twinbar.hw.protocol.vocabulary import Mode, Opcode, Status

PLAIN = ControllerConfig(rows=4, columns=4, adc_bits=3, input_bits=2, command_depth=2, response_depth=2)
CAPPED = replace(PLAIN, width_cap=3, pulse_cap=20, code_caps=(1000, 2000, 4095))


def _triple(bit_line: int, source_line: int, word_line: int) -> int:
    return bit_line | source_line << 12 | word_line << 24


CASES = [
    ("SET_CODES", _triple(1000, 2000, 4095), True),
    ("SET_CODES", _triple(1001, 2000, 4095), False),
    ("SET_HIGH", _triple(1000, 2001, 0), False),
    ("READ_CODES", _triple(0, 4095, 0), False),
    ("RESET_STOP", _triple(1, 2000, 4095), True),
    ("SET_STEP", _triple(1001, 0, 0), False),
    ("FORM_WIDTH", 3 | 255 << 28, True),
    ("FORM_WIDTH", 4 | 255 << 28, False),
    ("FORM_WIDTH", 0, False),
    ("SET_LIMIT", 1 << 27, False),
    ("SET_LIMIT", 2, True),
    ("PULSE_LIMIT", 20, True),
    ("PULSE_LIMIT", 21, False),
]
"""Registers, values, and whether a controller with these caps takes them; by hand."""


@pytest.mark.parametrize(("name", "value", "taken"), CASES)
def test_what_a_register_takes(name: str, value: int, taken: bool) -> None:
    register = BY_NAME[name]
    assert register.word.holds(value, CAPPED) == taken
    assert register.word.holds(value, PLAIN) == (taken or (name, value) != ("FORM_WIDTH", 0))
    rules = register_rules(CAPPED)
    rule = rules.rules[rules.number[register.address]]
    fields = zip(rule["shift"], rule["mask"], rule["least"], rule["most"], strict=True)
    numbers = [(int(least), value >> int(shift) & int(mask), int(most)) for shift, mask, least, most in fields]
    assert all(least <= number <= most for least, number, most in numbers[: rule["fields"]]) == taken


def test_registers_begin_within_the_caps() -> None:
    values = initial_values(CAPPED)
    assert values[BY_NAME["SET_WIDTH"].address] == 3 | 255 << 28
    assert values[BY_NAME["FORM_LIMIT"].address] == 3 | 255 << 28
    assert values[BY_NAME["PULSE_LIMIT"].address] == 20
    assert initial_values(PLAIN)[BY_NAME["SET_WIDTH"].address] == 5 | 255 << 28
    for register in registers.REGISTERS:
        if register.access.writable:
            assert register.word.holds(values[register.address], CAPPED), register.name


def test_a_host_can_ask_for_them() -> None:
    values = initial_values(CAPPED)
    assert values[0x09] == 3 | 20 << 28
    assert values[0x0A] == _triple(1000, 2000, 4095)
    assert BY_NAME["CAPS"].exists(CAPPED)
    assert not BY_NAME["CAPS"].exists(PLAIN)
    # A host recognises the controller by its hash, which is that of before where there are none.
    assert CAPPED.hash != PLAIN.hash == replace(PLAIN, width_cap=(1 << 28) - 1, pulse_cap=255).hash


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"width_cap": 0}, "width_cap is 0"),
        ({"pulse_cap": 256}, "pulse_cap is 256"),
        ({"safe_codes": (5, 0, 0), "code_caps": (4, 4095, 4095)}, "code_caps is .* from .5, 0, 0., the safe ones"),
        ({"code_caps": (4096, 0, 0)}, "code_caps is"),
    ],
)
def test_caps_that_cannot_be(changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(ParameterError, match=sentence):
        replace(PLAIN, **changes)  # type: ignore[arg-type]


def test_gateware_and_engines_refuse_the_same() -> None:
    elaboration = ELABORATIONS["plain"]
    capped = replace(elaboration.controller, width_cap=3, pulse_cap=20, code_caps=(1000, 2000, 4095))
    addresses = [BY_NAME[name].address for name, _, _ in CASES]
    commands = [
        pack(Opcode.WRITE_REGISTER, 0, address=addresses, value=[value for _, value, _ in CASES]),
        pack(Opcode.READ_REGISTER, 0, address=[*addresses, 0x09, 0x0A]),
        # Records that are at their first values: none leaves its window, and none is too wide.
        pack(Opcode.ARM, 0, mode=Mode.WRITE),
    ]
    program = Program(np.concatenate(commands))
    expected = [Status.OK if taken else Status.BAD_VALUE for _, _, taken in CASES]
    answers = [
        make(elaboration.config, capped).run(program) for make in (PysimController, EventsController, FastController)
    ]
    for answer in answers:
        assert unpack(answer.responses)["status"][: len(CASES)].tolist() == [status.value for status in expected]
        assert answer.responses.tolist() == answers[0].responses.tolist()
        assert answer.response_cycles.tolist() == answers[0].response_cycles.tolist()
