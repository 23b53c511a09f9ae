"""The first exchange on the page of the Verilog is what the protocol packs, and what a controller answers."""

import re
from pathlib import Path

import numpy as np
from crossbar_choices import crossbar_of, shape_of

from twinbar.emulator.contract.program import Program
from twinbar.emulator.engines.program.fast_controller import FastController
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.protocol.packing import pack
from twinbar.hw.protocol.registers import BY_NAME
from twinbar.hw.protocol.vocabulary import Mode, Opcode

PAGE = Path(__file__).parent.parent.parent / "docs" / "verilog.md"
SELECT = BY_NAME["SELECT"].address


def test_beats_and_answers_are_those_of_the_page() -> None:
    rows = re.findall(r"\| `(0x[0-9a-f]{16})` \| `(0x[0-9a-f]{20})` \|", PAGE.read_text(encoding="utf-8"))
    commands = np.concatenate(
        [
            pack(Opcode.READ_REGISTER, 0, address=BY_NAME["IDENTITY"].address),
            pack(Opcode.WRITE_REGISTER, 0, address=SELECT, value=4),
            pack(Opcode.READ_REGISTER, 0, address=SELECT),
            pack(Opcode.ARM, 0, mode=Mode.READ.value),
            pack(Opcode.READ, 0, row=8, column=2),
        ]
    )
    controller = ControllerConfig(rows=8, columns=8)
    array = crossbar_of("milo-hfo2", **shape_of(controller), inputs="planes", pairs="separate")
    answers = FastController(array, controller).run(Program(commands)).responses
    said = [(int(command, 16), int(answer, 16).to_bytes(10, "little")) for command, answer in rows]
    assert said == [(int(beat), bytes(answer)) for beat, answer in zip(commands, answers, strict=True)]
